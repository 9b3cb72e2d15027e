//! Seasons: spans of whole days (UTC) that have a name, so that questions can be asked of one, or be told apart by them.

mod put;

use chrono::{DateTime, Utc};
use muster_core::wire::FieldError;
use sqlx::PgPool;

use crate::{Result, codec};

pub use put::{MAX_SEASON_DAYS, MAX_SEASONS, PutSeasonError, SeasonChange};

/// A season.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Season {
    /// What it is called: 1 to 64 of `a-z`, `0-9`, `-` and `_`; it stays so.
    pub name: String,
    /// Counts from 1; every change makes the next one.
    pub version: u32,
    /// Its first midnight (UTC).
    pub starts_at: DateTime<Utc>,
    /// The midnight (UTC) that it is over at, not included.
    pub ends_at: DateTime<Utc>,
    /// When it became so.
    pub changed_at: DateTime<Utc>,
}

/// What is wrong with a season.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect::<Vec<_>>().join("; "))]
pub struct InvalidSeason(pub Vec<FieldError>);

/// Handle on the seasons.
#[derive(Clone)]
pub struct Seasons {
    postgres: PgPool,
}

impl Seasons {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }

    /// All of them ([`MAX_SEASONS`] at most), the newest first.
    pub async fn list(&self) -> Result<Vec<Season>> {
        // Few rows: they are sorted.
        let rows = sqlx::query_as!(
            Row,
            "SELECT season, version, starts_at, ends_at, changed_at FROM play.seasons ORDER BY starts_at DESC"
        );
        Ok(rows.fetch_all(&self.postgres).await?.into_iter().map(Season::from).collect())
    }

    /// One of them.
    pub async fn get(&self, name: &str) -> Result<Option<Season>> {
        // Primary key of play.seasons.
        let row = sqlx::query_as!(
            Row,
            "SELECT season, version, starts_at, ends_at, changed_at FROM play.seasons WHERE season = $1",
            name,
        );
        Ok(row.fetch_optional(&self.postgres).await?.map(Season::from))
    }
}

struct Row {
    season: String,
    version: i32,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
}

impl From<Row> for Season {
    fn from(row: Row) -> Self {
        Self {
            name: row.season,
            version: u32::try_from(codec::count(row.version.into())).unwrap_or_default(),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            changed_at: row.changed_at,
        }
    }
}
