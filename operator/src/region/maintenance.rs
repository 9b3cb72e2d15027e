//! When running processes may be replaced by others.

use croner::parser::{CronParser, Seconds};
use k8s_openapi::jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    crd::region::Maintenance,
    reconcile::Error,
    region::{Phase, duration},
};

/// Whether processes may be replaced now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// They may.
    Open,
    /// Not before this moment.
    OpensAt(Timestamp),
}

/// The window at a moment. Without one it is always open.
///
/// # Errors
/// The time zone is unknown, the cron line cannot be read, or it never comes.
pub fn window(maintenance: Option<&Maintenance>, now: Timestamp) -> Result<Window, Error> {
    let Some(maintenance) = maintenance else { return Ok(Window::Open) };
    let wrong = |message: String| Error::invalid("MaintenanceInvalid", message);
    let zone = TimeZone::get(&maintenance.time_zone).map_err(|_| {
        wrong(format!(
            "spec.maintenance.timeZone {:?} is no time zone: use an IANA name such as Europe/Berlin.",
            maintenance.time_zone
        ))
    })?;
    let cron =
        CronParser::builder().seconds(Seconds::Disallowed).build().parse(&maintenance.start).map_err(|error| {
            wrong(format!("spec.maintenance.start {:?} is no cron line: {error}", maintenance.start))
        })?;
    let length = SignedDuration::try_from(duration::parse(&maintenance.length)).unwrap_or(SignedDuration::MAX);
    let now = now.to_zoned(zone);
    // One that began before the length of a window is over, and so is every one before it.
    let began = cron.find_previous_occurrence(&now, true).ok();
    if began.is_some_and(|began| now.timestamp().duration_since(began.timestamp()) < length) {
        return Ok(Window::Open);
    }
    match cron.find_next_occurrence(&now, false) {
        Ok(next) => Ok(Window::OpensAt(next.timestamp())),
        Err(error) => Err(wrong(format!("spec.maintenance.start {:?} never comes: {error}", maintenance.start))),
    }
}

/// The same for a Region on its way to `phase`: processes that go anyway are not replaced, and what is wrong with the window must not keep
/// them from it.
///
/// # Errors
/// As for [`window`].
pub fn window_of(phase: Phase, maintenance: Option<&Maintenance>, now: Timestamp) -> Result<Window, Error> {
    match phase {
        Phase::Serving => window(maintenance, now),
        Phase::Closing | Phase::Stopped => Ok(Window::Open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nightly(zone: &str) -> Maintenance {
        Maintenance { time_zone: zone.to_owned(), start: "0 3 * * *".to_owned(), length: "1h30m".to_owned() }
    }

    fn at(moment: &str) -> Timestamp {
        moment.parse().unwrap()
    }

    #[test]
    fn it_opens_and_closes_on_time() {
        let nightly = nightly("UTC");
        let at_moment = |moment| window(Some(&nightly), at(moment)).unwrap();
        assert_eq!(at_moment("2026-05-01T02:59:59Z"), Window::OpensAt(at("2026-05-01T03:00:00Z")));
        assert_eq!(at_moment("2026-05-01T03:00:00Z"), Window::Open);
        assert_eq!(at_moment("2026-05-01T04:29:59Z"), Window::Open);
        assert_eq!(at_moment("2026-05-01T04:30:00Z"), Window::OpensAt(at("2026-05-02T03:00:00Z")));
    }

    #[test]
    fn it_is_meant_in_its_time_zone() {
        let summer = window(Some(&nightly("Europe/Berlin")), at("2026-07-01T00:59:00Z")).unwrap();
        assert_eq!(summer, Window::OpensAt(at("2026-07-01T01:00:00Z")));
        let message = window(Some(&nightly("Mars/Olympus")), at("2026-07-01T00:59:00Z")).unwrap_err().to_string();
        assert!(message.contains("Mars/Olympus"), "{message}");
    }

    #[test]
    fn a_region_that_goes_does_not_need_one() {
        let wrong = nightly("Mars/Olympus");
        let now = at("2026-07-01T00:59:00Z");
        assert!(window_of(Phase::Serving, Some(&wrong), now).is_err());
        assert_eq!(window_of(Phase::Closing, Some(&wrong), now).unwrap(), Window::Open);
        assert_eq!(window_of(Phase::Stopped, Some(&wrong), now).unwrap(), Window::Open);
    }
}
