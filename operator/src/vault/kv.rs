//! One entry of a secret in the key-value store, version 2, and its versions.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use vaultrs::{
    api::kv2::{requests::SetSecretRequestOptions, responses::ReadSecretMetadataResponse},
    kv2,
};

use super::{Trouble, Vault, VaultError};

/// One entry of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where the store is mounted.
    pub mount: String,
    /// The secret's path under the mount.
    pub path: String,
    /// Its entry.
    pub key: String,
}

impl Entry {
    /// The newest version of the secret, 0 when it never was. Whether that version can still be read is another question.
    ///
    /// # Errors
    /// Vault cannot be asked.
    pub async fn newest(&self, vault: &Vault) -> Result<i64, VaultError> {
        self.metadata(vault).await?.map_or(Ok(0), |metadata| number(metadata.current_version))
    }

    /// The value of a version; `None` when that version is deleted or has no such entry.
    ///
    /// # Errors
    /// Vault cannot be asked.
    pub async fn value(&self, vault: &Vault, version: i64) -> Result<Option<SecretString>, VaultError> {
        let data = self.data(vault, version).await?;
        Ok(data.and_then(|data| data.get(&self.key).and_then(Value::as_str).map(SecretString::from)))
    }

    /// Writes a value beside the secret's other entries as the version after `after`, and gives its number.
    ///
    /// # Errors
    /// A [`Trouble::Conflict`] when somebody else wrote that version first.
    pub async fn write(&self, vault: &Vault, value: &SecretString, after: i64) -> Result<i64, VaultError> {
        let mut data = self.data(vault, after).await?.unwrap_or_default();
        data.insert(self.key.clone(), Value::from(value.expose_secret()));
        let cas = u32::try_from(after)
            .map_err(|_| VaultError::new(Trouble::Refused, format!("{} has too many versions", self.place("data"))))?;
        let data = &data;
        let written = vault
            .ask(&self.place("data"), |client| {
                Box::pin(async move {
                    let options = SetSecretRequestOptions { cas };
                    kv2::set_with_options(&*client, &self.mount, &self.path, data, options).await
                })
            })
            .await?;
        number(written.version)
    }

    /// Deletes a version, softly: a person can bring it back with `vault kv undelete`.
    ///
    /// # Errors
    /// Vault cannot be asked.
    pub async fn delete(&self, vault: &Vault, version: i64) -> Result<(), VaultError> {
        let versions = u64::try_from(version).map(|version| vec![version]).unwrap_or_default();
        let versions = &versions;
        let place = self.place("delete");
        let deleted = vault.ask(&place, |client| {
            Box::pin(async move { kv2::delete_versions(&*client, &self.mount, &self.path, versions.clone()).await })
        });
        match deleted.await {
            Err(error) if error.trouble == Trouble::NotFound => Ok(()),
            answer => answer,
        }
    }

    /// All entries of a version; `None` when it is deleted or never was.
    async fn data(&self, vault: &Vault, version: i64) -> Result<Option<Map<String, Value>>, VaultError> {
        let Some(wanted) = u64::try_from(version).ok().filter(|version| *version > 0) else { return Ok(None) };
        // The client cannot tell a deleted version from an answer that it does not understand, so it is not asked for one.
        let Some(metadata) = self.metadata(vault).await? else { return Ok(None) };
        let there = metadata.versions.get(&wanted.to_string());
        if !there.is_some_and(|version| !version.destroyed && version.deletion_time.is_empty()) {
            return Ok(None);
        }
        vault
            .ask(&self.place("data"), |client| {
                Box::pin(async move {
                    kv2::read_version::<Map<String, Value>>(&*client, &self.mount, &self.path, wanted).await
                })
            })
            .await
            .map(Some)
    }

    async fn metadata(&self, vault: &Vault) -> Result<Option<ReadSecretMetadataResponse>, VaultError> {
        let place = self.place("metadata");
        let metadata = vault
            .ask(&place, |client| Box::pin(async move { kv2::read_metadata(&*client, &self.mount, &self.path).await }));
        match metadata.await {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.trouble == Trouble::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn place(&self, part: &str) -> String {
        format!("{}/{part}/{}", self.mount, self.path)
    }
}

fn number(version: u64) -> Result<i64, VaultError> {
    i64::try_from(version).map_err(|_| VaultError::new(Trouble::Refused, "Vault tells an impossible version"))
}
