//! Becoming the owner of a match that has a log.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::TimeDelta;
use muster_core::id::MatchId;
use muster_store::{NewMatch, Store, StoreError};

use super::actor::Actor;
use super::record::{MatchRecord, ReplayError};
use super::tell::Teller;
use super::{AdoptError, Referee, lost, settle};
use crate::events;

/// How long nobody tries again to replay a log that cannot be replayed.
const CORRUPT_FOR: TimeDelta = TimeDelta::minutes(1);

/// Replays the end of the log and begins to serve the match.
pub(super) async fn take_over(referee: &Referee, match_id: MatchId) -> Result<Actor, AdoptError> {
    let store = &referee.0.store;
    // Serving first: a call that arrives while the log is read waits here instead of finding no owner. And beaten for first: nobody
    // else's sweep need find it meanwhile.
    let ids = [match_id];
    let (calls, beaten) =
        tokio::join!(store.match_calls.serve(match_id), store.match_owners.beat(&ids, muster_store::now()));
    let calls = calls?;
    if let Err(error) = beaten {
        owners_unchanged(match_id, &error);
    }
    let record = match MatchRecord::replay(store.match_log.read_recent(match_id).await?) {
        Ok(record) => record,
        // Over and purged, or never begun: nobody needs to look for an owner again.
        Err(error @ (ReplayError::Empty | ReplayError::CalledOff)) => {
            let called_off = matches!(error, ReplayError::CalledOff);
            lost::end_if_lost(store, match_id, called_off).await?;
            store.match_owners.remove(&ids).await?;
            return Err(if called_off { AdoptError::CalledOff } else { AdoptError::NoLog });
        }
        Err(error @ ReplayError::Corrupt(_)) => {
            store.match_owners.beat(&ids, muster_store::now() + CORRUPT_FOR).await?;
            return Err(AdoptError::Corrupt(error.to_string()));
        }
    };
    // The log is the beginning of a match; its row may still be missing when its maker died in between. The match can be played
    // without it, so nobody waits for it.
    referee.0.tasks.spawn("match-row", create_row(store.clone(), settle::row(&record)));

    let taken_over = record.version() > 1;
    let replayed = record.events.len();
    let mut teller = Teller::new(store.clone(), record.version_before_last_entry());
    if taken_over {
        // The last owner may have died between the log and the telling.
        teller.tell_missing(&record).await;
    } else {
        // The maker of a match tells its beginning.
        teller = Teller::new(store.clone(), record.version());
    }
    events::match_owned(match_id, replayed, taken_over);
    Ok(Actor::new(referee.clone(), record, teller, calls))
}

/// Begins to serve a match whose only log entry this process has just written, and of which nobody was told yet.
pub(super) async fn serve_new(referee: &Referee, record: MatchRecord) -> Result<Actor, StoreError> {
    let match_id = record.created.match_id;
    let store = &referee.0.store;
    let calls = store.match_calls.serve_new(match_id).await?;
    events::match_owned(match_id, record.events.len(), false);
    let teller = Teller::new(store.clone(), record.version());
    Ok(Actor::new(referee.clone(), record, teller, calls))
}

async fn create_row(store: Store, row: NewMatch) {
    let backoff =
        ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).with_max_times(5).with_jitter();
    if let Err(error) = (|| store.matches.create(&row)).retry(backoff).await {
        tracing::warn!(
            match_id = %row.match_id,
            error = &error as &dyn std::error::Error,
            "the row of a match could not be made sure of; the settlement does it"
        );
    }
}

pub(super) fn owners_unchanged(match_id: MatchId, error: &StoreError) {
    tracing::warn!(match_id = %match_id, error = error as &dyn std::error::Error, "the owners' list could not be changed");
}
