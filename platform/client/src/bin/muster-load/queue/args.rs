//! The command line of `queue`.

use std::time::Duration;

use anyhow::Context;
use humantime_serde::re::humantime::parse_duration;

use crate::args::{MAX_SOCKETS, Reach};

/// Players that queue on command, and how long they wait for an acknowledgement and for a match.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub reach: Reach,
    /// How many players, each with a socket; with --rate, 5 for each ticket a second unless said otherwise
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=i64::from(MAX_SOCKETS)))]
    pub players: Option<u32>,
    /// The queue they wait in: one of two single players, without acceptance
    #[arg(long, default_value = "classic-casual")]
    pub queue: String,
    /// Tickets a second, by the clock; without it, all players queue at one moment
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: Option<u32>,
    /// For how long, with --rate
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400), requires = "rate")]
    pub seconds: u32,
    /// So many further players queue and play before anything is measured
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub warm_up: u32,
    /// Each player says how far away the queue's regions are, one of them near
    #[arg(long)]
    pub latencies: bool,
    /// How long the last tickets may wait for a match before they count as unmatched
    #[arg(long, default_value = "15s", value_parser = parse_duration)]
    pub patience: Duration,
}

impl Args {
    /// How many players are measured.
    pub fn players(&self) -> u32 {
        let for_rate = |rate: u32| rate.saturating_mul(5).clamp(100, MAX_SOCKETS);
        self.players.unwrap_or_else(|| self.rate.map_or(1_000, for_rate))
    }

    /// Refuses what cannot be done, before anything is.
    pub fn check(&self) -> anyhow::Result<()> {
        self.reach.check(self.players() + self.warm_up)?;
        let total = u64::from(self.rate.unwrap_or_default()) * u64::from(self.seconds);
        u32::try_from(total)
            .context("that many tickets are more than this program counts; lower --rate or --seconds")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn players_follow_the_rate_unless_told() {
        let players = |words: &[&str]| Line::parse_from([&["queue"], words].concat()).args.players();
        assert_eq!(players(&[]), 1_000);
        assert_eq!(players(&["--rate", "500"]), 2_500);
        assert_eq!(players(&["--rate", "500", "--players", "40"]), 40);
    }
}
