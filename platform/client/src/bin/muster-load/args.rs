//! The command line: what is loaded, and where the platform is.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Parser, Subcommand};

use crate::{ingest, open_files, play, queue};

/// The most sockets that any way of calling opens.
pub const MAX_SOCKETS: u32 = 200_000;

/// Puts a platform under a known load, and says how it bore it.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "muster-load",
    version,
    about,
    after_help = "\
Examples:
  muster-load queue --players 1000                    all queue at one moment
  muster-load queue --rate 1000 --seconds 60          by the clock, 1,000 tickets a second
  muster-load play --matches 1000 --sockets 10000     1,000 matches at once, 10,000 idle sockets beside
  muster-load ingest --seconds 60 --rate 40000        events over HTTP, 40,000 a second
  muster-load queue --url http://127.0.0.1:7400 --ops-url http://127.0.0.1:7401

The platform allows so many sign-ins a second from one address: start it with
MUSTER__GATEWAY__SIGN_INS_PER_SECOND=100000, or signing in takes long."
)]
pub struct Args {
    /// What is done.
    #[command(subcommand)]
    pub load: Load,
}

/// What is done.
#[derive(Debug, Clone, Subcommand)]
pub enum Load {
    /// Players that queue on command, and how long they wait for an acknowledgement and for a match
    Queue(queue::Args),
    /// Matches at once, one move a second each, and how long it takes until both players are told of a move
    Play(play::Args),
    /// Events over HTTP, each batch until it is acknowledged, and how many are taken and stored
    Ingest(ingest::Args),
}

/// Where the platform is, who comes to it, and where the report goes.
#[derive(Debug, Clone, clap::Args)]
pub struct Reach {
    /// Where the platform is; plain HTTP
    #[arg(long, env = "MUSTER_URL", default_value = "http://127.0.0.1:7400")]
    pub url: String,
    /// Where the server's metrics are; without it, its CPU time and memory are not measured
    #[arg(long)]
    pub ops_url: Option<String>,
    /// Which players they are, and when they do something
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many sign in or connect at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub at_once: u16,
    /// Where the report goes; standard output when absent
    #[arg(long)]
    pub output: Option<PathBuf>,
}

impl Reach {
    /// Refuses what cannot be done, before anything is; makes room for so many sockets.
    pub fn check(&self, sockets: u32) -> anyhow::Result<()> {
        if self.url.starts_with("https://") {
            bail!("--url {}: this program speaks plain HTTP, so that no time goes into encryption", self.url);
        }
        open_files::allow(sockets)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["muster-load"]).is_err());
        assert!(Args::try_parse_from(["muster-load", "queue", "--seconds", "5"]).is_err());
        assert!(Args::try_parse_from(["muster-load", "play", "--matches", "0"]).is_err());
        assert!(Args::try_parse_from(["muster-load", "play", "--sockets", "0", "--seconds", "5"]).is_ok());
    }

    #[test]
    fn encryption_is_refused() {
        let Load::Queue(args) = Args::parse_from(["muster-load", "queue", "--url", "https://play.example.com"]).load
        else {
            unreachable!()
        };
        assert!(args.check().is_err());
    }
}
