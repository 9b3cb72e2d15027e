//! What has to be known of players who want to queue.

use muster_core::game::Mode;
use muster_core::id::{MatchId, PlayerId};
use muster_core::matchmaking::QueueDefinition;
use muster_core::rating::Rating;
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
        // Primary keys of player.accounts, play.ratings, play.queue_ratings and player.blocks; indexes match_players_running and
        // server_match_players_playing. A match has no points after it until it is settled; a join with play.matches would invite a plan
        // that walks over all that run, for each player.
        let rows = sqlx::query!(
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
            &ids,
            &modes as &[Option<&str>],
            &queues as &[Option<&str>],
        )
        .fetch_all(&self.postgres)
        .await?;
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
