//! The schema's `DateTime`: RFC 3339 in UTC.

use std::{borrow::Cow, fmt};

use chrono::Utc;
use serde::{Deserialize, Deserializer, de};

/// A moment of the platform.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime(pub chrono::DateTime<Utc>);

impl fmt::Debug for DateTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&crate::format::machine(self.0))
    }
}

/// By `parse_from_rfc3339`: chrono's own reading takes any order of parts, with a parser of several kilobytes.
impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        let moment =
            chrono::DateTime::parse_from_rfc3339(&text).map_err(|_| de::Error::custom("not an RFC 3339 time"))?;
        Ok(Self(moment.to_utc()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_the_platform_writes() {
        let read = |text: &str| serde_json::from_str::<DateTime>(text).map(|moment| crate::format::machine(moment.0));
        assert_eq!(read(r#""2026-11-20T11:37:02.250Z""#).expect("a time"), "2026-11-20T11:37:02.250Z");
        assert_eq!(read(r#""2026-11-20T12:37:02+01:00""#).expect("a time"), "2026-11-20T11:37:02.000Z");
        assert!(read(r#""yesterday""#).is_err());
    }
}
