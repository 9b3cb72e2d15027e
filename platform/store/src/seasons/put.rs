//! A new season, or another span for one.

use chrono::{DateTime, NaiveTime, Utc};
use muster_core::wire::FieldError;
use serde_json::json;

use super::{InvalidSeason, Season, Seasons};
use crate::{Actor, AuditOutcome, NewAudit, StoreError, audit, codec};

/// How many seasons there may be.
pub const MAX_SEASONS: u64 = 500;

/// How long a season may be, in days.
pub const MAX_SEASON_DAYS: i64 = 366;

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// A change to a season, or a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeasonChange {
    /// What it is called: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
    pub name: String,
    /// Its first moment: a midnight of UTC.
    pub starts_at: DateTime<Utc>,
    /// When it is over, not included: a midnight of UTC, 1 to [`MAX_SEASON_DAYS`] days later.
    pub ends_at: DateTime<Utc>,
    /// The version that the change is based on; None: there is no such season yet.
    pub expected_version: Option<u32>,
    /// Who.
    pub author: Actor,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// Why a season was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum PutSeasonError {
    /// It was to be made, and is there.
    #[error("there is a season of this name already")]
    Exists,
    /// Somebody else changed it meanwhile: look at what it is now.
    #[error("the season is at version {current} by now")]
    VersionConflict {
        /// Its version; 0 when there is no such season.
        current: u32,
    },
    /// Another season has some of its days.
    #[error("another season has some of these days: seasons do not overlap")]
    Overlaps,
    /// There are as many as there may be.
    #[error("there are {MAX_SEASONS} seasons already, which is the most")]
    TooMany,
    /// It makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidSeason),
    /// Unknown: look whether it was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for PutSeasonError {
    fn from(error: sqlx::Error) -> Self {
        let constraint = error.as_database_error().and_then(|error| error.constraint());
        if constraint == Some("seasons_apart") { Self::Overlaps } else { Self::Store(error.into()) }
    }
}

impl Seasons {
    /// Makes a season, or gives it another span, with its audit entry.
    pub async fn put(&self, change: &SeasonChange, now: DateTime<Utc>) -> Result<Season, PutSeasonError> {
        check(change)?;
        let mut tx = self.postgres.begin().await?;
        // Primary key of play.seasons; the exclusion lets only one of two that overlap in.
        let version = match change.expected_version {
            None => {
                sqlx::query_scalar!(
                    r#"
                    INSERT INTO play.seasons (season, version, starts_at, ends_at, changed_at) VALUES ($1, 1, $2, $3, $4)
                    ON CONFLICT (season) DO NOTHING
                    RETURNING version
                    "#,
                    change.name,
                    change.starts_at,
                    change.ends_at,
                    now,
                )
                .fetch_optional(&mut *tx)
                .await?
            }
            Some(expected) => {
                sqlx::query_scalar!(
                    r#"
                    UPDATE play.seasons SET version = version + 1, starts_at = $2, ends_at = $3, changed_at = $4
                    WHERE season = $1 AND version = $5
                    RETURNING version
                    "#,
                    change.name,
                    change.starts_at,
                    change.ends_at,
                    now,
                    i32::try_from(expected).unwrap_or(i32::MAX),
                )
                .fetch_optional(&mut *tx)
                .await?
            }
        };
        let Some(version) = version else {
            drop(tx);
            let current = self.get(&change.name).await?.map_or(0, |season| season.version);
            return Err(match change.expected_version {
                None => PutSeasonError::Exists,
                Some(_) => PutSeasonError::VersionConflict { current },
            });
        };
        if change.expected_version.is_none() {
            let all = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM play.seasons"#);
            if codec::count(all.fetch_one(&mut *tx).await?) > MAX_SEASONS {
                return Err(PutSeasonError::TooMany);
            }
        }
        let entry = NewAudit {
            actor: change.author.clone(),
            action: if change.expected_version.is_none() { "season.create" } else { "season.change" }.to_owned(),
            target: Some(change.name.clone()),
            reason: Some(change.reason.clone()),
            outcome: AuditOutcome::Succeeded,
            details: json!({ "version": version, "starts_at": change.starts_at, "ends_at": change.ends_at }),
        };
        audit::write(&mut tx, &entry, now).await?;
        tx.commit().await?;
        Ok(Season {
            name: change.name.clone(),
            version: u32::try_from(version).unwrap_or_default(),
            starts_at: change.starts_at,
            ends_at: change.ends_at,
            changed_at: now,
        })
    }
}

fn check(change: &SeasonChange) -> Result<(), InvalidSeason> {
    let mut faults = Vec::new();
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if !(1..=64).contains(&change.name.len()) || !change.name.bytes().all(allowed) {
        faults.push(FieldError::new("name", "1 to 64 of a-z, 0-9, `-` and `_`"));
    }
    let sane = |at: DateTime<Utc>| {
        use chrono::Datelike;
        at.time() == NaiveTime::MIN && (2000..=2200).contains(&at.year())
    };
    for (field, at) in [("starts_at", change.starts_at), ("ends_at", change.ends_at)] {
        if !sane(at) {
            faults.push(FieldError::new(field, "a midnight of UTC, from the year 2000 to 2200: facts are kept by day"));
        }
    }
    if !(1..=MAX_SEASON_DAYS).contains(&(change.ends_at - change.starts_at).num_days()) {
        faults.push(FieldError::new("ends_at", format!("1 to {MAX_SEASON_DAYS} days after `starts_at`")));
    }
    if change.reason.trim().is_empty() || change.reason.chars().count() > MAX_REASON {
        faults.push(FieldError::new("reason", format!("1 to {MAX_REASON} characters: why it changes")));
    }
    if faults.is_empty() { Ok(()) } else { Err(InvalidSeason(faults)) }
}
