//! The command line.
#![allow(clippy::print_stdout, reason = "these commands print documents for other programs to read")]
#![allow(clippy::print_stderr, reason = "what is for a person must not be in such a document")]

mod telemetry;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use muster_runtime::{CommonArgs, Loaded};
use muster_server::settings::{Role, Settings};
use muster_store::{KeyPurpose, Store};

use crate::serve;
use telemetry::TelemetryCommand;

/// The Muster server: sign-in, queues, matches and telemetry for players' clients.
///
/// Without a command it serves. Settings come from defaults, then --config FILE, then MUSTER__SECTION__KEY, then --set.
#[derive(Parser)]
#[command(
    version,
    after_help = "Examples:\n  muster-server --check-config\n  muster-server --roles gateway,referee --config /etc/muster/server.toml\n  MUSTER__AUTH__SIGNING_KEY=\"$(muster-server keygen)\" muster-server"
)]
pub(crate) struct Args {
    #[command(flatten)]
    common: CommonArgs,
    /// What this process does; all of it by default.
    #[arg(long, value_delimiter = ',', value_name = "ROLE")]
    roles: Vec<Role>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve players (the default).
    Serve,
    /// Bring the database and the streams up to date, add the shipped queues, and exit. Safe to run at any time.
    Migrate,
    /// Keys of trusted servers: game back ends that make tickets for players and run matches of their own.
    #[command(subcommand)]
    ServiceKey(ServiceKeyCommand),
    /// Event types, quarantine and dead letters of telemetry; whether its rollups are exact.
    #[command(subcommand)]
    Telemetry(TelemetryCommand),
    /// Print a new signing key for session tokens (Ed25519, PKCS#8 PEM).
    Keygen,
    /// Print the OpenAPI document of the HTTP surface.
    Openapi,
    /// Print the JSON schema of the socket's messages.
    SocketSchema,
    /// Print the catalogue of errors as Markdown.
    Errors,
}

#[derive(Subcommand)]
enum ServiceKeyCommand {
    /// Make a key and print its secret: this once, it cannot be read again.
    Add {
        /// Who will use it: 1 to 64 of `a-z`, `0-9` and `-`, in use by no other key.
        name: String,
        /// What it opens: `game` is tickets, matches, servers and events; `operations` closes regions and opens them.
        #[arg(long, default_value = "game", value_name = "game|operations")]
        purpose: KeyPurpose,
    },
    /// List the keys, without their secrets.
    List,
    /// End a key: within seconds it is good for nothing.
    Revoke {
        /// The key's name.
        name: String,
    },
}

impl Args {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Some(Command::Keygen) => print!("{}", muster_server::auth::generate_signing_key()),
            Some(Command::Openapi) => println!("{}", muster_server::gateway::openapi().to_pretty_json()?),
            Some(Command::SocketSchema) => {
                println!("{}", serde_json::to_string_pretty(&muster_core::wire::socket_schema())?)
            }
            Some(Command::Errors) => print!("{}", muster_server::error::catalogue_markdown()),
            Some(Command::Migrate) => {
                return Ok(match load(&self.common, self.roles).await? {
                    Loaded::Settings(settings) => serve::migrate(settings).await?,
                    Loaded::Exit(code) => code,
                });
            }
            Some(Command::ServiceKey(command)) => {
                return Ok(match load(&self.common, self.roles).await? {
                    Loaded::Settings(settings) => {
                        let store = serve::connect(&settings).await?;
                        command.run(&store).await?;
                        ExitCode::SUCCESS
                    }
                    Loaded::Exit(code) => code,
                });
            }
            Some(Command::Telemetry(command)) => {
                return Ok(match load(&self.common, self.roles).await? {
                    Loaded::Settings(settings) => {
                        let store = serve::connect(&settings).await?;
                        if command.run(&store).await? { ExitCode::SUCCESS } else { ExitCode::FAILURE }
                    }
                    Loaded::Exit(code) => code,
                });
            }
            None | Some(Command::Serve) => {
                return Ok(match load(&self.common, self.roles).await? {
                    Loaded::Settings(settings) => serve::serve(settings).await?,
                    Loaded::Exit(code) => code,
                });
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ServiceKeyCommand {
    async fn run(self, store: &Store) -> anyhow::Result<()> {
        match self {
            ServiceKeyCommand::Add { name, purpose } => {
                let (key, secret) = store.service_keys.create(&name, purpose, muster_store::now()).await?;
                let purpose = key.purpose.as_str();
                eprintln!("{} {}, for {purpose}; its secret is shown this once:", key.service_key_id, key.name);
                println!("{secret}");
            }
            ServiceKeyCommand::List => {
                for key in store.service_keys.list().await? {
                    let state = key.revoked_at.map_or_else(
                        || "in force".to_owned(),
                        |at| format!("revoked {}", muster_core::time::format(at)),
                    );
                    println!(
                        "{}\t{}\t{}\t{}\t{state}",
                        key.name,
                        key.service_key_id,
                        key.purpose.as_str(),
                        muster_core::time::format(key.created_at)
                    );
                }
            }
            ServiceKeyCommand::Revoke { name } => {
                let revoked = store.service_keys.revoke(&name, muster_store::now()).await?;
                anyhow::ensure!(
                    revoked.is_some(),
                    "there is no key in force of the name `{name}`; see `service-key list`"
                );
            }
        }
        Ok(())
    }
}

async fn load(common: &CommonArgs, roles: Vec<Role>) -> anyhow::Result<Loaded<Settings>> {
    let loaded = muster_runtime::load::<Settings>(common).await?;
    Ok(match loaded {
        Loaded::Settings(mut settings) => {
            if !roles.is_empty() {
                settings.server.roles = roles;
            }
            Loaded::Settings(settings)
        }
        exit @ Loaded::Exit(_) => exit,
    })
}
