//! Taking a scratch's traces out of the three services.

use anyhow::{Context, Result};
use futures::TryStreamExt;
use redis::AsyncCommands;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::services::Services;

/// Drops the database, the streams and buckets whose name begins with the prefix, and its Redis keys.
///
/// # Errors
/// The first service that refused; the others are still swept.
pub async fn everything(services: &Services, database: &str, prefix: &str) -> Result<()> {
    let streams = streams(&services.nats_url, prefix).await.context("sweeping NATS");
    let keys = keys(&services.redis_url, prefix).await.context("sweeping Redis");
    let database = drop_database(&services.postgres_url, database).await.context("dropping the database");
    streams.and(keys).and(database)
}

async fn drop_database(postgres_url: &str, database: &str) -> Result<()> {
    let mut connection = PgConnection::connect(postgres_url).await?;
    // FORCE ends the connections of processes that a failed test left running.
    sqlx::query(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

async fn streams(nats_url: &str, prefix: &str) -> Result<()> {
    let client = async_nats::connect(nats_url).await?;
    let jetstream = async_nats::jetstream::new(client.clone());
    let names: Vec<String> = jetstream.stream_names().try_collect().await?;
    for name in names.iter().filter(|name| belongs(name, prefix)) {
        jetstream.delete_stream(name).await?;
    }
    client.drain().await?;
    Ok(())
}

/// A stream is ours when its name, without what JetStream puts before a bucket's, begins with the prefix in any case.
fn belongs(stream: &str, prefix: &str) -> bool {
    let name = stream.strip_prefix("KV_").or_else(|| stream.strip_prefix("OBJ_")).unwrap_or(stream);
    name.to_ascii_lowercase().starts_with(&prefix.to_ascii_lowercase())
}

async fn keys(redis_url: &str, prefix: &str) -> Result<()> {
    let mut connection = redis::Client::open(redis_url)?.get_multiplexed_async_connection().await?;
    let mut cursor = 0_u64;
    loop {
        let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(format!("{prefix}*"))
            .arg("COUNT")
            .arg(1000)
            .query_async(&mut connection)
            .await?;
        if !keys.is_empty() {
            let _: usize = connection.unlink(keys).await?;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_streams_with_the_prefix_belong() {
        assert!(belongs("T0A_MATCH", "t0a_"));
        assert!(belongs("KV_t0a_leases", "t0a_"));
        assert!(!belongs("MATCH", "t0a_"));
        assert!(!belongs("T0AB_MATCH", "t0a_"));
    }
}
