//! A match's row under lock, and its end.

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, ServerId};
use muster_core::wire::ServerMatchReason;
use sqlx::PgConnection;

use crate::Result;

/// A match whose server's row and own row are locked, in this order.
pub(super) struct Locked {
    pub(super) match_id: MatchId,
    pub(super) server: ServerId,
    pub(super) address: String,
    pub(super) queue: String,
    pub(super) ranked: bool,
    pub(super) teams: i16,
    pub(super) roster: i32,
    pub(super) state: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) reason: Option<String>,
    pub(super) report: Option<serde_json::Value>,
}

impl Locked {
    pub(super) fn is_over(&self) -> bool {
        self.state == "ended"
    }
}

/// Locks a match, its server before it.
pub(super) async fn lock(tx: &mut PgConnection, match_id: MatchId) -> Result<Option<Locked>> {
    // Primary keys of play.server_matches and play.servers. A match never changes its server; one that is forgotten has no row.
    sqlx::query!(
        r#"
        SELECT server_id
        FROM play.servers
        WHERE server_id = (SELECT m.server_id FROM play.server_matches m WHERE m.match_id = $1)
        FOR UPDATE
        "#,
        match_id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let row = sqlx::query!(
        r#"
        SELECT match_id, server_id, address, queue, ranked, teams, roster, state, created_at, started_at, reason, report
        FROM play.server_matches
        WHERE match_id = $1
        FOR UPDATE
        "#,
        match_id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.map(|row| Locked {
        match_id: MatchId::from_uuid(row.match_id),
        server: ServerId::from_uuid(row.server_id),
        address: row.address,
        queue: row.queue,
        ranked: row.ranked,
        teams: row.teams,
        roster: row.roster,
        state: row.state,
        created_at: row.created_at,
        started_at: row.started_at,
        reason: row.reason,
        report: row.report,
    }))
}

/// Ends a locked match that is not over: its place at the server is free, its players are, and the end is to be told. A drained
/// server whose last match it was is gone.
pub(super) async fn end(
    tx: &mut PgConnection,
    locked: &Locked,
    reason: ServerMatchReason,
    report: Option<serde_json::Value>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE play.servers
        SET matches = matches - 1, state = CASE WHEN state = 'draining' AND matches = 1 THEN 'gone' ELSE state END,
            ended_at = CASE WHEN state = 'draining' AND matches = 1 THEN $2 ELSE ended_at END
        WHERE server_id = $1 AND ended_at IS NULL
        "#,
        locked.server.uuid(),
        now,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"
        UPDATE play.server_matches
        SET state = 'ended', ended_at = $2, reason = $3, report = $4, tell_at = $2,
            started_at = CASE WHEN $3 = 'finished' THEN coalesce(started_at, $2) ELSE started_at END
        WHERE match_id = $1
        "#,
        locked.match_id.uuid(),
        now,
        reason.as_str(),
        report,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE play.server_match_players SET left_at = $2 WHERE match_id = $1 AND left_at IS NULL",
        locked.match_id.uuid(),
        now,
    )
    .execute(tx)
    .await?;
    Ok(())
}
