//! Who stands where: a board a mode, in Redis, made of the ratings in PostgreSQL, which are the truth.
//!
//! A player's score is [`Rating::floor`]: what they are worth almost certainly. The best stands first; players of the same score
//! stand in the order of their ids, so that everybody has a rank of their own and a page goes on where the last one ended.
//!
//! Every standing is written with the number of matches that its rating follows from, and never over one of a later match. So it
//! may be told twice, late, or beside a rebuild, and the board is the same.
//!
//! A board that may have lost something is built again beside the old one, from all of PostgreSQL's ratings, and takes its place
//! when it is whole. What matches move meanwhile is written to both: a rating that was there when the building began is read by
//! it, and one that came later finds it begun.
//!
//! | key after `<prefix>` | type | holds |
//! | --- | --- | --- |
//! | `{leaderboard:<mode>}` | sorted set | players by their score with the sign turned, so that the best comes first and ties go by id |
//! | `{leaderboard:<mode>}:versions` | hash | matches by player |
//! | `{leaderboard:<mode>}:next`, `…:next:versions` | the same | the board that is being built |
//! | `{leaderboard:<mode>}:state` | hash | `whole`: the run of Redis in which it was made; `made_at`, in ms; `building`: the rebuild that is at it |
//! | `{leaderboard}:rebuilder` | text | somebody rebuilds; gone with the rebuild, or after 30 s without a page |

mod compare;
mod cursor;
mod read;
mod rebuild;
mod state;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use muster_core::game::Mode;
use muster_core::id::PlayerId;
use muster_core::rating::Rating;
use redis::aio::ConnectionManager;
use sqlx::PgPool;
use uuid::Uuid;

use crate::script::Script;
use crate::{Result, codec};

pub use compare::{BoardRating, BoardWalk};
pub use cursor::{BoardCursor, InvalidBoardCursor};
pub use read::{BoardPart, Ranked};
pub use state::BoardState;

static RECORD: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("put.lua"), include_str!("record.lua")]));

/// Standings of one call of a script: each call keeps Redis from other work.
const AT_ONCE: usize = 500;

/// What a board is told of a player.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Which board.
    pub mode: Mode,
    /// Who.
    pub player_id: PlayerId,
    /// Higher is better; finite.
    pub score: f64,
    /// Ranked matches that it follows from: of two standings the one of more matches counts.
    pub version: u32,
}

/// Handle on the leaderboards.
#[derive(Clone)]
pub struct Leaderboards {
    postgres: PgPool,
    redis: ConnectionManager,
    prefix: String,
}

impl Leaderboards {
    pub(crate) fn new(postgres: PgPool, redis: ConnectionManager, prefix: String) -> Self {
        Self { postgres, redis, prefix }
    }

    /// Brings these players to where their ratings are, in every mode that they have played. To be called once their ratings have
    /// moved; again does no harm.
    pub async fn follow(&self, players: &[PlayerId]) -> Result<()> {
        let ratings = self.ratings_of(players).await?;
        self.record(&ratings.into_iter().map(|rating| rating.standing).collect::<Vec<_>>()).await
    }

    /// Puts these standings on their boards, in one round trip, each unless the board knows one of a later match.
    pub async fn record(&self, standings: &[Standing]) -> Result<()> {
        self.put(&RECORD, None, standings).await.map(drop)
    }

    /// What a script answers that puts standings on boards: whether it did, for each call of it.
    async fn put(&self, script: &Script, first: Option<&str>, standings: &[Standing]) -> Result<Vec<bool>> {
        if standings.is_empty() {
            return Ok(Vec::new());
        }
        let mut boards: BTreeMap<Mode, Vec<&Standing>> = BTreeMap::new();
        for standing in standings {
            boards.entry(standing.mode).or_default().push(standing);
        }
        let mut calls = script.batch(boards.len());
        for (mode, standings) in &boards {
            for some in standings.chunks(AT_ONCE) {
                let call = calls.call(&self.board(*mode));
                call.arg(first);
                for standing in some {
                    call.arg(standing.player_id.to_string()).arg(-standing.score).arg(standing.version);
                }
            }
        }
        calls.run(&self.redis).await
    }

    fn board(&self, mode: Mode) -> String {
        format!("{}{{leaderboard:{mode}}}", self.prefix)
    }
}

fn standing(player: Uuid, mode: &str, points: f64, deviation: f64, matches: i32) -> Result<Standing> {
    Ok(Standing {
        mode: codec::parse("a rating's mode", mode)?,
        player_id: PlayerId::from_uuid(player),
        score: Rating { points, deviation }.floor(),
        version: codec::small(matches),
    })
}
