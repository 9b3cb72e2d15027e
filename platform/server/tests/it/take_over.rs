//! A match changes hands: its owner dies, is frozen, or has company. Nothing is lost, and nothing is told twice.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use muster_client::verify;
use muster_core::game::{Action, Command, Dice, MatchState, Mode, Outcome, OutcomeKind, Seat, decide, opening};
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::Rating;
use muster_core::wire::{LoggedEvent, Push};
use muster_store::{
    AdoptReply, MatchCall, MatchLogEntry, MatchReply, NewMatch, NewMatchPlayer, Settlement, Store, fresh_id, now,
    number_events,
};
use muster_testkit::{Platform, Signal, eventually};

use crate::table::{Seated, both_until, forever, play, sensibly, table};

/// From the death of an owner to the next one, as it is promised.
const PROMISED: Duration = Duration::from_secs(5);

/// Server 0 serves players and makes matches; 1 and 2 referee.
async fn two_referees() -> Platform {
    Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000")
        .server(3)
        .server_roles(0, "gateway,matchmaker,writer")
        .server_roles(1, "referee")
        .server_roles(2, "referee")
        .start()
        .await
}

/// The value of a metric without labels; 0 while there is none.
pub async fn metric(platform: &Platform, server: usize, name: &str) -> f64 {
    let text = platform.metrics(platform.server_ops_url(server)).await;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_default()
}

/// Which of servers 1 and 2 owns the only match, and which does not.
async fn owner_and_other(platform: &Platform) -> (usize, usize) {
    eventually(PROMISED, "the match to have an owner", async || {
        let owned =
            [metric(platform, 1, "muster_referee_matches").await, metric(platform, 2, "muster_referee_matches").await];
        match owned {
            [1.0, 0.0] => Some((1, 2)),
            [0.0, 1.0] => Some((2, 1)),
            _ => None,
        }
    })
    .await
}

async fn taken_over_by(platform: &Platform, server: usize) {
    eventually(PROMISED, "the match to be taken over", async || {
        (metric(platform, server, "muster_match_takeovers_total").await == 1.0).then_some(())
    })
    .await;
}

/// The match is settled with the log that both players have seen, and its dice are those that were committed to.
async fn settled_as_seen(table: &[Seated; 2]) -> Vec<LoggedEvent> {
    let (session, match_id) = (&table[0].session, table[0].mirror.match_id());
    eventually(Duration::from_secs(15), "the match to be settled", async || {
        session.match_view(match_id).await.ok()?.seed
    })
    .await;
    let log = session.match_log(match_id, 0).await.unwrap();
    for seated in table {
        assert_eq!(seated.mirror.log(), log, "what was seen is what is stored");
    }
    verify::verify_match(session, match_id).await.unwrap();
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_match_is_taken_over_from_its_last_snapshot() {
    let mut platform = two_referees().await;
    let mut table = table(&platform).await;
    let (owner, other) = owner_and_other(&platform).await;
    while table[0].mirror.seq() < 1_050 {
        play(&mut table, 20, forever).await;
    }
    platform.server(owner).kill9().await;
    taken_over_by(&platform, other).await;
    let replayed = metric(&platform, other, "muster_match_replay_size_sum").await;
    assert!((1.0..=200.0).contains(&replayed), "{replayed} events were replayed");

    play(&mut table, 30, forever).await;
    let match_id = table[0].mirror.match_id();
    table[1].connection.command(match_id, Command::Resign).await.unwrap();
    let newest = table[0].mirror.seq();
    both_until(&mut table, newest + 1).await;
    let log = settled_as_seen(&table).await;
    assert!(log.len() > 1_050);
    assert!(table.iter().all(Seated::was_told_everything_once));
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_frozen_finds_itself_replaced() {
    let mut platform = two_referees().await;
    let mut table = table(&platform).await;
    let (owner, other) = owner_and_other(&platform).await;
    play(&mut table, 5, sensibly).await;

    platform.server(owner).signal(Signal::Stop);
    taken_over_by(&platform, other).await;
    play(&mut table, 5, sensibly).await;
    platform.server(owner).signal(Signal::Continue);
    // It need not be spoken to: it notices by itself that it was away.
    eventually(PROMISED, "the frozen owner to step back", async || {
        let owned = metric(&platform, owner, "muster_referee_matches").await;
        let fenced = metric(&platform, owner, "muster_match_fenced_total").await;
        ((owned, fenced) == (0.0, 1.0)).then_some(())
    })
    .await;

    play(&mut table, 400, sensibly).await;
    settled_as_seen(&table).await;
    assert!(table.iter().all(Seated::was_told_everything_once));
    assert_eq!(metric(&platform, other, "muster_match_fenced_total").await, 0.0);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_the_fence_leaves_one() {
    let platform = two_referees().await;
    let mut table = table(&platform).await;
    let (owner, other) = owner_and_other(&platform).await;
    let match_id = table[0].mirror.match_id();
    play(&mut table, 3, sensibly).await;

    // Any one referee gets each of these; the owner says that it owns it already, the other takes it over.
    eventually(PROMISED, "both to own the match", async || {
        let adopted = platform.scratch.store.match_calls.adopt(match_id, PROMISED).await.unwrap();
        assert_eq!(adopted, AdoptReply::Adopted);
        let owned = [
            metric(&platform, 1, "muster_referee_matches").await,
            metric(&platform, 2, "muster_referee_matches").await,
        ];
        (owned == [1.0, 1.0]).then_some(())
    })
    .await;

    play(&mut table, 400, sensibly).await;
    settled_as_seen(&table).await;
    assert!(table.iter().all(Seated::was_told_everything_once), "{:?}", table.each_ref().map(|seated| &seated.told));
    let fenced = [
        metric(&platform, owner, "muster_match_fenced_total").await,
        metric(&platform, other, "muster_match_fenced_total").await,
    ];
    assert_eq!(fenced.iter().sum::<f64>(), 1.0, "one has stepped back, once: {fenced:?}");
    platform.finish().await;
}

/// A match that somebody began and played a little before they fell silent.
pub async fn orphan(store: &Store) -> (MatchId, Vec<LoggedEvent>) {
    let (match_id, players) = (fresh_id(), [fresh_id::<PlayerId>(), fresh_id()]);
    let dice = Dice::new([3; 32], [None, None]);
    let mut entries = vec![MatchLogEntry::Created {
        match_id,
        queue: "classic-ranked".to_owned(),
        mode: Mode::Classic,
        ranked: false,
        players,
        names: ["Ada".to_owned(), "Grace".to_owned()],
        ratings: [Rating::default(); 2],
        seed: [3; 32],
        nonces: [None, None],
        quality: 1.0,
        region: None,
        created_at: now(),
        events: opening(Mode::Classic, &dice),
    }];
    let events = number_events(&entries);
    let state = MatchState::replay(events.iter().map(|event| (event.at, &event.event))).unwrap();
    let action = Action::Command { seat: state.turn, command: Command::Roll };
    let events = decide(&state, &action, &dice, now()).unwrap();
    entries.push(MatchLogEntry::Decided { by: None, command_id: None, events, at: now(), snapshot: None });
    let mut last = 0;
    for entry in &entries {
        last = store.match_log.append(match_id, last, entry).await.unwrap();
    }
    (match_id, number_events(&entries))
}

#[tokio::test(flavor = "multi_thread")]
async fn many_orphans_are_shared_by_those_who_are_left() {
    let platform = two_referees().await;
    let store = &platform.scratch.store;
    let orphans: Vec<(MatchId, Vec<LoggedEvent>)> = join_all((0..400).map(|_| orphan(store))).await;
    let ids: Vec<MatchId> = orphans.iter().map(|(match_id, _)| *match_id).collect();
    store.match_owners.beat(&ids, now() - TimeDelta::seconds(10)).await.unwrap();

    let taken = eventually(PROMISED, "all orphans to be taken over", async || {
        let taken = [
            metric(&platform, 1, "muster_match_takeovers_total").await,
            metric(&platform, 2, "muster_match_takeovers_total").await,
        ];
        (taken.iter().sum::<f64>() >= 400.0).then_some(taken)
    })
    .await;
    assert_eq!(taken.iter().sum::<f64>(), 400.0, "each log was read once");
    assert!(taken.iter().all(|taken| *taken >= 40.0), "each referee has taken its share: {taken:?}");

    // Their players hear what nobody had told them, and the matches go on.
    for (match_id, events) in orphans.iter().step_by(50) {
        let view = store.match_calls.call(*match_id, &MatchCall::View, PROMISED).await.unwrap();
        let MatchReply::View(view) = view else { panic!("{view:?}") };
        assert_eq!(view.version, events.len() as u64);
        for player in &view.players {
            let pushes = store.pushes.since(player.player_id, 0).await.unwrap().items;
            assert_eq!(pushes.len(), 1, "the last entry was never told; what came before it was");
        }
    }
    assert!(store.match_owners.orphans(now() - TimeDelta::seconds(3)).await.unwrap().is_empty());
    platform.finish().await;
}

/// The row of a match of which NATS knows nothing.
fn row(created_at: DateTime<Utc>) -> NewMatch {
    let player = || NewMatchPlayer { player_id: fresh_id(), display_name: "Ada".to_owned(), rating: Rating::default() };
    NewMatch {
        match_id: fresh_id(),
        queue: "classic-ranked".to_owned(),
        mode: Mode::Classic,
        ranked: true,
        players: [player(), player()],
        commitment: [1; 32],
        quality: 1.0,
        created_at,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_in_a_match_for_ever_whose_log_is_lost() {
    let platform = two_referees().await;
    let store = &platform.scratch.store;
    let (lost, young) = (row(now() - TimeDelta::minutes(2)), row(now()));
    store.matches.create_many(&[lost.clone(), young.clone()]).await.unwrap();
    store.match_owners.enlist(&[lost.match_id, young.match_id]).await.unwrap();

    let ended = eventually(PROMISED, "the lost match to be ended", async || {
        store.matches.get(lost.match_id).await.unwrap().filter(|row| row.finished)
    })
    .await;
    let outcome = ended.outcome.unwrap();
    assert_eq!((outcome.kind, outcome.winner), (OutcomeKind::Abandoned, None));
    for player in &lost.players {
        assert_eq!(store.matches.running_of(player.player_id).await.unwrap(), None);
        eventually(PROMISED, "its players to be told", async || {
            let pushes = store.pushes.since(player.player_id, 0).await.unwrap().items;
            let told = pushes.iter().any(|item| matches!(item.push(), Ok(Push::MatchEnded { .. })));
            told.then_some(())
        })
        .await;
    }
    assert!(!store.matches.get(young.match_id).await.unwrap().unwrap().finished, "its maker may still be at it");

    // The audit at the end of a platform would complain of it, and rightly so: what was played is not stored.
    let pool = platform.scratch.sql().await;
    sqlx::query("truncate play.matches, play.match_totals cascade").execute(&pool).await.unwrap();
    pool.close().await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_settled_matches_that_come_back_are_cleared() {
    let platform =
        Platform::builder().env_of("muster-server", "MUSTER__REFEREE__BEAT", "200ms").unaudited().server(1).start();
    let platform = platform.await;
    let store = &platform.scratch.store;
    // Of one only the beginning came back; of the other all, and its facts were never told.
    let (torn, mut events) = orphan(store).await;
    let (whole, _) = orphan(store).await;
    let log = store.match_log.read(whole).await.unwrap();
    let events_of = |log: &[(u64, MatchLogEntry)]| number_events(log.iter().map(|(_, entry)| entry));
    let state = MatchState::replay(events_of(&log).iter().map(|event| (event.at, &event.event))).unwrap();
    let resigned = Action::Command { seat: state.turn, command: Command::Resign };
    let decided = decide(&state, &resigned, &Dice::new([3; 32], [None, None]), now()).unwrap();
    let end = MatchLogEntry::Decided { by: None, command_id: None, events: decided, at: now(), snapshot: None };
    store.match_log.append(whole, log.last().unwrap().0, &end).await.unwrap();
    for match_id in [torn, whole] {
        store.matches.create(&NewMatch { match_id, ..row(now()) }).await.unwrap();
        if match_id == whole {
            events = events_of(&store.match_log.read(whole).await.unwrap());
        }
        let outcome = Outcome { kind: OutcomeKind::Resigned, winner: Some(Seat::First), totals: [0, 0] };
        let settlement = Settlement { match_id, outcome, seed: [3; 32], ended_at: now(), events: events.clone() };
        store.matches.settle(&settlement).await.unwrap();
    }

    eventually(Duration::from_secs(20), "both logs to be cleared", async || {
        let logs = store.match_log.census().await.unwrap();
        (!logs.contains_key(&torn) && !logs.contains_key(&whole)).then_some(())
    })
    .await;
    let pool = platform.scratch.sql().await;
    eventually(Duration::from_secs(20), "the facts of the whole one", async || {
        let count = "select count(*) from telemetry.events where match_id = any($1) and kind like 'match.%'";
        let (facts,): (i64,) = sqlx::query_as(count).bind([torn.uuid(), whole.uuid()]).fetch_one(&pool).await.unwrap();
        (facts == 4).then_some(())
    })
    .await;
    pool.close().await;
    platform.finish().await;
}
