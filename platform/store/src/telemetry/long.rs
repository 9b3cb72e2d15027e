//! Events of types whose retention is `long` stay when the rest of their day goes: they are put into a table of their own, whose
//! chunks a policy of its own lets go.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::short::kinds_kept;
use crate::Result;

/// Where they are from then on.
pub(super) const LONG_EVENTS: &str = "telemetry.long_events";

/// Puts the events before a moment whose type's newest version says `long` into their table. For the transaction that drops what they
/// were in: none is in both, or in neither.
pub(super) async fn keep_long(tx: &mut PgConnection, before: DateTime<Utc>) -> Result<()> {
    let kinds = kinds_kept(&mut *tx, "long").await?;
    if kinds.is_empty() {
        return Ok(());
    }
    // No index by kind: the chunks that go are read through.
    sqlx::query!(
        r#"
        INSERT INTO telemetry.long_events (
            event_id, at, received_at, source, kind, subject_id, session_id, match_id, mode, queue, region, platform, build, properties,
            sequence, skew_ms
        )
        SELECT event_id, at, received_at, source, kind, subject_id, session_id, match_id, mode, queue, region, platform, build, properties,
            sequence, skew_ms
        FROM telemetry.events
        WHERE at < $1 AND kind = ANY($2)
        ON CONFLICT (event_id, at) DO NOTHING
        "#,
        before,
        &kinds,
    )
    .execute(tx)
    .await?;
    Ok(())
}
