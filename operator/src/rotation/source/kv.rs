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
        let there = entry.value(vault, newest).await?;
        let gone = entry.value(vault, old).await?;
        let text = |value: &Option<SecretString>| value.as_ref().map(|value| value.expose_secret().to_owned());
        restored = match newest_after(state, old, newest, used.expose_secret(), text(&there), text(&gone)) {
            Newest::Stays => None,
            Newest::IsUsed => Some(newest),
            Newest::Overwrite => Some(entry.write(vault, &used, newest).await?),
        };
    }
    entry.delete(vault, old).await?;
    Ok(restored)
}

/// What becomes of the newest version when another one is retired.
#[derive(Debug, PartialEq, Eq)]
enum Newest {
    /// It is the one in use, or somebody else's.
    Stays,
    /// It has the value in use, and was not looked at yet.
    IsUsed,
    /// It has the value that is retired: the one in use is written on top.
    Overwrite,
}

/// `used`: the value in use. `there`: that of the version `newest`. `gone`: that of the version `old`, which is retired.
fn newest_after(
    state: &RotationState,
    old: i64,
    newest: i64,
    used: &str,
    there: Option<String>,
    gone: Option<String>,
) -> Newest {
    if newest == old {
        return Newest::Overwrite;
    }
    if newest <= state.highest_source_version {
        return Newest::Stays;
    }
    match there {
        // Written by a call of which nobody heard the end.
        Some(there) if there == used => Newest::IsUsed,
        // Whoever wrote another entry of the secret wrote what was gone back from once more with it.
        Some(there) if state.turned_back && Some(&there) == gone.as_ref() => Newest::Overwrite,
        _ => Newest::Stays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(turned_back: bool, newest: i64, there: &str) -> Newest {
        let state = RotationState { highest_source_version: 2, turned_back, ..RotationState::default() };
        newest_after(
            &state,
            if turned_back { 2 } else { 1 },
            newest,
            "used",
            Some(there.to_owned()),
            Some("gone".to_owned()),
        )
    }

    #[test]
    fn what_was_gone_back_from_does_not_come_back() {
        assert_eq!(asks(true, 2, "gone"), Newest::Overwrite);
        // Somebody wrote another entry, and this one with it.
        assert_eq!(asks(true, 3, "gone"), Newest::Overwrite);
        assert_eq!(asks(true, 3, "used"), Newest::IsUsed);
        // A value of somebody's own is a new version.
        assert_eq!(asks(true, 3, "other"), Newest::Stays);
        // Not after a roll-back the value before is a new version too: somebody has written it on purpose.
        assert_eq!(asks(false, 3, "gone"), Newest::Stays);
        assert_eq!(asks(false, 2, "used"), Newest::Stays);
    }
}
