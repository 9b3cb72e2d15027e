//! Whether an object is as wanted.

use serde_json::Value;

/// Whether everything `wanted` is in what is `there`, which may have more: what the API server filled in, and what belongs to
/// others. Entries of lists are found by their `name` where they have one, as server-side apply does.
pub fn agrees(wanted: &Value, there: &Value) -> bool {
    match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) => wanted.iter().all(|(key, wanted)| {
            // The API server leaves them out of the items of a list.
            matches!(key.as_str(), "apiVersion" | "kind") && !there.contains_key(key)
                || there.get(key).map_or_else(|| is_empty(wanted), |there| agrees(wanted, there))
        }),
        (Value::Array(wanted), Value::Array(there)) => {
            if wanted.iter().all(|entry| name(entry).is_some()) {
                wanted.iter().all(|entry| there.iter().any(|other| name(other) == name(entry) && agrees(entry, other)))
            } else {
                wanted.len() == there.len() && wanted.iter().zip(there).all(|(wanted, there)| agrees(wanted, there))
            }
        }
        (Value::String(wanted), Value::String(there)) => {
            wanted == there || amount(wanted).is_some_and(|wanted| amount(there) == Some(wanted))
        }
        (Value::Number(wanted), Value::Number(there)) => wanted.as_f64() == there.as_f64(),
        (wanted, there) => wanted == there || (is_empty(wanted) && is_empty(there)),
    }
}

fn name(entry: &Value) -> Option<&str> {
    entry.get("name")?.as_str()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(entries) => entries.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        _ => false,
    }
}

/// An amount in thousandths: `1`, `1000m`, `1Gi` and `1024Mi` are written in many ways and read back in one.
fn amount(text: &str) -> Option<i128> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale: i128 = match unit {
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.len() > 9 || whole.len() > 18 {
        return None;
    }
    let ten: i128 = 10i128.pow(u32::try_from(part.len()).ok()?);
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    Some(digits * scale / ten)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn more_may_be_there_and_less_may_not() {
        let there = json!({ "spec": { "replicas": 2, "paused": false, "template": { "a": 1 } } });
        assert!(agrees(&json!({ "spec": { "replicas": 2 } }), &there));
        assert!(!agrees(&json!({ "spec": { "replicas": 3 } }), &there));
        assert!(!agrees(&json!({ "spec": { "selector": { "a": "b" } } }), &there));
        assert!(agrees(&json!({ "spec": { "resources": {}, "volumes": [] } }), &there));
    }

    #[test]
    fn entries_with_names_may_have_company() {
        let there = json!([{ "name": "mesh", "image": "b" }, { "name": "server", "image": "a", "pull": "Always" }]);
        assert!(agrees(&json!([{ "name": "server", "image": "a" }]), &there));
        assert!(!agrees(&json!([{ "name": "server", "image": "b" }]), &there));
        assert!(!agrees(&json!(["a"]), &json!(["a", "b"])));
    }

    #[test]
    fn amounts_are_equal_however_they_are_written() {
        for (one, other) in [("1000m", "1"), ("0.5", "500m"), ("1Gi", "1024Mi"), ("1k", "1000")] {
            assert!(agrees(&json!(one), &json!(other)), "{one} {other}");
        }
        for (one, other) in [("1", "2"), ("1Mi", "1M"), ("a", "b"), ("v1", "v2")] {
            assert!(!agrees(&json!(one), &json!(other)), "{one} {other}");
        }
    }
}
