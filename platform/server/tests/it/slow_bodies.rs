//! Bodies that are promised and do not come, where a body is read: no connection waits for one for ever.

use std::time::Duration;

use futures::future::join_all;
use muster_core::id::ServerId;
use muster_store::KeyPurpose;
use muster_testkit::Platform;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::raw::{Http, Socket, in_hand, last_words};

#[tokio::test]
async fn who_promises_a_body_and_says_nothing_is_ended_and_sockets_go_on() {
    let platform = Platform::builder().server_roles(0, "gateway").start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let keys = &platform.scratch.store.service_keys;
    let (_, key) = keys.create("game-backend", KeyPurpose::Game, muster_store::now()).await.unwrap();
    // Opened before; it is silent for longer than any body may be.
    let mut socket = Socket::signed_in(&platform, &token).await;

    let base = &http.base;
    let server: ServerId = muster_store::fresh_id();
    let mut waiting = join_all([
        in_hand(base, "/v1/auth/device", "", 1_000),
        in_hand(base, "/v1/tickets", &token, 1_000),
        in_hand(base, "/v1/tickets", &key, 1_000),
        in_hand(base, &format!("/v1/servers/{server}/heartbeat"), &key, 1_000),
    ])
    .await;
    // Some that comes does not make the time longer.
    let mut trickling = waiting.remove(1);
    let trickle = async {
        while trickling.write_all(b" ").await.is_ok() {
            tokio::select! {
                readable = trickling.readable() => {
                    readable.unwrap();
                    break;
                }
                () = tokio::time::sleep(Duration::from_millis(700)) => {}
            }
        }
        last_words(trickling).await
    };
    let (trickled, others) = tokio::join!(trickle, join_all(waiting.into_iter().map(last_words)));
    for words in others.iter().chain([&trickled]) {
        assert!(words.starts_with("HTTP/1.1 408") && words.contains("application/problem+json"), "{words}");
        assert!(words.contains(r#""code":"body_too_slow""#), "{words}");
    }
    socket.send(&json!({ "type": "ticket.create", "id": "queue-1", "queue": "classic-ranked" })).await;
    assert_eq!(socket.expect("ack").await["re"], "queue-1");
    platform.finish().await;
}
