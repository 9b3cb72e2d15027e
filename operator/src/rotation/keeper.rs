//! Where database users are kept as long as they are valid: Vault tells a password only once.
//!
//! A Secret beside the SecretRotation, owned by it and deleted with it, with two entries a version.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use secrecy::ExposeSecret;
use serde_json::json;

use super::source::Material;
use crate::{context::FIELD_MANAGER, crd::SecretRotation, events, reconcile::Error, vault::SignInData};

/// The name of that Secret.
pub fn keeper_name(rotation: &SecretRotation) -> String {
    format!("{}-versions", rotation.name_any())
}

/// The Secret with the valid database users of one SecretRotation.
pub struct Keeper {
    secrets: Api<Secret>,
    name: String,
    rotation: SecretRotation,
}

impl Keeper {
    /// That of `rotation`.
    pub fn of(client: Client, rotation: &SecretRotation) -> Self {
        let secrets = Api::namespaced(client, &rotation.namespace().unwrap_or_default());
        Self { secrets, name: keeper_name(rotation), rotation: rotation.clone() }
    }

    /// Keeps the user that is version `number`.
    pub(super) async fn keep(&self, number: i64, user: &SignInData) -> Result<(), Error> {
        self.change(|data| {
            data.insert(username(number), ByteString(user.username.clone().into_bytes()));
            data.insert(password(number), ByteString(user.password.expose_secret().as_bytes().to_vec()));
        })
        .await
    }

    /// Forgets version `number`.
    pub(super) async fn forget(&self, number: i64) -> Result<(), Error> {
        self.change(|data| {
            data.remove(&username(number));
            data.remove(&password(number));
        })
        .await
    }

    /// The user that is version `number`.
    pub(super) async fn user(&self, number: i64) -> Result<Material, Error> {
        let data = self.secrets.get_opt(&self.name).await?.and_then(|secret| secret.data).unwrap_or_default();
        let text = |key: String| data.get(&key).and_then(|bytes| String::from_utf8(bytes.0.clone()).ok());
        match (text(username(number)), text(password(number))) {
            (Some(name), Some(password)) => Ok(Material::User { name, password: password.into() }),
            _ => Err(Error::dependency(
                "VersionMissing",
                format!(
                    "the Secret {} has no version {number} any more: ask for a new one with the annotation muster.dev/rotate",
                    self.name
                ),
            )),
        }
    }

    /// Writes only what changed, and only over what was just read.
    async fn change(&self, change: impl FnOnce(&mut BTreeMap<String, ByteString>)) -> Result<(), Error> {
        let known = self.secrets.get_opt(&self.name).await?;
        let mut data = known.as_ref().and_then(|secret| secret.data.clone()).unwrap_or_default();
        let before = data.clone();
        change(&mut data);
        if data == before {
            return Ok(());
        }
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": self.name,
                "resourceVersion": known.as_ref().and_then(ResourceExt::resource_version),
                "ownerReferences": [self.rotation.controller_owner_ref(&())],
                "labels": { "app.kubernetes.io/managed-by": FIELD_MANAGER },
            },
            "data": data,
        });
        self.secrets.patch(&self.name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(secret)).await?;
        events::object_applied("Secret", &self.rotation.namespace().unwrap_or_default(), &self.name);
        Ok(())
    }
}

fn username(number: i64) -> String {
    format!("{number}.username")
}

fn password(number: i64) -> String {
    format!("{number}.password")
}
