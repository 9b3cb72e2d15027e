//! Wishes for a ticket: what is allowed, what a repeated one gives, and a thousand at once.

use std::time::Duration;

use muster_testkit::{Platform, PlatformBuilder, eventually};
use serde_json::{Value, json};

use crate::queue;
use crate::raw::{Http, Socket, problem};

/// A gateway alone: nobody makes matches, so tickets wait.
fn waiting_room() -> PlatformBuilder {
    Platform::builder().server_roles(0, "gateway").queue(queue(json!({
        "name": "fives", "version": 1, "ranked": false,
        "teams": {"count": 2, "size": {"min": 5, "max": 5}},
        "roles": [{"name": "tank", "count": 2}, {"name": "healer", "count": 3}],
        "regions": [{"name": "eu-west", "group": "europe"}, {"name": "asia", "group": "far-east"}],
        "properties": {"build": "string", "level": "number"},
        "filters": [{"name": "same-build", "rule": "self.build == other.build"}],
    })))
}

#[tokio::test]
async fn what_a_queue_does_not_allow_is_told_with_its_place() {
    let platform = waiting_room().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    for (wish, path) in [
        (json!({"queue": "fives", "roles": ["tank", "bard"]}), "roles[1]"),
        (json!({"queue": "fives", "latencies_ms": {"mars": 30}}), "latencies_ms.mars"),
        (json!({"queue": "fives", "properties": {"build": 7}}), "properties.build"),
        (json!({"queue": "fives", "properties": {"colour": "red"}}), "properties.colour"),
        (json!({"queue": "fives", "players": [{"player_id": "ply_0192f0c1e1c07b2cb4b1a7d1c2e3f405"}]}), "players"),
        (json!({"queue": "fives", "latencies_ms": {"asia": -1}}), "latencies_ms.asia"),
    ] {
        let body = problem(http.wish(&token, &wish).send().await.unwrap(), 422, "invalid_field").await;
        assert_eq!(body["errors"][0]["path"], path, "{body}");
    }

    let mut socket = Socket::signed_in(&platform, &token).await;
    socket.send(&json!({"type": "ticket.create", "id": "w", "queue": "fives", "roles": ["bard"]})).await;
    let error = socket.expect("error").await;
    assert_eq!((&error["code"], &error["re"]), (&json!("invalid_field"), &json!("w")), "{error}");
    assert!(error["message"].as_str().unwrap().starts_with("roles[0]: "), "{error}");
    platform.finish().await;
}

#[tokio::test]
async fn a_ticket_has_what_its_player_said_and_waits_in_the_nearest_group() {
    let platform = waiting_room().start().await;
    let http = Http::of(&platform);
    let (ada, token) = http.sign_in("Ada").await;
    let wish = json!({"queue": "fives", "roles": ["healer"], "latencies_ms": {"eu-west": 140, "asia": 20},
        "properties": {"build": "1.2", "level": 7}});
    let answer = http.wish(&token, &wish).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let ticket: Value = answer.json().await.unwrap();
    assert_eq!((&ticket["state"], &ticket["players"]), (&json!("waiting"), &json!([ada])), "{ticket}");

    let record = platform.scratch.store.tickets.get(ticket["ticket_id"].as_str().unwrap().parse().unwrap()).await;
    let record = record.unwrap().unwrap();
    assert_eq!(record.shard.to_string(), "fives/far-east");
    assert_eq!(record.names, ["Ada"]);
    assert_eq!(record.ticket.members[0].roles, ["healer"]);
    assert_eq!(record.ticket.latencies_ms["eu-west"], 140);
    assert_eq!(record.ticket.properties.len(), 2);
    platform.finish().await;
}

#[tokio::test]
async fn a_player_has_one_live_ticket_over_all_queues_and_ways_in() {
    let platform = waiting_room().start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let mut socket = Socket::signed_in(&platform, &token).await;
    let wish = json!({"type": "ticket.create", "id": "wish-1", "queue": "fives"});
    socket.send(&wish).await;
    let ticket = socket.expect("ack").await["ticket"].clone();
    socket.send(&wish).await;
    assert_eq!(socket.expect("ack").await["ticket"], ticket, "the same wish, the same ticket");

    // The socket's request id and the header are keys of one and the same player.
    let elsewhere = json!({"queue": "classic-casual"});
    let again = http.wish(&token, &json!({"queue": "fives"})).header("idempotency-key", "wish-1").send().await.unwrap();
    assert_eq!(again.status(), 200);
    let body = problem(http.wish(&token, &elsewhere).send().await.unwrap(), 409, "ticket_exists").await;
    let id = ticket["ticket_id"].as_str().unwrap();
    assert!(body["detail"].as_str().unwrap().contains(id), "{body}");

    let over = http.delete(&format!("/v1/tickets/{id}")).bearer_auth(&token).send().await.unwrap();
    let over: Value = over.json().await.unwrap();
    assert_eq!((&over["state"], &over["reason"]), (&json!("cancelled"), &json!("player")), "{over}");
    assert_eq!(http.wish(&token, &elsewhere).send().await.unwrap().status(), 201, "free again");
    let late = http.delete(&format!("/v1/tickets/{id}")).bearer_auth(&token).send().await.unwrap();
    problem(late, 409, "ticket_not_waiting").await;
    let unasked = http.post(&format!("/v1/tickets/{id}/accept")).bearer_auth(&token).send().await.unwrap();
    problem(unasked, 409, "ticket_not_proposed").await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_admitted_together_and_each_gets_an_answer_of_its_own() {
    const CROWD: usize = 200;
    let platform = waiting_room().env_of("muster-server", "MUSTER__GATEWAY__SIGN_INS_PER_SECOND", "1000").start().await;
    let http = Http::of(&platform);
    let mut sockets = Vec::new();
    for index in 0..CROWD {
        let (player, token) = http.sign_in(&format!("Player {index}")).await;
        sockets.push((player, Socket::signed_in(&platform, &token).await));
    }
    let admitted = async || {
        let metrics = platform.metrics(platform.server_ops_url(0)).await;
        let count = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0").trim().to_owned();
            line.parse::<f64>().unwrap()
        };
        (count("muster_admission_batch_size_count"), count("muster_admission_batch_size_sum"))
    };
    let (batches_before, wishes_before) = admitted().await;

    // All of them speak before any answer is read. Every fifth asks for something that is not allowed.
    for (index, (_, socket)) in sockets.iter_mut().enumerate() {
        let roles = if index % 5 == 0 { json!(["bard"]) } else { json!(["tank"]) };
        socket.send(&json!({"type": "ticket.create", "id": "now", "queue": "fives", "roles": roles})).await;
    }
    for (index, (player, socket)) in sockets.iter_mut().enumerate() {
        if index % 5 == 0 {
            assert_eq!(socket.expect("error").await["code"], "invalid_field");
        } else {
            assert_eq!(socket.expect("ack").await["ticket"]["players"], json!([player]));
        }
    }
    let (batches, wishes) = admitted().await;
    assert_eq!(wishes - wishes_before, (CROWD - CROWD / 5) as f64);
    let batches = batches - batches_before;
    assert!(batches < (CROWD / 2) as f64, "{batches} batches for {CROWD} wishes");
    platform.finish().await;
}

#[tokio::test]
async fn a_player_who_asks_too_often_is_told_when_to_come_back() {
    let platform = waiting_room().env_of("muster-server", "MUSTER__GATEWAY__REQUESTS_PER_SECOND", "1").start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let (_, calm) = http.sign_in("Grace").await;
    let ask = |token: &str| http.get("/v1/blocks").bearer_auth(token);
    let mut refused = None;
    for _ in 0..20 {
        let answer = ask(&token).send().await.unwrap();
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("20 requests in a row are too many for one a second");
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    problem(refused, 429, "too_many_requests").await;
    assert_eq!(ask(&calm).send().await.unwrap().status(), 200, "the limit is each player's own");
    platform.finish().await;
}

#[tokio::test]
async fn a_ticket_that_was_given_up_is_a_fact_without_a_name() {
    let platform = waiting_room().server_roles(0, "gateway,writer").start().await;
    let http = Http::of(&platform);
    let (_, token) = http.sign_in("Ada").await;
    let wish = json!({"queue": "fives", "roles": ["tank"], "latencies_ms": {"eu-west": 30}});
    let ticket: Value = http.wish(&token, &wish).send().await.unwrap().json().await.unwrap();
    let path = format!("/v1/tickets/{}", ticket["ticket_id"].as_str().unwrap());
    assert_eq!(http.delete(&path).bearer_auth(&token).send().await.unwrap().status(), 200);

    let pool = platform.scratch.sql().await;
    let (queue, region, properties): (String, String, Value) =
        eventually(Duration::from_secs(15), "the fact in the hypertable", async || {
            let found =
                sqlx::query_as("select queue, region, properties from telemetry.events where kind = 'ticket.ended'");
            found.fetch_optional(&pool).await.unwrap()
        })
        .await;
    assert_eq!((queue.as_str(), region.as_str()), ("fives", "eu-west"));
    assert_eq!(
        (&properties["outcome"], &properties["reason"], &properties["group"], &properties["party_size"]),
        (&json!("cancelled"), &json!("player"), &json!("europe"), &json!(1)),
        "{properties}"
    );
    assert_eq!(properties["recorded"]["members"][0]["roles"], json!(["tank"]), "{properties}");
    assert!(!properties.to_string().contains("ply_"), "{properties}");
    pool.close().await;
    platform.finish().await;
}
