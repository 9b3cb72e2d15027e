//! `kubectl muster`: Muster's resources for the person who looks after them.
//!
//! - One file a command: [`status`], [`drain`], [`undrain`], [`rotate`], [`scale`], [`why`], [`report`], [`logs`].
//! - `cluster`: which API server, which namespace. `find`: resources by name. `subject`: one of the three kinds.
//! - `standing`: whether a resource is as it should be. `follow`: waiting, until a time is over or somebody presses Ctrl-C.
//! - `screen`, `table`, `time`: how it is shown. `roles`: on the command line. `problem`: what went wrong, and
//!   what to do. `exit`: how a command ends.
//!
//! Everything goes through the fields and annotations that the operator reconciles; nothing here needs the operator itself.

mod cluster;
mod drain;
mod exit;
mod find;
mod follow;
mod logs;
mod problem;
mod report;
mod roles;
mod rotate;
mod scale;
mod screen;
mod standing;
mod status;
mod subject;
mod table;
mod time;
mod undrain;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use self::{cluster::Connection, exit::Exit, problem::Problem, screen::Screen};

/// The name under which these commands own the fields that they set.
const FIELD_MANAGER: &str = "kubectl-muster";

/// Look after Muster's regions, autoscalers and secret rotations.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-muster",
    bin_name = "kubectl muster",
    version,
    after_help = "\
First time here:
  kubectl muster status -A                    everything at a glance
  kubectl muster why region/eu-west           why it is not Ready, and what to do
  kubectl muster drain eu-west                let no player in, play matches to their end, stop
  kubectl muster undrain eu-west              take players again
  kubectl muster scale eu-west gateway 6      six gateways
  kubectl muster rotate signing-key           a new version of a secret now
  kubectl muster logs eu-west gateway -f      what its gateways write
  kubectl muster report -A                    a zip for support, without secrets

Exit codes: 0 done, or everything Ready; 1 not Ready, not done in time, or refused; 2 it cannot be told (no cluster, not \
allowed, not there, a wrong argument); 3 a resource is stored that cannot be read; 130 Ctrl-C.

Results go to standard output, progress and problems to standard error, so that `-o json` can be piped.
NO_COLOR turns colours off; they are used on terminals only."
)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Print the result as JSON
    #[arg(long, short, global = true, value_name = "FORMAT", help_heading = "Result")]
    output: Option<Output>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything at a glance; the exit code says whether all of it is Ready
    Status(status::Arguments),
    /// Let no player into a region, play its matches to their end, and stop it
    Drain(drain::Arguments),
    /// Let a draining region take players again
    Undrain(undrain::Arguments),
    /// Replace a secret now, or go back to the version before
    Rotate(rotate::Arguments),
    /// Set how many processes of a role a region runs
    Scale(scale::Arguments),
    /// Why a resource is not Ready: conditions, pods and events down to the cause, and what to do
    Why(why::Arguments),
    /// Write a zip for support: resources, events, versions, logs; secrets are left out
    Report(report::Arguments),
    /// What the processes of a region write
    Logs(logs::Arguments),
}

/// Does what the command line says.
pub async fn run(args: Args) -> ExitCode {
    muster_runtime::install_crypto();
    let screen = Screen::new(args.output.is_some());
    let done = command(&args, &screen).await;
    let exit = done.unwrap_or_else(|problem| {
        screen.problem(&problem);
        problem.exit
    });
    exit.into()
}

async fn command(args: &Args, screen: &Screen) -> Result<Exit, Problem> {
    let connection = &args.connection;
    match &args.command {
        Command::Status(arguments) => status::run(&connection.open().await?, screen, arguments).await,
        Command::Drain(arguments) => drain::run(&connection.open().await?, screen, arguments).await,
        Command::Undrain(arguments) => undrain::run(&connection.open().await?, screen, arguments).await,
        Command::Rotate(arguments) => rotate::run(&connection.open().await?, screen, arguments).await,
        Command::Scale(arguments) => scale::run(&connection.open().await?, screen, arguments).await,
        Command::Why(arguments) => why::run(&connection.open().await?, screen, arguments).await,
        Command::Report(arguments) => report::run(&connection.open().await?, screen, arguments).await,
        // A log that is followed may be silent for hours.
        Command::Logs(arguments) => logs::run(&connection.open_patiently().await?, screen, arguments).await,
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
    fn every_command_teaches_by_examples() {
        for command in Args::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("  kubectl muster {} ", command.get_name());
            assert!(help.contains(&example), "{} has no example", command.get_name());
        }
    }
}
