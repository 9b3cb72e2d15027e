//! Letting matches wait for a server.

use chrono::{DateTime, Utc};
use muster_core::id::MatchId;
use muster_core::wire::AssignedPlayer;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Assignments, NewAssignment};
use crate::Result;

impl Assignments {
    /// Lets a match wait for a server. May be repeated: what is there stays as it is.
    pub async fn open(&self, new: &NewAssignment) -> Result<()> {
        self.open_many(std::slice::from_ref(new)).await
    }

    /// The same for many, in one statement.
    pub async fn open_many(&self, new: &[NewAssignment]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&NewAssignment) -> &str| new.iter().map(of).collect::<Vec<_>>();
        let times = |of: fn(&NewAssignment) -> DateTime<Utc>| new.iter().map(of).collect::<Vec<_>>();
        let match_ids: Vec<Uuid> = new.iter().map(|new| new.match_id.uuid()).collect();
        let regions: Vec<Option<&str>> = new.iter().map(|new| new.region.as_deref()).collect();
        let teams: Vec<Json<&Vec<Vec<AssignedPlayer>>>> = new.iter().map(|new| Json(&new.teams)).collect();
        let qualities: Vec<f64> = new.iter().map(|new| new.quality).collect();
        let backfills: Vec<Option<Uuid>> = new.iter().map(|new| new.backfill_of.map(MatchId::uuid)).collect();
        sqlx::query!(
            r#"
            INSERT INTO play.assignments (
                match_id, queue, shard_group, region, teams, quality, created_at, expires_at, backfill_of)
            SELECT *
            FROM unnest(
                $1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::float8[], $7::timestamptz[],
                $8::timestamptz[], $9::uuid[])
            ON CONFLICT DO NOTHING
            "#,
            &match_ids,
            &column(|new| &new.shard.queue) as &[&str],
            &column(|new| &new.shard.group) as &[&str],
            &regions as &[Option<&str>],
            &teams as &[Json<&Vec<Vec<AssignedPlayer>>>],
            &qualities,
            &times(|new| new.created_at),
            &times(|new| new.expires_at),
            &backfills as &[Option<Uuid>],
        )
        .execute(&self.postgres)
        .await?;
        Ok(())
    }
}
