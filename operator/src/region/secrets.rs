//! Whether the Secrets are there that a Region's processes read.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};

use crate::{context::Context, crd::Region, reconcile::Error};

/// Fails in plain words when a Secret or its entry is missing: a process would only hang in `CreateContainerConfigError`. Where the
/// operator may not read Secrets it takes them to be there.
///
/// # Errors
/// One is missing, or cannot be read.
pub async fn check(context: &Context, region: &Region) -> Result<(), Error> {
    let api: Api<Secret> = context.beside(region);
    for (name, keys) in named(region) {
        let namespace = region.namespace().unwrap_or_default();
        let secret = match api.get_opt(name).await {
            // The operator reads Secrets only where it was let; elsewhere the processes tell what is missing.
            Err(kube::Error::Api(status)) if status.is_forbidden() => return Ok(()),
            secret => secret?,
        };
        let Some(secret) = secret else {
            let (what, field) =
                keys.first().map_or(("its settings", "spec.settingsSecret"), |(field, _)| (field.0, field.1));
            let message = format!(
                "The Secret {name} of {what} is not in the namespace {namespace}: create it, or name another one in {field}."
            );
            return Err(Error::dependency("SecretMissing", message));
        };
        for ((what, field), key) in keys {
            if secret.data.as_ref().is_none_or(|data| !data.contains_key(key)) {
                let message = format!(
                    "The Secret {name} in the namespace {namespace} has no entry {key}, which the URL of {what} should be: add it, \
                     or name another one in {field}.key."
                );
                return Err(Error::dependency("SecretKeyMissing", message));
            }
        }
    }
    Ok(())
}

/// By Secret: the entries that are read, with what they are for and where the Region says so.
type Named<'r> = BTreeMap<&'r str, Vec<((&'static str, &'static str), &'r str)>>;

fn named(region: &Region) -> Named<'_> {
    let spec = &region.spec;
    let mut named = Named::new();
    if let Some(secret) = &spec.settings_secret {
        named.entry(secret).or_default();
    }
    for (what, from) in [
        (("the database", "spec.database"), &spec.database),
        (("Redis", "spec.redis"), &spec.redis),
        (("NATS", "spec.nats"), &spec.nats),
    ] {
        if let Some(from) = from {
            named.entry(&from.secret).or_default().push((what, &from.key));
        }
    }
    named
}
