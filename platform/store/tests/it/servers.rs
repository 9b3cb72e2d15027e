//! Registered servers: leases, states, and matches that are given to them, never more than fit.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use muster_core::id::{MatchId, PlayerId, ServerId, ServiceKeyId};
use muster_core::matchmaking::{ServerChoice, ServerPick};
use muster_core::wire::{
    AssignedPlayer, Heartbeat, RegisterServer, ReportResult, ServerMatchState, ServerReport, ServerState, TeamResult,
};
use muster_store::{
    Allocation, AllocationRequest, AssignmentState, HeartbeatError, NewAssignment, RegisterError, ServerFilter, Shard,
    Store, fresh_id, now,
};
use muster_testkit::Scratch;

pub const LEASE: Duration = Duration::from_secs(15);
const QUEUE: &str = "pairs";

pub fn shard() -> Shard {
    Shard::new(QUEUE, "all")
}

pub async fn key(store: &Store) -> ServiceKeyId {
    let name = format!("key-{}", fresh_id::<ServiceKeyId>().uuid().simple());
    store.service_keys.create(&name, muster_store::KeyPurpose::Game, now()).await.unwrap().0.service_key_id
}

pub fn registered(capacity: u16) -> RegisterServer {
    RegisterServer {
        address: "203.0.113.7:7777".to_owned(),
        region: Some("asia".to_owned()),
        build: Some("1.4".to_owned()),
        labels: BTreeMap::from([("class".to_owned(), "large".to_owned()), ("map".to_owned(), "any".to_owned())]),
        queues: vec![QUEUE.to_owned()],
        capacity,
    }
}

pub fn beat(state: ServerReport) -> Heartbeat {
    Heartbeat { state, load_percent: None }
}

/// A server that is ready.
pub async fn ready(store: &Store, key: ServiceKeyId, registered: &RegisterServer) -> ServerId {
    let server = fresh_id();
    store.servers.register(server, key, registered, now(), LEASE).await.unwrap();
    let view = store.servers.heartbeat(server, key, &beat(ServerReport::Ready), now(), LEASE).await.unwrap();
    assert_eq!(view.state, ServerState::Ready);
    server
}

/// Two against two in asia, which wait for a server.
pub fn wish(at: DateTime<Utc>) -> NewAssignment {
    let player = || AssignedPlayer { player_id: fresh_id(), ticket_id: fresh_id(), role: None };
    NewAssignment {
        match_id: fresh_id(),
        shard: shard(),
        region: Some("asia".to_owned()),
        teams: vec![vec![player(), player()], vec![player(), player()]],
        quality: 0.75,
        created_at: at,
        expires_at: at + TimeDelta::seconds(30),
        backfill_of: None,
    }
}

pub async fn open(store: &Store, count: usize) -> Vec<NewAssignment> {
    let wishes: Vec<_> = (0..count).map(|_| wish(now())).collect();
    store.assignments.open_many(&wishes).await.unwrap();
    wishes
}

pub async fn allocate(store: &Store, choice: &ServerChoice) -> Allocation {
    allocate_at(store, choice, now()).await
}

async fn allocate_at(store: &Store, choice: &ServerChoice, at: DateTime<Utc>) -> Allocation {
    let shard = shard();
    let request = AllocationRequest { shard: &shard, choice, ranked: true, patience: Duration::from_secs(5) };
    store.servers.allocate(request, at).await.unwrap()
}

/// A match of four that a server of its own has.
pub async fn given(store: &Store, key: ServiceKeyId) -> (ServerId, MatchId, Vec<Vec<PlayerId>>) {
    given_with(store, key, fresh_id()).await
}

/// The same, and this player is in the first team.
pub async fn given_with(store: &Store, key: ServiceKeyId, player: PlayerId) -> (ServerId, MatchId, Vec<Vec<PlayerId>>) {
    let server = ready(store, key, &registered(1)).await;
    let mut wish = wish(now());
    wish.teams[0][0].player_id = player;
    store.assignments.open(&wish).await.unwrap();
    assert_eq!(allocate(store, &ServerChoice::default()).await.allocated, 1);
    let teams = wish.teams.iter().map(|team| team.iter().map(|player| player.player_id).collect()).collect();
    (server, wish.match_id, teams)
}

/// The first team has won.
pub fn won(teams: &[Vec<PlayerId>]) -> ReportResult {
    let teams = (1..).zip(teams).map(|(rank, players)| TeamResult { players: players.clone(), rank, score: None });
    ReportResult::Finished { teams: teams.collect() }
}

async fn state(store: &Store, match_id: MatchId) -> AssignmentState {
    store.assignments.get(match_id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_server_registers_once_and_each_id_stands_for_one_start() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let (key, other) = (key(store).await, key(store).await);
    let id = fresh_id();
    let register = async |id, key, what: &RegisterServer| store.servers.register(id, key, what, now(), LEASE).await;
    let view = register(id, key, &registered(4)).await.unwrap();
    assert_eq!((view.state, view.matches, view.registered.clone()), (ServerState::Starting, 0, registered(4)));
    assert_eq!(register(id, key, &registered(4)).await.unwrap(), view, "the same again is as good");
    assert!(matches!(register(id, key, &registered(5)).await, Err(RegisterError::Exists)));
    assert!(matches!(register(id, other, &registered(4)).await, Err(RegisterError::Exists)));

    assert_eq!(store.servers.get(id, other).await.unwrap(), None);
    let foreign = store.servers.heartbeat(id, other, &beat(ServerReport::Ready), now(), LEASE).await;
    assert!(matches!(foreign, Err(HeartbeatError::NotFound)));
    let gone = store.servers.drain(id, key, now()).await.unwrap();
    assert_eq!(gone.state, ServerState::Gone, "it had nothing to wait for");
    assert!(matches!(register(id, key, &registered(4)).await, Err(RegisterError::Exists)), "it is over");
    let late = store.servers.heartbeat(id, key, &beat(ServerReport::Ready), now(), LEASE).await.unwrap();
    assert_eq!(late.state, ServerState::Gone, "draining is for good");
    scratch.finish().await;
}

#[tokio::test]
async fn servers_are_listed_newest_first_by_region_and_state() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (given, ..) = given(store, key).await;
    let nowhere = RegisterServer { region: None, ..registered(2) };
    let starting = fresh_id();
    store.servers.register(starting, key, &nowhere, now(), LEASE).await.unwrap();
    let ready = ready(store, key, &registered(3)).await;
    let list = async |filter: ServerFilter, before, first| -> Vec<ServerId> {
        let servers = store.servers.list(&filter, before, first).await.unwrap();
        servers.into_iter().map(|server| server.server_id).collect()
    };
    let mut all = vec![given, starting, ready];
    all.sort();
    all.reverse();
    assert_eq!(list(ServerFilter::default(), None, 10).await, all);
    assert_eq!(list(ServerFilter::default(), None, 2).await, all[..2]);
    assert_eq!(list(ServerFilter::default(), Some(all[1]), 2).await, all[2..]);
    for (state, expected) in [
        (ServerState::Starting, vec![starting]),
        (ServerState::Ready, vec![ready]),
        (ServerState::Allocated, vec![given]),
        (ServerState::Lost, vec![]),
    ] {
        assert_eq!(list(ServerFilter { state: Some(state), region: None }, None, 10).await, expected, "{state:?}");
    }
    let asia = ServerFilter { region: Some("asia".to_owned()), state: None };
    assert_eq!(list(asia, None, 10).await.len(), 2);
    let elsewhere = ServerFilter { region: Some("eu-west".to_owned()), state: Some(ServerState::Ready) };
    assert!(list(elsewhere, None, 10).await.is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn heartbeats_write_only_what_is_new() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let server = ready(store, key, &registered(4)).await;
    let before = store.servers.get(server, key).await.unwrap().unwrap();
    let say = async |state, load_percent, at| {
        let beat = Heartbeat { state, load_percent };
        store.servers.heartbeat(server, key, &beat, at, LEASE).await.unwrap()
    };
    let soon = before.lease_until - LEASE + Duration::from_secs(3);
    assert_eq!(say(ServerReport::Ready, None, soon).await, before, "a fresh lease is left as it is");
    let later = before.lease_until - LEASE + Duration::from_secs(6);
    let renewed = say(ServerReport::Ready, None, later).await;
    assert_eq!(renewed.lease_until, muster_core::time::truncate(later + LEASE), "a third of it was over");
    assert_eq!(say(ServerReport::Ready, Some(40), later).await.load_percent, Some(40));
    assert_eq!(say(ServerReport::Ready, Some(45), later).await.load_percent, Some(40));
    assert_eq!(say(ServerReport::Ready, Some(50), later).await.load_percent, Some(50));
    assert_eq!(say(ServerReport::Ready, Some(95), later).await.load_percent, Some(95));
    assert_eq!(say(ServerReport::Ready, Some(100), later).await.load_percent, Some(100), "full is always told");
    assert_eq!(say(ServerReport::Starting, Some(100), later).await.state, ServerState::Starting);
    scratch.finish().await;
}

#[tokio::test]
async fn a_match_is_given_to_a_server_that_fits_it_and_has_a_place() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let any = ServerChoice::default();
    let wishes = open(store, 1).await;
    assert_eq!(allocate(store, &any).await, Allocation { unfit: 1, ..Allocation::default() }, "there is none at all");

    // None of these may have it.
    let elsewhere = RegisterServer { region: Some("eu-west".to_owned()), ..registered(4) };
    let other_queue = RegisterServer { queues: vec!["trios".to_owned()], ..registered(4) };
    ready(store, key, &elsewhere).await;
    ready(store, key, &other_queue).await;
    assert_eq!(allocate(store, &any).await.unfit, 1);
    let starting = fresh_id();
    store.servers.register(starting, key, &registered(4), now(), LEASE).await.unwrap();
    assert_eq!(allocate(store, &any).await.waiting, 1, "one will fit, but is not ready");
    let busy = ready(store, key, &registered(4)).await;
    let full = Heartbeat { state: ServerReport::Ready, load_percent: Some(100) };
    store.servers.heartbeat(busy, key, &full, now(), LEASE).await.unwrap();
    assert_eq!(allocate(store, &any).await.waiting, 1);
    assert_eq!(state(store, wishes[0].match_id).await, AssignmentState::Open);

    let server = ready(store, key, &registered(4)).await;
    assert_eq!(allocate(store, &any).await, Allocation { allocated: 1, ..Allocation::default() });
    let assignment = store.assignments.get(wishes[0].match_id).await.unwrap().unwrap();
    assert_eq!(assignment.server, Some(server));
    assert_eq!(assignment.state, AssignmentState::Assigned { connection: "203.0.113.7:7777".to_owned() });
    let view = store.servers.get(server, key).await.unwrap().unwrap();
    assert_eq!((view.state, view.matches), (ServerState::Allocated, 1));
    let told = store.servers.unacknowledged(server).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].match_id, told[0].state, told[0].roster), (wishes[0].match_id, ServerMatchState::Allocated, 1));
    assert_eq!(told[0].teams.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);

    // A place is the player's as long as the match runs.
    let player = wishes[0].teams[1][0].player_id;
    let place = store.servers.place_of(player, wishes[0].match_id).await.unwrap().unwrap();
    assert_eq!((place.server, place.team, place.queue.as_str()), (server, 1, QUEUE));
    assert_eq!(store.servers.running_of(player).await.unwrap(), Some(wishes[0].match_id));
    assert_eq!(store.servers.place_of(fresh_id(), wishes[0].match_id).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn a_queue_chooses_by_build_and_labels_and_takes_the_fullest_or_the_emptiest() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (small, large) = (registered(2), RegisterServer { address: "large".to_owned(), ..registered(9) });
    let (small, large) = (ready(store, key, &small).await, ready(store, key, &large).await);
    let label = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    open(store, 1).await;
    for choice in [
        ServerChoice { build: Some("1.5".to_owned()), ..ServerChoice::default() },
        ServerChoice { labels: label("class", "small"), ..ServerChoice::default() },
        ServerChoice { labels: label("gpu", "yes"), ..ServerChoice::default() },
    ] {
        assert_eq!(allocate(store, &choice).await.unfit, 1, "{choice:?}");
    }
    let of = async |server| store.servers.get(server, key).await.unwrap().unwrap().matches;
    let choose = |pick| ServerChoice { pick, build: Some("1.4".to_owned()), labels: label("class", "large") };
    assert_eq!(allocate(store, &choose(ServerPick::Fullest)).await.allocated, 1);
    assert_eq!((of(small).await, of(large).await), (1, 0), "two places free, and nine");
    open(store, 2).await;
    assert_eq!(allocate(store, &choose(ServerPick::Emptiest)).await.allocated, 2);
    assert_eq!((of(small).await, of(large).await), (1, 2));
    open(store, 2).await;
    assert_eq!(allocate(store, &choose(ServerPick::Fullest)).await.allocated, 2);
    assert_eq!((of(small).await, of(large).await), (2, 3), "the fullest, then the next");
    scratch.finish().await;
}

#[tokio::test]
async fn many_directors_at_once_give_no_server_more_than_it_can_take() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    for capacity in [3, 4, 5] {
        ready(store, key, &registered(capacity)).await;
    }
    let wishes = open(store, 20).await;
    let rounds = join_all((0..6).map(|_| async {
        let mut allocated = 0;
        for _ in 0..6 {
            allocated += allocate(store, &ServerChoice::default()).await.allocated;
        }
        allocated
    }))
    .await;
    assert_eq!(rounds.iter().sum::<u32>(), 12, "{rounds:?}");
    let counts = store.servers.counts(now()).await.unwrap();
    assert_eq!((counts.matches, counts.free, counts.allocated), (12, 0, 3));
    let mut assigned = 0;
    for wish in &wishes {
        assigned += u32::from(matches!(state(store, wish.match_id).await, AssignmentState::Assigned { .. }));
    }
    assert_eq!(assigned, 12);

    // Those that are left go back to their queue when their patience is at its end, and not before.
    let soon = now() + TimeDelta::seconds(4);
    assert_eq!(
        allocate_at(store, &ServerChoice::default(), soon).await,
        Allocation { waiting: 8, ..Allocation::default() }
    );
    let later = now() + TimeDelta::seconds(6);
    assert_eq!(
        allocate_at(store, &ServerChoice::default(), later).await,
        Allocation { refused: 8, ..Allocation::default() }
    );
    let refused = wishes.iter().map(async |wish| state(store, wish.match_id).await);
    let refused = join_all(refused)
        .await
        .into_iter()
        .filter(|state| matches!(state, AssignmentState::Refused { reason } if reason == "no_capacity"));
    assert_eq!(refused.count(), 8);
    scratch.finish().await;
}

#[tokio::test]
async fn players_join_a_running_match_where_it_is() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let key = key(store).await;
    let (server, running, teams) = given(store, key).await;
    store.servers.start(server, key, running, 1, now()).await.unwrap();
    assert!(store.servers.unacknowledged(server).await.unwrap().is_empty());
    let joins = NewAssignment { backfill_of: Some(running), ..wish(now()) };
    let newcomer = joins.teams[1][1].player_id;
    let unknown = NewAssignment { backfill_of: Some(fresh_id()), ..wish(now()) };
    store.assignments.open_many(&[joins.clone(), unknown]).await.unwrap();
    let done = allocate(store, &ServerChoice::default()).await;
    assert_eq!(done, Allocation { allocated: 1, unfit: 1, ..Allocation::default() }, "one is played elsewhere");
    assert_eq!(store.servers.get(server, key).await.unwrap().unwrap().matches, 1, "it takes no other place");

    let told = store.servers.unacknowledged(server).await.unwrap();
    assert_eq!((told.len(), told[0].roster, told[0].state), (1, 2, ServerMatchState::Running));
    assert_eq!(told[0].teams.iter().map(Vec::len).sum::<usize>(), 8);
    assert!(store.servers.place_of(newcomer, running).await.unwrap().is_some());
    assert!(store.servers.start(server, key, running, 3, now()).await.is_err(), "there is no such roster");
    store.servers.start(server, key, running, 2, now()).await.unwrap();
    assert!(store.servers.unacknowledged(server).await.unwrap().is_empty());

    // Too late for others.
    store.servers.report(server, key, running, &won(&teams), now()).await.unwrap();
    let late = NewAssignment { backfill_of: Some(running), ..wish(now()) };
    store.assignments.open(&late).await.unwrap();
    assert_eq!(allocate(store, &ServerChoice::default()).await.refused, 1);
    assert_eq!(state(store, late.match_id).await, AssignmentState::Refused { reason: "match_over".to_owned() });
    scratch.finish().await;
}
