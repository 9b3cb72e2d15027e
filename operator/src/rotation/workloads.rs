//! The workloads that read the Secret when they start: told to restart, and watched while they do.

use std::fmt::Debug;

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{Pod, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, Patch, PatchParams},
    core::Selector,
};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    layout::Layout,
    names::{field_manager, versions_annotation},
    step::Rollout,
};
use crate::{
    crd::secret_rotation::{Workload, WorkloadKind},
    events,
    reconcile::Error,
};

/// The workloads of one rotation.
pub struct Workloads<'w> {
    /// The API server.
    pub client: &'w Client,
    /// Where they are.
    pub namespace: &'w str,
    /// The rotation's name.
    pub rotation: &'w str,
    /// Which they are.
    pub workloads: &'w [Workload],
}

/// What was seen of one workload.
struct Sight {
    /// Which versions its pods are to be started with.
    told: Option<String>,
    selector: LabelSelector,
    rollout: Rollout,
}

impl Workloads<'_> {
    /// Whether all were told to run with `layout`, and how far they are.
    ///
    /// # Errors
    /// The API server cannot be asked.
    pub async fn look(&self, layout: Layout) -> Result<(bool, Rollout), Error> {
        let (mut told, mut rollout) = (true, Rollout::Done);
        let annotation = versions_annotation(self.rotation);
        for workload in self.workloads {
            let name = format!("{:?} {}", workload.kind, workload.name);
            let Some(sight) = self.sight(workload, &annotation).await? else {
                rollout = worse(rollout, Rollout::Stuck(format!("{name} does not exist.")));
                continue;
            };
            told &= sight.told.as_deref() == Some(&layout.to_string());
            let mut at = sight.rollout;
            // Pods that are ending count too: they serve until they are gone.
            if at == Rollout::Done {
                let others = self.pods_without(&sight.selector, &annotation, layout).await?;
                if others > 0 {
                    at = Rollout::Pending(format!("{name} still has {others} pods with another version."));
                }
            }
            rollout = worse(rollout, at);
        }
        Ok((told, rollout))
    }

    /// Tells all workloads to replace their pods by ones that start with `layout`. Missing ones are left out.
    ///
    /// # Errors
    /// The API server refused it.
    pub async fn roll(&self, layout: Layout) -> Result<(), Error> {
        let annotation = versions_annotation(self.rotation);
        for workload in self.workloads {
            let Some(sight) = self.sight(workload, &annotation).await? else { continue };
            if sight.told.as_deref() == Some(&layout.to_string()) {
                continue;
            }
            match workload.kind {
                WorkloadKind::Deployment => self.mark::<Deployment>(workload, &annotation, layout).await?,
                WorkloadKind::StatefulSet => self.mark::<StatefulSet>(workload, &annotation, layout).await?,
            }
        }
        Ok(())
    }

    async fn mark<K>(&self, workload: &Workload, annotation: &str, layout: Layout) -> Result<(), Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), self.namespace);
        let mark = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": { "name": workload.name },
            "spec": { "template": { "metadata": { "annotations": { annotation: layout.to_string() } } } },
        });
        let parameters = PatchParams::apply(&field_manager(self.rotation)).force();
        api.patch(&workload.name, &parameters, &Patch::Apply(mark)).await?;
        events::object_applied(&K::kind(&()), self.namespace, &workload.name);
        Ok(())
    }

    async fn sight(&self, workload: &Workload, annotation: &str) -> Result<Option<Sight>, Error> {
        match workload.kind {
            WorkloadKind::Deployment => {
                let api: Api<Deployment> = Api::namespaced(self.client.clone(), self.namespace);
                Ok(api.get_opt(&workload.name).await?.map(|found| of_deployment(&found, annotation)))
            }
            WorkloadKind::StatefulSet => {
                let api: Api<StatefulSet> = Api::namespaced(self.client.clone(), self.namespace);
                Ok(api.get_opt(&workload.name).await?.map(|found| of_stateful_set(&found, annotation)))
            }
        }
    }

    async fn pods_without(&self, selector: &LabelSelector, annotation: &str, layout: Layout) -> Result<usize, Error> {
        let selector = Selector::try_from(selector.clone()).map_err(|error| {
            Error::invalid("SelectorInvalid", format!("a workload's selector cannot be read: {error}"))
        })?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), self.namespace);
        let pods = pods.list(&ListParams::default().labels_from(&selector)).await?;
        let wanted = layout.to_string();
        let runs = |pod: &Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            !matches!(phase, Some("Succeeded" | "Failed"))
        };
        Ok(pods.iter().filter(|pod| runs(pod) && pod.annotations().get(annotation) != Some(&wanted)).count())
    }
}

fn of_deployment(deployment: &Deployment, annotation: &str) -> Sight {
    let name = deployment.name_any();
    let spec = &deployment.spec;
    let status = deployment.status.clone().unwrap_or_default();
    let wanted = spec.replicas.unwrap_or(1);
    let (updated, available) = (status.updated_replicas.unwrap_or(0), status.available_replicas.unwrap_or(0));
    let failed = status.conditions.iter().flatten().find(|condition| {
        condition.type_.as_deref() == Some("Progressing")
            && condition.status.as_deref() == Some("False")
            && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
    });
    let seen = status.observed_generation >= deployment.metadata.generation;
    let done = seen && updated >= wanted && available >= wanted && status.replicas.unwrap_or(0) <= updated;
    let rollout = if done {
        Rollout::Done
    } else if spec.paused == Some(true) {
        Rollout::Stuck(format!("Deployment {name} is paused."))
    } else if seen && failed.is_some() {
        Rollout::Stuck(format!(
            "Deployment {name} does not get its new pods ready in time: {available} of {wanted} are available."
        ))
    } else {
        Rollout::Pending(format!(
            "Deployment {name}: {updated} of {wanted} pods are replaced, {available} are available."
        ))
    };
    Sight { told: mark(&spec.template, annotation), selector: spec.selector.clone(), rollout }
}

fn of_stateful_set(set: &StatefulSet, annotation: &str) -> Sight {
    let name = set.name_any();
    let spec = &set.spec;
    let status = set.status.clone().unwrap_or_default();
    let wanted = spec.replicas.unwrap_or(1);
    let (updated, ready) = (status.updated_replicas.unwrap_or(0), status.ready_replicas.unwrap_or(0));
    let seen = status.observed_generation >= set.metadata.generation;
    let rollout = if seen && updated >= wanted && ready >= wanted && status.current_revision == status.update_revision {
        Rollout::Done
    } else {
        Rollout::Pending(format!("StatefulSet {name}: {updated} of {wanted} pods are replaced, {ready} are ready."))
    };
    Sight { told: mark(&spec.template, annotation), selector: spec.selector.clone(), rollout }
}

/// Which versions the pods of a template are to be started with.
fn mark(template: &PodTemplateSpec, annotation: &str) -> Option<String> {
    template.metadata.as_ref()?.annotations.as_ref()?.get(annotation).cloned()
}

/// The one that wants more attention.
fn worse(one: Rollout, other: Rollout) -> Rollout {
    match (&one, &other) {
        (Rollout::Stuck(_), _) | (_, Rollout::Done) => one,
        (_, Rollout::Stuck(_)) | (Rollout::Done, _) => other,
        (Rollout::Pending(_), Rollout::Pending(_)) => one,
    }
}
