use muster_core::matchmaking::shipped_queues;
use muster_store::now;
use muster_testkit::Scratch;

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
    assert_eq!(queues.get("nobody").await.unwrap(), None);

    shipped[0] = newer;
    shipped.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(queues.list().await.unwrap(), shipped);
    scratch.finish().await;
}
