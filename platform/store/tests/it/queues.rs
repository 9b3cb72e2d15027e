use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt;
use futures::future::join_all;
use muster_core::matchmaking::{QueueDefinition, shipped_queues};
use muster_store::{Actor, PutQueueError, QueueChange, QueueWatch, fresh_id, now};
use muster_testkit::Scratch;
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(10);

fn change(definition: &QueueDefinition, expected_version: Option<u32>) -> QueueChange {
    QueueChange {
        definition: definition.clone(),
        expected_version,
        author: Actor::System("console".to_owned()),
        reason: "players wait too long".to_owned(),
    }
}

fn queue(name: &str) -> QueueDefinition {
    QueueDefinition { name: name.to_owned(), ..shipped_queues().remove(0) }
}

async fn next(watch: &mut QueueWatch) -> QueueDefinition {
    timeout(WITHIN, watch.next()).await.expect("a queue comes in time").expect("a watch never ends")
}

#[tokio::test]
async fn seeding_adds_what_is_missing_and_the_newest_version_counts() {
    let scratch = Scratch::new().await;
    let queues = &scratch.store.queues;
    let mut shipped = shipped_queues();
    assert_eq!(queues.seed(&shipped, now()).await.unwrap(), shipped.len() as u64);
    assert_eq!(queues.seed(&shipped, now()).await.unwrap(), 0);

    let mut newer = shipped[0].clone();
    newer.version = 2;
    newer.max_wait_secs = Some(90);
    assert_eq!(queues.seed(std::slice::from_ref(&newer), now()).await.unwrap(), 1);
    assert_eq!(queues.get(&newer.name).await.unwrap(), Some(newer.clone()));
    let versions = queues.history(&newer.name).await.unwrap();
    assert_eq!(versions.iter().map(|version| version.definition.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(queues.version(&newer.name, 1).await.unwrap().unwrap().definition, shipped[0]);
    assert_eq!(queues.version(&newer.name, 3).await.unwrap(), None);
    assert_eq!(queues.get("nobody").await.unwrap(), None);

    shipped[0] = newer;
    shipped.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(queues.list().await.unwrap(), shipped);
    scratch.finish().await;
}

#[tokio::test]
async fn a_change_names_the_version_it_is_based_on_and_leaves_an_audit_entry() {
    let scratch = Scratch::new().await;
    let queues = &scratch.store.queues;
    let mut events = scratch.store.domain.subscribe(Some("queue")).await.unwrap();
    let mut wanted = queue("duels");
    wanted.version = 40;
    let first = queues.put(&change(&wanted, None), now()).await.unwrap();
    assert_eq!(first, QueueDefinition { version: 1, ..wanted.clone() });
    assert!(matches!(queues.put(&change(&wanted, None), now()).await, Err(PutQueueError::Exists)));

    wanted.max_wait_secs = Some(90);
    let author = Actor::Staff(fresh_id());
    let second = queues.put(&QueueChange { author: author.clone(), ..change(&wanted, Some(1)) }, now()).await.unwrap();
    assert_eq!((second.version, second.max_wait_secs), (2, Some(90)));
    let conflict = queues.put(&change(&wanted, Some(1)), now()).await;
    assert!(matches!(conflict, Err(PutQueueError::VersionConflict { current: 2 })), "{conflict:?}");
    let ahead = queues.put(&change(&wanted, Some(5)), now()).await;
    assert!(matches!(ahead, Err(PutQueueError::VersionConflict { current: 2 })), "{ahead:?}");
    let nowhere = queues.put(&change(&queue("nowhere"), Some(1)), now()).await;
    assert!(matches!(nowhere, Err(PutQueueError::VersionConflict { current: 0 })), "{nowhere:?}");

    let newest = queues.version("duels", 2).await.unwrap().unwrap();
    assert_eq!((newest.author, newest.reason.as_str()), (author.to_string(), "players wait too long"));
    let log = scratch.store.audit.list(None, 10).await.unwrap();
    let log: Vec<_> = log.iter().rev().map(|it| (it.entry.action.as_str(), it.entry.target.as_deref())).collect();
    assert_eq!(log, [("queue.create", Some("duels")), ("queue.change", Some("duels"))]);
    for version in [1, 2] {
        let event = timeout(WITHIN, events.next()).await.unwrap().unwrap();
        assert_eq!((event.verb.as_str(), &event.data["version"]), ("changed", &version.into()));
    }
    scratch.finish().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_path_and_nothing_is_kept() {
    let scratch = Scratch::new().await;
    let queues = &scratch.store.queues;
    let mut wrong = queue("duels");
    wrong.teams.size.max = 0;
    let error = queues.put(&change(&wrong, None), now()).await.unwrap_err();
    let PutQueueError::Invalid(invalid) = &error else { panic!("{error}") };
    assert!(invalid.0.iter().any(|fault| fault.path.starts_with("teams.size")), "{error}");
    for reason in ["", "  ", &"x".repeat(501)] {
        let silent = QueueChange { reason: reason.to_owned(), ..change(&queue("duels"), None) };
        let error = queues.put(&silent, now()).await.unwrap_err();
        assert!(matches!(&error, PutQueueError::Invalid(invalid) if invalid.0[0].path == "reason"), "{error}");
    }
    assert!(queues.list().await.unwrap().is_empty());
    assert!(scratch.store.audit.list(None, 10).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn of_many_changes_to_one_version_at_once_one_is_made() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let queues = [&scratch.store.queues, &other.queues];
    queues[0].put(&change(&queue("duels"), None), now()).await.unwrap();
    let change = change(&queue("duels"), Some(1));
    let results = join_all((0..6).map(|n| queues[n % 2].put(&change, now()))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let conflicts =
        results.iter().filter(|result| matches!(result, Err(PutQueueError::VersionConflict { current: 2 })));
    assert_eq!(conflicts.count(), 5);
    scratch.finish().await;
}

#[tokio::test]
async fn every_process_has_all_queues_and_then_every_change() {
    let scratch = Scratch::new().await;
    let queues = &scratch.store.queues;
    let process = scratch.reconnect().await;
    queues.put(&change(&queue("b"), None), now()).await.unwrap();
    // Seeded, and not published yet: it is there all the same.
    queues.seed(&[queue("a")], now()).await.unwrap();
    let mut watch = process.queues.watch().await.unwrap();
    assert_eq!(next(&mut watch).await.name, "a");
    assert_eq!(next(&mut watch).await.name, "b");

    assert_eq!(queues.publish().await.unwrap(), 1);
    assert_eq!(queues.publish().await.unwrap(), 0);
    queues.put(&change(&queue("b"), Some(1)), now()).await.unwrap();
    let changed = next(&mut watch).await;
    assert_eq!((changed.name.as_str(), changed.version), ("b", 2), "what was known already does not come again");
    queues.put(&change(&queue("c"), None), now()).await.unwrap();
    assert_eq!(next(&mut watch).await.name, "c");
    scratch.finish().await;
}

#[tokio::test]
async fn a_change_whose_process_died_before_telling_is_published_by_any_other() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let mut watch = scratch.store.queues.watch().await.unwrap();
    other.queues.put(&change(&queue("duels"), None), now()).await.unwrap();
    assert_eq!(next(&mut watch).await.version, 1);
    assert_eq!(scratch.store.queues.publish().await.unwrap(), 0);
    // Committed, and then nothing: as a process leaves it that dies there.
    other
        .queues
        .seed(&[QueueDefinition { version: 2, ..queue("duels") }], now() + TimeDelta::seconds(1))
        .await
        .unwrap();
    assert_eq!(scratch.store.queues.publish().await.unwrap(), 1);
    assert_eq!(next(&mut watch).await.version, 2);
    assert_eq!(other.queues.publish().await.unwrap(), 0);
    scratch.finish().await;
}

#[tokio::test]
async fn a_bucket_that_was_lost_is_filled_again_and_watched_again() {
    let scratch = Scratch::new().await;
    let queues = &scratch.store.queues;
    queues.put(&change(&queue("duels"), None), now()).await.unwrap();
    assert_eq!(queues.publish().await.unwrap(), 0);
    let mut watch = queues.watch().await.unwrap();
    assert_eq!(next(&mut watch).await.version, 1);

    let nats = async_nats::connect(&scratch.settings.nats_url).await.unwrap();
    let jetstream = async_nats::jetstream::new(nats);
    jetstream.delete_key_value(format!("{}queues", scratch.prefix())).await.unwrap();
    scratch.store.ensure_streams().await.unwrap();
    assert_eq!(queues.publish().await.unwrap(), 1);
    queues.put(&change(&queue("duels"), Some(1)), now()).await.unwrap();
    assert_eq!(next(&mut watch).await.version, 2);
    scratch.finish().await;
}

#[tokio::test]
async fn publishers_at_once_leave_the_newest_version_in_the_bucket() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let mut watch = other.queues.watch().await.unwrap();
    scratch.store.queues.put(&change(&queue("duels"), None), now()).await.unwrap();
    for version in 1..6 {
        let (change, nothing) =
            (change(&queue("duels"), Some(version)), async { other.queues.publish().await.unwrap() });
        let (changed, _) = tokio::join!(scratch.store.queues.put(&change, now()), nothing);
        assert_eq!(changed.unwrap().version, version + 1);
    }
    let mut seen = 0;
    while seen < 6 {
        let version = next(&mut watch).await.version;
        assert!(version > seen, "{version} after {seen}");
        seen = version;
    }
    assert_eq!(other.queues.publish().await.unwrap(), 0);
    scratch.finish().await;
}
