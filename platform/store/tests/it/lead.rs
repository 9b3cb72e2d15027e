use std::time::Duration;

use muster_store::{Shard, now};
use muster_testkit::Scratch;

use crate::given::{claimed, shard, waiting};

#[tokio::test]
async fn revisions_tell_for_many_shards_at_once_whether_there_is_something_to_read() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let nowhere = Shard::new("nobody-waits-here", "all");
    assert_eq!(tickets.revisions(&[shard(), nowhere.clone()]).await.unwrap(), [0, 0]);
    waiting(store, 1).await;
    let cursor = tickets.snapshot(&shard()).await.unwrap().cursor;
    assert_eq!(tickets.revisions(&[nowhere.clone(), shard()]).await.unwrap(), [0, cursor]);
    waiting(store, 2).await;
    assert_eq!(tickets.revisions(&[shard(), nowhere]).await.unwrap(), [cursor + 1, 0]);
    assert!(tickets.revisions(&[]).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn claims_are_found_by_their_tickets_as_long_as_they_are_claims() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (one, two, free) = (waiting(store, 1).await, waiting(store, 2).await, waiting(store, 1).await);
    let claims = claimed(store, &[&one, &two]).await;
    let ids = [&free, &two, &one].map(|new| new.ticket.ticket_id);
    let mut found = tickets.claims_of(&ids).await.unwrap();
    found.reverse();
    assert_eq!(found, claims);
    tickets.settle(&claims[..1], now()).await.unwrap();
    assert_eq!(tickets.claims_of(&ids).await.unwrap(), claims[1..]);
    tickets.release(&claims).await.unwrap();
    assert!(tickets.claims_of(&ids).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn kept_claims_are_not_stale_before_their_time_and_nothing_else_is_kept() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (kept, gone) = (waiting(store, 1).await, waiting(store, 1).await);
    let (kept, gone) = (claimed(store, &[&kept]).await, claimed(store, &[&gone]).await);
    tickets.settle(&gone, now()).await.unwrap();
    let until = now() + Duration::from_secs(30);
    tickets.keep_claims(&[kept.clone(), gone].concat(), until).await.unwrap();
    assert!(tickets.stale_claims(until).await.unwrap().is_empty());
    assert_eq!(tickets.stale_claims(until + Duration::from_millis(1)).await.unwrap(), kept);
    scratch.finish().await;
}
