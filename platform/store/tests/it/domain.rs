use std::time::Duration;

use futures::StreamExt;
use muster_store::{DomainEvent, now};
use muster_testkit::Scratch;
use serde_json::json;
use tokio::time::timeout;

fn event(noun: &str, verb: &str) -> DomainEvent {
    DomainEvent { noun: noun.to_owned(), verb: verb.to_owned(), at: now(), data: json!({"n": 1}) }
}

#[tokio::test]
async fn subscribers_hear_their_noun_in_order() {
    let scratch = Scratch::new().await;
    let domain = &scratch.store.domain;
    let mut all = domain.subscribe(None).await.unwrap();
    let mut matches = domain.subscribe(Some("match")).await.unwrap();

    let (drained, ended) = (event("region", "drained"), event("match", "ended"));
    domain.publish(&drained).await.unwrap();
    domain.publish(&ended).await.unwrap();

    let within = Duration::from_secs(5);
    assert_eq!(timeout(within, all.next()).await.unwrap(), Some(drained));
    assert_eq!(timeout(within, all.next()).await.unwrap(), Some(ended.clone()));
    assert_eq!(timeout(within, matches.next()).await.unwrap(), Some(ended));
    scratch.finish().await;
}

#[tokio::test]
async fn refuses_names_that_would_change_the_subject() {
    let scratch = Scratch::new().await;
    for noun in ["", "a.b", "*", "a b"] {
        assert!(scratch.store.domain.publish(&event(noun, "ended")).await.is_err(), "{noun:?}");
    }
    scratch.finish().await;
}
