//! Where versions come from and go to: the key-value store, or the database engine.
//!
//! Every call here may be made again after a crash: what was done before is found and kept.

mod database;
mod generate;
mod kv;

pub use generate::public_key;
use k8s_openapi::jiff::Timestamp;
use secrecy::SecretString;

use super::{keeper::Keeper, step::Validity};
use crate::{
    crd::secret_rotation::{Generate, RotationState, SecretRotationSpec, VaultDatabase, Version},
    reconcile::Error,
    vault::{Entry, Owner, Vault},
};

/// What a version consists of.
pub enum Material {
    /// One value.
    Value(SecretString),
    /// A database user.
    User {
        /// Its name.
        name: String,
        /// Its password.
        password: SecretString,
    },
}

/// The source of one SecretRotation.
pub struct Source {
    vault: Vault,
    keeper: Keeper,
    kind: Kind,
}

enum Kind {
    Kv { entry: Entry, generate: Generate },
    SigningKey { entry: Entry },
    Database(VaultDatabase),
}

impl Source {
    /// The source that a spec names; database users are kept by `keeper`.
    ///
    /// # Errors
    /// The spec names none or several, which the API server does not let through.
    pub fn of(spec: &SecretRotationSpec, vault: Vault, keeper: Keeper) -> Result<Self, Error> {
        let source = &spec.source;
        let kind = match (&source.vault_kv, &source.vault_database, &source.signing_key) {
            (Some(kv), None, None) => Kind::Kv {
                entry: Entry { mount: kv.mount.clone(), path: kv.path.clone(), key: kv.key.clone() },
                generate: kv.generate.clone(),
            },
            (None, None, Some(kv)) => Kind::SigningKey {
                entry: Entry { mount: kv.mount.clone(), path: kv.path.clone(), key: kv.key.clone() },
            },
            (None, Some(database), None) => Kind::Database(database.clone()),
            _ => {
                return Err(Error::invalid(
                    "SourceInvalid",
                    "source needs exactly one of vaultKv, vaultDatabase, signingKey",
                ));
            }
        };
        Ok(Self { vault, keeper, kind })
    }

    /// Whether a version needs an owner before it is made.
    pub fn is_owned(&self) -> bool {
        matches!(self.kind, Kind::Database(_))
    }

    /// Whether somebody else made a newer version than any that was looked at.
    ///
    /// # Errors
    /// Vault cannot be asked.
    pub async fn found(&self, state: &RotationState) -> Result<bool, Error> {
        match &self.kind {
            Kind::Kv { entry, .. } | Kind::SigningKey { entry } => {
                Ok(kv::found(entry, &self.vault, state).await?.is_some())
            }
            Kind::Database(_) => Ok(false),
        }
    }

    /// Makes what will own version `number`. Only for sources that are owned.
    ///
    /// # Errors
    /// Vault cannot be asked, or refuses.
    pub async fn prepare(&self, number: i64) -> Result<Option<Owner>, Error> {
        match &self.kind {
            Kind::Database(database) => Ok(Some(database::prepare(database, &self.vault, number).await?)),
            Kind::Kv { .. } | Kind::SigningKey { .. } => Ok(None),
        }
    }

    /// Makes the new version, or takes the one that is there already.
    ///
    /// # Errors
    /// Vault cannot be asked, or refuses.
    pub async fn make(&self, state: &RotationState, owner: Option<&Owner>, now: Timestamp) -> Result<Version, Error> {
        match &self.kind {
            Kind::Kv { entry, generate } => {
                kv::make(entry, &self.vault, state, || generate::value(generate), |_| Ok(()), now).await
            }
            Kind::SigningKey { entry } => {
                let is_key = |value: &SecretString| {
                    generate::public_key(value).map(|_| ()).map_err(|_| {
                        Error::dependency(
                            "NotASigningKey",
                            format!("{}/{} in Vault is not an Ed25519 private key in PKCS#8 PEM; make one with `muster-server keygen`", entry.mount, entry.path),
                        )
                    })
                };
                kv::make(entry, &self.vault, state, generate::signing_key, is_key, now).await
            }
            Kind::Database(database) => database::make(database, &self.vault, &self.keeper, state, owner, now).await,
        }
    }

    /// Gives up a version of which nothing is used.
    ///
    /// # Errors
    /// Vault cannot be asked.
    pub async fn abandon(&self, version: &Version) -> Result<(), Error> {
        match &self.kind {
            Kind::Database(_) => database::end(&self.vault, &self.keeper, version).await,
            Kind::Kv { .. } | Kind::SigningKey { .. } => Ok(()),
        }
    }

    /// What a version consists of.
    ///
    /// # Errors
    /// It cannot be read, or is not there any more.
    pub async fn material(&self, version: &Version) -> Result<Material, Error> {
        match &self.kind {
            Kind::Kv { entry, .. } | Kind::SigningKey { entry } => {
                Ok(Material::Value(kv::value(entry, &self.vault, version).await?))
            }
            Kind::Database(_) => self.keeper.user(version.number).await,
        }
    }

    /// Prolongs a version, and tells whether it is valid.
    ///
    /// # Errors
    /// Vault cannot be asked.
    pub async fn keep_alive(&self, version: &Version) -> Result<(Validity, Option<std::time::Duration>), Error> {
        match &self.kind {
            Kind::Database(_) => database::keep_alive(&self.vault, version).await,
            Kind::Kv { .. } | Kind::SigningKey { .. } => Ok((Validity::Valid, None)),
        }
    }

    /// Forgets a version that could not be ended. A database user then ends with its lease, because nobody prolongs it.
    ///
    /// # Errors
    /// The API server cannot be asked.
    pub async fn leave(&self, version: &Version) -> Result<(), Error> {
        match &self.kind {
            Kind::Database(_) => self.keeper.forget(version.number).await,
            Kind::Kv { .. } | Kind::SigningKey { .. } => Ok(()),
        }
    }

    /// Ends the validity of the previous version. Gives the key-value store's newest version, when it had to be written once
    /// more with the value in use.
    ///
    /// # Errors
    /// Vault cannot be asked, or refuses.
    pub async fn retire(&self, state: &RotationState) -> Result<Option<i64>, Error> {
        let Some(previous) = &state.previous else { return Ok(None) };
        match &self.kind {
            Kind::Kv { entry, .. } | Kind::SigningKey { entry } => {
                kv::retire(entry, &self.vault, state, previous).await
            }
            Kind::Database(_) => database::end(&self.vault, &self.keeper, previous).await.map(|()| None),
        }
    }
}
