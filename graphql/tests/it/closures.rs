//! Closing queues in a region: who may, what is refused, and what is kept of it.

use muster_core::matchmaking::shipped_queues;
use muster_store::{Actor, AuditOutcome, NewClosure, StaffRole, now};
use serde_json::{Value, json};

use crate::support::Api;

const CLOSE: &str = "mutation($queue: String, $region: String!, $reason: String!) {
    closeQueue(queue: $queue, region: $region, reason: $reason) { queue region byStaff author reason } }";

const OPEN: &str = "mutation($queue: String, $region: String!, $reason: String!) {
    openQueue(queue: $queue, region: $region, reason: $reason) { queue region reason } }";

const LOOK: &str = "{ closures { queue region byStaff reason closedAt }
    queue(name: \"classic-ranked\") { closures { queue region reason } } }";

fn wish(queue: Option<&str>, region: &str, reason: &str) -> Value {
    json!({ "queue": queue, "region": region, "reason": reason })
}

#[tokio::test]
async fn staff_close_a_queue_and_open_it_with_reasons_and_audit_entries() {
    let api = Api::start().await;
    api.store().queues.seed(&shipped_queues(), now()).await.unwrap();
    let staff_id = api.add_staff("ops@example.test", StaffRole::Operator).await;
    let token = api.sign_in("ops@example.test").await;

    let one = wish(Some("classic-ranked"), "asia", " a bug in the map ");
    let closed = api.data(&token, CLOSE, one).await;
    assert_eq!(
        closed["closeQueue"],
        json!({ "queue": "classic-ranked", "region": "asia", "byStaff": true, "author": staff_id, "reason": "a bug in the map" })
    );
    // What a program keeps closed staff can open.
    let author = Actor::System("svk_test".to_owned());
    let drain = NewClosure { queue: None, region: "eu-west".to_owned(), author, reason: "a drain".to_owned() };
    api.store().closures.close(&drain, now()).await.unwrap();
    let seen = api.data(&token, LOOK, json!({})).await;
    assert_eq!((&seen["closures"][1]["queue"], &seen["closures"][1]["byStaff"]), (&Value::Null, &json!(false)));
    let reasons: Vec<_> =
        seen["queue"]["closures"].as_array().unwrap().iter().map(|closure| closure["reason"].clone()).collect();
    assert!(reasons.contains(&json!("a drain")) && reasons.contains(&json!("a bug in the map")), "{seen}");

    let left = api.data(&token, OPEN, wish(None, "eu-west", "the drain is done")).await;
    assert_eq!(
        left["openQueue"],
        json!([{ "queue": "classic-ranked", "region": "asia", "reason": "a bug in the map" }])
    );
    let left = api.data(&token, OPEN, wish(Some("classic-ranked"), "asia", "mended")).await;
    assert_eq!(left["openQueue"], json!([]));
    let again = api.data(&token, OPEN, wish(Some("classic-ranked"), "asia", "mended")).await;
    assert_eq!(again["openQueue"], json!([]), "open is open");

    let entries = api.store().audit.list(None, 50).await.unwrap();
    let of_staff = entries.iter().filter(|entry| entry.entry.actor == Actor::Staff(staff_id));
    let mut acts: Vec<_> =
        of_staff.map(|entry| (entry.entry.action.as_str(), entry.entry.reason.clone().unwrap_or_default())).collect();
    acts.retain(|(action, _)| action.starts_with("queue."));
    acts.reverse();
    let acts: Vec<_> = acts.iter().map(|(action, reason)| (*action, reason.as_str())).collect();
    assert_eq!(
        acts,
        [("queue.close", "a bug in the map"), ("queue.open", "the drain is done"), ("queue.open", "mended")]
    );
    api.finish().await;
}

#[tokio::test]
async fn others_are_refused_and_so_is_what_there_is_not() {
    let api = Api::start().await;
    api.store().queues.seed(&shipped_queues(), now()).await.unwrap();
    api.add_staff("support@example.test", StaffRole::Support).await;
    let support = api.sign_in("support@example.test").await;
    api.add_staff("ops@example.test", StaffRole::Operator).await;
    let token = api.sign_in("ops@example.test").await;
    assert_eq!(api.refusal(Some(&support), CLOSE, wish(None, "asia", "a test")).await, "forbidden");
    assert_eq!(api.refusal(Some(&support), OPEN, wish(None, "asia", "a test")).await, "forbidden");
    assert_eq!(api.refusal(None, CLOSE, wish(None, "asia", "a test")).await, "unauthenticated");
    assert_eq!(api.data(&support, LOOK, json!({})).await["closures"], json!([]), "but may look");
    for wrong in [wish(None, "mars", "a test"), wish(Some("chess"), "asia", "a test"), wish(None, "asia", "no")] {
        assert_eq!(api.refusal(Some(&token), CLOSE, wrong).await, "invalid_field");
    }
    let entries = api.store().audit.list(None, 50).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.entry.outcome == AuditOutcome::Denied).count(), 2);
    api.finish().await;
}
