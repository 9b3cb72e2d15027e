//! A scratch is there, is alone, and is gone afterwards.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use muster_testkit::{Scratch, services};
use redis::AsyncCommands;
use sqlx::{Connection, PgConnection};

async fn database_exists(name: &str) -> bool {
    let mut connection = PgConnection::connect(&services().postgres_url).await.unwrap();
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn streams_of(prefix: &str) -> BTreeSet<String> {
    let client = async_nats::connect(services().nats_url).await.unwrap();
    let names: Vec<String> = async_nats::jetstream::new(client).stream_names().try_collect().await.unwrap();
    names.into_iter().filter(|name| name.to_lowercase().contains(prefix)).collect()
}

async fn redis_keys(prefix: &str) -> Vec<String> {
    let client = redis::Client::open(services().redis_url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    connection.keys(format!("{prefix}*")).await.unwrap()
}

async fn leave_a_key(prefix: &str) {
    let client = redis::Client::open(services().redis_url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = connection.set(format!("{prefix}left"), 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn finish_takes_everything_away() {
    let scratch = Scratch::new().await;
    let (database, prefix) = (scratch.database().to_owned(), scratch.prefix().to_owned());
    leave_a_key(&prefix).await;
    assert!(database_exists(&database).await);
    assert!(!streams_of(&prefix).await.is_empty());

    scratch.finish().await;

    assert!(!database_exists(&database).await);
    assert_eq!(streams_of(&prefix).await, BTreeSet::new());
    assert_eq!(redis_keys(&prefix).await, Vec::<String>::new());
}

#[tokio::test]
async fn dropping_takes_everything_away_too() {
    let scratch = Scratch::new().await;
    let (database, prefix) = (scratch.database().to_owned(), scratch.prefix().to_owned());
    leave_a_key(&prefix).await;

    drop(scratch);

    assert!(!database_exists(&database).await);
    assert_eq!(streams_of(&prefix).await, BTreeSet::new());
    assert_eq!(redis_keys(&prefix).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_scratches_do_not_see_each_other() {
    let (one, other) = (Scratch::new().await, Scratch::new().await);
    leave_a_key(one.prefix()).await;
    assert_ne!(one.database(), other.database());
    assert_eq!(redis_keys(other.prefix()).await, Vec::<String>::new());

    other.finish().await;

    assert_eq!(redis_keys(one.prefix()).await.len(), 1, "the other's end took this one's key");
    assert!(one.store.check().await.iter().all(|dependency| dependency.result.is_ok()));
    one.finish().await;
}
