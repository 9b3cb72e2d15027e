//! From the tree to the struct, past every fault.

use ::config::{ConfigError as Fault, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::{ConfigError, Problem, path::Path};
use crate::secret_url::NOT_SHOWN;

/// More faults than anybody reads.
const MOST: usize = 100;

/// Decodes the tree. A value that does not fit becomes a problem and is replaced by its default, so that the next one is
/// found as well; the settings returned beside problems are only good for finding more.
///
/// # Errors
/// When even the defaults cannot be decoded.
pub(super) fn decode<S: DeserializeOwned>(mut tree: Value, defaults: &Value) -> Result<(S, Vec<Problem>), ConfigError> {
    let mut problems = Vec::new();
    loop {
        let fault = match tree.clone().try_deserialize::<S>() {
            Ok(settings) => return Ok((settings, problems)),
            Err(fault) => fault,
        };
        let (path, reason) = locate(fault);
        let default = path.get(defaults);
        problems.push(Problem::at(&path, message(&reason, path.get(&tree), default)));
        if problems.len() == MOST || !path.reset(&mut tree, default) {
            return Err(ConfigError::new(problems));
        }
    }
}

/// Why a value does not fit.
enum Reason {
    /// Nobody has a setting of this name; the known ones, as serde words them.
    Unknown(String),
    Missing,
    /// What kind of value was wanted.
    Kind(&'static str),
    /// What the setting's own parser says.
    Said(String),
}

/// The path of the value a fault is about, and the fault without it.
fn locate(fault: Fault) -> (Path, Reason) {
    let (path, said) = match fault {
        Fault::NotFound(key) => return (Path::parse(&key), Reason::Missing),
        Fault::Type { expected, key, .. } => {
            return (Path::parse(&key.unwrap_or_default()), Reason::Kind(expected));
        }
        Fault::At { error, key, .. } => (Path::parse(&key.unwrap_or_default()), error.to_string()),
        other => (Path::default(), other.to_string()),
    };
    let unknown = said.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    match unknown {
        Some((name, known)) => (path.key(name), Reason::Unknown(known.trim_start_matches(", ").to_owned())),
        None => (path, Reason::Said(said)),
    }
}

fn message(reason: &Reason, value: Option<&Value>, default: Option<&Value>) -> String {
    let origin = value.and_then(origin).unwrap_or("the settings");
    match reason {
        // The value is left out: a misspelt key may well be that of a password.
        Reason::Unknown(known) => {
            format!("from {origin} is not a setting of this process ({known}); correct the name or remove it")
        }
        Reason::Missing => "is not set and has no default; set it".to_owned(),
        Reason::Kind(expected) => {
            format!("{} from {origin} is not {expected}; write {expected}{}", shown(value), fallback(default))
        }
        Reason::Said(said) if said.contains(NOT_SHOWN) => format!("from {origin} {said}"),
        Reason::Said(said) => {
            let (said, hint) = (readable(said), hint(said));
            format!("{} from {origin} does not fit: {said}; {hint}{}", shown(value), fallback(default))
        }
    }
}

/// Where a value comes from; a table that layers have made together, by its first value.
fn origin(value: &Value) -> Option<&str> {
    value.origin().or_else(|| match &value.kind {
        ValueKind::Table(table) => table.values().find_map(origin),
        _ => None,
    })
}

/// The value as it was written; a list or table only by its kind, since it may hold anything.
fn shown(value: Option<&Value>) -> String {
    match value.map(|value| &value.kind) {
        None | Some(ValueKind::Nil) => "nothing".to_owned(),
        Some(ValueKind::Array(_)) => "a list".to_owned(),
        Some(ValueKind::Table(_)) => "a table".to_owned(),
        Some(ValueKind::String(text)) => format!("{text:?}"),
        Some(other) => format!("`{other}`"),
    }
}

pub(super) fn fallback(default: Option<&Value>) -> String {
    match default.map(|value| &value.kind) {
        None | Some(ValueKind::Nil | ValueKind::Array(_) | ValueKind::Table(_)) => String::new(),
        Some(_) => format!(", or remove it for the default {}", shown(default)),
    }
}

/// The `config` crate's word for a variant is a programmer's.
fn readable(said: &str) -> String {
    match said.strip_prefix("enum ").and_then(|rest| rest.split_once(" does not have variant constructor ")) {
        Some((_, value)) => format!("there is no choice `{value}`"),
        None => said.to_owned(),
    }
}

/// What to write instead, for the kinds of value whose parsers do not say.
fn hint(said: &str) -> &'static str {
    if said.contains("socket address") {
        "write an address with its port, such as 127.0.0.1:7400"
    } else if said.contains("URL") {
        "write a URL in full, such as http://127.0.0.1:4318"
    } else if said.contains("time unit") || said.contains("duration") || said.contains("expected number") {
        "write a duration with its unit, such as 250ms, 25s or 1h"
    } else if said.contains("does not have variant constructor") {
        "write one of the choices in the documentation of this setting"
    } else {
        "correct it"
    }
}
