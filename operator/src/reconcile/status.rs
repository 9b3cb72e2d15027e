//! Writes a status, when it says something new.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::object::HasStatus,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{Error, conditions::Conditioned};
use crate::{context::FIELD_MANAGER, events};

/// Writes `status` by server-side apply, unless the resource has just that already. All that the operator has to say of the resource
/// must be in it: what is left out is taken away. `observedGeneration` is set here.
///
/// # Errors
/// The API server refused it.
pub async fn write<K>(client: &Client, resource: &K, mut status: K::Status) -> Result<bool, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + HasStatus + Clone + DeserializeOwned + Debug,
    K::Status: Conditioned + Serialize,
{
    *status.observed_generation_mut() = resource.meta().generation;
    write_of_earlier(client, resource, status).await
}

/// The same, when the newest spec is not what the status speaks of.
///
/// # Errors
/// The API server refused it.
pub async fn write_of_earlier<K>(client: &Client, resource: &K, status: K::Status) -> Result<bool, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + HasStatus + Clone + DeserializeOwned + Debug,
    K::Status: Conditioned + Serialize,
{
    let told = resource.status().map(serde_json::to_value).transpose().ok().flatten();
    let news = serde_json::to_value(&status).map_err(|error| {
        Error::invalid("StatusUnreadable", format!("the status cannot be written as JSON: {error}"))
    })?;
    if told.as_ref() == Some(&news) {
        return Ok(false);
    }
    let api: Api<K> = Api::namespaced(client.clone(), &resource.namespace().unwrap_or_default());
    let mut metadata = json!({ "name": resource.name_any() });
    if status.is_memory() {
        // A patch with a version is refused when somebody else was faster, and one with a uid when the resource is another one.
        metadata["uid"] = json!(resource.uid());
        metadata["resourceVersion"] = json!(resource.resource_version());
    }
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": metadata,
        "status": news,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    api.patch_status(&resource.name_any(), &parameters, &Patch::Apply(patch)).await?;
    events::status_written(&K::kind(&()));
    Ok(true)
}
