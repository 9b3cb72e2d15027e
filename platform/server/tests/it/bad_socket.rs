//! Sockets that misbehave: each is told why, and nobody else notices.

use muster_testkit::Platform;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::raw::{Http, Socket, matched};

#[tokio::test]
async fn garbage_is_answered_and_the_socket_goes_on() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let mut socket = Socket::signed_in(&platform, &token).await;

    socket.send_text("}{ not json").await;
    assert_eq!(socket.expect("error").await["code"], "unknown_message");
    socket.send(&json!({ "type": "teleport", "id": "r-1" })).await;
    let error = socket.expect("error").await;
    assert_eq!((error["code"].as_str(), error["re"].as_str()), (Some("unknown_message"), Some("r-1")));
    socket.send(&json!({ "type": "ticket.create", "id": "x".repeat(65), "queue": "classic-ranked" })).await;
    assert_eq!(socket.expect("error").await["code"], "invalid_field");

    socket.send(&json!({ "type": "ping", "id": "r-2" })).await;
    assert_eq!(socket.expect("pong").await["re"], "r-2");

    socket.send_raw(Message::Binary(vec![0, 159, 146, 150].into())).await;
    assert_eq!(socket.expect("goodbye").await["code"], "unknown_message");
    assert_eq!(socket.close_code().await, Some(1008));
    platform.finish().await;
}

#[tokio::test]
async fn a_socket_must_say_hello_first_and_in_time() {
    let platform = Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__HELLO_TIMEOUT", "300ms").start().await;

    let mut eager = Socket::open(&platform).await;
    eager.send(&json!({ "type": "ticket.create", "id": "q", "queue": "classic-ranked" })).await;
    assert_eq!(eager.expect("error").await["code"], "hello_expected");
    assert_eq!(eager.close_code().await, Some(4401));

    let mut silent = Socket::open(&platform).await;
    assert_eq!(silent.expect("goodbye").await["code"], "hello_expected");

    let mut forged = Socket::open(&platform).await;
    forged.send(&json!({ "type": "hello", "token": "e30.e30.AAAA" })).await;
    assert_eq!(forged.expect("error").await["code"], "token_invalid");
    assert_eq!(forged.close_code().await, Some(4401));
    platform.finish().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_and_a_flood_end_the_socket() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;

    let mut large = Socket::signed_in(&platform, &token).await;
    large.send_text(&"x".repeat(5_000)).await;
    assert_eq!(large.expect("goodbye").await["code"], "message_too_large");
    assert_eq!(large.close_code().await, Some(1009));
    // What is larger still is not even read to its end, so that the goodbye may be lost on its way.
    let mut huge = Socket::signed_in(&platform, &token).await;
    huge.send_text(&"x".repeat(64 * 1024)).await;
    assert!(huge.next().await.is_none_or(|message| message["code"] == "message_too_large"));

    let mut flood = Socket::signed_in(&platform, &token).await;
    for _ in 0..500 {
        flood.send(&json!({ "type": "ping" })).await;
    }
    assert_eq!(flood.expect("error").await["code"], "too_many_requests");

    let (_, other) = http.sign_in("Grace").await;
    let mut calm = Socket::signed_in(&platform, &other).await;
    calm.send(&json!({ "type": "ping" })).await;
    calm.expect("pong").await;
    platform.finish().await;
}

#[tokio::test]
async fn a_move_out_of_turn_or_by_a_stranger_changes_nothing() {
    // No delay: the stranger reads the log.
    let platform = Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__SPECTATOR_DELAY", "0s").start().await;
    let http = Http::of(&platform);
    let (match_id, mut to_move, mut waiting) = matched(&platform, &http).await;
    let roll = |id: &str| json!({ "type": "match.command", "id": id, "match_id": match_id, "command": "roll" });

    waiting.send(&roll("early")).await;
    let error = waiting.expect("error").await;
    assert_eq!((error["code"].as_str(), error["re"].as_str()), (Some("not_your_turn"), Some("early")));

    let (_, token) = http.sign_in("Mallory").await;
    let mut stranger = Socket::signed_in(&platform, &token).await;
    stranger.send(&roll("mine")).await;
    assert_eq!(stranger.expect("error").await["code"], "not_in_match");

    to_move.send(&json!({ "type": "match.command", "id": "b", "match_id": match_id, "command": "bank" })).await;
    assert_eq!(to_move.expect("error").await["code"], "nothing_to_bank");

    let events = |token: String| {
        let request = http.get(&format!("/v1/matches/{match_id}/events")).bearer_auth(token);
        async move { request.send().await.unwrap().json::<serde_json::Value>().await.unwrap() }
    };
    let page = events(token.clone()).await;
    assert_eq!(page["events"].as_array().unwrap().len(), 1, "only `started`: {page}");

    // The same command twice, as after a lost answer, is one roll.
    to_move.send(&roll("once")).await;
    to_move.expect("ack").await;
    to_move.send(&roll("once")).await;
    to_move.expect("ack").await;
    let page = events(token).await;
    let rolls = page["events"].as_array().unwrap().iter().filter(|event| event["event"]["type"] == "rolled").count();
    assert_eq!(rolls, 1, "{page}");
    platform.finish().await;
}

#[tokio::test]
async fn the_newest_socket_of_a_player_plays() {
    let platform = Platform::builder().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let mut older = Socket::signed_in(&platform, &token).await;
    let mut newer = Socket::signed_in(&platform, &token).await;
    assert_eq!(older.expect("goodbye").await["code"], "replaced");
    assert_eq!(older.close_code().await, Some(4409));
    newer.send(&json!({ "type": "ping" })).await;
    newer.expect("pong").await;
    platform.finish().await;
}
