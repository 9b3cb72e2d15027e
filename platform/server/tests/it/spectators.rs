//! Watching other players' matches: read-only, behind by the delay, and never the seed before its time.

use std::time::Duration;

use muster_core::wire::MatchView;
use muster_testkit::{Platform, PlatformBuilder};
use serde_json::{Value, json};

use crate::raw::{Http, Socket, matched};

const DELAY_MS: i64 = 1_500;

/// Two gateways: the players are on the first, who watches is on the second.
fn stadium() -> PlatformBuilder {
    Platform::builder().server(2).server_roles(1, "gateway").env_of(
        "muster-server",
        "MUSTER__GATEWAY__SPECTATOR_DELAY",
        &format!("{DELAY_MS}ms"),
    )
}

async fn spectator(platform: &Platform, http: &Http) -> Socket {
    let (_, token) = http.sign_in("Eve").await;
    Socket::signed_in_at(platform.server_url(1), &token).await
}

fn watch(match_id: &str) -> Value {
    json!({ "type": "match.watch", "id": "w", "match_id": match_id })
}

fn command(match_id: &str, id: &str, command: &str) -> Value {
    json!({ "type": "match.command", "id": id, "match_id": match_id, "command": command })
}

/// Events as they come, each checked to be old enough; until one of this kind.
async fn watch_until(socket: &mut Socket, kind: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    loop {
        let message = socket.expect("watch.events").await;
        let now = muster_store::now();
        for event in message["events"].as_array().unwrap() {
            let at = event["at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
            let age = (now - at).num_milliseconds();
            assert!(age >= DELAY_MS, "told {age} ms after it happened: {event}");
            assert!(!message.to_string().contains("\"seed\""));
            seen.push(event.clone());
        }
        if seen.last().is_some_and(|event| event["event"]["type"] == kind) {
            return seen;
        }
    }
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_match_is_watched_from_its_beginning_to_its_end_behind_the_players() {
    let platform = stadium().start().await;
    let http = Http::of(&platform);
    let mut eve = spectator(&platform, &http).await;
    let (match_id, mut to_move, mut waiting) = matched(&platform, &http).await;
    to_move.send(&command(&match_id, "1", "roll")).await;
    to_move.expect("ack").await;

    eve.send(&watch(&match_id)).await;
    assert_eq!(eve.expect("ack").await["re"], "w");
    let began = eve.expect("watch.began").await;
    assert_eq!((began["delay_ms"].as_i64(), began["after"].as_u64()), (Some(DELAY_MS), Some(0)));
    let beginning: MatchView = serde_json::from_value(began["match"].clone()).unwrap();
    assert_eq!((beginning.version, beginning.totals, beginning.turn), (0, [0, 0], None), "as before its first event");
    assert_eq!((&beginning.seed, beginning.players.len()), (&None, 2));

    let first = watch_until(&mut eve, "rolled").await;
    waiting.send(&command(&match_id, "2", "resign")).await;
    let ended = watch_until(&mut eve, "ended").await;
    let all = [first, ended].concat();
    assert_eq!(seqs(&all), (1..=all.len() as u64).collect::<Vec<_>>());

    let over = eve.expect("watch.ended").await;
    assert_eq!(over["reason"], "over");
    let view: MatchView = serde_json::from_value(over["match"].clone()).unwrap();
    assert_eq!(view.outcome.map(|outcome| outcome.kind.as_str()), Some("resigned"));
    let log: Vec<_> = all.iter().map(|event| serde_json::from_value(event.clone()).unwrap()).collect();
    // The seed that is told at last is the one whose dice were seen.
    let verified = muster_client::verify::verify(&view.commitment, &view.seed.unwrap(), [None, None], &log).unwrap();
    assert_eq!(verified.rolls, 1);

    eve.send(&watch(&match_id)).await;
    assert_eq!(eve.expect("error").await["code"], "match_over");
    platform.finish().await;
}

#[tokio::test]
async fn one_who_comes_back_goes_on_after_what_was_seen() {
    let platform = stadium().start().await;
    let http = Http::of(&platform);
    let (match_id, mut to_move, _waiting) = matched(&platform, &http).await;
    to_move.send(&command(&match_id, "1", "roll")).await;
    to_move.expect("ack").await;
    let mut eve = spectator(&platform, &http).await;
    eve.send(&watch(&match_id)).await;
    let seen = watch_until(&mut eve, "rolled").await;
    drop(eve);

    // Two at once, one of them from where the other had been, on either gateway.
    for index in [0, 1] {
        let (_, token) = http.sign_in("Mallory").await;
        let mut back = Socket::signed_in_at(platform.server_url(index), &token).await;
        back.send(&json!({ "type": "match.watch", "id": "w", "match_id": match_id, "after": 1 })).await;
        assert_eq!(back.expect("watch.began").await["after"], 1);
        assert_eq!(seqs(&watch_until(&mut back, "rolled").await), seqs(&seen[1..]));
        back.send(&json!({ "type": "match.unwatch", "id": "u", "match_id": match_id })).await;
        assert_eq!(back.expect("ack").await["re"], "u");
        back.send(&json!({ "type": "ping" })).await;
        assert_eq!(back.next().await.unwrap()["type"], "pong", "nothing comes of what is not watched");
    }
    platform.finish().await;
}

#[tokio::test]
async fn watching_gives_no_hand_in_the_match_and_players_do_not_watch_their_own() {
    let platform = stadium().start().await;
    let http = Http::of(&platform);
    let (match_id, mut to_move, _waiting) = matched(&platform, &http).await;
    to_move.send(&watch(&match_id)).await;
    assert_eq!(to_move.expect("error").await["code"], "in_match");

    let mut eve = spectator(&platform, &http).await;
    eve.send(&watch(&match_id)).await;
    eve.expect("watch.began").await;
    for name in ["roll", "bank", "resign"] {
        eve.send(&command(&match_id, name, name)).await;
        assert_eq!(eve.expect("error").await["code"], "not_in_match");
    }
    // Also not when somebody watches it on their own gateway already.
    let mut here = Socket::signed_in(&platform, &http.sign_in("Ida").await.1).await;
    here.send(&watch(&match_id)).await;
    here.expect("watch.began").await;
    to_move.send(&watch(&match_id)).await;
    assert_eq!(to_move.expect("error").await["code"], "in_match");

    eve.send(&watch("mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405")).await;
    assert_eq!(eve.expect("error").await["code"], "not_found");
    platform.finish().await;
}

#[tokio::test]
async fn what_one_socket_and_one_gateway_watch_is_bounded() {
    let platform = stadium().env_of("muster-server", "MUSTER__GATEWAY__WATCHED_MATCHES", "5").start().await;
    let http = Http::of(&platform);
    let mut tables = Vec::new();
    for _ in 0..6 {
        tables.push(matched(&platform, &http).await);
    }
    let ids: Vec<&str> = tables.iter().map(|(id, _, _)| id.as_str()).collect();
    let mut eve = spectator(&platform, &http).await;
    for id in &ids[..4] {
        eve.send(&watch(id)).await;
        eve.expect("watch.began").await;
    }
    eve.send(&watch(ids[4])).await;
    assert_eq!(eve.expect("error").await["code"], "too_many_watched");
    eve.send(&watch(ids[0])).await;
    eve.expect("watch.began").await;

    let mut ida = spectator(&platform, &http).await;
    ida.send(&watch(ids[4])).await;
    ida.expect("watch.began").await;
    ida.send(&watch(ids[5])).await;
    assert_eq!(ida.expect("error").await["code"], "busy");
    ida.send(&watch(ids[0])).await;
    ida.expect("watch.began").await;

    // Whoever leaves makes room.
    drop(eve);
    muster_testkit::eventually(Duration::from_secs(10), "room for another match", async || {
        ida.send(&watch(ids[5])).await;
        let answer = ida.next().await.unwrap();
        (answer["type"] == "ack").then_some(())
    })
    .await;
    platform.finish().await;
}

#[tokio::test]
async fn a_platform_may_turn_it_off() {
    let platform = Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__SPECTATORS", "false").start().await;
    let http = Http::of(&platform);
    let (match_id, _to_move, _waiting) = matched(&platform, &http).await;
    let mut eve = Socket::signed_in(&platform, &http.sign_in("Eve").await.1).await;
    eve.send(&watch(&match_id)).await;
    assert_eq!(eve.expect("error").await["code"], "spectators_off");
    platform.finish().await;
}
