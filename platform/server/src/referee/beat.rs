//! Says for the matches of this process that they have a referee. Nothing else is done here, so that nothing delays it.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::MissedTickBehavior;

use super::Referee;
use super::owned::Note;

/// Beats until the process drains.
pub(super) async fn run(referee: Referee) {
    let mut beats = tokio::time::interval(referee.0.settings.beat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The setting has bounds far below what does not fit.
    let orphaned_after = TimeDelta::from_std(referee.0.settings.orphaned_after).unwrap_or(TimeDelta::MAX);
    let mut last: Option<DateTime<Utc>> = None;
    loop {
        tokio::select! {
            () = referee.0.drain.cancelled() => return,
            _ = beats.tick() => {}
        }
        let now = muster_store::now();
        if let Err(error) = referee.0.store.match_owners.beat(&referee.0.owned.ids(), now).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the owners' list could not be renewed; the next beat tries again"
            );
            continue;
        }
        if last.is_some_and(|last| now - last > orphaned_after) {
            // This process was frozen, or cut off: others may own its matches by now.
            tracing::warn!(
                silent_ms = last.map(|last| (now - last).num_milliseconds()),
                "this referee was silent for too long"
            );
            for link in referee.0.owned.links() {
                link.leave(Note::CheckLog);
            }
        }
        last = Some(now);
    }
}
