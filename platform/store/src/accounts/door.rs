//! What has to be known of players who want to queue.

use futures::future::try_join_all;
use muster_core::game::Mode;
use muster_core::id::{MatchId, PlayerId};
use muster_core::matchmaking::QueueDefinition;
use muster_core::rating::Rating;
use sqlx::PgExecutor;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use uuid::Uuid;

use super::Accounts;
use crate::Result;

/// What a rating stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder<'a> {
    /// A mode of the built-in game: its queues share it.
    Mode(Mode),
    /// A queue whose matches are played on servers of its game: it has one of its own.
    Queue(&'a str),
}

impl<'a> Ladder<'a> {
    /// The one that a queue's matches count for.
    pub fn of(queue: &'a QueueDefinition) -> Self {
        queue.mode.map_or(Self::Queue(&queue.name), Self::Mode)
    }
}

/// A player who wants to queue.
#[derive(Debug, Clone, PartialEq)]
pub struct AtTheDoor {
    /// Who.
    pub player_id: PlayerId,
    /// What they are called.
    pub display_name: String,
    /// How strong they are on the ladder that was asked for; as a new player when they never played there.
    pub rating: Rating,
    /// The match they play; they may not queue until it is over.
    pub running_match: Option<MatchId>,
    /// Whom they never play with or against.
    pub blocked: Vec<PlayerId>,
}

impl Accounts {
    /// Makes the door's connections before anybody comes to it.
    pub async fn open_door(&self) -> Result<()> {
        let all = (0..CONNECTIONS).map(|_| self.door.acquire());
        Ok(try_join_all(all).await.map(drop)?)
    }

    /// Closes them.
    pub(crate) async fn close_door(&self) {
        self.door.close().await;
    }

    /// What has to be known of players who want to queue, in one round trip. In the order asked for; None where there is no
    /// such account.
    pub async fn at_the_door(&self, players: &[(PlayerId, Ladder<'_>)]) -> Result<Vec<Option<AtTheDoor>>> {
        if players.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = players.iter().map(|(player, _)| player.uuid()).collect();
        let (modes, queues): (Vec<Option<&str>>, Vec<Option<&str>>) = players
            .iter()
            .map(|(_, ladder)| match ladder {
                Ladder::Mode(mode) => (Some(mode.as_str()), None),
                Ladder::Queue(queue) => (None, Some(*queue)),
            })
            .unzip();
        let rows = rows(&self.door, &ids, &modes, &queues).await?;
        let mut found: Vec<Option<AtTheDoor>> = vec![None; players.len()];
        for row in rows {
            let rating = match (row.points, row.deviation) {
                (Some(points), Some(deviation)) => Rating { points, deviation },
                _ => Rating::default(),
            };
            // Ordinals count from 1.
            let place = usize::try_from(row.n - 1).ok().and_then(|place| found.get_mut(place));
            if let Some(place) = place {
                *place = Some(AtTheDoor {
                    player_id: PlayerId::from_uuid(row.player_id),
                    display_name: row.display_name,
                    rating,
                    running_match: row.running_match.map(MatchId::from_uuid),
                    blocked: row.blocked.into_iter().map(PlayerId::from_uuid).collect(),
                });
            }
        }
        Ok(found)
    }
}

/// How often PostgreSQL plans a statement anew before it compares that with one plan for all (`plan_cache_mode`).
const PLANNED_ANEW: usize = 5;
/// As many players as PostgreSQL takes any list for when it makes a plan for all.
const ANY_LIST: usize = 10;

/// Connections that ask for nothing else; whoever comes in crowds is asked about by one batch after another.
const CONNECTIONS: u32 = 2;

/// The connections of [`Accounts::at_the_door`], made when they are first asked for. They are the door's own, because a connection
/// reads and plans a statement for itself: the first time costs PostgreSQL several times what the work does, and the next four half as
/// much again. Spread over all connections of a quiet server, a crowd would wait for that.
pub(super) fn connections(others: &PgPool) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(others.options().get_acquire_timeout())
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async {
                // Before the migrations there is nothing to plan; and a connection is as good without.
                if let Err(error) = warm_up(connection).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a connection to PostgreSQL starts cold");
                }
                Ok(())
            })
        })
        .connect_lazy_with(others.connect_options().as_ref().clone())
}

/// Lets a new connection read and plan what the door asks, once for all.
async fn warm_up(connection: &mut PgConnection) -> sqlx::Result<()> {
    for _ in 0..PLANNED_ANEW {
        rows(&mut *connection, &[Uuid::nil(); ANY_LIST], &[None; ANY_LIST], &[None; ANY_LIST]).await?;
    }
    Ok(())
}

struct Row {
    n: i64,
    player_id: Uuid,
    display_name: String,
    points: Option<f64>,
    deviation: Option<f64>,
    running_match: Option<Uuid>,
    blocked: Vec<Uuid>,
}

async fn rows(
    postgres: impl PgExecutor<'_>,
    players: &[Uuid],
    modes: &[Option<&str>],
    queues: &[Option<&str>],
) -> sqlx::Result<Vec<Row>> {
    // Primary keys of player.accounts, play.ratings, play.queue_ratings and player.blocks; indexes match_players_running and
    // server_match_players_playing. A match has no points after it until it is settled; a join with play.matches would invite a plan
    // that walks over all that run, for each player.
    sqlx::query_as!(
        Row,
        r#"
        SELECT asked.n AS "n!", a.player_id AS "player_id!", a.display_name AS "display_name!",
            coalesce(r.points, q.points) AS points, coalesce(r.deviation, q.deviation) AS deviation,
            coalesce(
                (SELECT p.match_id
                 FROM play.match_players p
                 WHERE p.player_id = asked.player_id AND p.points_after IS NULL
                 LIMIT 1),
                (SELECT s.match_id
                 FROM play.server_match_players s
                 WHERE s.player_id = asked.player_id AND s.left_at IS NULL
                 LIMIT 1)) AS running_match,
            ARRAY(SELECT b.blocked_id FROM player.blocks b WHERE b.player_id = asked.player_id) AS "blocked!"
        FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (player_id, mode, queue, n)
        JOIN player.accounts a ON a.player_id = asked.player_id
        LEFT JOIN play.ratings r ON r.player_id = asked.player_id AND r.mode = asked.mode
        LEFT JOIN play.queue_ratings q ON q.player_id = asked.player_id AND q.queue = asked.queue
        "#,
        players,
        modes as &[Option<&str>],
        queues as &[Option<&str>],
    )
    .fetch_all(postgres)
    .await
}

#[cfg(test)]
mod tests {
    use muster_testkit::Scratch;

    use super::*;

    #[tokio::test]
    async fn a_warm_connection_plans_no_more() {
        let scratch = Scratch::new().await;
        let pool = scratch.sql().await;
        let mut connection = pool.acquire().await.unwrap();
        warm_up(&mut connection).await.unwrap();
        for wishes in [1, 1_000] {
            rows(&mut *connection, &vec![Uuid::nil(); wishes], &vec![Some("classic"); wishes], &vec![None; wishes])
                .await
                .unwrap();
        }
        let plans: (i64, i64) = sqlx::query_as(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE '%ORDINALITY AS asked%'",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        assert_eq!(plans, (5, 2));
        drop(connection);
        scratch.finish().await;
    }
}
