//! Whether an event type makes sense.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::EventTypeDefinition;
use crate::wire::FieldError;

/// How many properties may be personal.
pub const MAX_PERSONAL: usize = 32;

/// How many measures a type has at most: each costs a row of the rollups an hour, and more for its percentiles.
pub const MAX_MEASURES: usize = 8;

/// The longest schema, in bytes of JSON.
pub const MAX_SCHEMA_BYTES: usize = 16 * 1024;

/// The most characters of a description; and of an owner or a property's name.
const MAX_DESCRIPTION: usize = 500;
const MAX_NAME: usize = 64;

/// Why an event type makes no sense: every field with a value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEventType(pub Vec<FieldError>);

impl fmt::Display for InvalidEventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.0.iter().map(|error| format!("{}: {}", error.path, error.message)).collect();
        f.write_str(&faults.join("; "))
    }
}

impl std::error::Error for InvalidEventType {}

/// Whether a text can be the kind of an event: 1 to 64 of `a-z`, `0-9`, `_` and `.`.
pub fn is_kind(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

impl EventTypeDefinition {
    /// Reads a definition as people write it, and checks it.
    ///
    /// # Errors
    /// The first field that is missing, unknown or of another type; else everything that [`EventTypeDefinition::validate`] finds.
    pub fn from_json(value: &Value) -> Result<Self, InvalidEventType> {
        let read: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            InvalidEventType(vec![FieldError::new(path, error.inner().to_string())])
        })?;
        read.validate()?;
        Ok(read)
    }

    /// Checks what the types cannot; with the feature `event-types` the schema too.
    ///
    /// # Errors
    /// Everything that makes no sense, each with the path of its field.
    pub fn validate(&self) -> Result<(), InvalidEventType> {
        let mut faults = Vec::new();
        let mut require = |holds: bool, path: &str, message: &str| {
            if !holds {
                faults.push(FieldError::new(path, message));
            }
        };
        let length = |text: &str| text.chars().count();
        require(is_kind(&self.name), "name", "has to be 1 to 64 of a-z, 0-9, `_` and `.`");
        require(self.version > 0, "version", "has to be at least 1");
        require(length(&self.description) <= MAX_DESCRIPTION, "description", "500 characters at most");
        require(
            !self.owner.trim().is_empty() && length(&self.owner) <= MAX_NAME,
            "owner",
            "has to be 1 to 64 characters",
        );
        let sources: HashSet<_> = self.sources.iter().collect();
        require(!sources.is_empty() && sources.len() == self.sources.len(), "sources", "at least one, each once");
        for (path, names, most) in
            [("personal", &self.personal, MAX_PERSONAL), ("measures", &self.measures, MAX_MEASURES)]
        {
            require(names.len() <= most, path, &format!("{most} at most"));
            let distinct: HashSet<_> = names.iter().collect();
            require(distinct.len() == names.len(), path, "each once");
            let fine = names.iter().all(|name| (1..=MAX_NAME).contains(&length(name)) && !name.contains('\0'));
            require(fine, path, "names of properties, 1 to 64 characters each");
        }
        require((0.0..=1.0).contains(&self.sample_rate), "sample_rate", "has to be 0 to 1");
        let schema = self.schema.as_ref();
        let short = schema.is_none_or(|schema| schema.to_string().len() <= MAX_SCHEMA_BYTES);
        require(short, "schema", "16 KiB of JSON at most");
        #[cfg(feature = "event-types")]
        if let Some(fault) = schema.filter(|_| short).and_then(|schema| super::check::compile(schema).err()) {
            require(false, "schema", &fault);
        }
        if faults.is_empty() { Ok(()) } else { Err(InvalidEventType(faults)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut value = json!({"name": "level.done", "version": 1, "owner": "design"});
        change(&mut value);
        let read = EventTypeDefinition::from_json(&value);
        read.err().map_or_else(Vec::new, |invalid| invalid.0.into_iter().map(|fault| fault.path).collect())
    }

    #[test]
    fn little_has_to_be_said() {
        assert!(faults(|_| {}).is_empty());
    }

    #[test]
    fn every_field_has_its_bounds() {
        for (field, value) in [
            ("name", json!("Level Done")),
            ("name", json!("")),
            ("version", json!(0)),
            ("owner", json!(" ")),
            ("description", json!("x".repeat(501))),
            ("sources", json!([])),
            ("sources", json!(["client", "client"])),
            ("sources[0]", json!(["nobody"])),
            ("personal", json!(["a", "a"])),
            ("measures", json!(["a", "b", "c", "d", "e", "f", "g", "h", "i"])),
            ("measures", json!([""])),
            ("sample_rate", json!(1.5)),
            ("schema", json!({"description": "x".repeat(17_000)})),
        ] {
            let key = field.split('[').next().unwrap();
            assert_eq!(faults(|definition| definition[key] = value), [field]);
        }
        assert_eq!(faults(|definition| definition["colour"] = json!("red")), [""; 1].map(|_| "colour"));
    }
}
