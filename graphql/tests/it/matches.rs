//! Matches: the list and its pages, what one match shows, and its events as a list and as a stream.

use chrono::TimeDelta;
use muster_core::game::{Command, MatchState, Mode, Seat};
use serde_json::{Value, json};

use crate::support::{Api, Socket, finished, running};

const PAGE: &str = "query($first: Int, $after: String, $state: MatchState, $mode: String) {
    matches(first: $first, after: $after, state: $state, mode: $mode) {
        totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id state } } } }";

const MATCH: &str = "query($id: ID!) { match(id: $id) {
    id queue mode state createdAt endedAt quality commitment seed outcome { kind winnerId }
    players { id displayName seat ratingBefore ratingAfter total }
    events { seq at kind seat dice effect turnScore multiplier totals summary } } }";

#[tokio::test]
async fn pages_hold_every_match_once_newest_first() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut made = Vec::new();
    for age in (1..=7).rev() {
        let played = match age % 2 {
            0 => running(api.store(), TimeDelta::minutes(age)).await,
            _ => finished(api.store(), TimeDelta::minutes(age)).await,
        };
        made.insert(0, played.match_id.to_string());
    }

    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut data = api.data(&token, PAGE, json!({ "first": 3, "after": after })).await;
        let page = data["matches"].take();
        assert_eq!(page["totalCount"], 7);
        let edges = page["edges"].as_array().unwrap();
        assert_eq!(page["pageInfo"]["endCursor"], edges.last().unwrap()["cursor"]);
        seen.extend(edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        // A match that is made meanwhile moves nothing between pages.
        if seen.len() == 3 {
            running(api.store(), TimeDelta::zero()).await;
            let count = api.data(&token, PAGE, json!({ "first": 1 })).await;
            assert_eq!(count["matches"]["totalCount"], 8);
            break;
        }
    }
    loop {
        let mut data = api.data(&token, PAGE, json!({ "first": 3, "after": after })).await;
        let page = data["matches"].take();
        let edges = page["edges"].as_array().unwrap();
        seen.extend(edges.iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, made);

    for (state, count) in [("RUNNING", 4), ("FINISHED", 4)] {
        let data = api.data(&token, PAGE, json!({ "state": state })).await;
        assert_eq!(data["matches"]["totalCount"], count);
        let edges = data["matches"]["edges"].as_array().unwrap();
        assert!(edges.iter().all(|edge| edge["node"]["state"] == state));
    }
    let none = api.data(&token, PAGE, json!({ "mode": "true-grit" })).await;
    assert_eq!(
        none["matches"],
        json!({ "totalCount": 0, "edges": [], "pageInfo": { "hasNextPage": false, "endCursor": null } })
    );
    api.finish().await;
}

#[tokio::test]
async fn arguments_out_of_range_are_told() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let cursor = json!({ "after": "bm90IGEgY3Vyc29y" });
    for variables in [
        json!({ "first": 0 }),
        json!({ "first": -1 }),
        json!({ "first": 101 }),
        json!({ "after": "" }),
        json!({ "after": "!!" }),
        cursor,
        json!({ "mode": "chess" }),
        json!({ "state": "PAUSED" }),
    ] {
        assert_eq!(api.refusal(Some(&token), PAGE, variables.clone()).await, "bad_input", "{variables}");
    }
    for id in ["", "mch_1", "ply_0192f0c1e1c07b2cb4b1a7d1c2e3f405"] {
        assert_eq!(api.refusal(Some(&token), MATCH, json!({ "id": id })).await, "bad_input", "{id}");
    }
    let unknown = api.data(&token, MATCH, json!({ "id": "mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405" })).await;
    assert_eq!(unknown, json!({ "match": null }));
    api.finish().await;
}

#[tokio::test]
async fn a_running_match_shows_its_course_and_hides_its_seed() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut played = running(api.store(), TimeDelta::minutes(1)).await;
    played.step(Command::Roll).await;

    let mut data = api.data(&token, MATCH, json!({ "id": played.match_id.to_string() })).await;
    let shown = data["match"].take();
    assert_eq!(shown["state"], "RUNNING");
    assert_eq!(shown["queue"], "quickfire-ranked");
    assert_eq!(shown["mode"], "quickfire");
    assert_eq!(shown["quality"], 0.75);
    assert_eq!(shown["commitment"].as_str().unwrap().len(), 64);
    for hidden in ["seed", "endedAt", "outcome"] {
        assert!(shown[hidden].is_null(), "{hidden}");
    }
    assert!(!shown.to_string().contains(&"07".repeat(32)), "the seed leaks: {shown}");

    let players = shown["players"].as_array().unwrap();
    assert_eq!(players.len(), 2);
    for (n, (player, name)) in players.iter().zip(["Ada", "Bo"]).enumerate() {
        assert_eq!(player["id"], played.players[n].to_string());
        assert_eq!(player["displayName"], name);
        assert_eq!(player["seat"], ["first", "second"][n]);
        assert_eq!(player["total"], played.totals()[n]);
        assert!(player["ratingAfter"].is_null());
    }

    let events = shown["events"].as_array().unwrap();
    assert_eq!(events.len(), played.logged().len());
    assert_eq!(events[0]["seq"], 1);
    assert_eq!(events[0]["kind"], "started");
    let roll = events.iter().find(|event| event["kind"] == "rolled").unwrap();
    assert_eq!(roll["dice"].as_array().unwrap().len(), 2);
    assert!(roll["effect"].is_string() && roll["turnScore"].is_i64() && roll["multiplier"].is_i64());
    assert!(roll["summary"].as_str().unwrap().contains(" rolls "));

    let some = "query($id: ID!) { match(id: $id) { events(first: 1, after: 1) { seq } } }";
    let some = api.data(&token, some, json!({ "id": played.match_id.to_string() })).await;
    assert_eq!(some["match"]["events"], json!([{ "seq": 2 }]));
    api.finish().await;
}

#[tokio::test]
async fn a_finished_match_shows_its_outcome_and_seed() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let played = finished(api.store(), TimeDelta::minutes(1)).await;

    let mut data = api.data(&token, MATCH, json!({ "id": played.match_id.to_string() })).await;
    let shown = data["match"].take();
    assert_eq!(shown["state"], "FINISHED");
    assert_eq!(shown["seed"], "07".repeat(32));
    let winner = played.resigned_by().other();
    assert_eq!(shown["outcome"], json!({ "kind": "resigned", "winnerId": played.players[winner.index()].to_string() }));
    assert!(shown["endedAt"].as_str() > shown["createdAt"].as_str());
    for seat in Seat::ALL {
        let player = &shown["players"][seat.index()];
        let gained = player["ratingAfter"].as_f64().unwrap() - player["ratingBefore"].as_f64().unwrap();
        assert_eq!(gained > 0.0, seat == winner, "{player}");
    }
    let events = shown["events"].as_array().unwrap();
    assert_eq!(events.len(), played.logged().len());
    assert_eq!(events.last().unwrap()["kind"], "ended");
    api.finish().await;
}

const STEPS: &str = "query($id: ID!, $first: Int, $after: String, $from: Int) { match(id: $id) {
    steps(first: $first, after: $after, from: $from) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node {
        event { seq kind totals turnScore }
        state { turn totals turnScore rollsInTurn multiplier rolls idleTurns connected turnDeadline returnBy over } } } } } }";

#[tokio::test]
async fn a_match_is_stepped_through_with_its_state() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut played = running(api.store(), TimeDelta::minutes(9)).await;
    let id = played.match_id.to_string();
    let steps = async |variables: Value| {
        let mut data = api.data(&token, STEPS, variables).await;
        data["match"]["steps"].take()
    };
    for _ in 0..12 {
        played.step(Command::Roll).await;
    }
    let so_far = steps(json!({ "id": id, "first": 200 })).await;
    assert_eq!(so_far["totalCount"], played.logged().len());
    assert_eq!(so_far["edges"].as_array().unwrap().len(), played.logged().len(), "a running match, as far as it is");
    assert_eq!(so_far["edges"][0]["node"]["state"]["over"], false);
    assert!(so_far["edges"][0]["node"]["state"]["turnDeadline"].is_string());
    played.resign().await;

    // Page by page, and again from the middle: always the state that the referee had after that event.
    let (mut after, mut seen) = (Value::Null, 0);
    let mut state = None;
    loop {
        let page = steps(json!({ "id": id, "first": 5, "after": after })).await;
        assert_eq!(page["totalCount"], played.logged().len());
        for edge in page["edges"].as_array().unwrap() {
            let logged = &played.logged()[seen];
            seen += 1;
            let state = state.get_or_insert_with(|| MatchState::start(Mode::Quickfire, played.first(), logged.at));
            state.evolve(&logged.event, logged.at);
            let node = &edge["node"];
            assert_eq!((&node["event"]["seq"], &node["event"]["kind"]), (&json!(seen), &json!(logged.event.kind())));
            let shown = json!({
                "turn": state.turn, "totals": state.totals, "turnScore": state.turn_score, "rollsInTurn": state.rolls_in_turn,
                "multiplier": state.multiplier, "rolls": state.rolls, "idleTurns": [0, 0], "connected": [true, true],
                "turnDeadline": node["state"]["turnDeadline"], "returnBy": [null, null], "over": state.is_over(),
            });
            assert_eq!(node["state"], shown, "after event {seen}");
            let alone = steps(json!({ "id": id, "first": 1, "from": seen })).await;
            assert_eq!(alone["edges"], json!([edge]));
        }
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, played.logged().len());
    let beyond = steps(json!({ "id": id, "from": seen + 1 })).await;
    assert_eq!((&beyond["edges"], &beyond["pageInfo"]["hasNextPage"]), (&json!([]), &json!(false)));
    for variables in [
        json!({ "id": id, "first": 0 }),
        json!({ "id": id, "first": 201 }),
        json!({ "id": id, "from": 0 }),
        json!({ "id": id, "after": "bm90IGEgbnVtYmVy" }),
        json!({ "id": id, "from": 1, "after": after }),
    ] {
        assert_eq!(api.refusal(Some(&token), STEPS, variables.clone()).await, "bad_input", "{variables}");
    }
    assert_eq!(api.refusal(None, STEPS, json!({ "id": id })).await, "unauthenticated");
    api.finish().await;
}

#[tokio::test]
async fn events_come_as_they_happen_until_the_end() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut played = running(api.store(), TimeDelta::minutes(1)).await;
    let before = played.logged().len() as u64;

    let mut socket = Socket::signed_in(api.address, &token).await;
    let query = format!(
        "subscription {{ matchEvents(id: \"{}\", after: {}) {{ seq kind summary }} }}",
        played.match_id,
        before - 1
    );
    socket.subscribe("1", &query).await;
    let mut seqs = batch(&socket.next().await);
    assert_eq!(seqs, [before], "what is there comes first");

    played.step(Command::Roll).await;
    while seqs.last() != Some(&(played.logged().len() as u64)) {
        seqs.extend(batch(&socket.next().await));
    }
    played.resign().await;
    while seqs.last() != Some(&(played.logged().len() as u64)) {
        seqs.extend(batch(&socket.next().await));
    }
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));
    assert_eq!(seqs, (before..=played.logged().len() as u64).collect::<Vec<_>>());

    // Of a match that is over, all at once.
    let query = format!("subscription {{ matchEvents(id: \"{}\") {{ seq }} }}", played.match_id);
    socket.subscribe("2", &query).await;
    let mut all = Vec::new();
    loop {
        let message = socket.next().await;
        if message["type"] == "complete" {
            break;
        }
        all.extend(batch(&message));
    }
    assert_eq!(all, (1..=played.logged().len() as u64).collect::<Vec<_>>());
    api.finish().await;
}

#[tokio::test]
async fn a_stream_of_no_match_says_so() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut socket = Socket::signed_in(api.address, &token).await;
    for (id, after, code) in [
        ("mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405", 0, "not_found"),
        ("nonsense", 0, "bad_input"),
        ("mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405", -1, "bad_input"),
    ] {
        socket.subscribe("1", &format!("subscription {{ matchEvents(id: \"{id}\", after: {after}) {{ seq }} }}")).await;
        let answer = socket.next().await;
        assert_eq!(answer["payload"]["errors"][0]["extensions"]["code"], code, "{answer}");
        assert_eq!(socket.next().await["type"], "complete");
    }
    api.finish().await;
}

fn batch(message: &Value) -> Vec<u64> {
    let events = message["payload"]["data"]["matchEvents"].as_array();
    let events = events.unwrap_or_else(|| panic!("not a batch of events: {message}"));
    assert!(!events.is_empty(), "an empty batch");
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}
