//! Versions in the key-value store.

use k8s_openapi::jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    crd::secret_rotation::{RotationState, Version},
    reconcile::Error,
    rotation::state::seconds,
    vault::{Entry, Vault},
};

/// The newest version, when it is newer than any that was looked at and has another value than the one in use.
pub(super) async fn found(
    entry: &Entry,
    vault: &Vault,
    state: &RotationState,
) -> Result<Option<(i64, SecretString)>, Error> {
    let newest = entry.newest(vault).await?;
    if newest <= state.highest_source_version {
        return Ok(None);
    }
    let Some(value) = entry.value(vault, newest).await?.filter(|value| !value.expose_secret().is_empty()) else {
        return Ok(None);
    };
    // Somebody may have changed another entry of the same secret.
    let used = match state.current.as_ref().and_then(|current| current.source_version) {
        Some(version) => entry.value(vault, version).await?,
        None => None,
    };
    let same = used.is_some_and(|used| used.expose_secret() == value.expose_secret());
    Ok((!same).then_some((newest, value)))
}

/// Takes the version that was found, else writes one. Check-and-set: of two writers one is told so and looks again.
pub(super) async fn make(
    entry: &Entry,
    vault: &Vault,
    state: &RotationState,
    generate: impl Fn() -> SecretString,
    check: impl Fn(&SecretString) -> Result<(), Error>,
    now: Timestamp,
) -> Result<Version, Error> {
    let version = match found(entry, vault, state).await? {
        Some((version, value)) => {
            check(&value)?;
            version
        }
        None => entry.write(vault, &generate(), entry.newest(vault).await?).await?,
    };
    Ok(Version {
        number: state.next_number(),
        source_version: Some(version),
        accessor: None,
        lease_id: None,
        made_at: Some(seconds(now)),
    })
}

pub(super) async fn value(entry: &Entry, vault: &Vault, version: &Version) -> Result<SecretString, Error> {
    let number = version.source_version.unwrap_or_default();
    entry.value(vault, number).await?.ok_or_else(|| {
        Error::dependency(
            "VersionMissing",
            format!(
                "version {number} of {}/{} in Vault is deleted or has no entry {}: bring it back with \
                 `vault kv undelete -mount={} -versions={number} {}`, or ask for a new one with the annotation muster.dev/rotate",
                entry.mount, entry.path, entry.key, entry.mount, entry.path
            ),
        )
    })
}

/// Deletes the previous version. After a roll-back that is the newest one, which others of the secret's readers take: then the
/// value in use is written on top of it first.
pub(super) async fn retire(
    entry: &Entry,
    vault: &Vault,
    state: &RotationState,
    previous: &Version,
) -> Result<Option<i64>, Error> {
    let Some(old) = previous.source_version else { return Ok(None) };
    let newest = entry.newest(vault).await?;
    let used = match state.current.as_ref().and_then(|current| current.source_version) {
        Some(version) => entry.value(vault, version).await?,
        None => None,
    };
    let mut restored = None;
    if let Some(used) = used {
        if newest == old {
            restored = Some(entry.write(vault, &used, newest).await?);
        } else if newest > state.highest_source_version
            && entry.value(vault, newest).await?.is_some_and(|value| value.expose_secret() == used.expose_secret())
        {
            // Written by a call of which nobody heard the end.
            restored = Some(newest);
        }
    }
    entry.delete(vault, old).await?;
    Ok(restored)
}
