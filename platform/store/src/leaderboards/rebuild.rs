//! Making boards again from PostgreSQL when Redis may have lost some of them (it has none, or it has started again since they were
//! made, which may have cost it its last second), or when somebody has asked for it.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use muster_core::game::Mode;

use super::compare::Place;
use super::{Leaderboards, Standing};
use crate::Result;
use crate::script::Script;

static BEGIN: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("begin.lua")]));
static BUILD: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("put.lua"), include_str!("build.lua")]));
static FINISH: LazyLock<Script> = LazyLock::new(|| Script::new(&[include_str!("finish.lua")]));

/// Ratings of one page.
const PAGE: u32 = 1_000;
/// How long a rebuild may take over one page before another process begins one, in seconds. The slow one finds itself out.
const PATIENCE_SECS: u64 = 30;

impl Leaderboards {
    /// Makes those boards again that are not whole, unless another process is at it, and says of how many standings. Matches may
    /// settle meanwhile, and pages show the boards as they were.
    pub async fn mend(&self, now: DateTime<Utc>) -> Result<Option<u64>> {
        let run = self.redis_run().await?;
        let states = self.states_in(&run).await?;
        let modes: Vec<Mode> = states.into_iter().filter(|state| !state.whole).map(|state| state.mode).collect();
        if modes.is_empty() || !self.take_turn().await? {
            return Ok(None);
        }
        let building = format!("{:032x}", rand::random::<u128>());
        self.on_each(&BEGIN, &modes, &[&building]).await?;
        let mut place = Place::start();
        let mut standings = 0;
        loop {
            let page = self.ratings_after(place, &modes, PAGE).await?;
            let Some(last) = page.last() else { break };
            place = Place::of(last);
            standings += page.len() as u64;
            let page: Vec<Standing> = page.into_iter().map(|rating| rating.standing).collect();
            if self.put(&BUILD, Some(&building), &page).await?.contains(&false) {
                return Ok(None);
            }
            self.keep_turn().await?;
        }
        let made_at = now.timestamp_millis().to_string();
        if self.on_each(&FINISH, &modes, &[&building, &run, &made_at]).await?.contains(&false) {
            return Ok(None);
        }
        let mut end = redis::cmd("DEL");
        end.arg(self.turn()).exec_async(&mut self.redis.clone()).await?;
        Ok(Some(standings))
    }

    /// The same call for several boards.
    async fn on_each(&self, script: &Script, modes: &[Mode], arguments: &[&str]) -> Result<Vec<bool>> {
        let mut calls = script.batch(modes.len());
        for mode in modes {
            calls.call(&self.board(*mode)).arg(arguments);
        }
        calls.run(&self.redis).await
    }

    async fn take_turn(&self) -> Result<bool> {
        let mut set = redis::cmd("SET");
        set.arg(self.turn()).arg(1).arg("NX").arg("EX").arg(PATIENCE_SECS);
        let taken: Option<String> = set.query_async(&mut self.redis.clone()).await?;
        Ok(taken.is_some())
    }

    async fn keep_turn(&self) -> Result<()> {
        let mut keep = redis::cmd("EXPIRE");
        Ok(keep.arg(self.turn()).arg(PATIENCE_SECS).exec_async(&mut self.redis.clone()).await?)
    }

    fn turn(&self) -> String {
        format!("{}{{leaderboard}}:rebuilder", self.prefix)
    }
}
