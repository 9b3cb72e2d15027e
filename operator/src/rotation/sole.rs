//! Only one SecretRotation replaces entries of one secret in Vault.
//!
//! A version in the key-value store is of all entries of a secret: who retires one takes from others what they may still use.

use kube::{Resource, ResourceExt};

use crate::{crd::SecretRotation, reconcile::Error};

/// Refuses to work on a secret of which an older SecretRotation replaces an entry, in whatever namespace: of equal age the first by
/// namespace and name.
///
/// # Errors
/// Which other one there is.
pub fn check<'a>(rotation: &SecretRotation, all: impl IntoIterator<Item = &'a SecretRotation>) -> Result<(), Error> {
    let Some(place) = place(rotation) else { return Ok(()) };
    let rank = |one: &SecretRotation| (one.creation_timestamp().map(|at| at.0), one.namespace(), one.name_any());
    let others =
        all.into_iter().filter(|other| self::place(other) == Some(place) && other.meta().deletion_timestamp.is_none());
    let Some(first) = others.min_by_key(|other| rank(other)).filter(|first| rank(first) < rank(rotation)) else {
        return Ok(());
    };
    let (mount, path) = place;
    let who = match first.namespace() == rotation.namespace() {
        true => format!("SecretRotation {}", first.name_any()),
        // Whoever may see this one need not know what is in other namespaces.
        false => "a SecretRotation in another namespace".to_owned(),
    };
    Err(Error::dependency(
        "PathShared",
        format!(
            "{who} is older and replaces an entry of {mount}/{path} in Vault, where a version is of all entries: retiring one would take the \
             other's. Give each a path of its own."
        ),
    ))
}

/// Mount and path of its secret in the key-value store.
fn place(rotation: &SecretRotation) -> Option<(&str, &str)> {
    let source = &rotation.spec.source;
    let value = source.vault_kv.as_ref().map(|kv| (kv.mount.as_str(), kv.path.as_str()));
    value.or_else(|| source.signing_key.as_ref().map(|kv| (kv.mount.as_str(), kv.path.as_str())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn one(namespace: &str, name: &str, hour: u8, source: Value) -> SecretRotation {
        serde_json::from_value(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "SecretRotation",
            "metadata": { "name": name, "namespace": namespace, "creationTimestamp": format!("2026-07-03T{hour:02}:00:00Z") },
            "spec": { "source": source, "target": { "secret": "s", "key": "k", "secondKey": "l" } },
        }))
        .unwrap()
    }

    #[test]
    fn the_eldest_has_the_path_for_itself() {
        let kv = |path: &str, key: &str| json!({ "vaultKv": { "path": path, "key": key } });
        let all = [
            one("games", "pepper", 9, kv("app", "pepper")),
            one("games", "salt", 10, kv("app", "salt")),
            one("other", "key", 11, json!({ "signingKey": { "path": "app", "key": "signing_key" } })),
            one("games", "elsewhere", 12, kv("app/2", "pepper")),
            one("games", "other-mount", 12, json!({ "vaultKv": { "mount": "kv", "path": "app", "key": "pepper" } })),
            one("games", "users", 12, json!({ "vaultDatabase": { "role": "app" } })),
            one("games", "more-users", 13, json!({ "vaultDatabase": { "role": "app" } })),
        ];
        let told: Vec<_> = all.iter().map(|one| check(one, &all).err().map(|error| error.to_string())).collect();
        assert!(told[1].as_ref().is_some_and(|told| told.contains("SecretRotation pepper is older")), "{told:?}");
        assert!(
            told[2].as_ref().is_some_and(|told| told.contains("in another namespace") && !told.contains("pepper")),
            "{told:?}"
        );
        assert_eq!(told.iter().flatten().count(), 2, "{told:?}");
        assert_eq!(check(&all[1], &all).unwrap_err().reason(), "PathShared");
    }
}
