//! What telemetry tells of matches: day by day, so that each statement reads as much as a day has.

use chrono::{DateTime, TimeDelta, Utc};
use muster_store::{Store, StoreError};

use crate::args::Args;
use crate::findings::{Kind, Report, Violation};

/// The table whose policy says how long telemetry is kept.
const EVENTS: &str = "telemetry.events";
/// What is about to go may be gone in part: chunks are of a day.
const MARGIN: TimeDelta = TimeDelta::days(2);

/// Checks the matches made since `--since`, or as long as telemetry is kept.
pub async fn check(store: &Store, args: &Args, report: &mut Report) -> Result<(), StoreError> {
    let now = muster_store::now();
    let over_before = now - args.patience();
    let asked = args.since.map_or(DateTime::UNIX_EPOCH, |age| now - age);
    let mut from = asked.max(kept_since(store, now).await?);
    while let Some(first) = store.matches.first_made_since(from).await? {
        let until = first + TimeDelta::days(1);
        for told in store.matches.told_wrongly(first, until, over_before, args.most).await? {
            let detail = format!("started {:?}, ended {:?} by seat", told.started, told.ended);
            report.add(Violation::new(Kind::TelemetryDiffers, detail).of_match(told.match_id));
        }
        for told in store.matches.told_unsettled(first, until, args.most).await? {
            let detail = "telemetry tells its end, and it is not settled";
            report.add(Violation::new(Kind::TelemetryUnsettled, detail).of_match(told.match_id));
        }
        from = until;
    }
    Ok(())
}

/// Since when telemetry is surely there.
async fn kept_since(store: &Store, now: DateTime<Utc>) -> Result<DateTime<Utc>, StoreError> {
    let policies = store.retention.policies().await?;
    let keep =
        policies.iter().filter(|policy| policy.enabled && policy.table == EVENTS).map(|policy| policy.keep).min();
    Ok(keep.map_or(DateTime::UNIX_EPOCH, |keep| now - keep + MARGIN))
}
