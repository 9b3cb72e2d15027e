//! The servers that games have registered.

use std::{collections::BTreeMap, time::Duration};

use muster_core::{
    id::ServerId,
    wire::{Heartbeat, RegisterServer, ServerReport},
};
use serde_json::{Value, json};

use crate::support::Api;

const SERVERS: &str = "query($first: Int, $after: String, $region: String, $state: GameServerState) {
    gameServers(first: $first, after: $after, region: $region, state: $state) {
        pageInfo { hasNextPage endCursor } edges { cursor node {
            id address region build labels queues state matches capacity loadPercent registeredAt leaseUntil } } } }";

const LEASE: Duration = Duration::from_secs(60);

/// Servers of these regions; the last one is ready and half busy, the others are starting.
async fn registered(api: &Api, regions: &[&str]) -> Vec<ServerId> {
    let (servers, now) = (&api.store().servers, muster_store::now());
    let key =
        api.store().service_keys.create("game", muster_store::KeyPurpose::Game, now).await.unwrap().0.service_key_id;
    let mut ids = Vec::new();
    for (region, port) in regions.iter().zip(7_000..) {
        let registered = RegisterServer {
            address: format!("203.0.113.7:{port}"),
            region: Some((*region).to_owned()),
            build: Some("1.4".to_owned()),
            labels: BTreeMap::from([("class".to_owned(), "large".to_owned())]),
            queues: vec!["arena".to_owned()],
            capacity: 8,
        };
        let server = muster_store::fresh_id();
        servers.register(server, key, &registered, now, LEASE).await.unwrap();
        ids.push(server);
    }
    let beat = Heartbeat { state: ServerReport::Ready, load_percent: Some(50) };
    servers.heartbeat(*ids.last().unwrap(), key, &beat, now, LEASE).await.unwrap();
    ids
}

fn ids(page: &Value) -> Vec<String> {
    let edges = page["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn servers_are_read_by_pages_newest_first() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut made = registered(&api, &["eu-west", "asia", "asia", "eu-west", "asia"]).await;
    let last = *made.last().unwrap();
    made.sort();
    made.reverse();
    let made: Vec<String> = made.iter().map(ToString::to_string).collect();

    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = api.data(&token, SERVERS, json!({ "first": 2, "after": after })).await;
        let page = &data["gameServers"];
        seen.extend(ids(page));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert!(seen.len() < made.len(), "the pages do not end");
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, made);

    let ready = api.data(&token, SERVERS, json!({ "region": "asia", "state": "READY" })).await;
    assert_eq!(ids(&ready["gameServers"]), [last.to_string()]);
    let node = &ready["gameServers"]["edges"][0]["node"];
    let expected = json!({ "id": last, "address": "203.0.113.7:7004", "region": "asia", "build": "1.4",
        "labels": { "class": "large" }, "queues": ["arena"], "state": "READY", "matches": 0, "capacity": 8, "loadPercent": 50,
        "registeredAt": node["registeredAt"], "leaseUntil": node["leaseUntil"] });
    assert_eq!(*node, expected);
    assert!(node["leaseUntil"].as_str().unwrap() > node["registeredAt"].as_str().unwrap());
    let starting = api.data(&token, SERVERS, json!({ "region": "asia", "state": "STARTING" })).await;
    assert_eq!(ids(&starting["gameServers"]).len(), 2);
    let lost = api.data(&token, SERVERS, json!({ "state": "LOST" })).await;
    assert!(ids(&lost["gameServers"]).is_empty());
    api.finish().await;
}

#[tokio::test]
async fn questions_about_servers_that_make_no_sense_are_refused() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let long = "x".repeat(33);
    for wrong in
        [json!({ "first": 0 }), json!({ "first": 101 }), json!({ "after": "nonsense" }), json!({ "region": long })]
    {
        assert_eq!(api.refusal(Some(&token), SERVERS, wrong).await, "bad_input");
    }
    assert_eq!(api.refusal(None, SERVERS, json!({})).await, "unauthenticated");
    api.finish().await;
}
