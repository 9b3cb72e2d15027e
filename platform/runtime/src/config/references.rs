//! Values of the form `secret:KEY`.

use ::config::{Value, ValueKind};
use serde::Serialize;

use super::{ConfigError, Problem, layers::to_table, path::Path};
use crate::{
    SecretSource,
    secret::{REDACTED, reference_in, resolved},
    settings::{SecretsProvider, SecretsSettings},
};

/// Where the token of the provider itself is set; it cannot come from the provider.
const PROVIDER_TOKEN: &str = "secrets.vault.token";

/// A setting that names a key of the secrets provider.
#[derive(Debug, PartialEq)]
pub(super) struct Reference {
    pub(super) path: Path,
    pub(super) key: String,
}

/// The references of the tree: texts `secret:KEY` where `settings`, decoded from that tree, hold a secret. The same text in
/// an ordinary setting is only a text.
pub(super) fn find<S: Serialize>(settings: &S, tree: &Value) -> Result<Vec<Reference>, ConfigError> {
    let mut found = Vec::new();
    walk(&toml::Value::Table(to_table(settings)?), tree, Path::default(), &mut found);
    Ok(found)
}

fn walk(decoded: &toml::Value, written: &Value, path: Path, found: &mut Vec<Reference>) {
    match (decoded, &written.kind) {
        (toml::Value::Table(table), ValueKind::Table(written)) => {
            for (key, item) in table {
                if let Some(written) = written.get(key) {
                    walk(item, written, path.clone().key(key), found);
                }
            }
        }
        (toml::Value::Array(list), ValueKind::Array(written)) => {
            for (index, (item, written)) in list.iter().zip(written).enumerate() {
                walk(item, written, path.clone().index(index), found);
            }
        }
        // Only the secret types write themselves so.
        (toml::Value::String(text), ValueKind::String(written)) if text == REDACTED => {
            if let Some(key) = reference_in(written) {
                found.push(Reference { path, key: key.to_owned() });
            }
        }
        _ => {}
    }
}

/// Puts the values of all references into the tree; those that cannot be had are problems.
pub(super) async fn resolve<S: Serialize>(settings: &S, mut tree: Value) -> Result<(Value, Vec<Problem>), ConfigError> {
    let references = find(settings, &tree)?;
    let mut problems = Vec::new();
    let section = Path::parse("secrets").get(&tree).cloned().unwrap_or_default();
    // A section that does not decode is told of elsewhere.
    let Ok(section) = section.try_deserialize::<Option<SecretsSettings>>() else {
        return Ok((tree, problems));
    };
    let section = section.unwrap_or_default();
    if references.is_empty() && section.provider == SecretsProvider::Env {
        return Ok((tree, problems));
    }
    let source = match SecretSource::new(&section) {
        Ok(source) => source,
        Err(error) => {
            problems.push(Problem::at(&Path::parse("secrets.provider"), error.to_string()));
            return Ok((tree, problems));
        }
    };
    for Reference { path, key } in references {
        if path == Path::parse(PROVIDER_TOKEN) {
            problems.push(Problem::at(
                &path,
                "cannot be a reference, since it opens the provider; set the token or secrets.vault.token_file",
            ));
            continue;
        }
        match source.get(&key).await {
            Ok(value) => path.replace(&mut tree, resolved(&key, secrecy::ExposeSecret::expose_secret(&value))),
            Err(error) => problems.push(Problem::at(&path, format!("\"secret:{key}\" cannot be resolved: {error}"))),
        }
    }
    Ok((tree, problems))
}
