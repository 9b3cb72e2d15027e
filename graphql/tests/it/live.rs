//! The counts and their stream.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use muster_core::id::PlayerId;
use serde_json::json;

use crate::support::{Api, Socket, finished, running};

const COUNTS: &str = "playersOnline ticketsWaiting matchesRunning matchesFinished eventsStored eventsPerMinute";

#[tokio::test]
async fn the_counts_are_those_of_the_store() {
    let api = Api::start().await;
    let token = api.viewer().await;
    finished(api.store(), TimeDelta::seconds(30)).await;
    running(api.store(), TimeDelta::seconds(10)).await;
    let players: Vec<PlayerId> = (0..3).map(|_| muster_store::fresh_id()).collect();
    api.store().presence.beat(&players, muster_store::now()).await.unwrap();

    let live = api.data(&token, &format!("{{ live {{ {COUNTS} }} }}"), json!({})).await;
    assert_eq!(
        live["live"],
        json!({ "playersOnline": 3, "ticketsWaiting": 0, "matchesRunning": 1, "matchesFinished": 1,
                "eventsStored": 0, "eventsPerMinute": 0 })
    );
    api.finish().await;
}

#[tokio::test]
async fn activity_has_one_point_a_minute() {
    let api = Api::start().await;
    let token = api.viewer().await;
    finished(api.store(), TimeDelta::seconds(10)).await;

    let query = "query($minutes: Int!) { activity(minutes: $minutes) { minute matchesFinished events } }";
    let data = api.data(&token, query, json!({ "minutes": 5 })).await;
    let points = data["activity"].as_array().unwrap();
    assert_eq!(points.len(), 5);
    let minutes: BTreeSet<&str> = points.iter().map(|point| point["minute"].as_str().unwrap()).collect();
    assert_eq!(minutes.len(), 5);
    assert!(minutes.iter().all(|minute| minute.ends_with(":00.000Z")), "{minutes:?}");
    let ended: i64 = points.iter().map(|point| point["matchesFinished"].as_i64().unwrap()).sum();
    assert_eq!(ended, 1);

    let default = api.data(&token, "{ activity { events } }", json!({})).await;
    assert_eq!(default["activity"].as_array().unwrap().len(), 60);
    for minutes in [0, -1, 1_441] {
        assert_eq!(api.refusal(Some(&token), query, json!({ "minutes": minutes })).await, "bad_input");
    }
    api.finish().await;
}

#[tokio::test]
async fn a_subscription_receives_changing_counts() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut socket = Socket::signed_in(api.address, &token).await;
    let mut other = Socket::signed_in(api.address, &token).await;
    for socket in [&mut socket, &mut other] {
        socket.subscribe("live", &format!("subscription {{ live {{ at {COUNTS} }} }}")).await;
    }
    let first = socket.next().await;
    assert_eq!(first["id"], "live");
    assert_eq!(first["payload"]["data"]["live"]["matchesRunning"], 0, "{first}");

    running(api.store(), TimeDelta::seconds(1)).await;
    api.store().presence.beat(&[muster_store::fresh_id()], muster_store::now()).await.unwrap();
    for socket in [&mut socket, &mut other] {
        let mut seen = BTreeSet::new();
        loop {
            let message = socket.next().await;
            let live = &message["payload"]["data"]["live"];
            assert!(seen.insert(live["at"].as_str().unwrap().to_owned()), "the same counts came twice: {live}");
            if live["matchesRunning"] == 1 && live["playersOnline"] == 1 {
                break;
            }
            assert!(seen.len() < 5, "the counts do not change: {live}");
        }
    }

    socket.send(json!({ "type": "complete", "id": "live" })).await;
    loop {
        let message = socket.next().await;
        if message["type"] == "complete" {
            break;
        }
    }
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong" }));
    api.finish().await;
}
