//! Sessions: what is closed to those without one, and what happens when one ends.

use std::time::Duration;

use muster_graphql::settings::AuthSettings;
use muster_store::{Actor, StaffRole};
use muster_testkit::eventually;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Api, Socket};

const ROOT_FIELDS: [&str; 11] = [
    "{ me { id } }",
    "{ live { at } }",
    "{ activity { minute } }",
    "{ matches { totalCount } }",
    "{ match(id: \"mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405\") { id } }",
    "{ queues { name } }",
    "{ queue(name: \"arena\") { name } }",
    "{ whyNotMatched(ticketId: \"tkt_0192f0c1e1c07b2cb4b1a7d1c2e3f405\") { verdict } }",
    "mutation { signOut }",
    "{ __schema { types { name } } }",
    "{ __typename }",
];

#[tokio::test]
async fn without_a_session_nothing_is_open_but_signing_in() {
    let api = Api::start().await;
    let made_up = format!("mss_{}", "A".repeat(43));
    for query in ROOT_FIELDS {
        for token in [None, Some(made_up.as_str()), Some("nonsense")] {
            assert_eq!(api.refusal(token, query, json!({})).await, "unauthenticated", "{query}");
        }
    }
    api.finish().await;
}

#[tokio::test]
async fn a_session_opens_every_root_field_and_introspection() {
    let api = Api::start().await;
    let token = api.viewer().await;
    for query in ROOT_FIELDS.iter().filter(|query| !query.contains("signOut")) {
        api.data(&token, query, json!({})).await;
    }
    // As deep as tools ask: `ofType` nine times over.
    let of_type = "ofType { name ".repeat(9) + &"}".repeat(9);
    let deep = format!("{{ __schema {{ types {{ fields {{ args {{ type {{ name {of_type} }} }} }} }} }} }}");
    let schema = api.data(&token, &deep, json!({})).await;
    assert!(schema["__schema"]["types"].as_array().unwrap().len() > 10);
    api.finish().await;
}

#[tokio::test]
async fn an_expired_session_is_no_session() {
    let api = Api::with(AuthSettings { session_ttl: Duration::from_secs(1), ..AuthSettings::default() }).await;
    let token = api.viewer().await;
    eventually(Duration::from_secs(5), "the session to expire", async || {
        let answer = api.ask(Some(&token), "{ me { id } }", json!({})).await;
        answer.get("errors").map(|_| ())
    })
    .await;
    api.finish().await;
}

#[tokio::test]
async fn a_socket_without_a_session_is_closed() {
    let api = Api::start().await;
    let init = |payload| json!({ "type": "connection_init", "payload": payload });
    for payload in [json!({}), json!({ "authorization": "Bearer nonsense" }), json!(null)] {
        let mut socket = Socket::open(api.address, "graphql-transport-ws").await.unwrap();
        socket.send(init(payload)).await;
        assert_eq!(socket.next().await, json!({ "close": 4403 }));
    }

    let mut socket = Socket::open(api.address, "graphql-transport-ws").await.unwrap();
    socket.subscribe("1", "subscription { live { at } }").await;
    assert_eq!(socket.next().await, json!({ "close": 4401 }));

    let mut socket = Socket::open(api.address, "graphql-transport-ws").await.unwrap();
    socket.send(json!("what is this")).await;
    assert_eq!(socket.next().await, json!({ "close": 4400 }));

    assert!(Socket::open(api.address, "graphql-ws").await.is_err(), "the old protocol was accepted");
    api.finish().await;
}

#[tokio::test]
async fn a_closed_session_ends_its_subscriptions() {
    let settings = AuthSettings { session_recheck: Duration::from_millis(500), ..AuthSettings::default() };
    let api = Api::with(settings).await;
    let token = api.viewer().await;
    let mut socket = Socket::signed_in(api.address, &token).await;
    socket.subscribe("1", "subscription { live { at } }").await;
    assert_eq!(socket.next().await["type"], "next");

    assert_eq!(api.data(&token, "mutation { signOut }", json!({})).await["signOut"], true);
    let signed_out = Instant::now();
    let last = loop {
        let message = socket.next().await;
        if message["payload"]["errors"].is_array() {
            break message;
        }
        assert_eq!(message["type"], "next");
    };
    assert_eq!(last["payload"]["errors"][0]["extensions"]["code"], "unauthenticated");
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));
    assert_eq!(socket.next().await, json!({ "close": 4401 }));
    assert!(signed_out.elapsed() < Duration::from_secs(5));
    api.finish().await;
}

#[tokio::test]
async fn every_operation_of_a_socket_is_checked_anew() {
    // So long between two rechecks that only the operation's own check can notice.
    let api = Api::with(AuthSettings { session_recheck: Duration::from_secs(10), ..AuthSettings::default() }).await;
    let staff_id = api.add_staff("ada@example.test", StaffRole::Admin).await;
    let token = api.sign_in("ada@example.test").await;
    let mut socket = Socket::signed_in(api.address, &token).await;
    socket.subscribe("1", "{ me { role } }").await;
    assert_eq!(socket.next().await["payload"]["data"]["me"]["role"], "ADMIN");
    assert_eq!(socket.next().await["type"], "complete");

    let by = Actor::System("test".to_owned());
    api.store().staff.set_disabled(staff_id, true, &by, "left", muster_store::now()).await.unwrap();
    for query in ["{ me { role } }", "subscription { live { at } }"] {
        socket.subscribe("2", query).await;
        let answer = socket.next().await;
        assert_eq!(answer["payload"]["errors"][0]["extensions"]["code"], "unauthenticated", "{answer}");
        assert_eq!(socket.next().await["type"], "complete");
    }
    api.finish().await;
}
