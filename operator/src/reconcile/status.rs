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

use super::{Error, conditions::Conditioned, guarded};
use crate::{context::FIELD_MANAGER, events};

/// Until when what is written holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum While {
    /// Nobody has written the resource since it was read.
    Untouched,
    /// Its memory is what it was, whatever else somebody has written. Of a status without a memory: as `Untouched`.
    Remembered,
}

/// Writes `status`, unless the resource has just that already. All that the operator has to say of the resource must be in it:
/// what is left out is taken away. `observedGeneration` is set here.
///
/// A status goes by server-side apply; one that is a memory replaces what was read, or nothing is written.
///
/// # Errors
/// The API server refused it. [`Error::Conflict`]: the resource is another one, or its memory is not what was read.
pub async fn write<K>(client: &Client, resource: &K, status: K::Status) -> Result<bool, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + HasStatus + Clone + DeserializeOwned + Debug,
    K::Status: Conditioned + Serialize,
{
    write_while(client, resource, status, While::Untouched).await
}

/// The same, and says what others may have written meanwhile.
///
/// # Errors
/// As [`write()`].
pub async fn write_while<K>(client: &Client, resource: &K, mut status: K::Status, holds: While) -> Result<bool, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + HasStatus + Clone + DeserializeOwned + Debug,
    K::Status: Conditioned + Serialize,
{
    *status.observed_generation_mut() = resource.meta().generation;
    put(client, resource, status, holds).await
}

/// The same, when the newest spec is not what the status speaks of.
///
/// # Errors
/// As [`write()`].
pub async fn write_of_earlier<K>(client: &Client, resource: &K, status: K::Status) -> Result<bool, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + HasStatus + Clone + DeserializeOwned + Debug,
    K::Status: Conditioned + Serialize,
{
    put(client, resource, status, While::Untouched).await
}

async fn put<K>(client: &Client, resource: &K, status: K::Status, holds: While) -> Result<bool, Error>
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
    let name = resource.name_any();
    match K::Status::MEMORY {
        None => {
            let patch = json!({
                "apiVersion": K::api_version(&()),
                "kind": K::kind(&()),
                "metadata": { "name": name },
                "status": news,
            });
            api.patch_status(&name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(patch)).await?;
        }
        Some(memory) => {
            let known = told.as_ref().and_then(|told| told.get(memory));
            let guard = match (holds, known) {
                (While::Remembered, Some(known)) => guarded::is(&["status", memory], known.clone()),
                _ => guarded::is(&["metadata", "resourceVersion"], json!(resource.resource_version())),
            };
            let same = guarded::is(&["metadata", "uid"], json!(resource.uid()));
            let patch = guarded::patch([same, guard, guarded::put(&["status"], news)]);
            api.patch_status(&name, &guarded::parameters(), &patch).await.map_err(guarded::refused)?;
        }
    }
    events::status_written(&K::kind(&()));
    Ok(true)
}
