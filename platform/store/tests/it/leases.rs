use std::time::Duration;

use futures::future::join_all;
use muster_store::{LEASE_TTL, LeaseError};
use muster_testkit::{Scratch, eventually};

#[tokio::test]
async fn of_many_at_once_one_gets_the_lease() {
    let scratch = Scratch::new().await;
    let leases = &scratch.store.leases;
    let holders: Vec<String> = (0..6).map(|n| format!("server-{n}")).collect();
    let won = join_all(holders.iter().map(|holder| leases.acquire("shard.classic", holder))).await;
    let won: Vec<_> = won.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(leases.holder("shard.classic").await.unwrap().as_deref(), Some(won[0].holder()));
    assert!(leases.acquire("shard.other", "server-0").await.unwrap().is_some());
    scratch.finish().await;
}

#[tokio::test]
async fn a_renewed_lease_outlives_its_ttl_and_a_released_one_is_free_at_once() {
    let scratch = Scratch::new().await;
    let leases = &scratch.store.leases;
    let mut lease = leases.acquire("shard", "one").await.unwrap().unwrap();
    for _ in 0..5 {
        tokio::time::sleep(LEASE_TTL / 4).await;
        leases.renew(&mut lease).await.unwrap();
        assert!(leases.acquire("shard", "two").await.unwrap().is_none());
    }
    leases.release(lease).await.unwrap();
    assert_eq!(leases.holder("shard").await.unwrap(), None);
    assert!(leases.acquire("shard", "two").await.unwrap().is_some());
    scratch.finish().await;
}

#[tokio::test]
async fn a_lease_that_runs_out_is_taken_over_and_the_old_holder_is_told() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let mut lost = scratch.store.leases.acquire("shard", "one").await.unwrap().unwrap();
    assert!(other.leases.acquire("shard", "two").await.unwrap().is_none());

    let taken = eventually(LEASE_TTL + Duration::from_secs(2), "the lease to run out", async || {
        other.leases.acquire("shard", "two").await.unwrap()
    })
    .await;
    assert!(taken.revision() > lost.revision());
    assert!(matches!(scratch.store.leases.renew(&mut lost).await, Err(LeaseError::Lost)));
    assert!(matches!(scratch.store.leases.release(lost).await, Err(LeaseError::Lost)));
    assert_eq!(scratch.store.leases.holder("shard").await.unwrap().as_deref(), Some("two"));
    scratch.finish().await;
}
