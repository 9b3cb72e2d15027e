//! What the hypertable cannot take, told before a whole batch fails by it.

use chrono::TimeDelta;
use serde_json::Value;

use super::TelemetryEvent;

/// How far the sender's clock may be from ours. Every day that any event names becomes a chunk, so a sender whose clock
/// stands at 1970 or 2100 must not get one.
const OLDEST: TimeDelta = TimeDelta::days(31);
const NEWEST: TimeDelta = TimeDelta::days(1);

/// Why an event cannot be stored.
pub(super) fn check(event: &TelemetryEvent) -> Result<(), String> {
    let age = event.received_at - event.at;
    if age > OLDEST || age < -NEWEST {
        return Err(format!("`at` is {} and it was received at {}: too far apart", event.at, event.received_at));
    }
    let texts =
        [Some(&event.kind), event.queue.as_ref(), event.region.as_ref(), event.platform.as_ref(), event.build.as_ref()];
    if texts.into_iter().flatten().any(|text| has_nul(text))
        || event.properties.iter().any(|(key, value)| has_nul(key) || holds_nul(value))
    {
        return Err("it holds the character U+0000, which PostgreSQL cannot store".to_owned());
    }
    Ok(())
}

fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

/// Values are no deeper than the JSON reader's limit (128), so this recursion is bounded.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => has_nul(text),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| has_nul(key) || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use muster_core::id::EventId;
    use serde_json::json;

    use super::*;
    use crate::TelemetrySource;

    fn event(at: &str) -> TelemetryEvent {
        let received_at: DateTime<Utc> = "2026-01-31T09:30:00Z".parse().unwrap();
        TelemetryEvent::new(
            EventId::new(received_at, [1; 10]),
            TelemetrySource::Client,
            "a",
            at.parse().unwrap(),
            received_at,
        )
    }

    #[test]
    fn refuses_clocks_that_are_far_off() {
        for fine in ["2026-01-01T09:30:00Z", "2026-01-31T09:30:00Z", "2026-02-01T09:00:00Z"] {
            assert_eq!(check(&event(fine)), Ok(()), "{fine}");
        }
        for wrong in ["1970-01-01T00:00:00Z", "2025-12-01T00:00:00Z", "2026-02-02T00:00:00Z", "2100-01-01T00:00:00Z"] {
            assert!(check(&event(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn refuses_nul_wherever_it_hides() {
        for properties in
            [json!({"a": "x\0"}), json!({"a\0": 1}), json!({"a": [{"b": ["\0"]}]}), json!({"a": {"\0": null}})]
        {
            let mut event = event("2026-01-31T09:30:00Z");
            event.properties = properties.as_object().unwrap().clone();
            assert!(check(&event).is_err(), "{properties}");
        }
    }
}
