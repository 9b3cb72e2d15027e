//! The commands and what they say about themselves.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    bench, chaos, fuzz, interrupt, load, manifests,
    paths::Paths,
    platform::{self, Options, down, logs, reset, status, telemetry},
    schemas, setup, sqlx,
    steps::Steps,
    test, wasm,
};

/// Runs, tests and maintains Muster. It installs what it needs and says so first.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "\
First time here:
  cargo xtask up                 everything, with 20 players who play; Ctrl-C stops it
  cargo xtask up --detach        the same in the background
  cargo xtask status             what runs, and where to look
  cargo xtask logs server -f     follow one log
  cargo xtask down               stop; data stay
  cargo xtask telemetry replay   dead letters on their way again, by filter, with progress
  cargo xtask test --fast        checks that need no services, before a commit
  cargo xtask test               all checks, as CI runs them
  cargo xtask bench matchmaking  how fast the engine is
  cargo xtask load queue         how fast a whole platform makes matches, through real sockets
  cargo xtask load play          how fast it tells of moves, and what matches and sockets cost
  cargo xtask load ingest        how many events it takes and stores
  cargo xtask fuzz ingest        whether its parser of events bears whatever comes
  cargo xtask chaos              whether it keeps its promises while it is being broken

Services of your own are used instead of private ones when their URLs are set:
  MUSTER__POSTGRES__URL  MUSTER__REDIS__URL  MUSTER__NATS__URL  MUSTER__SECRETS__VAULT__ADDRESS (and __TOKEN)
Other MUSTER__SECTION__KEY settings reach the process that has them.

Everything lives in .muster/: data/, logs/, state.json, cache/. MUSTER_CACHE_DIR moves the cache, which clones may share."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up what is missing, start services, Muster and 20 bots, print where to look
    #[command(after_help = "\
Examples:
  cargo xtask up
  cargo xtask up --detach --no-bots
  cargo xtask up --release
  cargo xtask up --services docker
  MUSTER__POSTGRES__URL=postgres://me@localhost/muster cargo xtask up

Run it again at any time: it goes on from what an earlier run left, finished or not.")]
    Up {
        #[command(flatten)]
        run: RunArguments,
        /// Come back once everything is up, and leave it running
        #[arg(long)]
        detach: bool,
    },
    /// Stop everything `up` started; data stay
    Down,
    /// What runs, where, and whether it is ready
    Status {
        /// For programs; the same as .muster/state.json
        #[arg(long)]
        json: bool,
    },
    /// The end of the logs of one process, or of all
    #[command(
        after_help = "Examples:\n  cargo xtask logs\n  cargo xtask logs server -f\n  cargo xtask logs postgres -n 200"
    )]
    Logs {
        /// server, graphql, dashboard, retention, bots, postgres, redis, nats, openbao, up, build …
        process: Option<String>,
        /// Go on with what is written from now on
        #[arg(long, short)]
        follow: bool,
        /// How many lines of each
        #[arg(long, short = 'n', default_value_t = 40)]
        lines: usize,
    },
    /// Event types, quarantine, dead letters and recounts of the platform that is up: `muster-server telemetry` with its settings
    #[command(
        disable_help_flag = true,
        after_help = "Examples:\n  cargo xtask telemetry --help\n  cargo xtask telemetry dead-letters --kind level.done\n  \
                      cargo xtask telemetry replay --kind level.done --reason \"the type is mended\" --json\n  \
                      cargo xtask telemetry recount"
    )]
    Telemetry {
        /// As `muster-server telemetry` takes them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Remove all data of this workspace's Muster; asks first
    Reset {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// The cache too: the services' root, OpenBao, WebAssembly builds
        #[arg(long)]
        all: bool,
    },
    /// All checks, each with a line and its time; the last line is `N passed, N failed, N skipped`
    #[command(after_help = "\
Examples:
  cargo xtask test
  cargo xtask test --fast
  cargo xtask test --list
  cargo xtask test --only clippy --only schemas
  cargo xtask test --only tests -- -p muster-store --test it leases")]
    Test {
        /// Skip what needs services, a browser or WebAssembly
        #[arg(long)]
        fast: bool,
        /// Only this part (may be repeated)
        #[arg(long, value_name = "PART", conflicts_with = "fast")]
        only: Vec<test::Part>,
        /// Say which parts there are
        #[arg(long)]
        list: bool,
        /// Passed on to `cargo test` by the part `tests`
        #[arg(last = true)]
        cargo_test: Vec<String>,
    },
    /// Measure code by itself
    Bench {
        #[command(subcommand)]
        what: BenchCommand,
    },
    /// Measure a whole platform, started for it
    Load {
        #[command(subcommand)]
        what: LoadCommand,
    },
    /// Break a whole platform, started for it, while bots play on it; then audit everything it stored
    #[command(after_help = "\
Examples:
  cargo xtask chaos                                a minute of faults
  cargo xtask chaos --minutes 10 --seed 7
  cargo xtask chaos --minutes 10 --json > chaos.json

It starts PostgreSQL, Redis, NATS and eight muster-servers of its own (two of each role), with fresh data that are removed \
afterwards, and bots behind a balancer. On a schedule that follows from the seed it kills, pauses (longer than leases) and \
drains processes, kills the services (their data stay), and cuts and silences connections. Then all is healed, the last \
matches end, and muster-audit checks what is stored: one outcome a match, events that replay to it, ratings that follow from \
the history, telemetry told once, nobody stuck. Anything that does not hold is exit code 1. Its logs are in .muster/logs/chaos/.")]
    Chaos(chaos::Arguments),
    /// Hostile input against a parser, for as long as it is told to
    Fuzz {
        #[command(subcommand)]
        what: FuzzCommand,
    },
    /// Install everything that `up` and `test` need, and do nothing else
    Setup,
    /// Write OpenAPI, the socket's message schema, schema.graphql, the error catalogue and the CRDs; then what `manifests` writes
    Schemas,
    /// Write operator/crds.yaml; then what `manifests` writes
    Crds,
    /// Write the Helm chart's copies of definitions, roles, alerts and dashboards, and ops/deploy/manifests rendered from it
    Manifests,
    /// Renew .sqlx, by which queries are checked without a database
    Sqlx,
    /// Build the dashboard's WebAssembly and the files it is served with
    Wasm {
        /// Small and slow to build, as it is shipped
        #[arg(long)]
        release: bool,
    },
    /// What `up --detach` starts
    #[command(hide = true)]
    Supervise {
        #[command(flatten)]
        run: RunArguments,
    },
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// The matchmaking engine: inserts, passes, explanations; median nanoseconds by case
    #[command(after_help = "\
Examples:
  cargo xtask bench matchmaking
  cargo xtask bench matchmaking --json > bench.json
  cargo xtask bench matchmaking --case insert --case pass_5000_region_window

It builds in release mode and takes about two minutes after that; nothing else should run meanwhile. Pools come from a \
seed, so every run measures the same work. Every match is checked by a naive reading of the rules before anything is \
measured: a broken rule is exit code 1. What each case is: docs/benchmarks.md.")]
    Matchmaking(bench::Arguments),
    /// The questions of staff over 30 days of events: how long each takes, p50 and p95
    #[command(after_help = "\
Examples:
  cargo xtask bench questions
  cargo xtask bench questions --events 50000000 --json > questions.json

It builds in release mode, starts services of its own, makes players from a seed, and asks each question 40 times. \
Fifty million events take some minutes and about a gigabyte, which is gone afterwards.")]
    Questions(bench::questions::Arguments),
    /// The operator against a real API server: until a Region is ready, writes at rest, a restart with 1,000 Regions, memory
    #[command(after_help = "\
Examples:
  cargo xtask bench operator
  cargo xtask bench operator --json > operator.json

It builds in release mode, starts etcd and kube-apiserver of its own from KUBEBUILDER_ASSETS, and takes some minutes. A bar \
that is missed is exit code 1, and the last line names it. What each figure is: docs/benchmarks.md.")]
    Operator(bench::operator::Arguments),
}

#[derive(Debug, Subcommand)]
enum LoadCommand {
    /// Players who queue through real sockets: how long until the acknowledgement, and until the match
    #[command(after_help = "\
Examples:
  cargo xtask load queue                              1,000 players at one moment
  cargo xtask load queue --players 1000 --json > load.json
  cargo xtask load queue --rate 1000 --seconds 60     1,000 tickets a second, by the clock
  MUSTER__MATCHMAKER__TICK=50ms cargo xtask load queue

It builds in release mode and starts PostgreSQL, Redis, NATS, OpenBao and one muster-server of its own, on free ports, \
with fresh data that are written as carefully as those of `up` and removed afterwards. A Muster that is up already is not \
touched, but should be down, since it wants the same processors.

With --rate, a player of each match leaves it so that both can queue again, and that work is in the figures; with as many \
players as tickets nobody has to. Every match is checked; a broken rule is exit code 1. What each figure is: \
docs/benchmarks.md. The generator by itself, against any platform: target/release/muster-load --help.")]
    Queue(load::QueueArguments),
    /// Matches at once, a move a second each, among idle sockets: how long until both players are told, what sockets cost
    #[command(after_help = "\
Examples:
  cargo xtask load play                               1,000 matches, 10,000 idle sockets, one minute
  cargo xtask load play --matches 1000 --sockets 10000 --json > load.json
  cargo xtask load play --matches 100 --sockets 0 --seconds 20

It builds in release mode and starts a platform of its own, as `load queue` does. All players and idle sockets sign in first; \
with 12,000 that takes a minute or two. Every socket is an open file, here and in the server: the soft limit is raised by \
itself, and when the hard one is too low it says so.

Both players' pushes are compared event by event, and afterwards with the platform's own log; a broken rule is exit code 1. \
What each figure is: docs/benchmarks.md.")]
    Play(load::PlayArguments),
    /// Events over HTTP: how many a second are taken, and stored with their rollups
    #[command(after_help = "\
Examples:
  cargo xtask load ingest                             as many as are taken, for a minute
  cargo xtask load ingest --seconds 60 --rate 40000 --json > load.json
  cargo xtask load ingest --kill                      everything that an event passes is killed meanwhile

It builds in release mode and starts a platform of its own, as `load queue` does; with --kill, one of eight processes, as \
`chaos` does. Every batch is sent until it is acknowledged. At the end what is stored is compared with what was acknowledged, \
by count and by checksums of the ids, and every rollup with a recount of the events: an event that is lost or stored twice, or \
a rollup that differs, is exit code 1. What each figure is: docs/benchmarks.md.")]
    Ingest(load::IngestArguments),
}

#[derive(Debug, Subcommand)]
enum FuzzCommand {
    /// Bodies of event batches: broken, cut, packed, half packed, too large, too deep
    #[command(after_help = "\
Examples:
  cargo xtask fuzz ingest
  cargo xtask fuzz ingest --minutes 60 --seed 7
  cargo xtask fuzz ingest --seed 7 --body 123456     a finding, again

It builds in release mode, needs no services, and keeps all processors busy. It prints how many bodies there were and how far \
they came. A body that panics, breaks a bound or takes seconds is a finding: exit code 1.")]
    Ingest(fuzz::Arguments),
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Nobody plays
    #[arg(long)]
    no_bots: bool,
    /// Optimised builds
    #[arg(long)]
    release: bool,
    /// Where PostgreSQL, Redis, NATS and OpenBao come from
    #[arg(long, value_enum, default_value_t)]
    services: ServiceSource,
}

impl RunArguments {
    fn options(&self) -> Options {
        Options { release: self.release, bots: !self.no_bots, services: self.services, background: false }
    }
}

/// Where services come from, unless they are given by URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ServiceSource {
    /// Started here, on free ports, without Docker
    #[default]
    Private,
    /// Docker Compose, from ops/deploy/compose.yaml
    Docker,
}

/// Does what was asked.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    interrupt::install()?;
    let paths = Paths::find()?;
    match arguments.command {
        Command::Up { run, detach } => platform::up(&paths, run.options(), detach),
        Command::Supervise { run } => platform::supervise(&paths, run.options()),
        Command::Down => down::command(&paths),
        Command::Status { json } => status::command(&paths, json),
        Command::Logs { process, follow, lines } => logs::command(&paths, process.as_deref(), lines, follow),
        Command::Telemetry { arguments } => telemetry::command(&paths, &arguments),
        Command::Reset { yes, all } => reset::command(&paths, yes, all),
        Command::Test { list: true, .. } => Ok(test::list()),
        Command::Test { fast, only, cargo_test, .. } => {
            test::command(&paths, &test::Selection { fast, only, cargo_test })
        }
        Command::Bench { what: BenchCommand::Matchmaking(arguments) } => bench::matchmaking(&paths, &arguments),
        Command::Bench { what: BenchCommand::Questions(arguments) } => bench::questions::questions(&paths, &arguments),
        Command::Bench { what: BenchCommand::Operator(arguments) } => bench::operator::operator(&paths, &arguments),
        Command::Load { what: LoadCommand::Queue(arguments) } => load::queue(&paths, &arguments),
        Command::Load { what: LoadCommand::Ingest(arguments) } => load::ingest(&paths, &arguments),
        Command::Load { what: LoadCommand::Play(arguments) } => load::play(&paths, &arguments),
        Command::Chaos(arguments) => chaos::command(&paths, &arguments),
        Command::Fuzz { what: FuzzCommand::Ingest(arguments) } => fuzz::ingest(&paths, &arguments),
        Command::Setup => setup::command(&paths).map(|()| ExitCode::SUCCESS),
        Command::Schemas => {
            schemas::write(&paths, &schemas::ALL).and_then(|()| manifests::write(&paths)).map(|()| ExitCode::SUCCESS)
        }
        Command::Crds => schemas::write(&paths, &schemas::ONLY_CRDS)
            .and_then(|()| manifests::write(&paths))
            .map(|()| ExitCode::SUCCESS),
        Command::Manifests => manifests::write(&paths).map(|()| ExitCode::SUCCESS),
        Command::Sqlx => sqlx::command(&paths).map(|()| ExitCode::SUCCESS),
        Command::Wasm { release } => {
            let steps = Steps::new();
            let tools = setup::ensure(&steps, &paths, setup::Wanted { wasm: true, ..setup::Wanted::default() })?;
            if let Some(toolchain) = &tools.wasm {
                wasm::build(&steps, &paths, toolchain, release)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        for words in [
            "x up --detach --no-bots --release --services docker",
            "x logs server -f -n 5",
            "x test --only tests -- -p muster-store leases",
            "x telemetry replay --kind level.done --reason mended --json",
            "x telemetry --help",
            "x reset --yes",
            "x supervise --no-bots",
            "x bench matchmaking --json --case insert --case pass_1000_4to10",
            "x chaos --minutes 10 --seed 7 --json",
            "x load queue --players 1000 --json",
            "x load queue --rate 1000 --seconds 60 --seed 7",
            "x load ingest --seconds 60 --rate 40000 --json",
            "x load ingest --kill",
            "x fuzz ingest --minutes 10 --seed 7 --body 3",
            "x load play --matches 1000 --sockets 10000 --seconds 60 --json",
        ] {
            Arguments::try_parse_from(words.split(' ')).unwrap();
        }
        assert!(Arguments::try_parse_from(["x", "test", "--fast", "--only", "fmt"]).is_err());
        assert!(Arguments::try_parse_from(["x", "bench", "matchmaking", "--case", "pass"]).is_err());
    }
}
