//! What a socket may cost: messages a second, alone and with all else that its player asks, and memory when nobody reads.

use std::time::Duration;

use muster_core::game::{GameEvent, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{LoggedEvent, Push};
use muster_testkit::{Platform, eventually};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::raw::{Http, Socket, problem};

#[tokio::test]
async fn a_player_has_one_limit_over_sockets_and_http() {
    let platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "2")
        .env_of("muster-server", "MUSTER__GATEWAY__REQUESTS_PER_SECOND", "1")
        .start()
        .await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let mut socket = Socket::signed_in(&platform, &token).await;
    let refused = eventually(Duration::from_secs(30), "the socket to share the limit", async || {
        // Until HTTP has used it up: then nothing is left for the socket, for a third of a second.
        let answer = loop {
            let answer = http.get("/v1/me").bearer_auth(&token).send().await.unwrap();
            if answer.status() != 200 {
                break answer;
            }
        };
        problem(answer, 429, "too_many_requests").await;
        socket.send(&json!({ "type": "ping", "id": "p" })).await;
        Some(socket.next().await.unwrap()).filter(|message| message["type"] == "error")
    })
    .await;
    assert_eq!((refused["code"].as_str(), refused["re"].as_str()), (Some("too_many_requests"), Some("p")));
    // It is the player who asks too much, not the socket: that stays.
    eventually(Duration::from_secs(30), "the socket to be answered again", async || {
        tokio::time::sleep(Duration::from_millis(600)).await;
        socket.send(&json!({ "type": "ping", "id": "q" })).await;
        Some(socket.next().await.unwrap()).filter(|message| message["type"] == "pong")
    })
    .await;

    let (_, other) = http.sign_in("Bo").await;
    assert_eq!(
        http.get("/v1/me").bearer_auth(&other).send().await.unwrap().status(),
        200,
        "others are not limited by it"
    );
    platform.finish().await;
}

#[tokio::test]
async fn a_flood_of_pings_ends_a_socket_like_a_flood_of_messages() {
    let platform = Platform::builder().start().await;
    let (_, token) = Http::of(&platform).sign_in("Ada").await;
    let mut socket = Socket::signed_in(&platform, &token).await;
    for _ in 0..100 {
        socket.send_raw(Message::Ping(Default::default())).await;
    }
    assert_eq!(socket.expect("error").await["code"], "too_many_requests");
    assert_eq!(socket.expect("goodbye").await["code"], "too_many_requests");
    platform.finish().await;
}

#[tokio::test]
async fn new_sockets_count_as_requests_of_their_player() {
    let platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1")
        .env_of("muster-server", "MUSTER__GATEWAY__REQUESTS_PER_SECOND", "1")
        .start()
        .await;
    let (_, token) = Http::of(&platform).sign_in("Ada").await;
    let refused = async {
        loop {
            let mut socket = Socket::open(&platform).await;
            socket.send(&json!({ "type": "hello", "token": token })).await;
            let answer = socket.next().await.unwrap();
            if answer["type"] == "error" {
                return answer;
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(20), refused).await.expect("sockets are limited");
    assert_eq!(refused["code"], "too_many_requests");
    platform.finish().await;
}

/// Some 20 KB.
fn large_push() -> Push {
    let event = |seq| LoggedEvent { seq, at: muster_store::now(), event: GameEvent::TurnBegan { seat: Seat::First } };
    Push::MatchEvents { match_id: MatchId::new(muster_store::now(), [9; 10]), events: (0..200).map(event).collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_reader_that_stopped_is_bounded() {
    let platform = Platform::builder().start().await;
    let (ada, token) = Http::of(&platform).sign_in("Ada").await;
    let player: PlayerId = ada.parse().unwrap();
    let resident = async || {
        let metrics = platform.metrics(platform.server_ops_url(0)).await;
        let bytes = metrics.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
        bytes.parse::<f64>().unwrap() / 1_048_576.0
    };
    let too_slow = async || {
        let metrics = platform.metrics(platform.server_ops_url(0)).await;
        metrics.lines().any(|line| line == "muster_sockets_closed_total{reason=\"too_slow\"} 1")
    };
    // Read no further than the welcome.
    let stopped = Socket::signed_in(&platform, &token).await;
    let before = resident().await;

    let flood: Vec<_> = (0..40).map(|_| (player, large_push())).collect();
    let mut sent = 0;
    let mut most: f64 = 0.0;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    while sent < 4_000 || !too_slow().await {
        assert!(tokio::time::Instant::now() < deadline, "{sent} pushes, and the socket is still there");
        platform.scratch.store.pushes.send_many(&flood).await.unwrap();
        sent += flood.len();
        most = most.max(resident().await - before);
        assert!(most < 24.0, "{most:.1} MB after {sent} pushes of 20 KB");
    }
    drop(stopped);
    // Nothing is wrong with the player: the next socket starts from the state.
    let mut socket = Socket::signed_in(&platform, &token).await;
    platform.scratch.store.pushes.send(player, &large_push()).await.unwrap();
    socket.expect_push("match.events").await;
    platform.finish().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nobody_waits_for_a_huge_page() {
    let mut platform = Platform::builder().start().await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", platform.server(0).pid())).unwrap();
    let huge = status.lines().find(|line| line.starts_with("THP_enabled"));
    assert_eq!(huge, Some("THP_enabled:\t0"));
    platform.finish().await;
}
