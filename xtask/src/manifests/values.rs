//! Values of a chart: the defaults, what somebody sets over them, and the schema that both have to keep.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// `over` over `under`, as Helm does it: maps are merged, anything else is replaced, and null takes a default away.
pub(super) fn merged(under: &Value, over: &Value) -> Value {
    let (Some(under), Some(over)) = (under.as_object(), over.as_object()) else {
        return over.clone();
    };
    let mut merged = under.clone();
    for (key, value) in over {
        match under.get(key) {
            _ if value.is_null() => drop(merged.remove(key)),
            Some(default) => drop(merged.insert(key.clone(), self::merged(default, value))),
            None => drop(merged.insert(key.clone(), value.clone())),
        }
    }
    Value::Object(merged)
}

/// Refuses what the schema refuses, every fault with its path.
pub(super) fn check(schema: &Value, values: &Value) -> Result<()> {
    let validator = jsonschema::validator_for(schema).map_err(|error| anyhow::anyhow!("{error}"));
    let validator = validator.context("values.schema.json is not a schema")?;
    let told = |error: jsonschema::ValidationError<'_>| {
        let path = error.instance_path().as_str().trim_start_matches('/').replace('/', ".");
        format!("  {}: {error}", if path.is_empty() { "(top)" } else { &path })
    };
    let faults: Vec<String> = validator.iter_errors(values).map(told).collect();
    if faults.is_empty() {
        return Ok(());
    }
    bail!("the values are not what the chart takes:\n{}", faults.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_merged_as_helm_does() {
        let under = json!({ "a": { "b": 1, "c": [1, 2] }, "d": 1, "e": {} });
        let over = json!({ "a": { "c": [3], "x": 1 }, "d": null, "e": { "y": null } });
        assert_eq!(merged(&under, &over), json!({ "a": { "b": 1, "c": [3], "x": 1 }, "e": {} }));
    }
}
