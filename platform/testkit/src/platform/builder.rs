//! What a platform is to consist of.

use std::env;

use muster_client::core::matchmaking::{QueueDefinition, shipped_queues};
use muster_client::core::telemetry::shipped_event_types;
use tokio::sync::OnceCell;

use super::{Platform, replica::Replica, staff};
use crate::{
    Process, Scratch,
    binaries::run,
    process::ProcessBuilder,
    wire::{Wire, Wires},
};

/// Says which processes run, and with which settings.
#[derive(Debug, Clone)]
#[must_use]
pub struct PlatformBuilder {
    servers: usize,
    graphql: bool,
    dashboard: bool,
    envs: Vec<(String, String)>,
    envs_of: Vec<(String, String, String)>,
    roles: Vec<(usize, String)>,
    server_envs: Vec<(usize, String, String)>,
    queues: Vec<QueueDefinition>,
    audited: bool,
    wired: Option<usize>,
}

impl Default for PlatformBuilder {
    fn default() -> Self {
        Self {
            servers: 1,
            graphql: false,
            dashboard: false,
            envs: Vec::new(),
            envs_of: Vec::new(),
            roles: Vec::new(),
            server_envs: Vec::new(),
            queues: Vec::new(),
            audited: true,
            wired: None,
        }
    }
}

impl PlatformBuilder {
    /// How many replicas of `muster-server` run; 0 is allowed.
    pub fn server(mut self, replicas: usize) -> Self {
        self.servers = replicas;
        self
    }

    /// Also `muster-graphql`, and a staff account with the role ADMIN.
    pub fn graphql(mut self) -> Self {
        self.graphql = true;
        self
    }

    /// Also `muster-dashboard`, and with it the staff API.
    pub fn dashboard(mut self) -> Self {
        self.dashboard = true;
        self.graphql()
    }

    /// A variable of every process; settings that only one kind of process knows go through [`PlatformBuilder::env_of`].
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.envs.push((key.to_owned(), value.to_owned()));
        self
    }

    /// A variable of every process of one binary, e.g. `("muster-server", "MUSTER__AUTH__TOKEN_TTL", "2s")`.
    pub fn env_of(mut self, binary_name: &str, key: &str, value: &str) -> Self {
        self.envs_of.push((binary_name.to_owned(), key.to_owned(), value.to_owned()));
        self
    }

    /// What one server replica does, as `--roles` takes it, e.g. `gateway,matchmaker`.
    pub fn server_roles(mut self, index: usize, roles: &str) -> Self {
        self.roles.push((index, roles.to_owned()));
        self
    }

    /// A variable of one server replica.
    pub fn server_env(mut self, index: usize, key: &str, value: &str) -> Self {
        self.server_envs.push((index, key.to_owned(), value.to_owned()));
        self
    }

    /// One more queue than those that ship, from the first moment on.
    ///
    /// # Panics
    /// When the definition is not valid.
    pub fn queue(mut self, definition: QueueDefinition) -> Self {
        definition.validate().unwrap_or_else(|error| panic!("the queue {} is not valid: {error}", definition.name));
        self.queues.push(definition);
        self
    }

    /// Puts lines that can be cut between one server replica and PostgreSQL and Redis; see [`Platform::wires`].
    pub fn wired(mut self, index: usize) -> Self {
        self.wired = Some(index);
        self
    }

    /// Leaves what was played unchecked at the end: for a test that stores matches which nobody played.
    pub fn unaudited(mut self) -> Self {
        self.audited = false;
        self
    }

    /// Makes a scratch, starts every process and waits until all are ready.
    ///
    /// # Panics
    /// When services are not running, a binary is not built, or a process does not become ready.
    pub async fn start(self) -> Platform {
        let scratch = Scratch::new().await;
        add_queues(&scratch, &self.queues).await;
        let signing_key = if self.servers > 0 { keygen().await } else { String::new() };
        let wires = match self.wired {
            Some(_) => Some(Wires {
                postgres: Wire::to(&scratch.settings.postgres_url).await,
                redis: Wire::to(&scratch.settings.redis_url).await,
            }),
            None => None,
        };
        let plan = Plan { builder: self, signing_key, wires };
        let (staff_email, staff_password) = staff::credentials();

        let mut servers = Vec::new();
        for index in 0..plan.builder.servers {
            servers.push(plan.server(index, &scratch).await);
        }
        let graphql = match plan.builder.graphql {
            true => {
                staff::add(&scratch, &staff_email, &staff_password, "ADMIN").await;
                Some(plan.graphql(&scratch).await)
            }
            false => None,
        };
        let dashboard = match &graphql {
            Some(graphql) if plan.builder.dashboard => Some(plan.dashboard(&graphql.url).await),
            _ => None,
        };
        Platform {
            graphql_url: graphql.as_ref().map(|replica| replica.url.clone()),
            dashboard_url: dashboard.as_ref().map(|replica| replica.url.clone()),
            servers,
            graphql,
            dashboard,
            staff_token: OnceCell::new(),
            plan,
            staff_email,
            staff_password,
            scratch,
        }
    }
}

/// A builder that has become a running platform, and can make more of it.
pub(super) struct Plan {
    builder: PlatformBuilder,
    signing_key: String,
    wires: Option<Wires>,
}

impl Plan {
    /// The lines of the server that has some.
    pub(super) fn wires(&self) -> Option<&Wires> {
        self.wires.as_ref()
    }

    /// Whether what was played is checked at the end.
    pub(super) fn audited(&self) -> bool {
        self.builder.audited
    }

    pub(super) async fn server(&self, index: usize, scratch: &Scratch) -> Replica {
        let mut command = Process::command("muster-server")
            .label(format!("server-{index}"))
            .envs(scratch.env())
            .env("MUSTER__AUTH__SIGNING_KEY", &self.signing_key);
        if let Some(wires) = self.wires.as_ref().filter(|_| self.builder.wired == Some(index)) {
            command =
                command.env("MUSTER__POSTGRES__URL", wires.postgres.url()).env("MUSTER__REDIS__URL", wires.redis.url());
        }
        if let Some((_, roles)) = self.builder.roles.iter().rev().find(|(of, _)| *of == index) {
            command = command.args(["--roles", roles]);
        }
        let own = self.builder.server_envs.iter().filter(|(of, _, _)| *of == index);
        let command =
            self.settled(command, "muster-server").envs(own.map(|(_, key, value)| (key.clone(), value.clone())));
        Replica::start(command).await
    }

    async fn graphql(&self, scratch: &Scratch) -> Replica {
        let command = Process::command("muster-graphql").label("graphql").envs(scratch.env());
        Replica::start(self.settled(command, "muster-graphql")).await
    }

    async fn dashboard(&self, graphql_url: &str) -> Replica {
        let mut command =
            Process::command("muster-dashboard").label("dashboard").env("MUSTER__GRAPHQL__URL", graphql_url);
        // Without it the dashboard's own default counts: pages then come without their stylesheet and WebAssembly.
        if let Ok(root) = env::var("MUSTER_TEST_SITE_ROOT") {
            command = command.env("MUSTER__SITE__ROOT", root);
        }
        Replica::start(self.settled(command, "muster-dashboard")).await
    }

    /// What every process gets: readable logs, then the test's own settings, which win.
    fn settled(&self, command: ProcessBuilder, binary_name: &str) -> ProcessBuilder {
        let own = self.builder.envs_of.iter().filter(|(of, _, _)| of == binary_name);
        command
            .env("MUSTER__LOG__FORMAT", "pretty")
            .env("NO_COLOR", "1")
            // The end of a log shall say why a process ended; a backtrace of forty lines would push that out.
            .env("RUST_LIB_BACKTRACE", "0")
            .envs(self.builder.envs.iter().cloned())
            .envs(own.map(|(_, key, value)| (key.clone(), value.clone())))
    }
}

/// The queues and event types that the platform ships, as `muster-server migrate` adds them, and the test's own.
async fn add_queues(scratch: &Scratch, own: &[QueueDefinition]) {
    let queues = [shipped_queues().as_slice(), own].concat();
    let queues = scratch.store.queues.seed(&queues, muster_store::now()).await;
    queues.expect("an empty database takes the shipped queues");
    let types = scratch.store.event_types.seed(&shipped_event_types(), muster_store::now()).await;
    types.expect("an empty database takes the shipped event types");
}

async fn keygen() -> String {
    let finished = run("muster-server", &["keygen"], &[], "").await;
    assert_eq!(finished.code, 0, "muster-server keygen failed: {}", finished.stderr);
    assert!(finished.stdout.contains("PRIVATE KEY"), "muster-server keygen printed no PEM");
    finished.stdout
}
