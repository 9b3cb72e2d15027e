//! Lengths of time and cron lines, as resources write them.

use std::str::FromStr;

use croner::{Cron, parser::CronParser};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::reconcile::Error;

/// A length of time such as `90s` or `1h30m`.
///
/// # Errors
/// It is not one, which the API server does not let through.
pub fn duration(field: &'static str, text: &str) -> Result<SignedDuration, Error> {
    SignedDuration::from_str(text).map_err(|_| {
        Error::invalid(
            "DurationInvalid",
            format!("{field}: {text:?} is not a length of time; write for instance 90s or 1h30m"),
        )
    })
}

/// A cron line in its time zone. Moments that a change of the clock leaves out are taken right after it; those that it
/// repeats are taken once.
#[derive(Debug, Clone)]
pub struct ZonedCron {
    cron: Cron,
    zone: TimeZone,
}

impl ZonedCron {
    /// Reads a line of five fields and the IANA name of a time zone.
    ///
    /// # Errors
    /// Which of them is not one.
    pub fn new(field: &'static str, line: &str, zone: &str) -> Result<Self, Error> {
        let cron = CronParser::builder()
            .seconds(croner::parser::Seconds::Disallowed)
            .year(croner::parser::Year::Disallowed)
            .build()
            .parse(line)
            .map_err(|error| {
                Error::invalid("CronInvalid", format!("{field}: {line:?} is not a cron line of five fields: {error}"))
            })?;
        let zone = TimeZone::get(zone).map_err(|_| {
            Error::invalid(
                "TimeZoneInvalid",
                format!("{field}: {zone:?} is not an IANA time zone; write for instance Europe/Berlin"),
            )
        })?;
        Ok(Self { cron, zone })
    }

    /// The first moment after `after`; `None` when there is none, as for the 30th of February.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let from = after.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&from, false).ok().map(|found| found.timestamp())
    }

    /// The last moment at or before `at`.
    pub fn last_until(&self, at: Timestamp) -> Option<Timestamp> {
        let from = at.to_zoned(self.zone.clone());
        self.cron.find_previous_occurrence(&from, true).ok().map(|found| found.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_line_is_meant_in_its_zone() {
        let evenings = ZonedCron::new("cron", "0 18 * * 1-5", "Europe/Berlin").unwrap();
        // A Friday in summer, then the Monday after.
        assert_eq!(evenings.next_after(at("2026-07-03T12:00:00Z")), Some(at("2026-07-03T16:00:00Z")));
        assert_eq!(evenings.next_after(at("2026-07-03T16:00:00Z")), Some(at("2026-07-06T16:00:00Z")));
        // In winter it is an hour later in UTC.
        assert_eq!(evenings.next_after(at("2026-12-01T00:00:00Z")), Some(at("2026-12-01T17:00:00Z")));
        assert_eq!(evenings.last_until(at("2026-12-01T17:00:00Z")), Some(at("2026-12-01T17:00:00Z")));
    }

    #[test]
    fn a_moment_that_the_clock_leaves_out_is_not_lost() {
        let nightly = ZonedCron::new("cron", "30 2 * * *", "Europe/Berlin").unwrap();
        // On 29 March 2026 the clock goes from 2:00 to 3:00.
        let found = nightly.next_after(at("2026-03-28T12:00:00Z")).unwrap();
        assert!(found >= at("2026-03-29T01:00:00Z") && found <= at("2026-03-29T01:30:00Z"), "{found}");
    }

    #[test]
    fn nonsense_is_named() {
        for (line, zone, part) in [
            ("0 25 * * *", "UTC", "0 25"),
            ("0 0 * * *", "Europe/Atlantis", "Atlantis"),
            ("0 0 0 * * *", "UTC", "five fields"),
        ] {
            let error = ZonedCron::new("schedule.cron", line, zone).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("schedule.cron"), "{error}");
        }
        assert!(ZonedCron::new("cron", "0 0 30 2 *", "UTC").unwrap().next_after(at("2026-01-01T00:00:00Z")).is_none());
        assert_eq!(duration("overlap", "1h30m").unwrap(), SignedDuration::from_mins(90));
    }
}
