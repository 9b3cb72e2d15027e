//! `--print-config`.

use ::config::Value;
use serde::Serialize;

use super::{ConfigError, Problem, layers, references};

/// The settings as TOML. Secrets are redacted; a reference is printed as it is written, since it holds nothing secret.
pub(super) fn to_toml<S: Serialize>(settings: &S, tree: &Value) -> Result<String, ConfigError> {
    let mut table = toml::Value::Table(layers::to_table(settings)?);
    for reference in references::find(settings, tree)? {
        if let Some(value) = reference.path.get_toml(&mut table) {
            *value = toml::Value::String(format!("secret:{}", reference.key));
        }
    }
    toml::to_string_pretty(&table)
        .map_err(|error| Problem::general(format!("the settings cannot be printed: {error}")).into())
}
