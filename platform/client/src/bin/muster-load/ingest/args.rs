//! The command line of `ingest`.

use std::time::Duration;

use anyhow::ensure;
use humantime_serde::re::humantime::parse_duration;

use crate::args::Reach;

/// Events over HTTP, each batch until it is acknowledged.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub reach: Reach,
    /// How long events are sent
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// Events a second, by the clock; without it, as many as are taken
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
    /// How many players tell of events, each in a session of its own
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub players: u32,
    /// How many requests are under way at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub senders: u16,
    /// Events of a request
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub batch: u16,
    /// Bytes of an event, as JSON
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u16).range(400..=8_192))]
    pub bytes: u16,
    /// What the events are; the platform has to know the kind
    #[arg(long, default_value = "load.step")]
    pub kind: String,
    /// How long a batch is sent again and again before the run has failed; and how long the last events may take to be stored
    #[arg(long, default_value = "120s", value_parser = parse_duration)]
    pub patience: Duration,
}

impl Args {
    /// Refuses what cannot be done, before anything is.
    pub fn check(&self) -> anyhow::Result<()> {
        let body = u64::from(self.batch) * u64::from(self.bytes);
        ensure!(body <= 1_000_000, "--batch and --bytes: a request has 1 MiB at most, and this would be {body} bytes");
        self.reach.check(self.senders.into())
    }
}
