//! Settled matches and their stored events, in the order of the matches' ids: that in which they were made.

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::stream::BoxStream;
use muster_core::game::{GameEvent, Mode, Outcome};
use muster_core::id::{MatchId, PlayerId};
use muster_core::rating::Rating;

use crate::{Matches, Result, codec};

/// A match that is over, as the database has it.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledMatch {
    /// The match.
    pub match_id: MatchId,
    /// The mode it was played in.
    pub mode: Mode,
    /// Whether it moves ratings.
    pub ranked: bool,
    /// SHA-256 of the seed.
    pub commitment: [u8; 32],
    /// The seed.
    pub seed: [u8; 32],
    /// How it ended; what is wrong with the text when it cannot be read.
    pub outcome: std::result::Result<Outcome, String>,
    /// The number of the last event.
    pub version: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Its players in seat order: two, unless something is wrong.
    pub seats: Vec<SettledSeat>,
}

/// What a match did to a player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettledSeat {
    /// Who.
    pub player_id: PlayerId,
    /// Their rating when it was settled.
    pub before: Rating,
    /// Their rating from then on; the same where no rating moved, none where something is wrong.
    pub after: Option<Rating>,
}

/// A stored event of a match.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// The match.
    pub match_id: MatchId,
    /// Its number in the match.
    pub seq: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened; what is wrong with the text when it cannot be read.
    pub event: std::result::Result<GameEvent, String>,
}

/// Stored events as they come from the database: one match after the other, each in order.
pub type StoredEvents<'a> = BoxStream<'a, Result<StoredEvent>>;

/// The longest page.
const MAX_PAGE: u32 = 1_000;

impl Matches {
    /// Settled matches whose id is above `after`; `first` is 1 to 1000. The nil id is before all others.
    pub async fn settled_page(&self, after: MatchId, first: u32) -> Result<Vec<SettledMatch>> {
        // Primary keys of play.matches and play.match_players.
        let rows = sqlx::query!(
            r#"
            SELECT m.match_id, m.mode, m.ranked, m.commitment, m.seed AS "seed!", m.outcome AS "outcome!", m.version, m.created_at,
                   m.ended_at AS "ended_at!", p.player_ids AS "player_ids!", p.points_before AS "points_before!",
                   p.deviations_before AS "deviations_before!", p.points_after AS "points_after!: Vec<Option<f64>>",
                   p.deviations_after AS "deviations_after!: Vec<Option<f64>>"
            FROM play.matches m
            CROSS JOIN LATERAL (
                SELECT coalesce(array_agg(player_id ORDER BY seat), '{}') AS player_ids,
                       coalesce(array_agg(points_before ORDER BY seat), '{}') AS points_before,
                       coalesce(array_agg(deviation_before ORDER BY seat), '{}') AS deviations_before,
                       coalesce(array_agg(points_after ORDER BY seat), '{}') AS points_after,
                       coalesce(array_agg(deviation_after ORDER BY seat), '{}') AS deviations_after
                FROM play.match_players
                WHERE match_id = m.match_id
            ) p
            WHERE m.state = 'finished' AND m.match_id > $1
            ORDER BY m.match_id
            LIMIT $2
            "#,
            after.uuid(),
            i64::from(first.clamp(1, MAX_PAGE)),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter()
            .map(|row| {
                let before = row.points_before.into_iter().zip(row.deviations_before);
                let after = row.points_after.into_iter().zip(row.deviations_after);
                let seats =
                    row.player_ids.into_iter().zip(before).zip(after).map(|((player, before), after)| SettledSeat {
                        player_id: PlayerId::from_uuid(player),
                        before: Rating { points: before.0, deviation: before.1 },
                        after: after.0.zip(after.1).map(|(points, deviation)| Rating { points, deviation }),
                    });
                Ok(SettledMatch {
                    match_id: MatchId::from_uuid(row.match_id),
                    mode: codec::parse("a match's mode", &row.mode)?,
                    ranked: row.ranked,
                    commitment: codec::bytes32("a match's commitment", &row.commitment)?,
                    seed: codec::bytes32("a match's seed", &row.seed)?,
                    outcome: serde_json::from_value(row.outcome).map_err(|error| error.to_string()),
                    version: codec::count(row.version),
                    created_at: row.created_at,
                    ended_at: row.ended_at,
                    seats: seats.collect(),
                })
            })
            .collect()
    }

    /// The stored events of all matches whose id is above `after` and at most `until`, row by row.
    pub fn stored_events(&self, after: MatchId, until: MatchId) -> StoredEvents<'_> {
        // Primary key of play.match_events.
        let rows = sqlx::query!(
            r#"
            SELECT match_id, seq, at, event
            FROM play.match_events
            WHERE match_id > $1 AND match_id <= $2
            ORDER BY match_id, seq
            "#,
            after.uuid(),
            until.uuid(),
        )
        .fetch(&self.postgres);
        rows.map(|row| {
            let row = row?;
            Ok(StoredEvent {
                match_id: MatchId::from_uuid(row.match_id),
                seq: codec::count(row.seq),
                at: row.at,
                event: serde_json::from_value(row.event).map_err(|error| error.to_string()),
            })
        })
        .boxed()
    }
}
