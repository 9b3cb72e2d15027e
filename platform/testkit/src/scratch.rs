//! A database, a prefix and streams of one test's own.

use std::{thread, time::Duration};

use muster_store::{Store, StoreSettings};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use url::Url;

use crate::{
    random,
    services::{Services, services},
    sweep,
};

/// How long the clean-up of a scratch that was dropped, not finished, may hold its thread.
const DROP_PATIENCE: Duration = Duration::from_secs(20);

/// A database `t_<random>` and a prefix `t<random>_`, gone when the test ends.
///
/// [`Scratch::finish`] cleans up and tells of failures; dropping it (a failed assertion does that) cleans up as well as it can.
pub struct Scratch {
    /// Connected to the scratch database, with the scratch prefix.
    pub store: Store,
    /// What `store` was connected with.
    pub settings: StoreSettings,
    services: Services,
    database: String,
    finished: bool,
}

impl Scratch {
    /// Makes the database, connects, runs every migration and makes the streams.
    ///
    /// # Panics
    /// When the services are not running or refuse.
    pub async fn new() -> Self {
        let scratch = Self::bare().await;
        scratch.store.migrate().await.expect("the migrations run on an empty database");
        scratch.store.ensure_streams().await.expect("JetStream takes the streams");
        scratch
    }

    /// Makes the database and connects, but neither migrates nor makes streams.
    ///
    /// # Panics
    /// When the services are not running or refuse.
    pub async fn bare() -> Self {
        let services = services();
        let token = random::token();
        let database = format!("t_{token}");
        create_database(&services.postgres_url, &database).await;
        let settings = StoreSettings {
            postgres_url: database_url(&services.postgres_url, &database),
            redis_url: services.redis_url.clone(),
            nats_url: services.nats_url.clone(),
            prefix: format!("t{token}_"),
            postgres_connections: 4,
            telemetry_backlog_bytes: 64 << 20,
        };
        let store = Store::connect(&settings).await.expect("the services take a connection");
        Self { store, settings, services, database, finished: false }
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The prefix of Redis keys, NATS subjects, streams and buckets.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.settings.prefix
    }

    /// A second store on the same data, as another process would have it.
    ///
    /// # Panics
    /// When a service refuses.
    pub async fn reconnect(&self) -> Store {
        Store::connect(&self.settings).await.expect("the services take a second connection")
    }

    /// Raw access for assertions, with a pool of its own.
    ///
    /// # Panics
    /// When PostgreSQL refuses.
    pub async fn sql(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(2)
            .connect(&self.settings.postgres_url)
            .await
            .expect("the scratch database takes a connection")
    }

    /// The settings that point a Muster process at this scratch.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("MUSTER__POSTGRES__URL", &self.settings.postgres_url),
            ("MUSTER__REDIS__URL", &self.settings.redis_url),
            ("MUSTER__NATS__URL", &self.settings.nats_url),
            ("MUSTER__NAMESPACE__PREFIX", &self.settings.prefix),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
    }

    /// Drops the database, the streams and buckets, and the Redis keys.
    ///
    /// # Panics
    /// When a service refuses: what a test leaves behind is a fault of the test.
    pub async fn finish(mut self) {
        self.finished = true;
        self.store.close().await;
        sweep::everything(&self.services, &self.database, &self.settings.prefix)
            .await
            .expect("the scratch is cleaned up");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let (services, database, prefix) = (self.services.clone(), self.database.clone(), self.settings.prefix.clone());
        // A thread with a runtime of its own: the test's may be single-threaded, or already going down.
        let sweeper = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                tokio::time::timeout(DROP_PATIENCE, sweep::everything(&services, &database, &prefix)).await?
            })
        });
        if let Ok(Err(error)) = sweeper.join() {
            eprintln!("the scratch {} was not cleaned up: {error:#}", self.database);
        }
    }
}

async fn create_database(postgres_url: &str, database: &str) {
    let mut connection = PgConnection::connect(postgres_url).await.expect("PostgreSQL takes a connection");
    // `database` is made of hex digits: there is nothing in it to escape.
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {database}")))
        .execute(&mut connection)
        .await
        .expect("PostgreSQL makes a database");
    connection.close().await.expect("PostgreSQL closes a connection");
}

fn database_url(postgres_url: &str, database: &str) -> String {
    let mut url = Url::parse(postgres_url).expect("MUSTER_TEST_POSTGRES_URL is a URL");
    url.set_path(database);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_replaces_the_path_and_keeps_the_rest() {
        assert_eq!(
            database_url("postgres://me:secret@127.0.0.1:5432/postgres?sslmode=disable", "t_0a"),
            "postgres://me:secret@127.0.0.1:5432/t_0a?sslmode=disable"
        );
    }
}
