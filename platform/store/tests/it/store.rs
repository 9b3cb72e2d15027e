use muster_store::{Store, StoreError, StoreSettings};
use muster_testkit::Scratch;

#[tokio::test]
async fn migrating_and_making_streams_may_be_repeated_and_done_at_once() {
    let scratch = Scratch::bare().await;
    let other = scratch.reconnect().await;
    let (one, two) = tokio::join!(scratch.store.migrate(), other.migrate());
    one.unwrap();
    two.unwrap();
    let (one, two) = tokio::join!(scratch.store.ensure_streams(), other.ensure_streams());
    one.unwrap();
    two.unwrap();
    scratch.store.migrate().await.unwrap();
    scratch.store.ensure_streams().await.unwrap();
    scratch.finish().await;
}

#[tokio::test]
async fn every_dependency_is_checked_by_name() {
    let scratch = Scratch::bare().await;
    let checks = scratch.store.check().await;
    assert_eq!(checks.iter().map(|check| check.name).collect::<Vec<_>>(), ["postgres", "redis", "nats"]);
    assert!(checks.iter().all(|check| check.result.is_ok()), "{checks:?}");
    scratch.finish().await;
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error_and_not_a_wait_for_ever() {
    let scratch = Scratch::bare().await;
    let nowhere = format!("redis://127.0.0.1:{}", muster_testkit::free_port());
    let settings = StoreSettings { redis_url: nowhere, ..scratch.settings.clone() };
    let error = Store::connect(&settings).await.err().expect("there is no Redis");
    assert!(matches!(error, StoreError::Redis(_) | StoreError::TimedOut("Redis")), "{error}");
    assert!(error.is_transient());

    let settings = StoreSettings { prefix: "not.a.prefix".to_owned(), ..scratch.settings.clone() };
    let error = Store::connect(&settings).await.err().expect("the prefix is wrong");
    assert!(matches!(error, StoreError::Settings(_)) && !error.is_transient());
    scratch.finish().await;
}
