//! What the hypertable cannot take, told before a whole batch fails by it.

use chrono::TimeDelta;

use super::row::Row;

/// How far the sender's clock may be from ours. Every day that any event names becomes a chunk, so a sender whose clock
/// stands at 1970 or 2100 must not get one.
const OLDEST: TimeDelta = TimeDelta::days(31);
const NEWEST: TimeDelta = TimeDelta::days(1);

/// Why an event cannot be stored.
pub(super) fn check(row: &Row<'_>) -> Result<(), String> {
    let age = row.received_at - row.at;
    if age > OLDEST || age < -NEWEST {
        return Err(format!("`at` is {} and it was received at {}: too far apart", row.at, row.received_at));
    }
    if row.sequence.is_some_and(|sequence| sequence < 1) {
        return Err("its number in its session is not 1 or more".to_owned());
    }
    if !row.properties.get().starts_with('{') {
        return Err("its properties are not a JSON object".to_owned());
    }
    let texts = [&row.queue, &row.region, &row.platform, &row.build, &row.quarantine].into_iter().flatten();
    if texts.map(String::as_str).chain([&*row.kind]).any(|text| text.contains('\0'))
        || escapes_nul(row.properties.get())
    {
        return Err("it holds the character U+0000, which PostgreSQL cannot store".to_owned());
    }
    Ok(())
}

/// Whether JSON holds the character U+0000, which it can only as an escape. An escaped backslash before `u0000` is none.
fn escapes_nul(json: &str) -> bool {
    json.match_indices(r"\u0000").any(|(place, _)| {
        let before = json[..place].bytes().rev().take_while(|byte| *byte == b'\\').count();
        before % 2 == 0
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(at: &str, kind: &str, properties: &Value) -> Option<String> {
        let line = json!({
            "event_id": "evt_0192f0c1e1c07b2cb4b1a7d1c2e3f405",
            "at": at,
            "received_at": "2026-01-31T09:30:00Z",
            "source": "client",
            "kind": kind,
            "properties": properties,
        });
        let line = line.to_string();
        Row::read(line.as_bytes()).err()
    }

    #[test]
    fn refuses_clocks_that_are_far_off() {
        for fine in ["2026-01-01T09:30:00Z", "2026-01-31T09:30:00Z", "2026-02-01T09:00:00Z"] {
            assert_eq!(refusal(fine, "a", &json!({})), None, "{fine}");
        }
        for wrong in ["1970-01-01T00:00:00Z", "2025-12-01T00:00:00Z", "2026-02-02T00:00:00Z", "2100-01-01T00:00:00Z"] {
            assert!(refusal(wrong, "a", &json!({})).unwrap().contains("too far apart"), "{wrong}");
        }
    }

    #[test]
    fn refuses_nul_wherever_it_hides() {
        let at = "2026-01-31T09:30:00Z";
        for properties in [
            json!({"a": "x\0"}),
            json!({"a\0": 1}),
            json!({"a": [{"b": ["\0"]}]}),
            json!({"a": {"\0": null}}),
            json!({"a": "\\\0"}),
        ] {
            assert!(refusal(at, "a", &properties).unwrap().contains("U+0000"), "{properties}");
        }
        assert!(refusal(at, "a\0", &json!({})).unwrap().contains("U+0000"));
        for properties in [json!({"a": r"\u0000"}), json!({r"\\u0000": "\u{1}"}), json!({"a": "u0000"})] {
            assert_eq!(refusal(at, "a", &properties), None, "{properties}");
        }
    }

    #[test]
    fn refuses_properties_that_are_no_object() {
        for properties in [json!([]), json!("{}"), json!(1)] {
            assert!(refusal("2026-01-31T09:30:00Z", "a", &properties).unwrap().contains("object"), "{properties}");
        }
    }
}
