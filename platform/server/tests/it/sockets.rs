//! A player's sockets over several gateways: the newest plays, and nobody else notices that it is another one.

use std::time::{Duration, Instant};

use muster_testkit::{Platform, eventually};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::raw::{Http, Socket};

/// Two gateways; the first process does the rest as well.
async fn two_gateways() -> Platform {
    Platform::builder().server(2).server_roles(1, "gateway").start().await
}

async fn answers(socket: &mut Socket) {
    socket.send(&json!({ "type": "ping", "id": "there" })).await;
    assert_eq!(socket.expect("pong").await["re"], "there");
}

#[tokio::test]
async fn the_newest_socket_plays_over_all_gateways() {
    let platform = two_gateways().await;
    let (_, token) = Http::of(&platform).sign_in("Ada").await;
    let mut older = Socket::signed_in(&platform, &token).await;
    // There and back again: the gateway of the oldest is that of the newest.
    for index in [1, 0, 1] {
        let mut newer = Socket::signed_in_at(platform.server_url(index), &token).await;
        let began = Instant::now();
        assert_eq!(older.expect("goodbye").await["code"], "replaced");
        assert_eq!(older.close_code().await, Some(4409));
        assert!(began.elapsed() < Duration::from_secs(1), "it took {:?}", began.elapsed());
        answers(&mut newer).await;
        older = newer;
    }
    platform.finish().await;
}

#[tokio::test]
async fn of_two_that_come_at_the_same_moment_exactly_one_stays() {
    let platform = two_gateways().await;
    let http = Http::of(&platform);
    for round in 0..10 {
        let (_, token) = http.sign_in("Ada").await;
        let hello = json!({ "type": "hello", "token": token });
        let (mut here, mut there) =
            tokio::join!(Socket::open_at(platform.server_url(0)), Socket::open_at(platform.server_url(1)));
        tokio::join!(here.send(&hello), there.send(&hello));
        let (replaced, mut stays) = tokio::select! {
            goodbye = goodbye(&mut here) => (goodbye, there),
            goodbye = goodbye(&mut there) => (goodbye, here),
        };
        assert_eq!(replaced["code"], "replaced", "round {round}");
        answers(&mut stays).await;
    }
    platform.finish().await;
}

async fn goodbye(socket: &mut Socket) -> Value {
    loop {
        let message = socket.next().await.expect("no socket ends without a word");
        if message["type"] == "goodbye" {
            return message;
        }
    }
}

#[tokio::test]
async fn a_match_hears_of_a_player_who_left_but_not_of_one_who_moved() {
    let platform = two_gateways().await;
    let http = Http::of(&platform);
    let (_, ada) = http.sign_in("Ada").await;
    let (_, grace) = http.sign_in("Grace").await;
    let mut adas = Socket::signed_in(&platform, &ada).await;
    let mut graces = Socket::signed_in(&platform, &grace).await;
    for socket in [&mut adas, &mut graces] {
        socket.send(&json!({ "type": "ticket.create", "id": "q", "queue": "classic-ranked" })).await;
    }
    let match_id = adas.expect_push("match.found").await["match"]["match_id"].as_str().unwrap().to_owned();

    // Back and forth; the older socket is gone each time before the next comes.
    for index in [1, 0, 1] {
        let newer = Socket::signed_in_at(platform.server_url(index), &ada).await;
        assert_eq!(adas.expect("goodbye").await["code"], "replaced");
        adas = newer;
    }
    // As a client does that has lost its line and is back before the old gateway knows of it.
    drop(adas);
    let adas = Socket::signed_in_at(platform.server_url(0), &ada).await;
    let connected = async || {
        let page = http.get(&format!("/v1/matches/{match_id}/events")).bearer_auth(&ada).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        let told: Vec<String> = page["events"]
            .as_array()?
            .iter()
            .filter_map(|event| event["event"]["type"].as_str())
            .filter(|kind| matches!(*kind, "dropped" | "returned"))
            .map(str::to_owned)
            .collect();
        Some(told)
    };
    eventually(Duration::from_secs(10), "the match to think that Ada is there", async || {
        let told = connected().await?;
        // Her lost line may have been told of, but then her return was too.
        (told.len() <= 2 && told.last().is_none_or(|last| last == "returned")).then_some(())
    })
    .await;
    let before = connected().await.unwrap();
    drop(adas);
    eventually(Duration::from_secs(10), "the match to hear that Ada left", async || {
        let told = connected().await?;
        (told.len() == before.len() + 1 && told.last()? == "dropped").then_some(())
    })
    .await;
    platform.finish().await;
}

#[tokio::test]
async fn a_silent_socket_is_pinged_and_a_dead_one_found() {
    let platform = Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__HEARTBEAT", "1s").start().await;
    let http = Http::of(&platform);
    let (_, ada) = http.sign_in("Ada").await;
    let (_, bo) = http.sign_in("Bo").await;
    // One that says nothing of its own accord, but answers pings, as every WebSocket does when it is read.
    let mut quiet = Socket::signed_in(&platform, &ada).await;
    // One whose other end is not there any more.
    let dead = Socket::signed_in(&platform, &bo).await;
    for _ in 0..4 {
        assert!(matches!(quiet.next_frame().await, Some(Message::Ping(_))));
    }
    answers(&mut quiet).await;
    eventually(Duration::from_secs(10), "the dead socket to be found", async || {
        let metrics = platform.metrics(platform.server_ops_url(0)).await;
        metrics.lines().any(|line| line == "muster_sockets_closed_total{reason=\"silent\"} 1").then_some(())
    })
    .await;
    drop(dead);
    platform.finish().await;
}
