//! Whether an event is what its type says.

use std::fmt;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use uuid::Uuid;

use super::EventTypeDefinition;
use crate::wire::FieldError;

/// An event type, ready to judge events.
pub struct EventType {
    /// What it says.
    pub definition: EventTypeDefinition,
    validator: Option<Validator>,
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.definition.fmt(f)
    }
}

impl EventType {
    /// Makes a definition ready.
    ///
    /// # Errors
    /// Its schema is none.
    pub fn new(definition: EventTypeDefinition) -> Result<Self, String> {
        let validator = definition.schema.as_ref().map(compile).transpose()?;
        Ok(Self { definition, validator })
    }

    /// Whether properties are as the schema says.
    ///
    /// # Errors
    /// The first place that is not, and what is expected there. Values are not repeated: they may be personal.
    pub fn check(&self, properties: &Value) -> Result<(), FieldError> {
        let Some(validator) = &self.validator else { return Ok(()) };
        validator.validate(properties).map_err(|error| {
            let path = error.instance_path().as_str().replace('/', ".");
            let mut message = error.masked().to_string();
            truncate(&mut message);
            FieldError::new(format!("properties{path}"), message)
        })
    }

    /// Whether an event is one of those that are kept: the same for all events of a session.
    pub fn samples(&self, session_or_event: Uuid) -> bool {
        // Their last 62 bits are chance (RFC 9562, section 5.7); the two highest of those 64 are not.
        let (_, chance) = session_or_event.as_u64_pair();
        let share = (chance & (u64::MAX >> 2)) as f64 / (1_u64 << 62) as f64;
        share < self.definition.sample_rate
    }
}

/// A complaint may list all that a schema allows.
fn truncate(message: &mut String) {
    if let Some((end, _)) = message.char_indices().nth(200) {
        message.truncate(end);
    }
}

/// Patterns are matched in time that grows with the text only: they are staff's, but the texts are anybody's.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    options.build(schema).map_err(|error| format!("has to be a JSON schema: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event_type(change: Value) -> EventType {
        let mut definition = json!({"name": "level.done", "version": 1, "owner": "design"});
        definition.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        EventType::new(EventTypeDefinition::from_json(&definition).unwrap()).unwrap()
    }

    #[test]
    fn properties_are_held_against_the_schema_and_not_repeated() {
        let level = event_type(json!({"schema": {
            "type": "object", "required": ["level"], "additionalProperties": false,
            "properties": {"level": {"type": "integer", "minimum": 1}, "name": {"type": "string", "maxLength": 5}},
        }}));
        assert_eq!(level.check(&json!({"level": 3, "name": "Ada"})), Ok(()));
        for (properties, path) in [
            (json!({}), "properties"),
            (json!({"level": "three"}), "properties.level"),
            (json!({"level": 0}), "properties.level"),
            (json!({"level": 1, "name": "Ada Lovelace"}), "properties.name"),
            (json!({"level": 1, "secret": 1}), "properties"),
        ] {
            let fault = level.check(&properties).unwrap_err();
            assert_eq!(fault.path, path);
            assert!(!fault.message.contains("Lovelace") && !fault.message.contains("three"), "{fault:?}");
        }
        assert_eq!(event_type(json!({})).check(&json!({"anything": [1]})), Ok(()));
    }

    #[test]
    fn a_schema_is_one_and_stands_by_itself() {
        for schema in
            [json!({"type": "nonsense"}), json!({"$ref": "https://example.com/x.json"}), json!({"pattern": "("})]
        {
            assert!(compile(&schema).is_err(), "{schema}");
        }
        // Backtracking is not to be had.
        assert!(compile(&json!({"pattern": "(?=a)b"})).is_err());
    }

    #[test]
    fn a_share_of_sessions_is_kept() {
        let (none, half, all) =
            (event_type(json!({"sample_rate": 0})), event_type(json!({"sample_rate": 0.5})), event_type(json!({})));
        let at = "2026-01-31T09:30:00Z".parse().unwrap();
        let ids: Vec<Uuid> = (0..2_000_u64)
            .map(|n| {
                let chance = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
                let mut bytes = [0; 10];
                bytes[2..].copy_from_slice(&chance);
                crate::id::SessionId::new(at, bytes).uuid()
            })
            .collect();
        let kept = ids.iter().filter(|id| half.samples(**id)).count();
        assert!((900..1_100).contains(&kept), "{kept}");
        assert!(ids.iter().all(|id| all.samples(*id) && !none.samples(*id)));
    }
}
