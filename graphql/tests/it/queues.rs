//! Queues: the list, one queue, its history, who waits in it, how it did.

use chrono::TimeDelta;
use muster_core::matchmaking::shipped_queues;
use muster_store::{Actor, QueueChange, Shard, StaffRole};
use serde_json::{Value, json};

use crate::support::{Api, Ended, add_queue, definition, lead, record, rules, wait_in};

const HISTORY: &str = "query($name: String!, $first: Int, $after: String) { queue(name: $name) {
    history(first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        edges { cursor node { version definition author authorName reason createdAt } } } } }";

const SHARDS: &str = "query($name: String!) { queue(name: $name) {
    live { ticketsWaiting playersWaiting oldestWaitMs led }
    shards { group leader leaderSince queueVersion tickets players heldTickets oldestWaitMs
        histogramByRating { from to tickets players } histogramByWait { from to tickets players } } } }";

const FACTS: &str = "query($name: String!, $from: DateTime, $to: DateTime) { queue(name: $name) {
    facts(from: $from, to: $to) { region tickets players arrived matched matches abandonmentRate
        endings { outcome reason tickets } waitMs { p50 p95 p99 } quality { mean p10 } } } }";

#[tokio::test]
async fn all_queues_are_listed_by_name() {
    let api = Api::start().await;
    let token = api.viewer().await;
    assert_eq!(api.data(&token, "{ queues { name } }", json!({})).await["queues"], json!([]));

    let shipped = shipped_queues();
    api.store().queues.seed(&shipped, muster_store::now()).await.unwrap();
    add_queue(api.store(), &rules("arena")).await;
    let query = "{ queues { name version mode ranked definition updatedAt author authorName reason
        live { ticketsWaiting playersWaiting oldestWaitMs led } shards { group leader tickets players oldestWaitMs } } }";
    let data = api.data(&token, query, json!({})).await;
    let queues = data["queues"].as_array().unwrap();
    let names: Vec<&str> = queues.iter().map(|queue| queue["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.len() == shipped.len() + 1, "{names:?}");

    let arena = queues.iter().find(|queue| queue["name"] == "arena").unwrap();
    assert_eq!((&arena["version"], &arena["mode"], &arena["ranked"]), (&json!(1), &Value::Null, &json!(false)));
    assert_eq!(definition(&arena["definition"]), definition(&rules("arena")));
    assert_eq!((&arena["author"], &arena["authorName"]), (&json!("test"), &Value::Null));
    assert_eq!(arena["reason"], "for a test");
    let classic = queues.iter().find(|queue| queue["name"] == "classic-ranked").unwrap();
    assert_eq!((&classic["mode"], &classic["ranked"]), (&json!("classic"), &json!(true)));
    assert_eq!(classic["author"], "muster");
    assert!(classic["updatedAt"].as_str().unwrap().ends_with('Z'));
    api.finish().await;
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_null() {
    let api = Api::start().await;
    let token = api.viewer().await;
    for name in ["arena", "", "no/../queue", "*.>"] {
        let data =
            api.data(&token, "query($name: String!) { queue(name: $name) { name } }", json!({ "name": name })).await;
        assert_eq!(data["queue"], Value::Null);
    }
    api.finish().await;
}

#[tokio::test]
async fn the_history_has_every_version_newest_first() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let operator = api.add_staff("ops@example.test", StaffRole::Operator).await;
    add_queue(api.store(), &rules("arena")).await;
    for version in 1..=4_u32 {
        let mut changed = definition(&rules("arena"));
        changed.max_wait_secs = Some(60 + version);
        let change = QueueChange {
            definition: changed,
            expected_version: Some(version),
            author: Actor::Staff(operator),
            reason: format!("change {version}"),
        };
        api.store().queues.put(&change, muster_store::now()).await.unwrap();
    }

    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let data = api.data(&token, HISTORY, json!({ "name": "arena", "first": 2, "after": after })).await;
        let page = &data["queue"]["history"];
        assert_eq!(page["totalCount"], 5);
        seen.extend(page["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert!(seen.len() < 5, "the pages do not end");
        after = page["pageInfo"]["endCursor"].clone();
    }
    let versions: Vec<i64> = seen.iter().map(|version| version["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [5, 4, 3, 2, 1]);
    assert_eq!(seen[0]["definition"]["max_wait_secs"], 64);
    assert_eq!((&seen[0]["author"], &seen[0]["authorName"]), (&json!(operator), &json!("The operator")));
    assert_eq!((&seen[0]["reason"], &seen[4]["reason"]), (&json!("change 4"), &json!("for a test")));
    assert_eq!((&seen[4]["author"], &seen[4]["authorName"]), (&json!("test"), &Value::Null));

    for (first, after) in [(0, Value::Null), (101, Value::Null), (10, json!("nonsense")), (10, json!("LTE"))] {
        let variables = json!({ "name": "arena", "first": first, "after": after });
        assert_eq!(api.refusal(Some(&token), HISTORY, variables).await, "bad_input");
    }
    api.finish().await;
}

#[tokio::test]
async fn shards_show_who_waits_as_far_as_their_leaders_tell() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let queue = add_queue(api.store(), &rules("arena")).await;
    let (west, east) = (Shard::new("arena", "west"), Shard::new("arena", "east"));
    let tickets = [wait_in(api.store(), &west, 1_510.0, 40).await, wait_in(api.store(), &west, 1_790.0, 2).await];

    let data = api.data(&token, SHARDS, json!({ "name": "arena" })).await;
    let nobody = json!({ "group": "west", "leader": "NONE", "leaderSince": null, "queueVersion": null, "tickets": 2,
        "players": null, "heldTickets": null, "oldestWaitMs": null, "histogramByRating": null, "histogramByWait": null });
    assert_eq!(data["queue"]["shards"][0], nobody);
    assert_eq!(
        (&data["queue"]["shards"][1]["group"], &data["queue"]["shards"][1]["tickets"]),
        (&json!("east"), &json!(0))
    );
    let live = json!({ "ticketsWaiting": 2, "playersWaiting": null, "oldestWaitMs": null, "led": false });
    assert_eq!(data["queue"]["live"], live);

    lead(api.store(), &west, &queue, &tickets).await;
    lead(api.store(), &east, &queue, &[]).await;
    // A group that is no more: the tickets there are shown while they last.
    wait_in(api.store(), &Shard::new("arena", "old"), 1_500.0, 5).await;
    let data = api.data(&token, SHARDS, json!({ "name": "arena" })).await;
    let shards = data["queue"]["shards"].as_array().unwrap();
    let seen: Vec<_> = shards.iter().map(|shard| (&shard["group"], &shard["leader"], &shard["tickets"])).collect();
    let (leads, none) = (json!("LEADS"), json!("NONE"));
    assert_eq!(
        seen,
        [(&json!("west"), &leads, &json!(2)), (&json!("east"), &leads, &json!(0)), (&json!("old"), &none, &json!(1))]
    );
    let west = &shards[0];
    assert_eq!((&west["queueVersion"], &west["players"], &west["heldTickets"]), (&json!(1), &json!(2), &json!(0)));
    let oldest = west["oldestWaitMs"].as_u64().unwrap();
    assert!((40_000..100_000).contains(&oldest), "{oldest}");
    let ratings = west["histogramByRating"].as_array().unwrap();
    let buckets: Vec<_> = ratings.iter().map(|bucket| (&bucket["from"], &bucket["tickets"])).collect();
    assert_eq!(buckets, [(&json!(1500.0), &json!(1)), (&json!(1600.0), &json!(0)), (&json!(1700.0), &json!(1))]);
    let waits: u64 = west["histogramByWait"].as_array().unwrap().iter().map(|b| b["players"].as_u64().unwrap()).sum();
    assert_eq!(waits, 2);
    assert_eq!(data["queue"]["live"]["ticketsWaiting"], 3);
    assert_eq!(data["queue"]["live"]["playersWaiting"], Value::Null);
    api.finish().await;
}

#[tokio::test]
async fn live_numbers_are_of_all_shards() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let queue = add_queue(api.store(), &rules("arena")).await;
    for (group, waited) in [("west", 20), ("east", 50)] {
        let shard = Shard::new("arena", group);
        let ticket = wait_in(api.store(), &shard, 1_500.0, waited).await;
        lead(api.store(), &shard, &queue, &[ticket]).await;
    }
    let query = "{ queues { live { ticketsWaiting playersWaiting oldestWaitMs led } } }";
    let data = api.data(&token, query, json!({})).await;
    let live = &data["queues"][0]["live"];
    assert_eq!((&live["ticketsWaiting"], &live["playersWaiting"], &live["led"]), (&json!(2), &json!(2), &json!(true)));
    assert!(live["oldestWaitMs"].as_u64().unwrap() >= 50_000, "{live}");
    api.finish().await;
}

#[tokio::test]
async fn facts_tell_how_tickets_ended_by_region() {
    let api = Api::start().await;
    let token = api.viewer().await;
    add_queue(api.store(), &rules("arena")).await;
    let now = muster_store::now();
    let ended = |region, minutes_ago, wait_ms, fate| Ended {
        region,
        came_at: now - TimeDelta::minutes(minutes_ago),
        wait_ms,
        points: 1_500.0,
        fate,
    };
    let asia = Some("asia");
    record(
        api.store(),
        "arena",
        &[
            ended(asia, 10, 1_000, Ok(0.5)),
            ended(asia, 11, 3_000, Ok(0.7)),
            ended(asia, 12, 60_000, Err(("expired", "max_wait"))),
            ended(asia, 13, 500, Err(("cancelled", "player"))),
            ended(Some("eu-west"), 14, 2_000, Ok(0.9)),
            ended(None, 15, 10, Err(("failed", "queue_changed"))),
            ended(asia, 90, 1_000, Ok(0.1)),
        ],
    )
    .await;
    record(api.store(), "brawl", &[ended(asia, 10, 9_000, Ok(0.1))]).await;

    let data = api.data(&token, FACTS, json!({ "name": "arena" })).await;
    let facts = data["queue"]["facts"].as_array().unwrap();
    let regions: Vec<_> = facts.iter().map(|facts| (&facts["region"], &facts["tickets"])).collect();
    assert_eq!(regions, [(&Value::Null, &json!(1)), (&json!("asia"), &json!(4)), (&json!("eu-west"), &json!(1))]);
    assert_eq!(
        facts[1],
        json!({
            "region": "asia", "tickets": 4, "players": 4, "arrived": 4, "matched": 2, "matches": 2, "abandonmentRate": 0.25,
            "endings": [
                { "outcome": "matched", "reason": null, "tickets": 2 },
                { "outcome": "cancelled", "reason": "player", "tickets": 1 },
                { "outcome": "expired", "reason": "max_wait", "tickets": 1 },
            ],
            "waitMs": { "p50": 2000.0, "p95": 2900.0, "p99": 2980.0 },
            "quality": { "mean": 0.6, "p10": 0.52 },
        })
    );
    assert_eq!((&facts[0]["waitMs"], &facts[0]["quality"]), (&Value::Null, &Value::Null));

    let span = |from: i64, to: i64| json!({ "name": "arena", "from": now - TimeDelta::minutes(from), "to": now - TimeDelta::minutes(to) });
    let data = api.data(&token, FACTS, span(120, 60)).await;
    assert_eq!(data["queue"]["facts"][0]["tickets"], 1);
    for span in [span(5, 5), span(5, 6), span(40 * 24 * 60, 5)] {
        assert_eq!(api.refusal(Some(&token), FACTS, span).await, "bad_input");
    }
    api.finish().await;
}

#[tokio::test]
async fn what_pages_ask_of_queues_is_allowed_and_more_is_not() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let whole = "name version mode ranked definition updatedAt author authorName reason
        live { ticketsWaiting playersWaiting oldestWaitMs led }
        shards { group leader leaderSince queueVersion tickets players heldTickets oldestWaitMs }";
    let facts = "facts { region tickets players matched abandonmentRate waitMs { p50 p95 p99 } quality { mean p10 } }";
    let histograms =
        "shards { histogramByRating { from to tickets players } histogramByWait { from to tickets players } }";
    let history = "history(first: 100) { totalCount pageInfo { hasNextPage endCursor }
        edges { cursor node { version definition author authorName reason createdAt } } }";
    let endings = "facts { endings { outcome reason tickets } }";

    for allowed in [
        format!("{{ queues {{ {whole} }} }}"),
        format!("{{ queues {{ name {facts} }} }}"),
        format!("{{ queue(name: \"arena\") {{ {whole} {facts} {histograms} {history} {endings} }} }}"),
    ] {
        api.data(&token, &allowed, json!({})).await;
    }
    let too_much = [histograms, history].map(|costly| format!("{{ queues {{ {costly} }} }}"));
    for query in too_much {
        assert_eq!(api.refusal(Some(&token), &query, json!({})).await, "bad_input", "{query}");
    }
    api.finish().await;
}
