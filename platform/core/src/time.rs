//! How moments are written: UTC, RFC 3339, exactly three decimals (`2026-01-31T09:30:00.125Z`).
//!
//! Everything that is kept or sent has whole milliseconds, so that what is read back equals what was written.

use chrono::{DateTime, SecondsFormat, Utc};

/// The moment without anything finer than a millisecond. A leap second, which RFC 3339 may name at any minute's end, is the second
/// after it: the database has no others.
pub fn truncate(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

/// The moment as text, as every wire has it.
pub fn format(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Serde for a `DateTime<Utc>`: `#[serde(with = "muster_core::time::millis")]`.
pub mod millis {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the moment with three decimals.
    pub fn serialize<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format(*at))
    }

    /// Reads any RFC 3339 moment, brings it to UTC and drops what is finer than a millisecond.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        DateTime::<Utc>::deserialize(deserializer).map(super::truncate)
    }

    /// The same for an `Option<DateTime<Utc>>`; pair it with `#[serde(default)]` where the field may be absent.
    pub mod option {
        use chrono::{DateTime, Utc};
        use serde::{Deserialize, Deserializer, Serializer};

        /// Writes the moment with three decimals, or null.
        pub fn serialize<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads a moment or null.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
            let at = Option::<DateTime<Utc>>::deserialize(deserializer)?;
            Ok(at.map(super::super::truncate))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Row {
        #[serde(with = "millis")]
        at: DateTime<Utc>,
        #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
    }

    #[test]
    fn writes_three_decimals_and_reads_any_offset() {
        let row: Row = serde_json::from_str(r#"{"at":"2026-01-31T10:30:00.1259+01:00"}"#).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"at":"2026-01-31T09:30:00.125Z"}"#);
        let row: Row = serde_json::from_str(r#"{"at":"2026-01-31T09:30:00Z","until":"2026-01-31T09:31:00Z"}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&row).unwrap(),
            r#"{"at":"2026-01-31T09:30:00.000Z","until":"2026-01-31T09:31:00.000Z"}"#
        );
    }

    #[test]
    fn truncating_rounds_down() {
        let at: DateTime<Utc> = "2026-01-31T09:30:00.999999Z".parse().unwrap();
        assert_eq!(format(truncate(at)), "2026-01-31T09:30:00.999Z");
        let at: DateTime<Utc> = "1969-12-31T23:59:59.000001Z".parse().unwrap();
        assert_eq!(format(truncate(at)), "1969-12-31T23:59:59.000Z");
    }

    #[test]
    fn a_leap_second_is_the_second_after_it() {
        let at: DateTime<Utc> = "2026-01-31T23:59:60.25Z".parse().unwrap();
        assert_eq!(format(truncate(at)), "2026-02-01T00:00:00.250Z");
    }
}
