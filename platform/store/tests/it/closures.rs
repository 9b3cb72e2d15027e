use std::time::Duration;

use muster_core::matchmaking::shipped_queues;
use muster_store::{Actor, CloseError, NewClosure, OpenError, Opening, Store, fresh_id, now};
use muster_testkit::Scratch;
use tokio::time::timeout;

/// A change is to be everywhere within this.
const SOON: Duration = Duration::from_secs(1);

async fn scratch() -> Scratch {
    let scratch = Scratch::new().await;
    scratch.store.queues.seed(&shipped_queues(), now()).await.unwrap();
    scratch
}

fn program() -> Actor {
    Actor::System("test".to_owned())
}

fn closure(queue: Option<&str>, region: &str, author: Actor, reason: &str) -> NewClosure {
    NewClosure { queue: queue.map(str::to_owned), region: region.to_owned(), author, reason: reason.to_owned() }
}

fn opening(queue: Option<&str>, region: &str, author: Actor) -> Opening {
    Opening { queue: queue.map(str::to_owned), region: region.to_owned(), author, reason: None }
}

async fn acts(store: &Store) -> Vec<(String, Option<String>)> {
    let entries = store.audit.list(None, 50).await.unwrap();
    entries.into_iter().map(|entry| (entry.entry.action, entry.entry.target)).collect()
}

#[tokio::test]
async fn a_region_is_closed_and_opened_and_everybody_knows() {
    let scratch = scratch().await;
    let closures = &scratch.store.closures;
    let (closed, mut watch) = closures.watch().await.unwrap();
    assert!(closed.all().is_empty());
    let first = closures.close(&closure(None, "eu-west", program(), "a drain"), now()).await.unwrap();
    let closed = timeout(SOON, watch.next()).await.expect("it is told at once");
    assert_eq!(closed.all(), std::slice::from_ref(&first));
    let again = closures.close(&closure(None, "eu-west", program(), "another"), now()).await.unwrap();
    assert_eq!(again, first, "what is closed stays as it is");
    assert!(closures.open(&opening(None, "eu-west", program()), now()).await.unwrap());
    let closed = timeout(SOON, watch.next()).await.expect("it is told at once");
    assert!(closed.of("classic-ranked", "eu-west").is_none());
    assert!(!closures.open(&opening(None, "eu-west", program()), now()).await.unwrap(), "it is open");
    let target = || Some("every queue".to_owned());
    assert_eq!(acts(&scratch.store).await, [("queue.open".to_owned(), target()), ("queue.close".to_owned(), target())]);
    scratch.finish().await;
}

#[tokio::test]
async fn a_queue_is_closed_apart_from_the_others() {
    let scratch = scratch().await;
    let closures = &scratch.store.closures;
    closures.close(&closure(Some("classic-ranked"), "asia", program(), "a bug"), now()).await.unwrap();
    closures.close(&closure(None, "asia", program(), "a drain"), now()).await.unwrap();
    closures.open(&opening(None, "asia", program()), now()).await.unwrap();
    let closed = closures.standing().await.unwrap();
    assert_eq!(closed.of("classic-ranked", "asia").map(|closure| closure.reason.as_str()), Some("a bug"));
    let others = closed.all().len();
    assert_eq!(others, 1);
    scratch.finish().await;
}

#[tokio::test]
async fn what_staff_keep_closed_no_program_opens() {
    let scratch = scratch().await;
    let closures = &scratch.store.closures;
    let staff = Actor::Staff(fresh_id());
    let since = now();
    closures.close(&closure(None, "asia", program(), "a drain"), since).await.unwrap();
    let taken = closures.close(&closure(None, "asia", staff.clone(), "still broken"), now()).await.unwrap();
    assert_eq!((taken.closed_at, taken.by_staff, taken.reason.as_str()), (since, true, "still broken"));
    let kept = closures.close(&closure(None, "asia", program(), "a drain"), now()).await.unwrap();
    assert_eq!(kept, taken, "a program takes nothing from staff");
    let refused = closures.open(&opening(None, "asia", program()), now()).await;
    assert!(matches!(refused, Err(OpenError::HeldByStaff(held)) if held == taken));
    assert!(closures.open(&opening(None, "asia", staff), now()).await.unwrap());
    assert_eq!(acts(&scratch.store).await.len(), 3);
    scratch.finish().await;
}

#[tokio::test]
async fn only_what_there_is_can_be_closed_and_a_reason_is_asked_for() {
    let scratch = scratch().await;
    let closures = &scratch.store.closures;
    let refused = async |new: NewClosure| match closures.close(&new, now()).await {
        Err(CloseError::Invalid(fault)) => (fault.path, fault.message),
        other => panic!("{other:?}"),
    };
    let (path, message) = refused(closure(None, "mars", program(), "far")).await;
    assert_eq!((path.as_str(), message.contains("eu-west")), ("region", true), "{message}");
    assert_eq!(refused(closure(Some("chess"), "asia", program(), "none")).await.0, "queue");
    assert_eq!(refused(closure(None, "asia", program(), " ")).await.0, "reason");
    assert_eq!(refused(closure(None, "asia", program(), &"x".repeat(501))).await.0, "reason");
    assert!(acts(&scratch.store).await.is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn a_closure_that_nobody_told_of_is_seen_all_the_same() {
    let scratch = scratch().await;
    let (_, mut watch) = scratch.store.closures.watch().await.unwrap();
    let quiet = "INSERT INTO play.closures VALUES (NULL, 'asia', 'system', 'x', 'y', now())";
    sqlx::query(quiet).execute(&scratch.sql().await).await.unwrap();
    let closed = timeout(Duration::from_secs(10), watch.next()).await.expect("it is found");
    assert!(closed.of("classic-ranked", "asia").is_some());
    scratch.finish().await;
}
