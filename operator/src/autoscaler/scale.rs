//! The number of processes on the Deployment, and whose it is.
//!
//! Whoever last set `spec.replicas` of a Deployment owns it in its managed fields. The autoscaler takes it from the Region (which
//! then leaves it alone), and from nobody else: a HorizontalPodAutoscaler or a person keeps what they set until they let go of it.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    context::FIELD_MANAGER,
    events,
    reconcile::{Error, guarded},
    region::owned::Owner,
};

/// Under which the autoscaler owns the number. Not the operator's common name: the Region's apply would take it away.
pub const SCALER: &str = "muster-autoscaler";

/// The Deployment of a role.
pub struct Scaled {
    /// How many processes it is to have.
    pub replicas: i32,
    /// How many of them are ready.
    pub ready: i32,
    /// Who else decides that, by name of the field manager.
    pub others: Vec<String>,
}

/// Looks at the Deployment of `region`; `None` when there is none yet.
///
/// # Errors
/// The API server cannot be asked. [`Error::NotOurs`]: one of that name is not the Region's.
pub async fn look(deployments: &Api<Deployment>, name: &str, region: &str) -> Result<Option<Scaled>, Error> {
    let Some(deployment) = deployments.get_opt(name).await? else { return Ok(None) };
    Owner::of(&deployment.metadata).allows(region, "Deployment", name)?;
    Ok(Some(Scaled {
        replicas: deployment.spec.replicas.unwrap_or(1),
        ready: deployment.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0),
        others: others(&deployment),
    }))
}

fn others(deployment: &Deployment) -> Vec<String> {
    let owns = |fields: &serde_json::Value| fields["f:spec"].get("f:replicas").is_some();
    let entries = deployment.managed_fields().iter();
    let mut others: Vec<String> = entries
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| owns(&fields.0)))
        .filter_map(|entry| entry.manager.clone())
        .filter(|manager| manager != FIELD_MANAGER && manager != SCALER)
        .collect();
    others.sort();
    others.dedup();
    others
}

/// Times that the number is set while somebody else writes the same Deployment, such as its status during a rollout. What was
/// measured since the last look is asked for only once, so it is not for the next look to try again.
const TRIES: usize = 5;

/// Sets the number. Forced only against the Region: whose it is was looked at just before, and a resource version that has changed since
/// is refused, and looked at again.
///
/// # Errors
/// The API server refused it, or somebody else was faster every time.
pub async fn set(deployments: &Api<Deployment>, namespace: &str, name: &str, replicas: i32) -> Result<bool, Error> {
    let mut tries = 0;
    loop {
        let Some(deployment) = deployments.get_opt(name).await? else { return Ok(false) };
        if !others(&deployment).is_empty() {
            return Ok(false);
        }
        let wanted = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": name, "resourceVersion": deployment.resource_version() },
            "spec": { "replicas": replicas },
        });
        tries += 1;
        match deployments.patch(name, &PatchParams::apply(SCALER).force(), &Patch::Apply(wanted)).await {
            Err(kube::Error::Api(status)) if status.code == 409 && tries < TRIES => {}
            patched => {
                patched?;
                break;
            }
        }
    }
    events::object_applied("Deployment", namespace, name);
    Ok(true)
}

/// Gives the number up, so that it is the Region's again; whether it was the autoscaler's. The number itself stays until the Region sets
/// its own: an apply without it would leave the Deployment with one process in between.
///
/// # Errors
/// The API server refused it, or somebody else was faster every time.
pub async fn hand_back(deployments: &Api<Deployment>, namespace: &str, name: &str) -> Result<bool, Error> {
    let mut tries = 0;
    loop {
        let Some(deployment) = deployments.get_opt(name).await? else { return Ok(false) };
        let entries = deployment.managed_fields().iter();
        // It owns nothing else.
        let others: Vec<_> = entries.filter(|entry| entry.manager.as_deref() != Some(SCALER)).collect();
        if others.len() == deployment.managed_fields().len() {
            return Ok(false);
        }
        let without =
            json!({ "metadata": { "resourceVersion": deployment.resource_version(), "managedFields": others } });
        tries += 1;
        match deployments.patch_metadata(name, &guarded::parameters(), &Patch::Merge(without)).await {
            Err(kube::Error::Api(status)) if status.code == 409 && tries < TRIES => {}
            patched => {
                patched?;
                break;
            }
        }
    }
    events::object_applied("Deployment", namespace, name);
    Ok(true)
}
