//! What an operation may cost, and how long it may be.

use serde_json::json;

use crate::support::{Api, Socket, code_of};

#[tokio::test]
async fn a_query_too_deep_is_refused() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let nested = |depth: usize| {
        let fragments = "... on Query { ".repeat(3);
        let introspection = "ofType { ".repeat(depth);
        format!(
            "{{ me {{ id }} {fragments} __type(name: \"Match\") {{ {introspection} name {} }} {} }}",
            "} ".repeat(depth),
            "} ".repeat(3)
        )
    };
    api.data(&token, &nested(10), json!({})).await;
    let answer = api.ask(Some(&token), &nested(11), json!({})).await;
    assert_eq!(code_of(&answer), "bad_input");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("deep"), "{answer}");
    api.finish().await;
}

#[tokio::test]
async fn a_query_too_costly_is_refused() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let all = "matches(first: 100) { edges { node { events(first: 500) { seq summary } } } }";
    let answer = api.ask(Some(&token), &format!("{{ {all} }}"), json!({})).await;
    assert_eq!(code_of(&answer), "bad_input");
    let variable = "query($n: Int) { matches(first: $n) { edges { node { events(first: $n) { seq summary } } } } }";
    assert_eq!(api.refusal(Some(&token), variable, json!({ "n": 100 })).await, "bad_input");

    // What the dashboard's pages ask for stays far below.
    let page = "{ matches(first: 100) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node {
        id queue mode state createdAt endedAt quality commitment seed outcome { kind winnerId }
        players { id displayName seat ratingBefore ratingAfter total } } } } }";
    api.data(&token, page, json!({})).await;
    let one = "{ match(id: \"mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405\") { id players { total }
        events(first: 500) { seq at kind seat dice effect turnScore multiplier totals summary } } }";
    api.data(&token, one, json!({})).await;
    api.finish().await;
}

#[tokio::test]
async fn a_long_body_is_refused() {
    let api = Api::start().await;
    let token = api.viewer().await;
    for bytes in [256 * 1024 + 1, 1024 * 1024] {
        let answer = api
            .http
            .post(api.url())
            .bearer_auth(&token)
            .header("content-type", "application/json")
            .body("x".repeat(bytes))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 413);
        assert_eq!(code_of(&answer.json().await.unwrap()), "bad_input");
    }

    let mut socket = Socket::signed_in(api.address, &token).await;
    socket.subscribe("1", &"x".repeat(300 * 1024)).await;
    assert!(tokio::time::timeout(std::time::Duration::from_secs(5), socket.closed()).await.is_ok());
    api.finish().await;
}

#[tokio::test]
async fn a_socket_has_so_many_subscriptions() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut socket = Socket::signed_in(api.address, &token).await;
    for n in 0..33 {
        socket.subscribe(&n.to_string(), "subscription { live { at } }").await;
    }
    let refused = loop {
        let message = socket.next().await;
        if message["payload"]["errors"].is_array() {
            break message;
        }
    };
    assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], "bad_input");

    let refused = refused["id"].as_str().unwrap().to_owned();
    let another = if refused == "0" { "1" } else { "0" };
    socket.send(json!({ "type": "complete", "id": another })).await;
    socket.subscribe("again", "subscription { live { at } }").await;
    loop {
        let message = socket.next().await;
        if message["id"] == "again" {
            assert!(message["payload"]["data"].is_object(), "{message}");
            break;
        }
    }
    api.finish().await;
}
