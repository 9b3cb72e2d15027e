//! Parts of a board. Each costs Redis the logarithm of its size and the length of the part.

use std::sync::LazyLock;

use muster_core::game::Mode;
use muster_core::id::PlayerId;

use super::{BoardCursor, Leaderboards};
use crate::script::Script;
use crate::{Result, StoreError, codec};

static PAGE: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("page.lua")]));
static AROUND: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("around.lua")]));

/// Somebody on a board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// 1 is the best.
    pub rank: u64,
    /// Who.
    pub player_id: PlayerId,
    /// Higher is better.
    pub score: f64,
}

/// Some of a board, the best first, without a hole.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardPart {
    /// How many stand on the whole board.
    pub players: u64,
    /// The part that was asked for.
    pub ranked: Vec<Ranked>,
}

impl Leaderboards {
    /// The best of a mode, or those after a place: `first` at most, which is 1 to 100.
    pub async fn page(&self, mode: Mode, after: Option<BoardCursor>, first: u32) -> Result<BoardPart> {
        let board = self.board(mode);
        let mut call = PAGE.call(&board);
        call.arg(first.clamp(1, 100));
        if let Some(BoardCursor { score, player_id }) = after {
            call.arg(-score).arg(player_id.to_string());
        }
        part(call.invoke_async(&mut self.redis.clone()).await?)
    }

    /// Where a player stands in a mode, with up to `neighbours` (25 at most) on either side; none who never played it ranked.
    pub async fn around(&self, mode: Mode, player: PlayerId, neighbours: u32) -> Result<Option<BoardPart>> {
        let board = self.board(mode);
        let mut call = AROUND.call(&board);
        call.arg(player.to_string()).arg(neighbours.min(25));
        let found: Vec<String> = call.invoke_async(&mut self.redis.clone()).await?;
        if found.is_empty() { Ok(None) } else { part(found).map(Some) }
    }
}

/// Reads what the scripts answer: offset, size, then player and score by turns.
fn part(answer: Vec<String>) -> Result<BoardPart> {
    let short = || StoreError::corrupt("a leaderboard", "its scripts answer with two numbers first");
    let [offset, players, rest @ ..] = answer.as_slice() else { return Err(short()) };
    let offset: u64 = codec::parse("a leaderboard", offset)?;
    let ranked = (offset + 1..)
        .zip(rest.chunks_exact(2))
        .map(|(rank, of)| {
            let turned: f64 = codec::parse("a score", &of[1])?;
            Ok(Ranked { rank, player_id: codec::parse("a leaderboard", &of[0])?, score: -turned })
        })
        .collect::<Result<_>>()?;
    Ok(BoardPart { players: codec::parse("a leaderboard", players)?, ranked })
}
