//! The command line: `serve` (what it does without a command), `policies`, `set`, `run`, `forget`.
#![allow(clippy::print_stdout, reason = "a command line answers on stdout")]

mod policies;
mod run;

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Parser, Subcommand};
use humantime_serde::re::humantime;
use muster_core::id::PlayerId;
use muster_runtime::{CommonArgs, Loaded};
use muster_store::Store;

use crate::{forget::forget_player, policy, serve::serve, settings::Settings};

/// Retention of Muster: policies, and the jobs that let old data go.
#[derive(Debug, Parser)]
#[command(name = "muster-retention", version, about)]
pub struct Args {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plan due policies and work their jobs (the default)
    Serve,
    /// Show every policy
    Policies {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a policy; it takes effect at the next scheduled time
    Set(SetPolicy),
    /// Apply a policy now, or see what it would let go
    Run(RunPolicy),
    /// Forget what telemetry knows of a player; the account stays
    Forget(ForgetPlayer),
}

#[derive(Debug, clap::Args)]
struct SetPolicy {
    /// The policy, such as telemetry-events
    #[arg(long)]
    policy: String,
    /// How long to keep, such as 90d; a day at least
    #[arg(long, value_parser = parse_keep, required_unless_present = "enabled")]
    keep: Option<Duration>,
    /// Whether it is applied at all
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,
    /// Why, for the audit log
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
struct ForgetPlayer {
    /// The player, ply_…
    #[arg(long)]
    player: PlayerId,
    /// Why, for the audit log
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
struct RunPolicy {
    /// The policy, such as telemetry-events
    #[arg(long)]
    policy: String,
    /// Only tell what would go
    #[arg(long)]
    dry_run: bool,
    /// The report as JSON
    #[arg(long)]
    json: bool,
}

/// Does what the command line says.
///
/// # Errors
/// What went wrong, for a person.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let settings = match muster_runtime::load::<Settings>(&args.common).await? {
        Loaded::Settings(settings) => settings,
        Loaded::Exit(code) => return Ok(code),
    };
    let command = match args.command {
        Some(Command::Serve) | None => return serve(settings).await,
        Some(command) => command,
    };
    muster_runtime::install_crypto();
    let store = Store::connect(&settings.store()).await.context("could not connect to the stores")?;
    store
        .retention
        .seed_policies(&policy::shipped(muster_store::now()))
        .await
        .context("could not write the shipped policies")?;
    let code = match command {
        Command::Policies { json } => policies::show(&store, &settings, json).await,
        Command::Set(set) => policies::set(&store, set).await,
        Command::Run(run) => run::run(&store, &settings, run).await,
        Command::Forget(ForgetPlayer { player, reason }) => {
            forget_player(&store, player, &reason, muster_store::now()).await?;
            println!(
                "{player} is parted from their telemetry; jobs take personal properties out of it: now, in an hour, and in 8 days"
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve => Ok(ExitCode::SUCCESS),
    }?;
    store.close().await;
    Ok(code)
}

fn parse_keep(text: &str) -> Result<Duration, String> {
    let keep = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let allowed = policy::SHORTEST_KEEP..=policy::LONGEST_KEEP;
    if allowed.contains(&keep) {
        return Ok(keep);
    }
    Err("keep must be between one day and ten years, such as 90d".to_owned())
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
    fn a_day_is_the_least_that_is_kept() {
        assert_eq!(parse_keep("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert!(parse_keep("1h").is_err());
        assert!(parse_keep("a while").is_err());
    }
}
