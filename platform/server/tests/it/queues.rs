//! Queues as players see them, and how a change reaches them.

use std::time::Duration;

use muster_core::matchmaking::QueueDefinition;
use muster_store::{Actor, QueueChange};
use muster_testkit::{Platform, eventually};
use serde_json::{Value, json};

use crate::queue;
use crate::raw::Http;

fn trios() -> QueueDefinition {
    queue(json!({
        "name": "trios", "version": 1, "ranked": false,
        "teams": {"count": 2, "size": {"min": 3, "max": 3}},
        "roles": [{"name": "tank", "count": 1}, {"name": "damage", "count": 2}],
        "regions": [{"name": "eu-west", "latency": {"start_ms": 80}}, {"name": "asia"}],
        "party": {"max_size": 2},
        "properties": {"build": "string"},
        "filters": [{"name": "same-build", "rule": "self.build == other.build"}],
        "acceptance": {"within_secs": 10},
        "max_wait_secs": 300,
    }))
}

async fn listed(http: &Http, name: &str) -> Value {
    let queues: Value = http.get("/v1/queues").send().await.unwrap().json().await.unwrap();
    queues.as_array().unwrap().iter().find(|queue| queue["name"] == name).cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_queue_says_what_a_client_needs_to_know_and_no_more() {
    let platform = Platform::builder().queue(trios()).start().await;
    let http = Http::of(&platform);
    let expected = json!({
        "name": "trios", "version": 1, "ranked": false,
        "teams": {"count": 2, "min_size": 3, "max_size": 3},
        "roles": {"damage": 2, "tank": 1},
        "regions": ["eu-west", "asia"],
        "max_party": 2,
        "properties": {"build": "string"},
        "acceptance_secs": 10,
        "max_wait_secs": 300,
    });
    assert_eq!(listed(&http, "trios").await, expected);
    let shipped = listed(&http, "classic-ranked").await;
    assert_eq!((&shipped["mode"], &shipped["max_party"]), (&json!("classic"), &json!(1)), "{shipped}");
    assert_eq!(shipped["regions"].as_array().unwrap().len(), 4, "{shipped}");
    platform.finish().await;
}

#[tokio::test]
async fn a_change_reaches_every_gateway_in_under_a_second() {
    let platform = Platform::builder().server(2).queue(trios()).start().await;
    let change = QueueChange {
        definition: QueueDefinition { ranked: true, ..trios() },
        expected_version: Some(1),
        author: Actor::System("test".to_owned()),
        reason: "to see it arrive".to_owned(),
    };
    platform.scratch.store.queues.put(&change, muster_store::now()).await.unwrap();
    for server in 0..2 {
        let http = Http::at(platform.server_url(server));
        eventually(Duration::from_secs(1), "the new version at each gateway", async || {
            let seen = listed(&http, "trios").await;
            (seen["version"] == 2 && seen["ranked"] == true).then_some(())
        })
        .await;
    }
    platform.finish().await;
}
