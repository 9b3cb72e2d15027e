//! The Secret that follows the versions.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    layout::Layout,
    names::{ROTATED, field_manager, versions_annotation},
    source::Material,
};
use crate::{crd::secret_rotation::Target, events, reconcile::Error};

/// The entries of the Secret that belong to one rotation.
pub type Entries = BTreeMap<String, ByteString>;

/// What the Secret is to hold.
pub fn entries(target: &Target, active: &Material, second: Option<&Material>) -> Entries {
    let mut entries = Entries::new();
    entries.insert(target.key.clone(), rendered(target, active));
    if let (Some(key), Some(second)) = (&target.second_key, second) {
        entries.insert(key.clone(), rendered(target, second));
    }
    if let (Some(key), Material::User { name, .. }) = (&target.username_key, active) {
        entries.insert(key.clone(), ByteString(name.clone().into_bytes()));
    }
    entries
}

fn rendered(target: &Target, material: &Material) -> ByteString {
    let text = match (material, &target.template) {
        (Material::Value(value), _) => value.expose_secret().to_owned(),
        (Material::User { password, .. }, None) => password.expose_secret().to_owned(),
        (Material::User { name, password }, Some(template)) => {
            let filled = template.replace("{username}", &escaped(name));
            filled.replace("{password}", &escaped(password.expose_secret()))
        }
    };
    ByteString(text.into_bytes())
}

/// As a URL's user part wants it.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A fingerprint of entries, to notice a change without keeping them.
pub fn fingerprint(entries: &Entries) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (key, value) in entries {
        for part in [key.as_bytes(), &value.0] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

/// Which versions the Secret says it holds, and a fingerprint of what it does hold in the target's entries.
pub fn held(secret: &Secret, rotation: &str, target: &Target) -> (Option<String>, [u8; 32]) {
    let ours = [Some(&target.key), target.second_key.as_ref(), target.username_key.as_ref()];
    let data = secret.data.as_ref();
    let entries: Entries =
        ours.into_iter().flatten().filter_map(|key| Some((key.clone(), data?.get(key)?.clone()))).collect();
    (secret.annotations().get(&versions_annotation(rotation)).cloned(), fingerprint(&entries))
}

/// Writes the entries; those of others in the same Secret stay as they are. It has no owner: workloads need it also when the
/// SecretRotation is gone.
pub async fn write(
    secrets: &Api<Secret>,
    namespace: &str,
    rotation: &str,
    target: &Target,
    layout: Layout,
    entries: &Entries,
) -> Result<(), Error> {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": target.secret,
            "labels": { ROTATED: "true" },
            "annotations": { versions_annotation(rotation): layout.to_string() },
        },
        "data": entries,
    });
    let parameters = PatchParams::apply(&field_manager(rotation)).force();
    secrets.patch(&target.secret, &parameters, &Patch::Apply(secret)).await?;
    events::object_applied("Secret", namespace, &target.secret);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            secret: "muster-database".to_owned(),
            key: "url".to_owned(),
            second_key: None,
            username_key: Some("user".to_owned()),
            template: Some("postgres://{username}:{password}@db:5432/muster".to_owned()),
        }
    }

    #[test]
    fn a_template_is_filled_and_escaped() {
        let user = Material::User { name: "v-app".to_owned(), password: "p@ss/w%rd {username}".into() };
        let entries = entries(&target(), &user, None);
        let text = |key: &str| String::from_utf8(entries[key].0.clone()).unwrap();
        assert_eq!(text("url"), "postgres://v-app:p%40ss%2Fw%25rd%20%7Busername%7D@db:5432/muster");
        assert_eq!(text("user"), "v-app");
    }

    #[test]
    fn a_fingerprint_tells_entries_apart() {
        let of = |pairs: &[(&str, &str)]| {
            fingerprint(&pairs.iter().map(|(k, v)| ((*k).to_owned(), ByteString(v.as_bytes().to_vec()))).collect())
        };
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_eq!(of(&[("a", "b")]), of(&[("a", "b")]));
    }
}
