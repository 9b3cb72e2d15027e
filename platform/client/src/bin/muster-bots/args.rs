//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use humantime_serde::re::humantime::parse_duration;

/// Players that sign in, queue and play until told to stop.
#[derive(Debug, Parser)]
#[command(name = "muster-bots", version, about)]
pub struct Args {
    /// Where the platform is
    #[arg(long, env = "MUSTER_URL", default_value = "http://127.0.0.1:7400")]
    pub url: String,
    /// How many bots
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: u32,
    /// Which bots: their accounts, habits and thinking follow from it
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The queues they wait in, by comma; bots are dealt to them in turn, two at a time
    #[arg(long = "queue", value_delimiter = ',', default_value = "classic-ranked")]
    pub queues: Vec<String>,
    /// How long a bot thinks per move on average, e.g. 300ms
    #[arg(long, default_value = "300ms", value_parser = parse_duration)]
    pub move_delay: Duration,
    /// Stop after so many matches; without it, at Ctrl-C
    #[arg(long)]
    pub matches: Option<u64>,
    /// How long running matches may go on once told to stop
    #[arg(long, default_value = "20s", value_parser = parse_duration)]
    pub grace: Duration,
    /// About how often a bot lets go of its connection without a word, to come back through a new one a moment later
    #[arg(long, value_parser = parse_duration)]
    pub drop_every: Option<Duration>,
    /// After each match: compare what the bot was told with what the platform stored, and recompute the dice
    #[arg(long)]
    pub check: bool,
    /// Where to write at the end what was played, and what --check found, as JSON; something found is exit code 1
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

impl Args {
    /// The queue of bot `index`. Neighbours share one, so that an even crew leaves nobody without an opponent.
    pub fn queue_of(&self, index: u32) -> &str {
        let pair = usize::try_from(index / 2).unwrap_or(0);
        self.queues.get(pair % self.queues.len().max(1)).map_or("classic-ranked", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn bots_are_dealt_to_queues_in_pairs() {
        let args =
            Args::parse_from(["muster-bots", "--queue", "classic-ranked,true-grit-casual", "--move-delay", "50ms"]);
        let dealt: Vec<&str> = (0..6).map(|index| args.queue_of(index)).collect();
        assert_eq!(
            dealt,
            [
                "classic-ranked",
                "classic-ranked",
                "true-grit-casual",
                "true-grit-casual",
                "classic-ranked",
                "classic-ranked"
            ]
        );
        assert_eq!(args.move_delay, Duration::from_millis(50));
    }
}
