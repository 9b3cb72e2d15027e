//! The command line.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Parser;
use humantime_serde::re::humantime::parse_duration;

/// The most players that any way of calling makes.
const MAX_PLAYERS: u32 = 200_000;
/// Open files besides the sockets.
const OTHER_FILES: u64 = 64;

/// Players that queue on command, and how long they wait for an acknowledgement and for a match.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "muster-load",
    version,
    about,
    after_help = "\
Examples:
  muster-load --players 1000                          all queue at one moment
  muster-load --rate 1000 --seconds 60                by the clock, 1,000 tickets a second
  muster-load --url http://127.0.0.1:7400 --ops-url http://127.0.0.1:7401

The platform allows so many sign-ins a second from one address: start it with
MUSTER__GATEWAY__SIGN_INS_PER_SECOND=100000, or signing in takes long."
)]
pub struct Args {
    /// Where the platform is; plain HTTP
    #[arg(long, env = "MUSTER_URL", default_value = "http://127.0.0.1:7400")]
    pub url: String,
    /// Where the server's metrics are; without it, its CPU time is not measured
    #[arg(long)]
    pub ops_url: Option<String>,
    /// How many players, each with a socket; with --rate, 5 for each ticket a second unless said otherwise
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=i64::from(MAX_PLAYERS)))]
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
    /// Which players they are, and when tickets come
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// So many further players queue and play before anything is measured
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub warm_up: u32,
    /// Each player says how far away the queue's regions are, one of them near
    #[arg(long)]
    pub latencies: bool,
    /// How long the last tickets may wait for a match before they count as unmatched
    #[arg(long, default_value = "15s", value_parser = parse_duration)]
    pub patience: Duration,
    /// How many sign in or connect at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub at_once: u16,
    /// Where the report goes; standard output when absent
    #[arg(long)]
    pub output: Option<PathBuf>,
}

impl Args {
    /// How many players are measured.
    pub fn players(&self) -> u32 {
        let for_rate = |rate: u32| rate.saturating_mul(5).clamp(100, MAX_PLAYERS);
        self.players.unwrap_or_else(|| self.rate.map_or(1_000, for_rate))
    }

    /// Refuses what cannot be done, before anything is.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.url.starts_with("https://") {
            bail!("--url {}: this program speaks plain HTTP, so that no time goes into encryption", self.url);
        }
        let needed = u64::from(self.players()) + u64::from(self.warm_up) + OTHER_FILES;
        if let Some(limit) = open_files().filter(|limit| *limit < needed) {
            bail!(
                "{} sockets need {needed} open files, and this process may have {limit}; raise it with `ulimit -n {needed}`",
                self.players()
            );
        }
        let total = u64::from(self.rate.unwrap_or_default()) * u64::from(self.seconds);
        u32::try_from(total)
            .context("that many tickets are more than this program counts; lower --rate or --seconds")?;
        Ok(())
    }
}

/// How many files this process may have open; none where the kernel does not say.
fn open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["muster-load", "--seconds", "5"]).is_err());
    }

    #[test]
    fn players_follow_the_rate_unless_told() {
        let players = |words: &[&str]| Args::parse_from([&["muster-load"], words].concat()).players();
        assert_eq!(players(&[]), 1_000);
        assert_eq!(players(&["--rate", "500"]), 2_500);
        assert_eq!(players(&["--rate", "500", "--players", "40"]), 40);
    }

    #[test]
    fn encryption_is_refused() {
        assert!(Args::parse_from(["muster-load", "--url", "https://play.example.com"]).check().is_err());
    }
}
