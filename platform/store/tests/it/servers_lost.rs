//! Servers that fall silent or drain, and matches that run out of time.

use std::time::Duration;

use chrono::TimeDelta;
use muster_core::matchmaking::ServerChoice;
use muster_core::wire::{ReportResult, ServerMatchReason, ServerMatchState, ServerReport, ServerState};
use muster_store::{HeartbeatError, Limits, ResultError, Swept, now};
use muster_testkit::Scratch;

use crate::servers::{LEASE, allocate, beat, given, key, open, ready, registered, won};

#[tokio::test]
async fn a_silent_server_is_lost_and_its_matches_are_over() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (server, match_id, teams) = given(store, key).await;
    let quiet = now() + LEASE + TimeDelta::seconds(1);
    // One that goes on saying that it is there.
    let alive = ready(store, key, &registered(1)).await;
    store.servers.heartbeat(alive, key, &beat(ServerReport::Ready), quiet, LEASE).await.unwrap();
    assert_eq!(store.servers.sweep_lost(now()).await.unwrap(), Swept::default(), "its lease runs");

    let swept = store.servers.sweep_lost(quiet).await.unwrap();
    assert_eq!((swept.lost, swept.orphaned), (vec![server], vec![match_id]));
    assert_eq!(store.servers.sweep_lost(quiet).await.unwrap(), Swept::default(), "once");
    let view = store.servers.get(server, key).await.unwrap().unwrap();
    assert_eq!((view.state, view.matches), (ServerState::Lost, 0));
    let over = store.servers.match_of(match_id).await.unwrap().unwrap();
    assert_eq!((over.state, over.end.unwrap().reason), (ServerMatchState::Ended, ServerMatchReason::ServerLost));
    for player in teams.iter().flatten() {
        assert_eq!(store.servers.running_of(*player).await.unwrap(), None, "free to queue again");
        assert_eq!(store.servers.place_of(*player, match_id).await.unwrap(), None);
    }

    // It comes back too late, with a result that nobody waits for any more.
    let back = store.servers.heartbeat(server, key, &beat(ServerReport::Ready), quiet, LEASE).await;
    assert!(matches!(back, Err(HeartbeatError::Lost)), "{back:?}");
    let late = store.servers.report(server, key, match_id, &won(&teams), quiet).await;
    assert!(matches!(late, Err(ResultError::Over)), "{late:?}");
    assert!(store.servers.ratings_of(teams[0][0]).await.unwrap().is_empty());

    // The end is taken by one teller, and again when that one did not come to tell it.
    let hold = Duration::from_secs(5);
    let untold = async |at| store.servers.untold(None, 10, at, hold).await.unwrap();
    let taken = untold(quiet).await;
    assert_eq!((taken.len(), taken[0].match_id, taken[0].players.len()), (1, match_id, 4));
    assert!(taken[0].players.iter().all(|player| player.stayed && player.points.is_none()));
    assert!(untold(quiet + TimeDelta::seconds(1)).await.is_empty());
    assert_eq!(untold(quiet + TimeDelta::seconds(6)).await.len(), 1);
    store.servers.told(&[match_id]).await.unwrap();
    assert!(untold(quiet + TimeDelta::seconds(60)).await.is_empty());

    assert_eq!(store.servers.forget(quiet).await.unwrap(), 0);
    assert_eq!(store.servers.forget(quiet + TimeDelta::seconds(1)).await.unwrap(), 1);
    assert!(store.servers.match_of(match_id).await.unwrap().is_some(), "the history stays");
    scratch.finish().await;
}

#[tokio::test]
async fn a_draining_server_gets_nothing_new_and_is_gone_when_empty() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (server, match_id, _) = given(store, key).await;
    assert_eq!(store.servers.drain(server, key, now()).await.unwrap().state, ServerState::Draining);
    let ready_again = store.servers.heartbeat(server, key, &beat(ServerReport::Ready), now(), LEASE).await.unwrap();
    assert_eq!(ready_again.state, ServerState::Draining, "draining is for good");
    open(store, 1).await;
    assert_eq!(allocate(store, &ServerChoice::default()).await.unfit, 1, "it will never be free");
    let off = ReportResult::Abandoned { reason: "maintenance".to_owned() };
    store.servers.report(server, key, match_id, &off, now()).await.unwrap();
    let view = store.servers.get(server, key).await.unwrap().unwrap();
    assert_eq!((view.state, view.matches), (ServerState::Gone, 0));
    scratch.finish().await;
}

#[tokio::test]
async fn a_match_that_is_never_started_or_never_ends_is_ended() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (first, never, _) = given(store, key).await;
    store.servers.drain(first, key, now()).await.unwrap();
    let (second, endless, _) = given(store, key).await;
    store.servers.start(second, key, endless, 1, now()).await.unwrap();
    let limits = Limits { start: Duration::from_secs(60), run: Duration::from_secs(3600) };
    let sweep = async |after| store.servers.sweep_overdue(limits, now() + after).await.unwrap().overdue;
    assert!(sweep(TimeDelta::seconds(50)).await.is_empty());
    assert_eq!(sweep(TimeDelta::seconds(61)).await, [(never, ServerMatchReason::NeverStarted)]);
    assert!(sweep(TimeDelta::seconds(61)).await.is_empty());
    assert_eq!(store.servers.get(first, key).await.unwrap().unwrap().state, ServerState::Gone, "its place is free");
    assert_eq!(sweep(TimeDelta::seconds(3601)).await, [(endless, ServerMatchReason::Overdue)]);
    assert_eq!(store.servers.get(second, key).await.unwrap().unwrap().state, ServerState::Ready);
    scratch.finish().await;
}
