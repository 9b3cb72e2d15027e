//! The command line.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use humantime_serde::re::humantime::parse_duration;
use muster_runtime::CommonArgs;

/// Checks what the platform has stored against what must be true of it. Reads only; may run at any time.
///
/// Settings are those of muster-server, read the same way; of them only the stores' addresses, the namespace and logging count.
#[derive(Debug, Parser)]
#[command(
    name = "muster-audit",
    version,
    after_help = "\
Exit code: 0 when everything holds, 1 when something does not, 2 when it could not be found out.

Examples:
  muster-audit
  muster-audit --since 24h --json
  muster-audit --only matches --only ratings
  muster-audit --calm-within 2m      after a test: wait until no match runs, then nothing may be left over"
)]
pub struct Args {
    /// Where the stores are.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Only matches made so long ago at most, and the players who play in them, e.g. 24h
    #[arg(long, value_parser = parse_duration)]
    pub since: Option<Duration>,
    /// What is younger is in motion, and not looked at
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    pub grace: Duration,
    /// Wait until no match runs and nothing is on its way, so long at most; then everything counts, and what still runs is stuck
    #[arg(long, value_parser = parse_duration, conflicts_with = "grace")]
    pub calm_within: Option<Duration>,
    /// Only these checks (may be repeated)
    #[arg(long, value_enum, value_name = "CHECK")]
    pub only: Vec<Check>,
    /// The most violations of each kind that are told one by one
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub most: u32,
}

/// A part of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Check {
    /// Every match has one outcome, and its events replay to it
    Matches,
    /// Ratings follow from the history
    Ratings,
    /// Leaderboards have what the ratings say
    Leaderboards,
    /// Telemetry tells of each match once a seat
    Telemetry,
    /// Nobody is stuck in a match or in the queue
    Stuck,
}

impl Args {
    /// Whether a check is to be made.
    pub fn wants(&self, check: Check) -> bool {
        self.only.is_empty() || self.only.contains(&check)
    }

    /// What is younger than this is not looked at.
    pub fn patience(&self) -> Duration {
        if self.calm_within.is_some() { Duration::ZERO } else { self.grace }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        let args = Args::parse_from(["muster-audit", "--only", "ratings", "--calm-within", "90s", "--json"]);
        assert!(args.wants(Check::Ratings) && !args.wants(Check::Matches));
        assert_eq!((args.patience(), args.calm_within), (Duration::ZERO, Some(Duration::from_secs(90))));
        assert_eq!(Args::parse_from(["muster-audit"]).patience(), Duration::from_secs(30));
        assert!(Args::try_parse_from(["muster-audit", "--calm-within", "9s", "--grace", "1s"]).is_err());
    }
}
