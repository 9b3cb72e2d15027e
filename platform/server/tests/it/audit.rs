//! `muster-audit` against what was really played, and against the same with something broken.

use muster_core::game::{GameEvent, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::matchmaking::shipped_queues;
use muster_core::rating::Rating;
use muster_store::{Claim, ClaimRequest, MatchLogEntry, NewMatch, NewMatchPlayer, Shard, fresh_id, now};
use muster_testkit::{Platform, Scratch, eventually, run};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use std::time::Duration;

use crate::matchmaking_given::{create, solo};
use crate::way::duel;

/// The exit code, and the report.
async fn audit(scratch: &Scratch, args: &[&str]) -> (i32, Value) {
    let mut envs = scratch.env();
    envs.push(("MUSTER__LOG__FILTER".to_owned(), "error".to_owned()));
    let args = [&["--json"], args].concat();
    let finished = run("muster-audit", &args, &envs, "").await;
    let report = serde_json::from_str(&finished.stdout);
    (finished.code, report.unwrap_or_else(|_| panic!("no report: {}{}", finished.stdout, finished.stderr)))
}

/// The kinds that were found, in the order of their names.
fn kinds(report: &Value) -> Vec<&str> {
    report["counts"].as_object().unwrap().keys().map(String::as_str).collect()
}

async fn sql(pool: &PgPool, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(pool).await.unwrap();
}

/// Changes a player's score on the classic board behind the platform's back, or takes them off it.
async fn tamper(scratch: &Scratch, player: PlayerId, score: Option<f64>) {
    let client = redis::Client::open(scratch.settings.redis_url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let board = format!("{}{{leaderboard:classic}}", scratch.prefix());
    let mut pipe = redis::pipe();
    match score {
        Some(score) => {
            pipe.cmd("ZADD").arg(&board).arg(-score).arg(player.to_string());
            pipe.cmd("HSETNX").arg(board + ":versions").arg(player.to_string()).arg(1);
        }
        None => {
            pipe.cmd("ZREM").arg(&board).arg(player.to_string());
            pipe.cmd("HDEL").arg(board + ":versions").arg(player.to_string());
        }
    }
    let () = pipe.query_async(&mut connection).await.unwrap();
}

const TABLES: [&str; 5] =
    ["play.matches", "play.match_players", "play.match_events", "play.ratings", "play.match_totals"];

/// What is broken, and what has to be found; other things may follow from it.
const BROKEN: [(&str, &str, &str); 18] = [
    (
        "other dice",
        "update play.match_events set event = jsonb_set(event, '{dice}', case when event -> 'dice' = '[2, 3]' then '[3, 2]' else '[2, 3]' end::jsonb) where seq = (select min(seq) from play.match_events where event ->> 'type' = 'rolled')",
        "replay_differs",
    ),
    ("a hole", "delete from play.match_events where seq = 3", "events_incomplete"),
    ("no events", "delete from play.match_events", "events_incomplete"),
    (
        "an unreadable event",
        "update play.match_events set event = '{\"type\": \"vanished\"}' where seq = 2",
        "events_incomplete",
    ),
    (
        "an event more",
        "insert into play.match_events select match_id, seq + 1, at, event from play.match_events order by seq desc limit 1; update play.matches set version = version + 1",
        "outcome_differs",
    ),
    (
        "another winner",
        "update play.matches set outcome = jsonb_set(outcome, '{winner}', case when outcome ->> 'winner' = 'first' then '\"second\"' else '\"first\"' end::jsonb)",
        "outcome_differs",
    ),
    ("another seed", "update play.matches set seed = sha256(seed)", "seed_differs"),
    ("another end", "update play.matches set ended_at = ended_at + interval '1 second'", "outcome_differs"),
    (
        "a move that is none",
        "update play.match_players set points_after = points_after + 1 where seat = 0",
        "rating_move_differs",
    ),
    (
        "a history that begins elsewhere",
        "update play.match_players set points_before = points_before + 1",
        "rating_history_broken",
    ),
    ("a missing seat", "delete from play.match_players where seat = 1", "seats_incomplete"),
    ("an open seat", "update play.match_players set points_after = null where seat = 1", "seat_open"),
    ("another rating", "update play.ratings set points = points + 0.5", "rating_differs"),
    ("a win too many", "update play.ratings set matches = matches + 1, wins = wins + 1", "rating_differs"),
    ("no rating", "delete from play.ratings", "rating_differs"),
    (
        "a rating of nobody",
        "insert into play.ratings select gen_random_uuid(), mode, points, deviation, matches, wins, updated_at from play.ratings limit 1",
        "rating_differs",
    ),
    ("a total too high", "update play.match_totals set finished = finished + 1", "total_differs"),
    (
        "two matches at once",
        "insert into play.matches select gen_random_uuid(), queue, mode, false, 'running', commitment, quality, created_at - interval '5 seconds', null, null, null, 0 from play.matches; insert into play.match_players select (select match_id from play.matches where state = 'running'), seat, player_id, display_name, points_before, deviation_before, null, null from play.match_players",
        "two_matches_at_once",
    ),
];

/// The same for telemetry, which is in a table of its own.
const BROKEN_TELEMETRY: [(&str, &str, &str); 3] = [
    (
        "told once too little",
        "delete from telemetry.events where event_id = (select event_id from telemetry.events where kind = 'match.ended' limit 1)",
        "telemetry_differs",
    ),
    (
        "told once too often",
        "insert into telemetry.events select gen_random_uuid(), at, received_at, source, kind, subject_id, session_id, match_id, mode, queue, region, platform, build, properties from telemetry.events where kind = 'match.started' limit 1",
        "telemetry_differs",
    ),
    (
        "told of a match that is none",
        "insert into telemetry.events select gen_random_uuid(), at, received_at, source, kind, subject_id, session_id, gen_random_uuid(), mode, queue, region, platform, build, properties from telemetry.events where kind = 'match.ended' limit 1",
        "telemetry_unsettled",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_was_played_holds_and_whatever_is_broken_in_it_is_found() {
    let platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let (ada, grace) = (platform.player("Ada").await, platform.player("Grace").await);
    let (played, _) = duel(&ada, &grace).await;
    let scratch = &platform.scratch;
    let (code, report) = audit(scratch, &["--calm-within", "20s"]).await;
    assert_eq!(
        (code, &report["matches"], &report["players"], &report["calm"]),
        (0, &1.into(), &2.into(), &true.into()),
        "{report}"
    );
    assert_eq!(report["events"], played.log.len());
    assert_eq!(report["violations"], serde_json::json!([]));

    let pool = scratch.sql().await;
    for table in TABLES {
        sql(&pool, &format!("create table keep_{} as table {table}", table.replace('.', "_"))).await;
    }
    let only = ["--grace", "0s"];
    for (what, statements, kind) in BROKEN {
        sql(&pool, statements).await;
        let (code, report) = audit(scratch, &only).await;
        assert!(code == 1 && kinds(&report).contains(&kind), "{what}: {report}");
        let named = report["violations"].as_array().unwrap();
        assert!(named.iter().all(|violation| !violation["detail"].as_str().unwrap().is_empty()));
        for table in TABLES.iter().rev() {
            sql(&pool, &format!("delete from {table}")).await;
        }
        for table in TABLES {
            sql(&pool, &format!("insert into {table} select * from keep_{}", table.replace('.', "_"))).await;
        }
    }
    for (what, score) in [("a better score", Some(9e6)), ("not on the board", None)] {
        tamper(scratch, ada.player_id(), score).await;
        let (code, report) = audit(scratch, &["--grace", "0s", "--only", "leaderboards"]).await;
        assert!(code == 1 && kinds(&report) == ["leaderboard_differs"], "{what}: {report}");
        let violation = &report["violations"][0];
        assert_eq!((&report["standings"], &violation["player_id"]), (&2.into(), &ada.player_id().to_string().into()));
        scratch.store.leaderboards.follow(&[ada.player_id()]).await.unwrap();
    }
    let stranger: PlayerId = fresh_id();
    tamper(scratch, stranger, Some(5.0)).await;
    let (code, report) = audit(scratch, &["--only", "leaderboards"]).await;
    assert!(code == 1 && report["violations"][0]["player_id"] == stranger.to_string(), "a stranger: {report}");
    // A referee makes the board again when it is asked to, and then all is well.
    scratch.store.leaderboards.ask_rebuild(muster_core::game::Mode::Classic).await.unwrap();
    let (code, report) = audit(scratch, &["--calm-within", "20s"]).await;
    assert_eq!((code, &report["calm"]), (0, &true.into()), "{report}");
    sql(&pool, "create table keep_events as table telemetry.events").await;
    for (what, statements, kind) in BROKEN_TELEMETRY {
        sql(&pool, statements).await;
        let (code, report) = audit(scratch, &["--grace", "0s", "--only", "telemetry"]).await;
        assert!(code == 1 && kinds(&report) == [kind], "{what}: {report}");
        sql(&pool, "delete from telemetry.events; insert into telemetry.events select * from keep_events").await;
    }
    pool.close().await;
    let (code, report) = audit(scratch, &only).await;
    assert_eq!(code, 0, "all is as it was: {report}");
    platform.finish().await;
}

fn new_match() -> NewMatch {
    let player = |name: &str| NewMatchPlayer {
        player_id: fresh_id::<PlayerId>(),
        display_name: name.to_owned(),
        rating: Rating::default(),
    };
    NewMatch {
        match_id: fresh_id(),
        queue: "classic-casual".to_owned(),
        mode: muster_core::game::Mode::Classic,
        ranked: false,
        players: [player("Ada"), player("Grace")],
        commitment: [1; 32],
        quality: 1.0,
        created_at: now(),
    }
}

#[tokio::test]
async fn what_is_stuck_is_found_and_what_is_in_motion_is_not() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let stuck = ["--only", "stuck", "--grace", "0s"];
    assert_eq!(audit(&scratch, &stuck).await.0, 0);

    let lonely = new_match();
    store.matches.create(&lonely).await.unwrap();
    let (_, report) = audit(&scratch, &stuck).await;
    assert_eq!((kinds(&report), &report["running"]), (vec!["match_without_log"], &1.into()));
    assert_eq!(report["violations"][0]["match_id"], lonely.match_id.to_string());
    assert_eq!(audit(&scratch, &["--only", "stuck"]).await.0, 0, "it has just been made");

    // With a log and an owner it runs; with an owner that is silent it does not.
    let begun = MatchLogEntry::Decided {
        by: None,
        command_id: None,
        events: vec![GameEvent::TurnBegan { seat: Seat::First }],
        at: now(),
        snapshot: None,
    };
    store.match_log.append(lonely.match_id, 0, &begun).await.unwrap();
    assert_eq!(audit(&scratch, &stuck).await.0, 0);
    store.match_owners.beat(&[lonely.match_id], now() - chrono::TimeDelta::minutes(1)).await.unwrap();
    assert_eq!(kinds(&audit(&scratch, &stuck).await.1), ["match_without_owner"]);
    let (code, report) = audit(&scratch, &["--only", "stuck", "--calm-within", "1s"]).await;
    assert_eq!((code, &report["calm"]), (1, &false.into()));
    assert_eq!(kinds(&report), ["match_still_runs", "match_without_owner"]);
    store.match_owners.remove(&[lonely.match_id]).await.unwrap();

    // A log of a match that nobody knows, one that was called off, and an owner of nothing.
    let (unknown, called_off): (MatchId, MatchId) = (fresh_id(), fresh_id());
    store.match_log.append(unknown, 0, &begun).await.unwrap();
    store.match_log.append(called_off, 0, &MatchLogEntry::Settled { at: now() }).await.unwrap();
    store.match_owners.beat(&[unknown], now() - chrono::TimeDelta::minutes(1)).await.unwrap();
    let (_, report) = audit(&scratch, &stuck).await;
    assert_eq!(kinds(&report), ["log_without_match", "owner_left"]);
    store.match_log.purge(unknown).await.unwrap();
    store.match_owners.remove(&[unknown]).await.unwrap();

    // The log of a match that is settled.
    let pool = scratch.sql().await;
    sql(&pool, "update play.matches set state = 'finished', seed = commitment, ended_at = created_at, outcome = '{}'")
        .await;
    let (_, report) = audit(&scratch, &stuck).await;
    assert_eq!(kinds(&report), ["log_left", "seat_open"]);
    pool.close().await;
    scratch.finish().await;
}

#[tokio::test]
async fn tickets_that_hold_their_players_are_found() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let stuck = ["--only", "stuck", "--grace", "0s"];
    let queue = shipped_queues().into_iter().find(|queue| queue.name == "classic-casual").unwrap();
    let new = [solo(&queue, 1500.0), solo(&queue, 1500.0)];
    create(store, &new).await;
    let (code, report) = audit(&scratch, &stuck).await;
    assert_eq!((code, &report["tickets"]), (0, &2.into()), "who waits is not stuck");

    let request = ClaimRequest {
        match_id: fresh_id(),
        tickets: new.iter().map(|new| new.ticket.ticket_id).collect(),
        backfill: None,
    };
    let shard: Shard = new[0].shard.clone();
    let claims = store.tickets.claim_many(&shard, std::slice::from_ref(&request), now()).await.unwrap();
    assert!(matches!(claims[0], Claim::Claimed(_)));
    assert_eq!(audit(&scratch, &["--only", "stuck"]).await.0, 0, "it is being matched");
    let report = eventually(Duration::from_secs(10), "the claim to be old", async || {
        let (code, report) = audit(&scratch, &stuck).await;
        (code == 1).then_some(report)
    })
    .await;
    assert_eq!((kinds(&report), &report["counts"]["claim_stuck"]), (vec!["claim_stuck"], &2.into()));
    assert_eq!(report["violations"][0]["match_id"], request.match_id.to_string());
    scratch.finish().await;
}
