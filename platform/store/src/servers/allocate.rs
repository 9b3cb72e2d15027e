//! Giving matches to servers.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::{MatchId, ServerId};
use muster_core::matchmaking::ServerChoice;
use muster_core::wire::AssignedPlayer;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Servers, end};
use crate::{Result, Shard, codec};

/// Matches that one call looks at.
const AT_ONCE: i64 = 64;

/// Whose matches are to be given to servers, and to which.
#[derive(Debug, Clone, Copy)]
pub struct AllocationRequest<'a> {
    /// The shard whose open assignments are looked at.
    pub shard: &'a Shard,
    /// Which servers will do.
    pub choice: &'a ServerChoice,
    /// Whether its matches move ratings.
    pub ranked: bool,
    /// How long a match waits while servers fit, but none is free. After that it is refused.
    pub patience: Duration,
}

/// What became of open assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allocation {
    /// Matches that have a server now, joins of running matches included.
    pub allocated: u32,
    /// Matches that wait for a free one.
    pub waiting: u32,
    /// Matches that have waited in vain, or whose running match is over.
    pub refused: u32,
    /// Matches that no registered server fits: they are left to whoever answers by hand.
    pub unfit: u32,
}

/// What became of one.
enum Fate {
    Allocated,
    Waiting,
    Refused,
    Unfit,
    /// Somebody else has decided it, or is about to.
    Passed,
}

/// An assignment whose row is locked.
struct Open {
    match_id: Uuid,
    region: Option<String>,
    teams: Vec<Vec<AssignedPlayer>>,
    quality: f64,
    created_at: DateTime<Utc>,
    backfill_of: Option<Uuid>,
}

impl Servers {
    /// Gives the oldest open assignments of a shard to servers that fit and have a place; 64 at most. Each is one transaction, and may
    /// run beside others: a place is taken under its server's lock.
    pub async fn allocate(&self, request: AllocationRequest<'_>, now: DateTime<Utc>) -> Result<Allocation> {
        // Index assignments_open.
        let open = sqlx::query!(
            r#"
            SELECT match_id, region, backfill_of, created_at
            FROM play.assignments
            WHERE state = 'open' AND queue = $1 AND shard_group = $2 AND expires_at > $3
            ORDER BY created_at, match_id
            LIMIT $4
            "#,
            request.shard.queue,
            request.shard.group,
            now,
            AT_ONCE,
        )
        .fetch_all(&self.postgres)
        .await?;
        let mut done = Allocation::default();
        // Where no server fits, or none is free, the next match of the same region need not ask, unless it has waited in vain.
        let mut unfit: BTreeSet<Option<String>> = BTreeSet::new();
        let mut full: BTreeSet<Option<String>> = BTreeSet::new();
        for one in open {
            let new = one.backfill_of.is_none();
            let fate = if new && unfit.contains(&one.region) {
                Fate::Unfit
            } else if new && full.contains(&one.region) && one.created_at + request.patience > now {
                Fate::Waiting
            } else {
                self.allocate_one(one.match_id, request, now).await?
            };
            match fate {
                Fate::Allocated => done.allocated += 1,
                Fate::Waiting => {
                    done.waiting += 1;
                    full.insert(one.region);
                }
                Fate::Refused => done.refused += 1,
                Fate::Unfit => {
                    done.unfit += 1;
                    if new {
                        unfit.insert(one.region);
                    }
                }
                Fate::Passed => {}
            }
        }
        Ok(done)
    }

    async fn allocate_one(&self, match_id: Uuid, request: AllocationRequest<'_>, now: DateTime<Utc>) -> Result<Fate> {
        let mut tx = self.postgres.begin().await?;
        let Some(open) = lock(&mut tx, match_id, now).await? else { return Ok(Fate::Passed) };
        let fate = match open.backfill_of {
            Some(running) => join(&mut tx, &open, running, now).await?,
            None => place(&mut tx, &open, request, now).await?,
        };
        tx.commit().await?;
        Ok(fate)
    }
}

async fn lock(tx: &mut PgConnection, match_id: Uuid, now: DateTime<Utc>) -> Result<Option<Open>> {
    // Primary key of play.assignments.
    let row = sqlx::query!(
        r#"
        SELECT match_id, region, teams, quality, created_at, backfill_of
        FROM play.assignments
        WHERE match_id = $1 AND state = 'open' AND expires_at > $2
        FOR UPDATE SKIP LOCKED
        "#,
        match_id,
        now,
    )
    .fetch_optional(tx)
    .await?;
    row.map(|row| {
        Ok(Open {
            match_id: row.match_id,
            region: row.region,
            teams: codec::from_json_value("an assignment's teams", row.teams)?,
            quality: row.quality,
            created_at: row.created_at,
            backfill_of: row.backfill_of,
        })
    })
    .transpose()
}

/// A new match: it takes a place of a server.
async fn place(tx: &mut PgConnection, open: &Open, request: AllocationRequest<'_>, now: DateTime<Utc>) -> Result<Fate> {
    let labels = codec::to_json_value(&request.choice.labels);
    // Index servers_living; a platform has some thousands at most. Rows that another director holds are passed over: the next look
    // finds them again.
    let taken = sqlx::query!(
        r#"
        UPDATE play.servers
        SET matches = matches + 1
        WHERE server_id = (
            SELECT server_id
            FROM play.servers
            WHERE ended_at IS NULL AND state = 'ready' AND lease_until > $1 AND matches < capacity
                AND coalesce(load_percent, 0) < 100
                AND ($2::text IS NULL OR region = $2) AND ($3::text IS NULL OR build = $3) AND labels @> $4
                AND (cardinality(queues) = 0 OR $5 = ANY(queues))
            ORDER BY CASE WHEN $6 = 'fullest' THEN capacity - matches ELSE matches - capacity END, server_id
            LIMIT 1
            FOR UPDATE SKIP LOCKED)
        RETURNING server_id, address
        "#,
        now,
        open.region,
        request.choice.build,
        labels,
        request.shard.queue,
        request.choice.pick.as_str(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(server) = taken else {
        // Index servers_living. Those that drain do not count: they will never be free.
        let fits = sqlx::query_scalar!(
            r#"
            SELECT EXISTS (
                SELECT 1
                FROM play.servers
                WHERE ended_at IS NULL AND state <> 'draining'
                    AND ($1::text IS NULL OR region = $1) AND ($2::text IS NULL OR build = $2) AND labels @> $3
                    AND (cardinality(queues) = 0 OR $4 = ANY(queues))) AS "fits!"
            "#,
            open.region,
            request.choice.build,
            labels,
            request.shard.queue,
        )
        .fetch_one(&mut *tx)
        .await?;
        if !fits {
            return Ok(Fate::Unfit);
        }
        if open.created_at + request.patience > now {
            return Ok(Fate::Waiting);
        }
        refuse(tx, open.match_id, "no_capacity", now).await?;
        return Ok(Fate::Refused);
    };
    sqlx::query!(
        r#"
        INSERT INTO play.server_matches (match_id, server_id, address, queue, region, ranked, quality, teams, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        open.match_id,
        server.server_id,
        server.address,
        request.shard.queue,
        open.region,
        request.ranked,
        open.quality,
        i16::try_from(open.teams.len()).unwrap_or(i16::MAX),
        now,
    )
    .execute(&mut *tx)
    .await?;
    seat(tx, open.match_id, &open.teams).await?;
    assign(tx, open.match_id, ServerId::from_uuid(server.server_id), &server.address, now).await?;
    Ok(Fate::Allocated)
}

/// Players for a running match: they go where it is, and take no place of their own.
async fn join(tx: &mut PgConnection, open: &Open, running: Uuid, now: DateTime<Utc>) -> Result<Fate> {
    match end::lock(tx, MatchId::from_uuid(running)).await? {
        // A match that no registered server plays: somebody knows it, and answers by hand.
        None => Ok(Fate::Unfit),
        Some(found) if found.is_over() => {
            refuse(tx, open.match_id, "match_over", now).await?;
            Ok(Fate::Refused)
        }
        Some(found) => {
            seat(tx, running, &open.teams).await?;
            // Primary key of play.server_matches.
            sqlx::query!("UPDATE play.server_matches SET roster = roster + 1 WHERE match_id = $1", running)
                .execute(&mut *tx)
                .await?;
            assign(tx, open.match_id, found.server, &found.address, now).await?;
            Ok(Fate::Allocated)
        }
    }
}

/// Who plays in which team. Who had left and is back is as new.
async fn seat(tx: &mut PgConnection, match_id: Uuid, teams: &[Vec<AssignedPlayer>]) -> Result<()> {
    let mut seats: HashMap<Uuid, (i16, Option<&str>)> = HashMap::new();
    for (team, players) in (0_i16..).zip(teams) {
        seats.extend(players.iter().map(|player| (player.player_id.uuid(), (team, player.role.as_deref()))));
    }
    let players: Vec<Uuid> = seats.keys().copied().collect();
    let teams: Vec<i16> = seats.values().map(|(team, _)| *team).collect();
    let roles: Vec<Option<&str>> = seats.values().map(|(_, role)| *role).collect();
    sqlx::query!(
        r#"
        INSERT INTO play.server_match_players (match_id, player_id, team, role)
        SELECT $1, s.player_id, s.team, s.role
        FROM unnest($2::uuid[], $3::int2[], $4::text[]) AS s (player_id, team, role)
        ON CONFLICT (match_id, player_id)
        DO UPDATE SET team = excluded.team, role = excluded.role, joined_at = NULL, left_at = NULL
        "#,
        match_id,
        &players,
        &teams,
        &roles as &[Option<&str>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn assign(
    tx: &mut PgConnection,
    match_id: Uuid,
    server: ServerId,
    address: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    // Primary key of play.assignments; the row is locked and open.
    sqlx::query!(
        "UPDATE play.assignments SET state = 'assigned', connection = $2, server_id = $3, decided_at = $4 WHERE match_id = $1",
        match_id,
        address,
        server.uuid(),
        now,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn refuse(tx: &mut PgConnection, match_id: Uuid, reason: &str, now: DateTime<Utc>) -> Result<()> {
    // Primary key of play.assignments; the row is locked and open.
    sqlx::query!(
        "UPDATE play.assignments SET state = 'refused', reason = $2, decided_at = $3 WHERE match_id = $1",
        match_id,
        reason,
        now,
    )
    .execute(tx)
    .await?;
    Ok(())
}
