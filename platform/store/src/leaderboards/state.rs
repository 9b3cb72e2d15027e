//! How a board is, and asking for another.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::game::Mode;

use super::Leaderboards;
use crate::script::Script;
use crate::{Result, StoreError};

static STATE: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("state.lua")]));

/// How a board is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardState {
    /// Which.
    pub mode: Mode,
    /// Whether it has all that PostgreSQL has. If not, a referee makes it again within seconds.
    pub whole: bool,
    /// Whether one is being built to take its place.
    pub building: bool,
    /// When it was made from PostgreSQL last; none when it never was, or Redis has lost it.
    pub made_at: Option<DateTime<Utc>>,
}

impl Leaderboards {
    /// How the boards are, in the order of the modes.
    pub async fn states(&self) -> Result<Vec<BoardState>> {
        let run = self.redis_run().await?;
        self.states_in(&run).await
    }

    /// Asks for a board to be made again from PostgreSQL, though nothing of it was lost. A referee does it within seconds; until then
    /// the board is read as it is.
    pub async fn ask_rebuild(&self, mode: Mode) -> Result<()> {
        let mut ask = redis::cmd("HDEL");
        ask.arg(self.board(mode) + ":state").arg("whole");
        Ok(ask.exec_async(&mut self.redis.clone()).await?)
    }

    pub(super) async fn states_in(&self, run: &str) -> Result<Vec<BoardState>> {
        let boards: Vec<String> = Mode::ALL.iter().map(|mode| self.board(*mode)).collect();
        let states: Vec<(bool, bool, Option<i64>)> = STATE.for_each(&boards, run, &self.redis).await?;
        let states = Mode::ALL.into_iter().zip(states);
        Ok(states
            .map(|(mode, (whole, building, made_at))| {
                let made_at = made_at.and_then(DateTime::from_timestamp_millis);
                BoardState { mode, whole, building, made_at }
            })
            .collect())
    }

    /// What tells this run of Redis from every other: one that has started again may have forgotten its last second.
    pub(super) async fn redis_run(&self) -> Result<String> {
        let info: redis::InfoDict = redis::cmd("INFO").arg("server").query_async(&mut self.redis.clone()).await?;
        info.get("run_id").ok_or_else(|| StoreError::corrupt("Redis' INFO", "it has no run_id"))
    }
}
