//! The commands and what they say about themselves.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    interrupt,
    paths::Paths,
    platform::{self, Options, down, logs, reset, status},
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
  cargo xtask test --fast        checks that need no services, before a commit
  cargo xtask test               all checks, as CI runs them

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
    /// Install everything that `up` and `test` need, and do nothing else
    Setup,
    /// Write OpenAPI, the socket's message schema, schema.graphql, the error catalogue and the CRDs
    Schemas,
    /// Write operator/crds.yaml
    Crds,
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
        Command::Reset { yes, all } => reset::command(&paths, yes, all),
        Command::Test { list: true, .. } => Ok(test::list()),
        Command::Test { fast, only, cargo_test, .. } => {
            test::command(&paths, &test::Selection { fast, only, cargo_test })
        }
        Command::Setup => setup::command(&paths).map(|()| ExitCode::SUCCESS),
        Command::Schemas => schemas::write(&paths, &schemas::ALL).map(|()| ExitCode::SUCCESS),
        Command::Crds => schemas::write(&paths, &schemas::ONLY_CRDS).map(|()| ExitCode::SUCCESS),
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
            "x reset --yes",
            "x supervise --no-bots",
        ] {
            Arguments::try_parse_from(words.split(' ')).unwrap();
        }
        assert!(Arguments::try_parse_from(["x", "test", "--fast", "--only", "fmt"]).is_err());
    }
}
