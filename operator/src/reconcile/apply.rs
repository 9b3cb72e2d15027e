//! Writes objects by server-side apply, under the operator's one name.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};

use super::Error;
use crate::{context::FIELD_MANAGER, events};

/// Makes the fields of `object` so, and takes away those that an earlier apply set and this one does not. Fields of others stay
/// theirs; one that somebody else owns with another value is taken over, so leave out what is theirs to decide.
///
/// # Errors
/// The API server refused it.
pub async fn apply<K>(client: &Client, object: &K) -> Result<K, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Serialize + Debug,
{
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let api: Api<K> = Api::namespaced(client.clone(), &namespace);
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let applied = api.patch(&name, &parameters, &Patch::Apply(object)).await?;
    events::object_applied(&K::kind(&()), &namespace, &name);
    Ok(applied)
}
