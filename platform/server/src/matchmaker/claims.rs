//! Claims whose matchmaker died half way: the match is completed when its log has begun, called off when it has not.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::id::MatchId;
use muster_store::{AppendError, ClaimedTicket, MatchLogEntry, StoreError};

use super::{Matchmaker, make};
use crate::referee::MatchRecord;

/// Looks for stale claims until the process drains. Any number of processes may look: each step is safe to do twice.
pub(super) async fn recover(matchmaker: Matchmaker) {
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    loop {
        tokio::select! {
            () = matchmaker.drain.cancelled() => return,
            _ = ticks.tick() => {}
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
    let mut by_match: BTreeMap<MatchId, Vec<ClaimedTicket>> = BTreeMap::new();
    for claim in stale {
        by_match.entry(claim.match_id()).or_default().push(claim);
    }
    for (match_id, claimed) in by_match {
        resolve(matchmaker, match_id, &claimed).await?;
    }
    Ok(())
}

async fn resolve(matchmaker: &Matchmaker, match_id: MatchId, claimed: &[ClaimedTicket]) -> Result<(), StoreError> {
    let store = &matchmaker.store;
    if store.matches.get(match_id).await?.is_some() {
        // Begun, perhaps even over and its log gone: only the tickets' end is missing.
        store.tickets.settle(claimed, muster_store::now()).await?;
        return Ok(());
    }
    // Before the tickets go back, the log is closed to the maker that may only be slow: its first append then meets the fence.
    let called_off = MatchLogEntry::Settled { at: muster_store::now() };
    match store.match_log.append(match_id, 0, &called_off).await {
        Ok(_) => {}
        Err(AppendError::Fenced) => {
            if let Ok(record) = MatchRecord::replay(store.match_log.read(match_id).await?) {
                return make::complete(matchmaker, &record, claimed).await;
            }
        }
        Err(AppendError::Store(error)) => return Err(error),
    }
    let queue = claimed.first().map_or("", ClaimedTicket::queue);
    make::release(matchmaker, queue, claimed, "their matchmaker died before the match began").await;
    Ok(())
}
