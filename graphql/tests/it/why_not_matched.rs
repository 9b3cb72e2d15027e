//! Why a ticket has not matched, by its shard's leader, and what became of one that is over.

use chrono::TimeDelta;
use muster_store::{CancelledBy, ClaimRequest, EndReason, ProposeRequest, Shard};
use serde_json::{Value, json};

use crate::support::{Api, add_queue, lead, no_ticket, rules, wait_in};

const WHY: &str = "query($id: ID!) { whyNotMatched(ticketId: $id) {
    ticketId queue group state reason matchId createdAt endedAt waitedMs verdict unexplained
    explanation { at ratingWindow regions candidates rules { rule removed alone } left playersLeft playersNeeded } } }";

async fn why(api: &Api, token: &str, id: &muster_core::id::TicketId) -> Value {
    api.data(token, WHY, json!({ "id": id })).await["whyNotMatched"].take()
}

#[tokio::test]
async fn the_leader_tells_what_each_rule_costs() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let queue = add_queue(api.store(), &rules("arena")).await;
    let shard = Shard::new("arena", "west");
    let mut tickets = Vec::new();
    for points in [1_500.0, 1_900.0, 1_950.0] {
        tickets.push(wait_in(api.store(), &shard, points, 10).await);
    }
    let id = tickets[0].ticket_id;

    let unled = why(&api, &token, &id).await;
    assert_eq!((&unled["state"], &unled["unexplained"]), (&json!("WAITING"), &json!("NO_LEADER")));
    assert_eq!(unled["explanation"], Value::Null);
    assert!(unled["verdict"].as_str().unwrap().contains("no matchmaker leads"), "{unled}");

    lead(api.store(), &shard, &queue, &tickets).await;
    let explained = why(&api, &token, &id).await;
    assert_eq!(
        (&explained["ticketId"], &explained["queue"], &explained["group"]),
        (&json!(id), &json!("arena"), &json!("west"))
    );
    assert_eq!((&explained["unexplained"], &explained["endedAt"]), (&Value::Null, &Value::Null));
    let waited = explained["waitedMs"].as_u64().unwrap();
    assert!((10_000..60_000).contains(&waited), "{waited}");
    let explanation = &explained["explanation"];
    assert_eq!((&explanation["ratingWindow"], &explanation["regions"]), (&json!(100.0), &json!(["eu-west"])));
    assert_eq!((&explanation["candidates"], &explanation["left"]), (&json!(2), &json!(0)));
    assert_eq!((&explanation["playersLeft"], &explanation["playersNeeded"]), (&json!(0), &json!(1)));
    let window = explanation["rules"].as_array().unwrap().iter().find(|cost| cost["rule"] == "rating_window").unwrap();
    assert_eq!(*window, json!({ "rule": "rating_window", "removed": 2, "alone": 2 }));
    assert!(!explained["verdict"].as_str().unwrap().is_empty());

    let unread = wait_in(api.store(), &shard, 1_500.0, 1).await;
    assert_eq!(why(&api, &token, &unread.ticket_id).await["unexplained"], "NOT_IN_POOL");
    api.finish().await;
}

#[tokio::test]
async fn a_ticket_that_is_over_says_what_became_of_it() {
    let api = Api::start().await;
    let token = api.viewer().await;
    add_queue(api.store(), &rules("arena")).await;
    let shard = Shard::new("arena", "west");
    let tickets = &api.store().tickets;
    let now = muster_store::now();

    let cancelled = wait_in(api.store(), &shard, 1_500.0, 10).await;
    let player = cancelled.members[0].player_id;
    tickets.cancel(cancelled.ticket_id, CancelledBy::Player(player), now).await.unwrap();
    let told = why(&api, &token, &cancelled.ticket_id).await;
    assert_eq!((&told["state"], &told["reason"]), (&json!("CANCELLED"), &json!("player")));
    assert_eq!((&told["unexplained"], &told["verdict"]), (&json!("OVER"), &json!("its player gave it up")));
    assert_eq!(told["waitedMs"], 10_000 + (now - cancelled.enqueued_at - TimeDelta::seconds(10)).num_milliseconds());

    let expired = wait_in(api.store(), &shard, 1_500.0, 10).await;
    tickets.end(expired.ticket_id, EndReason::MaxWait, now).await.unwrap();
    let told = why(&api, &token, &expired.ticket_id).await;
    assert_eq!(
        (&told["state"], &told["reason"], &told["unexplained"]),
        (&json!("EXPIRED"), &json!("max_wait"), &json!("OVER"))
    );

    let pair = [wait_in(api.store(), &shard, 1_500.0, 1).await, wait_in(api.store(), &shard, 1_500.0, 1).await];
    let ids = pair.iter().map(|ticket| ticket.ticket_id).collect();
    let request = ClaimRequest { match_id: muster_store::fresh_id(), tickets: ids, backfill: None };
    let claims = tickets.claim_many(&shard, &[request], now).await.unwrap();
    let muster_store::Claim::Claimed(claimed) = &claims[0] else { panic!("{claims:?}") };
    tickets.settle(claimed, now).await.unwrap();
    let told = why(&api, &token, &pair[0].ticket_id).await;
    assert_eq!((&told["state"], &told["matchId"]), (&json!("MATCHED"), &json!(claimed[0].match_id())));
    assert_eq!(told["verdict"], "it got a match");
    api.finish().await;
}

#[tokio::test]
async fn a_ticket_with_a_proposal_says_who_has_accepted() {
    let api = Api::start().await;
    let token = api.viewer().await;
    add_queue(api.store(), &rules("arena")).await;
    let shard = Shard::new("arena", "west");
    let (tickets, now) = (&api.store().tickets, muster_store::now());
    let pair = [wait_in(api.store(), &shard, 1_500.0, 1).await, wait_in(api.store(), &shard, 1_500.0, 1).await];
    let request = ProposeRequest {
        match_id: muster_store::fresh_id(),
        tickets: pair.iter().map(|ticket| ticket.ticket_id).collect(),
        backfill: None,
        accept_by: now + TimeDelta::seconds(20),
        plan: "{}".to_owned(),
    };
    tickets.propose_many(&shard, &[request]).await.unwrap();
    let told = why(&api, &token, &pair[0].ticket_id).await;
    assert_eq!((&told["state"], &told["unexplained"]), (&json!("PROPOSED"), &json!("PROPOSED")));
    assert_eq!(told["verdict"], "a match is found: 0 of 2 players have accepted");

    tickets.answer(pair[0].ticket_id, pair[0].members[0].player_id, true, now).await.unwrap();
    let told = why(&api, &token, &pair[0].ticket_id).await;
    assert_eq!((&told["state"], &told["unexplained"]), (&json!("ACCEPTED"), &json!("PROPOSED")));
    assert_eq!(told["verdict"], "a match is found: 1 of 2 players have accepted");
    api.finish().await;
}

#[tokio::test]
async fn an_unknown_ticket_is_null() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let data = api.data(&token, WHY, json!({ "id": no_ticket() })).await;
    assert_eq!(data["whyNotMatched"], Value::Null);
    for id in ["", "tkt_", "mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405"] {
        assert_eq!(api.refusal(Some(&token), WHY, json!({ "id": id })).await, "bad_input");
    }
    assert_eq!(api.refusal(None, WHY, json!({ "id": no_ticket() })).await, "unauthenticated");
    api.finish().await;
}
