//! Claims whose matchmaker died half way: a match whose log has begun is completed, any other is called off and its tickets given
//! back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use muster_core::id::MatchId;
use muster_store::{
    AppendError, AssignmentState, ClaimedTicket, MatchCall, MatchLogEntry, MatchRecord as MatchRow, Store, StoreError,
};
use tokio::time::{MissedTickBehavior, interval};

use super::begin::{Begun, announce};
use super::finish::{Standing, end_tickets};
use super::leader::ANYWHERE;
use super::{Matchmaker, release, tell};
use crate::events;
use crate::referee::MatchRecord;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How often old assignments are thrown away, and how old they are then.
const TIDY: Duration = Duration::from_secs(10 * 60);
const ASSIGNMENTS_KEPT: chrono::TimeDelta = chrono::TimeDelta::days(7);
/// Claims that are brought to their end at the same time.
const AT_ONCE: usize = 32;
/// Longest wait for a sign of a match's owner.
const OWNER: Duration = Duration::from_millis(500);

/// Looks for stale claims until the process drains. Any number of processes may look: each step is safe to do twice.
pub(super) async fn recover(matchmaker: Arc<Matchmaker>) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tidies = interval(TIDY);
    tidies.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = matchmaker.drain.cancelled() => return,
            _ = tidies.tick() => {
                if let Err(error) = matchmaker.store.assignments.forget(muster_store::now() - ASSIGNMENTS_KEPT).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old assignments could not be thrown away");
                }
                continue;
            }
            _ = looks.tick() => {}
        }
        if let Err(error) = recover_once(&matchmaker).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "stale claims could not be looked through; trying again"
            );
        }
    }
}

async fn recover_once(matchmaker: &Matchmaker) -> Result<(), StoreError> {
    let now = muster_store::now();
    let stale = matchmaker.store.tickets.stale_claims(now - matchmaker.settings.stale_claim).await?;
    if stale.is_empty() {
        return Ok(());
    }
    // Nobody else needs to look at these for a while; should this process die too, somebody does then.
    matchmaker.store.tickets.keep_claims(&stale, now).await?;
    let mut by_match: BTreeMap<MatchId, Vec<ClaimedTicket>> = BTreeMap::new();
    for claim in stale {
        by_match.entry(claim.match_id()).or_default().push(claim);
    }
    let mut fates = stream::iter(by_match)
        .map(|(match_id, claimed)| async move { (match_id, fate(matchmaker, match_id, claimed).await) })
        .buffer_unordered(AT_ONCE);
    let (mut standing, mut begun, mut called_off) = (Vec::new(), Vec::new(), Vec::new());
    let mut brought_to_end = 0;
    while let Some((match_id, fate)) = fates.next().await {
        match fate {
            Ok(Fate::Stands(one)) => standing.push(one),
            Ok(Fate::Begun(one)) => begun.push(one),
            Ok(Fate::CalledOff(claimed)) => called_off.extend(claimed),
            Ok(Fate::LookedAfter) => continue,
            Err(error) => {
                tracing::warn!(
                    match_id = %match_id,
                    error = &error as &dyn std::error::Error,
                    "what has to become of a claim could not be found out; it is looked at again later"
                );
                continue;
            }
        }
        brought_to_end += 1;
    }
    if brought_to_end > 0 {
        events::claims_recovered(brought_to_end);
    }
    let settled = end_tickets(&matchmaker.store, &matchmaker.telemetry, &standing).await?;
    tell(matchmaker, &settled).await;
    if announce(matchmaker, &begun).await {
        matchmaker.finisher.take(begun).await;
    }
    if !called_off.is_empty() {
        release(matchmaker, &called_off, "their matchmaker died before the match began").await;
    }
    Ok(())
}

/// What has to become of a claim.
enum Fate {
    /// Its match stands, perhaps is even over: only the tickets' end is missing.
    Stands(Standing),
    /// Its match has begun, but perhaps nobody was told.
    Begun(Begun),
    /// It comes to nothing.
    CalledOff(Vec<ClaimedTicket>),
    /// It waits for a server: its shard's leader looks after it. There is one as long as it waits, see `queues`.
    LookedAfter,
}

async fn fate(matchmaker: &Matchmaker, match_id: MatchId, claimed: Vec<ClaimedTicket>) -> Result<Fate, StoreError> {
    let store = &matchmaker.store;
    if let Some(row) = store.matches.get(match_id).await? {
        return standing(store, row, claimed).await.map(Fate::Stands);
    }
    if let Some(assignment) = store.assignments.get(match_id).await? {
        let longer = match assignment.state {
            AssignmentState::Open => assignment.new.expires_at,
            _ => muster_store::now(),
        };
        store.tickets.keep_claims(&claimed, longer).await?;
        return Ok(Fate::LookedAfter);
    }
    // Before the tickets go back, the log is closed to the maker that may only be slow: its first append then meets the fence.
    let called_off = MatchLogEntry::Settled { at: muster_store::now() };
    match store.match_log.append(match_id, 0, &called_off).await {
        Ok(_) => return Ok(Fate::CalledOff(claimed)),
        Err(AppendError::Fenced) => {}
        Err(AppendError::Store(error)) => return Err(error),
    }
    let Ok(record) = MatchRecord::replay(store.match_log.read(match_id).await?) else {
        return Ok(Fate::CalledOff(claimed));
    };
    // The maker may have found an owner for it before it died, or a player who was told already has.
    let owned = store.match_calls.call(match_id, &MatchCall::View, OWNER).await.is_ok();
    let queue_version = newest_version(store, &record.created.queue).await?;
    Ok(Fate::Begun(Begun { region: record.created.region.clone(), record, tickets: claimed, queue_version, owned }))
}

/// What is known of a match by its row. Where it is played is in its log only, which is forgotten when the match is over.
async fn standing(store: &Store, row: MatchRow, tickets: Vec<ClaimedTicket>) -> Result<Standing, StoreError> {
    let region = match store.match_log.read(row.match_id).await?.into_iter().next() {
        Some((_, MatchLogEntry::Created { region, .. })) => region,
        _ => None,
    };
    Ok(Standing {
        match_id: row.match_id,
        mode: row.mode,
        quality: row.quality,
        players: row.players.map(|player| player.player_id),
        region: region.unwrap_or_else(|| ANYWHERE.to_owned()),
        queue_version: newest_version(store, &row.queue).await?,
        created_at: row.created_at,
        tickets,
    })
}

/// Nobody remembers which version a match was made by; the newest is the best guess.
async fn newest_version(store: &Store, queue: &str) -> Result<u32, StoreError> {
    Ok(store.queues.get(queue).await?.map_or(1, |queue| queue.version))
}
