//! The command line: `serve` (what it does without a command), `schema`, `staff add`.
#![allow(clippy::print_stdout, reason = "a command line answers on stdout")]

use std::{
    io::{BufRead, stdin},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use muster_core::id::StaffId;
use muster_runtime::{CommonArgs, Loaded};
use muster_store::{Actor, NewStaff, StaffError, StaffRole, Store};
use secrecy::SecretString;

use crate::{auth::hash_password, schema, serve::serve, settings::Settings};

/// The staff API of Muster.
#[derive(Debug, Parser)]
#[command(name = "muster-graphql", version, about)]
pub struct Args {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the staff API (the default)
    Serve,
    /// Print the schema in GraphQL's own language
    Schema,
    /// Staff accounts
    #[command(subcommand)]
    Staff(StaffCommand),
}

#[derive(Debug, Subcommand)]
enum StaffCommand {
    /// Add an account, or give an existing one a new password and enable it; its sessions end
    Add(AddStaff),
}

#[derive(Debug, clap::Args)]
struct AddStaff {
    /// The address they sign in with
    #[arg(long, value_parser = parse_email)]
    email: String,
    /// viewer, support, operator or admin
    #[arg(long, value_parser = parse_role)]
    role: StaffRole,
    /// How they are called [default: the e-mail address up to its @]
    #[arg(long)]
    display_name: Option<String>,
    /// Read the password, 12 characters or more, from the first line of stdin
    #[arg(long, required = true)]
    password_stdin: bool,
}

/// Does what the command line says.
///
/// # Errors
/// What went wrong, for a person.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some(Command::Schema) = args.command {
        print!("{}", schema::sdl());
        return Ok(ExitCode::SUCCESS);
    }
    let settings = match muster_runtime::load::<Settings>(&args.common).await? {
        Loaded::Settings(settings) => settings,
        Loaded::Exit(code) => return Ok(code),
    };
    match args.command {
        Some(Command::Staff(StaffCommand::Add(add))) => add_staff(&settings, add).await,
        Some(Command::Serve | Command::Schema) | None => serve(settings).await,
    }
}

async fn add_staff(settings: &Settings, add: AddStaff) -> anyhow::Result<ExitCode> {
    let mut line = String::new();
    stdin().lock().read_line(&mut line).context("could not read the password from stdin")?;
    let password = SecretString::from(line.trim_end_matches(['\r', '\n']));
    let password_hash = hash_password(&password)?;

    muster_runtime::install_crypto();
    let store = Store::connect(&settings.store()).await.context("could not connect to the stores")?;
    let display_name = add.display_name.unwrap_or_else(|| add.email.split('@').next().unwrap_or_default().to_owned());
    let new = NewStaff {
        staff_id: muster_store::fresh_id::<StaffId>(),
        email: add.email,
        display_name,
        role: add.role,
        password_hash,
    };
    let by = Actor::System("muster-graphql staff add".to_owned());
    let done = match store.staff.add(&new, &by, "added on the command line", muster_store::now()).await {
        Ok(member) => format!("added {} {} as {}", member.staff_id, member.email, member.role),
        Err(StaffError::EmailTaken) => renew(&store, &new, &by).await?,
        Err(error) => return Err(error).context("could not add the account"),
    };
    println!("{done}");
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The account exists: it gets the new password and may sign in again.
async fn renew(store: &Store, new: &NewStaff, by: &Actor) -> anyhow::Result<String> {
    let known = store.staff.credentials(&new.email).await?.context("the account vanished meanwhile: try again")?;
    let member = known.member;
    if member.role != new.role {
        bail!(
            "{} exists as {}: roles cannot be changed here; repeat with --role {}",
            member.email,
            member.role,
            member.role
        );
    }
    let reason = "renewed on the command line";
    let now = muster_store::now();
    store.staff.set_password(member.staff_id, &new.password_hash, by, reason, now).await?;
    if member.disabled {
        store.staff.set_disabled(member.staff_id, false, by, reason, now).await?;
    }
    Ok(format!("{} {} has a new password; its sessions are closed", member.staff_id, member.email))
}

fn parse_role(text: &str) -> Result<StaffRole, String> {
    text.to_lowercase().parse().map_err(|_| "use viewer, support, operator or admin".to_owned())
}

fn parse_email(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.split_once('@') {
        Some((name, host))
            if !name.is_empty() && !host.is_empty() && text.len() <= 254 && !text.contains(char::is_whitespace) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("this is not an e-mail address".to_owned()),
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
    fn roles_are_read_in_either_case() {
        assert_eq!(parse_role("ADMIN"), Ok(StaffRole::Admin));
        assert_eq!(parse_role("viewer"), Ok(StaffRole::Viewer));
        assert!(parse_role("root").is_err());
    }

    #[test]
    fn only_addresses_are_taken_for_addresses() {
        assert_eq!(parse_email(" a@b "), Ok("a@b".to_owned()));
        assert!(parse_email("a b@c").is_err());
        assert!(parse_email("@c").is_err());
    }
}
