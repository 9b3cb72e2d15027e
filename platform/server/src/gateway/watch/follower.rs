//! Follows a match for those who watch it.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use muster_core::game::GameEvent;
use muster_core::wire::{MatchView, WatchEnd};
use muster_store::StoreError;

use super::{WatchRoom, Watched};

/// How often the log is tried again, with growing pauses: some 15 seconds in all.
const TRIES: usize = 12;

/// Follows until nobody watches, or the match is over and its end ripe.
pub async fn follow(room: WatchRoom, watched: Arc<Watched>) {
    let drain = room.0.drain.clone();
    loop {
        let end = tokio::select! {
            () = drain.cancelled() => return,
            () = watched.tape.unwatched() => None,
            end = until_over(&room, &watched) => Some(end),
        };
        match end {
            // Somebody may have come in the same moment: then it goes on from where it was.
            None if room.close(&watched, false) => return,
            None => {}
            Some((end, view)) => {
                watched.tape.end(end, view);
                room.close(&watched, true);
                return;
            }
        }
    }
}

async fn until_over(room: &WatchRoom, watched: &Watched) -> (WatchEnd, Option<MatchView>) {
    let mut pauses = patience();
    loop {
        let had = watched.tape.last();
        match read_on(room, watched).await {
            Ok(true) => break,
            // Not there yet, or not whole: its row is on its way, or the log has gone to the database meanwhile.
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(
                    match_id = %watched.beginning.match_id,
                    error = &error as &dyn std::error::Error,
                    "a match that is watched cannot be followed just now"
                );
            }
        }
        if watched.tape.last() > had {
            pauses = patience();
        }
        match pauses.next() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return (WatchEnd::Unavailable, None),
        }
    }
    match settled(room, watched).await {
        Some(view) => (WatchEnd::Over, Some(view)),
        None => (WatchEnd::Unavailable, None),
    }
}

fn patience() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(TRIES)
        .build()
}

/// Reads the log on from where the tape ends, and lets it ripen. True: the match's end is on the tape, and ripe.
async fn read_on(room: &WatchRoom, watched: &Watched) -> Result<bool, StoreError> {
    let tape = &watched.tape;
    let mut last = tape.last();
    let Some(mut events) = room.0.store.matches.follow(watched.beginning.match_id, last).await? else {
        return Ok(false);
    };
    let mut more = true;
    loop {
        let next = tape.next_to_ripen();
        let ripens_at = next.as_ref().map(|event| event.at + room.0.delay);
        tokio::select! {
            () = moment(ripens_at) => {
                let Some(event) = next else { continue };
                tape.ripen(event.seq);
                if matches!(event.event, GameEvent::Ended { .. }) {
                    return Ok(true);
                }
            }
            read = events.next(), if more && tape.has_room() => match read.transpose()? {
                // A follower that was read anew may tell again what is on the tape.
                Some(mut happened) => {
                    happened.retain(|event| event.seq > last);
                    last = happened.last().map_or(last, |event| event.seq);
                    tape.write(happened);
                }
                None => more = false,
            },
        }
        // All of it was read, all of it is ripe, and the end is not among it.
        if !more && tape.next_to_ripen().is_none() {
            return Ok(false);
        }
    }
}

/// The match as the database has it, once its result is there.
async fn settled(room: &WatchRoom, watched: &Watched) -> Option<MatchView> {
    let match_id = watched.beginning.match_id;
    for pause in patience() {
        match room.0.store.matches.get(match_id).await {
            Ok(Some(record)) if record.finished => return Some(record.view()),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(match_id = %match_id, error = &error as &dyn std::error::Error, "the end of a match that is watched cannot be read just now");
            }
        }
        tokio::time::sleep(pause).await;
    }
    None
}

/// Sleeps until a moment of the wall clock; for ever when there is none.
async fn moment(at: Option<DateTime<Utc>>) {
    match at {
        Some(at) => tokio::time::sleep((at - Utc::now()).to_std().unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}
