use chrono::TimeDelta;
use futures::future::join_all;
use muster_core::id::MatchId;
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

#[tokio::test]
async fn orphans_are_shared_out_and_come_back_when_nobody_took_them_up() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let owners = &scratch.store.match_owners;
    let orphans: Vec<MatchId> = (0..50).map(|_| fresh_id()).collect();
    let alive = fresh_id();
    let start = now();
    owners.beat(&orphans, start - TimeDelta::seconds(20)).await.unwrap();
    owners.beat(&[alive], start).await.unwrap();

    let cutoff = start - TimeDelta::seconds(10);
    let takes = (0..8).map(|n| [owners, &other.match_owners][n % 2].take_orphans(cutoff, start, 10));
    let taken = join_all(takes).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
    assert!(taken.iter().all(|taken| taken.len() <= 10));
    let mut all: Vec<MatchId> = taken.into_iter().flatten().collect();
    assert_eq!(all.len(), orphans.len(), "each was given to one");
    all.sort();
    all.dedup();
    assert_eq!(all, sorted(&orphans));

    let later = start + TimeDelta::seconds(11);
    owners.beat(&[alive], later).await.unwrap();
    let again = owners.take_orphans(later - TimeDelta::seconds(10), later, 100).await.unwrap();
    assert_eq!(sorted(&again), sorted(&orphans), "nobody has beaten for them since");
    scratch.finish().await;
}

#[tokio::test]
async fn matches_that_the_list_has_lost_are_the_first_to_be_taken() {
    let scratch = Scratch::new().await;
    let owners = &scratch.store.match_owners;
    let (lost, alive) = (fresh_id(), fresh_id());
    let start = now();
    owners.beat(&[alive], start).await.unwrap();
    owners.enlist(&[lost, alive]).await.unwrap();
    owners.enlist(&[]).await.unwrap();
    assert_eq!(owners.take_orphans(start, start, 10).await.unwrap(), [lost]);
    // Whoever took it counts as its owner: finding it running again does not make it an orphan.
    owners.enlist(&[lost]).await.unwrap();
    assert!(owners.take_orphans(start, start, 10).await.unwrap().is_empty());
    scratch.finish().await;
}

fn sorted(ids: &[MatchId]) -> Vec<MatchId> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids
}
