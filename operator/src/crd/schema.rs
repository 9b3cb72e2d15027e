//! Schemas that are the same in every resource and that no derive gives.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A length of time as it is written in a manifest, `90s` or `1h30m`: what CEL's `duration()` reads, whole units only.
pub const DURATION: &str = "^([0-9]+(s|m|h))+$";

/// The standard list of conditions. Keyed by `type`, so that two writers can each own theirs under server-side apply.
pub fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {
                    "type": "string", "maxLength": 316,
                    "description": "What the condition is about, such as Ready.",
                },
                "status": {
                    "type": "string", "enum": ["True", "False", "Unknown"],
                    "description": "Whether it holds.",
                },
                "reason": {
                    "type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                    "description": "One word for programs: why it holds or does not.",
                },
                "message": {
                    "type": "string", "maxLength": 32768,
                    "description": "One sentence for a person.",
                },
                "lastTransitionTime": {
                    "type": "string", "format": "date-time",
                    "description": "When the status last changed.",
                },
                "observedGeneration": {
                    "type": "integer", "format": "int64", "minimum": 0,
                    "description": "The generation of the spec that this condition speaks of.",
                },
            },
        },
    })
}

/// A moment, RFC 3339. Absent until it has happened.
pub fn moment(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time", "nullable": true })
}
