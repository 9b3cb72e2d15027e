//! The result of a match, as its server reports it: once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, PlayerId, ServerId, ServiceKeyId};
use muster_core::wire::{FieldError, ReportResult, ServerMatchReason, TeamResult};
use sqlx::PgConnection;

use super::end::{self, Locked};
use super::players::lock_at;
use super::{Servers, ladder};
use crate::{StoreError, codec};

/// What a report did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// The match is over by it.
    Ended,
    /// The same was reported before.
    Already,
}

/// Why a report is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// There is no such match on that server of that key.
    #[error("there is no such match on that server")]
    NotHere,
    /// Another result was reported before.
    #[error("the match has another result already")]
    Different,
    /// It ended without one: its server was too late.
    #[error("the match is over")]
    Over,
    /// It is not a result of this match.
    #[error("the result does not fit the match")]
    Unfit(Vec<FieldError>),
    /// Unknown: report it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ResultError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Servers {
    /// Ends a match by its server's report: outcome, history, and in ranked matches the ratings in its queue, in one transaction and
    /// once. What is reported has been checked for itself ([`ReportResult::validate`]); here it is checked against the match.
    pub async fn report(
        &self,
        server: ServerId,
        key: ServiceKeyId,
        match_id: MatchId,
        report: &ReportResult,
        now: DateTime<Utc>,
    ) -> Result<Reported, ResultError> {
        let mut tx = self.postgres.begin().await?;
        let locked = lock_at(&mut tx, server, key, match_id).await?.ok_or(ResultError::NotHere)?;
        let told = codec::to_json_value(report);
        if locked.is_over() {
            return match (&locked.report, locked.reason.as_deref()) {
                (Some(before), _) if *before == told => Ok(Reported::Already),
                (Some(_), _) => Err(ResultError::Different),
                (None, _) => Err(ResultError::Over),
            };
        }
        let reason = match report {
            ReportResult::Finished { teams } => {
                fit(&mut tx, &locked, teams).await?;
                if locked.ranked {
                    ladder::settle(&mut tx, &locked, teams, now).await?;
                }
                ServerMatchReason::Finished
            }
            ReportResult::Abandoned { .. } => ServerMatchReason::Abandoned,
        };
        end::end(&mut tx, &locked, reason, Some(told), now).await?;
        tx.commit().await?;
        Ok(Reported::Ended)
    }
}

/// Checks that these are the match's teams, each player in their own.
async fn fit(tx: &mut PgConnection, locked: &Locked, teams: &[TeamResult]) -> Result<(), ResultError> {
    let count = usize::try_from(locked.teams).unwrap_or_default();
    if teams.len() != count {
        return Err(ResultError::Unfit(vec![FieldError::new("teams", format!("{count}, as the match has"))]));
    }
    // Primary key of play.server_match_players.
    let rows = sqlx::query!(
        "SELECT player_id, team FROM play.server_match_players WHERE match_id = $1",
        locked.match_id.uuid()
    )
    .fetch_all(&mut *tx)
    .await?;
    let seats: HashMap<PlayerId, usize> = rows
        .into_iter()
        .map(|row| (PlayerId::from_uuid(row.player_id), usize::try_from(row.team).unwrap_or(usize::MAX)))
        .collect();
    let mut faults = Vec::new();
    for (index, team) in teams.iter().enumerate() {
        for (place, player) in team.players.iter().enumerate() {
            let path = || format!("teams[{index}].players[{place}]");
            match seats.get(player) {
                None => faults.push(FieldError::new(path(), "a player of the match")),
                Some(seat) if *seat != index => faults.push(FieldError::new(path(), "a player of this team")),
                Some(_) => {}
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ResultError::Unfit(faults)) }
}
