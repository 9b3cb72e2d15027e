//! Matches that are not settled: each needs a log that grows and somebody who runs it, and nothing may be left of the others.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use muster_core::game::{DROP_GRACE, TURN_CLOCK};
use muster_core::id::MatchId;
use muster_store::{MatchLogEntry, Store, StoreError};

use crate::args::Args;
use crate::findings::{Kind, Report, Violation};

/// Logs that are looked at at the same time.
const AT_ONCE: usize = 32;
/// Rows of one look.
const PAGE: usize = 1_000;

/// One look; what is in motion may look odd.
pub async fn look(store: &Store, args: &Args, report: &mut Report) -> Result<Vec<Violation>, StoreError> {
    let now = muster_store::now();
    let settled_in = now - args.patience();
    // Logs first: a match that is settled meanwhile is neither in the rows nor missed.
    let logs = store.match_log.census().await?;
    let running: HashSet<MatchId> = store.matches.unfinished().await?.into_iter().collect();
    report.running = running.len() as u64;

    let mut found = Vec::new();
    let old: Vec<MatchId> = running.iter().copied().filter(|id| made_at(*id) < settled_in).collect();
    for match_id in &old {
        if !logs.contains_key(match_id) {
            let detail = "it is not settled, and has no log";
            found.push(Violation::new(Kind::MatchWithoutLog, detail).of_match(*match_id));
        } else if args.calm_within.is_some() {
            let detail = "everybody has left, and it still runs";
            found.push(Violation::new(Kind::MatchStillRuns, detail).of_match(*match_id));
        }
    }
    if args.calm_within.is_none() {
        found.extend(stalled(store, old, &logs, settled_in).await?);
    }
    let others: Vec<(MatchId, u64)> =
        logs.into_iter().filter(|(id, _)| !running.contains(id) && made_at(*id) < settled_in).collect();
    found.extend(left_over(store, &others).await?);
    found.extend(owners(store, &running, settled_in).await?);
    for seat in store.matches.open_seats(args.most).await? {
        let detail = "it is settled, and looks as if it ran";
        found.push(Violation::new(Kind::SeatOpen, detail).of_match(seat.match_id).of_player(seat.player_id));
    }
    Ok(found)
}

/// Matches whose log has not grown for longer than all of a match's clocks together.
async fn stalled(
    store: &Store,
    matches: Vec<MatchId>,
    logs: &HashMap<MatchId, u64>,
    settled_in: DateTime<Utc>,
) -> Result<Vec<Violation>, StoreError> {
    let patience = TimeDelta::from_std(TURN_CLOCK + DROP_GRACE).unwrap_or(TimeDelta::MAX);
    let with_log = matches.into_iter().filter(|id| logs.contains_key(id));
    let looks = stream::iter(with_log)
        .map(async |match_id| Ok::<_, StoreError>((match_id, store.match_log.last_written(match_id).await?)));
    let looked: Vec<(MatchId, Option<DateTime<Utc>>)> = looks.buffer_unordered(AT_ONCE).try_collect().await?;
    let stands = looked.into_iter().filter_map(|(match_id, written)| Some((match_id, written?)));
    Ok(stands
        .filter(|(_, written)| *written + patience < settled_in)
        .map(|(match_id, written)| {
            let detail = format!("nothing has happened since {}", muster_core::time::format(written));
            Violation::new(Kind::MatchStalled, detail).of_match(match_id)
        })
        .collect())
}

/// Logs of matches that do not run: settled ones, ones without a row, and ones that were called off, which may stay.
async fn left_over(store: &Store, logs: &[(MatchId, u64)]) -> Result<Vec<Violation>, StoreError> {
    let mut found = Vec::new();
    for some in logs.chunks(PAGE) {
        let ids: Vec<MatchId> = some.iter().map(|(id, _)| *id).collect();
        let rows = store.matches.settled_of(&ids).await?;
        for (match_id, messages) in some {
            match rows.get(match_id) {
                Some(true) => {
                    let detail = format!("it is settled, and {messages} entries of its log are there still");
                    found.push(Violation::new(Kind::LogLeft, detail).of_match(*match_id));
                }
                // It has begun since the running ones were read.
                Some(false) => {}
                None => {
                    let log = store.match_log.read(*match_id).await?;
                    if !matches!(log.first(), None | Some((_, MatchLogEntry::Settled { .. }))) {
                        let detail = format!("{messages} entries, and no match in the database");
                        found.push(Violation::new(Kind::LogWithoutMatch, detail).of_match(*match_id));
                    }
                }
            }
        }
    }
    Ok(found)
}

/// Whoever is in the owners' list runs, and its owner has been heard of.
async fn owners(
    store: &Store,
    running: &HashSet<MatchId>,
    settled_in: DateTime<Utc>,
) -> Result<Vec<Violation>, StoreError> {
    let silent = store.match_owners.orphans(settled_in).await?;
    Ok(silent
        .into_iter()
        .map(|match_id| {
            match running.contains(&match_id) {
                true => Violation::new(Kind::MatchWithoutOwner, "nobody has said for a while that they run it"),
                false => Violation::new(Kind::OwnerLeft, "it is in the owners' list, and does not run"),
            }
            .of_match(match_id)
        })
        .collect())
}

/// An id tells when it was made.
fn made_at(id: MatchId) -> DateTime<Utc> {
    let made = id.uuid().get_timestamp().and_then(|timestamp| {
        let (seconds, nanos) = timestamp.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
    });
    made.unwrap_or(DateTime::UNIX_EPOCH)
}
