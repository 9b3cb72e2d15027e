//! Who has set the number of processes on a Deployment, as its managed fields tell.

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::{
    autoscaler::SCALER,
    context::FIELD_MANAGER,
    kubectl::{cluster::Cluster, find::look, problem::Problem},
};

/// Who else than the operator has set it. What a RegionAutoscaler has set counts only while there is one that decides.
pub fn others(deployment: &Deployment, autoscaled: bool) -> Vec<String> {
    let mut others: Vec<_> = deployment
        .managed_fields()
        .iter()
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| owns(&fields.0)))
        .filter_map(|entry| entry.manager.clone())
        .filter(|manager| manager != FIELD_MANAGER && (autoscaled || manager != SCALER))
        .collect();
    others.sort();
    others.dedup();
    others
}

/// Gives the number up for all of them, so that the operator takes it again. The number itself stays until then.
///
/// # Errors
/// The API server refused it.
pub async fn hand_back(cluster: &Cluster, name: &str) -> Result<(), Problem> {
    for tries in 0.. {
        let Some(deployment) = look::<Deployment>(cluster, name).await? else { return Ok(()) };
        if others(&deployment, true).is_empty() {
            return Ok(());
        }
        let entries: Vec<Value> = deployment
            .managed_fields()
            .iter()
            .filter_map(|entry| serde_json::to_value(entry).ok())
            .filter_map(without_number)
            .collect();
        let version = deployment.resource_version();
        let patch = json!({ "metadata": { "resourceVersion": version, "managedFields": entries } });
        match cluster.change::<Deployment>(name, &patch).await {
            Err(problem) if problem.passing && tries < super::TRIES => {}
            changed => return changed.map(|_| ()),
        }
    }
    Ok(())
}

/// An entry of managed fields without the number; nothing when it was all that it had.
fn without_number(mut entry: Value) -> Option<Value> {
    if entry["manager"] == FIELD_MANAGER {
        return Some(entry);
    }
    if let Some(fields) = entry.get_mut("fieldsV1").and_then(Value::as_object_mut) {
        if let Some(spec) = fields.get_mut("f:spec").and_then(Value::as_object_mut) {
            spec.remove("f:replicas");
            if spec.is_empty() {
                fields.remove("f:spec");
            }
        }
        if fields.is_empty() {
            return None;
        }
    }
    Some(entry)
}

fn owns(fields: &Value) -> bool {
    fields["f:spec"].get("f:replicas").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, fields: Value) -> Value {
        json!({ "manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": fields })
    }

    #[test]
    fn only_the_number_is_given_up() {
        let both = entry("kubectl-edit", json!({ "f:spec": { "f:replicas": {}, "f:paused": {} } }));
        assert_eq!(without_number(both), Some(entry("kubectl-edit", json!({ "f:spec": { "f:paused": {} } }))));
        assert_eq!(without_number(entry("hpa", json!({ "f:spec": { "f:replicas": {} } }))), None);
        let ours = entry(FIELD_MANAGER, json!({ "f:spec": { "f:replicas": {} } }));
        assert_eq!(without_number(ours.clone()), Some(ours));
    }

    #[test]
    fn an_autoscaler_that_is_gone_owns_nothing() {
        let deployment: Deployment = serde_json::from_value(json!({
            "metadata": { "name": "eu-gateway", "managedFields": [
                entry(FIELD_MANAGER, json!({ "f:spec": { "f:template": {} } })),
                entry(SCALER, json!({ "f:spec": { "f:replicas": {} } })),
            ] },
            "spec": { "selector": {}, "template": {} },
        }))
        .unwrap();
        assert!(others(&deployment, false).is_empty());
        assert_eq!(others(&deployment, true), [SCALER]);
    }
}
