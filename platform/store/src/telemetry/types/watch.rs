//! The catalogue, and every change to it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use muster_core::telemetry::EventSource;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Catalogue, EventTypes, NOUN};
use crate::{DomainStream, Result};

/// How often to look though nobody has told of a change: whoever made it may have died before telling.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Between two tries when the catalogue cannot be read.
const AGAIN: Duration = Duration::from_millis(250);

/// Follows the catalogue.
pub struct CatalogueWatch {
    types: EventTypes,
    news: DomainStream,
    look_at: Instant,
    seen: Seen,
}

/// What tells one catalogue from another.
#[derive(PartialEq)]
struct Seen {
    versions: Vec<(String, i32)>,
    closed: BTreeSet<EventSource>,
}

impl EventTypes {
    /// The catalogue as it is, and a watch for what becomes of it: each change is there within a second of its making, and
    /// within three when the change was not told. While PostgreSQL is away nothing changes.
    pub async fn watch(&self) -> Result<(Catalogue, CatalogueWatch)> {
        // Followed first, read then, and looked at before: what changes in between is found by the next look.
        let news = self.domain.subscribe(Some(NOUN)).await?;
        let seen = self.look().await?;
        let watch = CatalogueWatch { types: self.clone(), news, look_at: Instant::now() + LOOK_EVERY, seen };
        Ok((self.catalogue().await?, watch))
    }

    async fn look(&self) -> Result<Seen> {
        // Primary key of telemetry.event_types.
        let rows = sqlx::query!(
            r#"SELECT name, max(version) AS "version!" FROM telemetry.event_types GROUP BY name ORDER BY name"#
        )
        .fetch_all(&self.postgres)
        .await?;
        let closed = self.closed_sources().await?.into_iter().map(|closed| closed.source).collect();
        Ok(Seen { versions: rows.into_iter().map(|row| (row.name, row.version)).collect(), closed })
    }
}

impl CatalogueWatch {
    /// The next catalogue that differs from the last.
    pub async fn next(&mut self) -> Catalogue {
        loop {
            tokio::select! {
                () = sleep_until(self.look_at) => {}
                told = self.news.next() => if told.is_none() {
                    // The connection was closed; the clock goes on.
                    sleep_until(self.look_at).await;
                }
            }
            self.look_at = Instant::now() + LOOK_EVERY;
            match self.changed().await {
                Ok(Some(catalogue)) => return catalogue,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "event types cannot be read; what is known stays");
                    sleep(AGAIN).await;
                    self.look_at = Instant::now();
                }
            }
        }
    }

    async fn changed(&mut self) -> Result<Option<Catalogue>> {
        let seen = self.types.look().await?;
        if seen == self.seen {
            return Ok(None);
        }
        let catalogue = self.types.catalogue().await?;
        self.seen = seen;
        Ok(Some(catalogue))
    }
}
