//! The command line of `play`.

use std::time::Duration;

use anyhow::{Context, ensure};
use humantime_serde::re::humantime::parse_duration;
use muster_client::core::{game::Mode, matchmaking::shipped_queues};

use crate::args::{MAX_SOCKETS, Reach};

/// Matches at once, one move a second each, and how long it takes until both players are told of a move.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub reach: Reach,
    /// How many matches are played at once, by two players each
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub matches: u32,
    /// How many further sockets are open, signed in and idle
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_SOCKETS)))]
    pub sockets: u32,
    /// For how long moves are measured
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// One of the shipped queues: its rules are what is played
    #[arg(long, default_value = "classic-casual")]
    pub queue: String,
    /// From one move of a match to its next
    #[arg(long, default_value = "1s", value_parser = parse_duration)]
    pub interval: Duration,
    /// How long all matches are played before anything is measured
    #[arg(long, default_value = "5s", value_parser = parse_duration)]
    pub warm_up: Duration,
}

impl Args {
    /// How many players there are.
    pub fn players(&self) -> u32 {
        2 * self.matches
    }

    /// Refuses what cannot be done, before anything is.
    pub fn check(&self) -> anyhow::Result<()> {
        self.reach.check(self.players() + self.sockets)?;
        self.mode()?;
        ensure!(
            (Duration::from_millis(20)..=Duration::from_secs(10)).contains(&self.interval),
            "--interval is 20ms to 10s: a turn's clock runs out after 20 s"
        );
        Ok(())
    }

    /// The rules that are played.
    pub fn mode(&self) -> anyhow::Result<Mode> {
        let queue = shipped_queues().into_iter().find(|queue| queue.name == self.queue);
        let queue = queue.with_context(|| format!("--queue {}: none of the shipped queues", self.queue))?;
        queue.mode.with_context(|| format!("--queue {}: its matches are played on servers of their own", self.queue))
    }
}
