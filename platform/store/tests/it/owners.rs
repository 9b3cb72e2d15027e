use chrono::TimeDelta;
use muster_store::{fresh_id, now};
use muster_testkit::Scratch;

#[tokio::test]
async fn a_match_whose_referee_fell_silent_is_an_orphan_until_somebody_beats_for_it() {
    let scratch = Scratch::new().await;
    let owners = &scratch.store.match_owners;
    let (silent, alive, over) = (fresh_id(), fresh_id(), fresh_id());
    let now = now();
    owners.beat(&[silent, alive, over], now - TimeDelta::seconds(20)).await.unwrap();
    owners.beat(&[alive], now).await.unwrap();
    owners.remove(&[over]).await.unwrap();

    let cutoff = now - TimeDelta::seconds(10);
    assert_eq!(owners.orphans(cutoff).await.unwrap(), [silent]);
    owners.beat(&[silent], now).await.unwrap();
    assert!(owners.orphans(cutoff).await.unwrap().is_empty());
    owners.beat(&[], now).await.unwrap();
    owners.remove(&[]).await.unwrap();
    scratch.finish().await;
}
