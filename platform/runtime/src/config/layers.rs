//! The four layers and how they become one tree.

use std::path::Path as FilePath;

use ::config::{Config, Map, Source, Value, ValueKind};
use serde::Serialize;

use super::{ConfigError, Problem};
use crate::secret::REDACTED;

const ENV_PREFIX: &str = "MUSTER__";

/// The environment variables that are settings.
#[derive(Debug, Default)]
pub(super) struct Environment {
    variables: Vec<(String, String)>,
    /// Names of variables whose value is not text.
    unreadable: Vec<String>,
}

impl Environment {
    pub(super) fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(ENV_PREFIX)) else {
                continue;
            };
            match value.into_string() {
                Ok(value) => environment.variables.push((name.to_owned(), value)),
                Err(_) => environment.unreadable.push(name.to_owned()),
            }
        }
        environment
    }

    #[cfg(test)]
    pub(super) fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { variables, unreadable: Vec::new() }
    }
}

/// The defaults as a layer. Secrets are left out, since only their redacted form can be read back; a setting that is left
/// out gets its section's own default.
pub(super) fn defaults<S: Serialize>(settings: &S) -> Result<Value, ConfigError> {
    let table = to_table(settings)?;
    Ok(to_value(toml::Value::Table(table), "the defaults", &|text| !text.contains(REDACTED)))
}

/// Settings as a TOML table.
pub(super) fn to_table<S: Serialize>(settings: &S) -> Result<toml::Table, ConfigError> {
    toml::Table::try_from(settings).map_err(|error| {
        Problem::general(format!("the settings cannot be written as TOML ({error}), which is a fault of this program"))
            .into()
    })
}

/// A TOML tree as the `config` crate's.
pub(super) fn to_tree(value: toml::Value) -> Value {
    to_value(value, "the settings", &|_| true)
}

/// All layers, the later over the earlier.
pub(super) fn merge(
    defaults: Value,
    file: Option<&FilePath>,
    environment: Environment,
    flags: &[String],
) -> Result<Value, ConfigError> {
    let mut problems = Vec::new();
    let mut layers = vec![Layer(defaults)];

    if let Some(file) = file {
        match read_file(file) {
            Ok(value) => layers.push(Layer(value)),
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(
        environment
            .unreadable
            .iter()
            .map(|name| Problem::general(format!("{name} is not UTF-8 text; set it again or unset it"))),
    );
    let mut variables = environment.variables;
    // A table set as a whole comes before its keys set one by one.
    variables.sort();
    for (name, text) in &variables {
        let key = name[ENV_PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
        match read_text(&key, text, name) {
            Ok(layer) => layers.push(layer),
            Err(problem) => problems.push(problem),
        }
    }
    for flag in flags {
        let setting = flag.split_once('=').filter(|(key, _)| !key.trim().is_empty());
        let layer = setting
            .ok_or_else(|| {
                Problem::general("--set needs the form section.key=value, for example --set log.filter=debug")
            })
            .and_then(|(key, text)| read_text(key.trim(), text, "--set"));
        match layer {
            Ok(layer) => layers.push(layer),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(ConfigError::new(problems));
    }

    let builder = layers.into_iter().fold(Config::builder(), |builder, layer| builder.add_source(layer));
    let merged =
        builder.build().map_err(|error| Problem::general(format!("the settings cannot be merged: {error}")))?;
    Ok(merged.cache)
}

/// A tree of settings from one place.
#[derive(Debug, Clone)]
struct Layer(Value);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        self.0.clone().into_table()
    }
}

fn read_file(file: &FilePath) -> Result<Value, Problem> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        Problem::general(format!("cannot read the settings file {name}: {error}; correct --config or MUSTER_CONFIG"))
    })?;
    // The parser's own message quotes the line, which may hold a secret.
    let table = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        Problem::general(format!("{name}, line {line}, is not TOML: {}", error.message()))
    })?;
    Ok(to_value(toml::Value::Table(table), &name, &|_| true))
}

/// One setting from text: a list or table in TOML notation, or plain text that the setting converts.
fn read_text(key: &str, text: &str, origin: &str) -> Result<Layer, Problem> {
    let value = if text.starts_with(['[', '{']) {
        let table: toml::Table = toml::from_str(&format!("value = {text}")).map_err(|error| {
            let message = format!(
                "is set by {origin} to something that starts like a list or table but is not TOML: {}",
                error.message()
            );
            Problem::at(&super::path::Path::parse(key), message)
        })?;
        to_value(table.into_iter().next().map_or(toml::Value::Boolean(false), |(_, value)| value), origin, &|_| true)
    } else {
        Value::new(Some(&origin.to_owned()), text)
    };
    Ok(Layer(Value::from(Map::from_iter([(key.to_owned(), value)]))))
}

/// TOML as the `config` crate's value; texts that are not wanted are left out.
fn to_value(value: toml::Value, origin: &str, wanted: &dyn Fn(&str) -> bool) -> Value {
    let kind = match value {
        toml::Value::String(text) => ValueKind::String(text),
        toml::Value::Integer(number) => ValueKind::I64(number),
        toml::Value::Float(number) => ValueKind::Float(number),
        toml::Value::Boolean(truth) => ValueKind::Boolean(truth),
        toml::Value::Datetime(instant) => ValueKind::String(instant.to_string()),
        toml::Value::Array(list) => ValueKind::Array(
            list.into_iter()
                .filter(|item| is_wanted(item, wanted))
                .map(|item| to_value(item, origin, wanted))
                .collect(),
        ),
        toml::Value::Table(table) => ValueKind::Table(
            table
                .into_iter()
                .filter(|(_, item)| is_wanted(item, wanted))
                .map(|(key, item)| (key, to_value(item, origin, wanted)))
                .collect(),
        ),
    };
    Value::new(Some(&origin.to_owned()), kind)
}

fn is_wanted(value: &toml::Value, wanted: &dyn Fn(&str) -> bool) -> bool {
    value.as_str().is_none_or(wanted)
}
