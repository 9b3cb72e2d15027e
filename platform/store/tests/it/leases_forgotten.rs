//! The bucket of leases is in memory: a NATS that starts again does not have it.

use muster_store::LeaseError;
use muster_testkit::Scratch;

/// What a restart of NATS does to it.
async fn forget(scratch: &Scratch) {
    let client = async_nats::connect(&scratch.settings.nats_url).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    jetstream.delete_key_value(format!("{}leases", scratch.prefix())).await.unwrap();
}

#[tokio::test]
async fn a_forgotten_bucket_is_made_again_and_leases_are_taken_anew() {
    let scratch = Scratch::new().await;
    let leases = scratch.store.leases.clone();
    let mut held = leases.acquire("shard", "one").await.unwrap().unwrap();
    forget(&scratch).await;

    // The first try finds out; the next one has its lease.
    assert!(leases.acquire("shard", "two").await.is_err());
    let mut taken = leases.acquire("shard", "two").await.unwrap().unwrap();
    assert_eq!(leases.holder("shard").await.unwrap().as_deref(), Some("two"));
    // Revisions began anew, so who held it before may get it back, or learn that it is lost; but never do both hold it.
    let (first, second) = (leases.renew(&mut held).await, leases.renew(&mut taken).await);
    assert_eq!(first.is_ok(), matches!(second, Err(LeaseError::Lost)), "{first:?} {second:?}");

    // A process that comes up when there is no bucket makes it too.
    forget(&scratch).await;
    let other = scratch.reconnect().await;
    assert!(other.leases.acquire("shard", "three").await.unwrap().is_some());
    scratch.finish().await;
}
