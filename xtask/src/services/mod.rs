//! PostgreSQL, Redis, NATS and OpenBao: private ones on free ports, Docker's, or ones given by URL.

pub mod bao;
pub mod docker;
mod given;
mod nats;
mod ports;
pub mod postgres;
mod redis;
pub mod sandbox;
pub mod scratch;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};

use crate::{
    interrupt,
    processes::{Running, end_all},
    setup::Tools,
    steps::{Step, Steps},
};
pub use given::Given;
pub use ports::Ports;
use sandbox::Sandbox;

/// How long a service may take to answer after it was started; PostgreSQL may have to recover first.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How long a service gets to write its data down.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// What data are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// They outlive a crash: `up`.
    Kept,
    /// They are thrown away after the run: `test`.
    Scratch,
}

/// Where a service comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Started here.
    Private,
    /// Started by Docker Compose.
    Docker,
    /// Given by URL.
    Given,
}

/// One service.
#[derive(Debug)]
pub struct Service {
    /// `postgres`, `redis`, `nats` or `openbao`.
    pub name: &'static str,
    /// Where it listens; may hold a password.
    pub url: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The process, when it was started here.
    pub running: Option<Running>,
}

/// A Vault or OpenBao.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// Its base URL.
    pub address: String,
    /// A token that may read and write `secret/muster/`.
    pub token: String,
}

/// Where the services are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// A PostgreSQL URL with its database.
    pub postgres: String,
    /// A Redis URL.
    pub redis: String,
    /// A NATS URL.
    pub nats: String,
    /// The Vault; `None` when secrets come from elsewhere (`MUSTER__SECRETS__PROVIDER`).
    pub vault: Option<Vault>,
}

/// What one service needs to start.
pub struct Place<'a> {
    step: &'a Step<'a>,
    /// Its own folder of data.
    data: PathBuf,
    /// Its log.
    log: PathBuf,
    /// Its port on 127.0.0.1.
    port: u16,
    durability: Durability,
}

/// All of them, in the order in which they start.
pub const ALL: [&str; 4] = ["postgres", "redis", "nats", "openbao"];

/// What to start and how.
pub struct Plan<'a> {
    /// Which of [`ALL`].
    pub names: &'a [&'a str],
    /// What was set up.
    pub tools: &'a Tools,
    /// What is given and so not started.
    pub given: &'a Given,
    /// What the data are worth.
    pub durability: Durability,
    /// One folder a service in it.
    pub data: PathBuf,
    /// One log a service in it.
    pub logs: PathBuf,
}

/// Starts what was not given, and waits until each answers; each is put into `services` as soon as it does.
pub fn start(steps: &Steps, plan: &Plan<'_>, ports: &mut Ports, services: &mut Vec<Service>) -> Result<()> {
    for name in ALL.into_iter().filter(|name| plan.names.contains(name)) {
        let vault = plan.given.vault.as_ref().map(|vault| &vault.address);
        let (label, url) = match name {
            "postgres" => ("PostgreSQL 17", plan.given.postgres.as_ref()),
            "redis" => ("Redis", plan.given.redis.as_ref()),
            "nats" => ("NATS", plan.given.nats.as_ref()),
            _ if plan.given.without_vault => continue,
            _ => ("OpenBao", vault),
        };
        let service = steps.step(label, |step| {
            if let Some(url) = url {
                step.detail("given by URL");
                return Ok(Service { name, url: url.clone(), origin: Origin::Given, running: None });
            }
            let port = ports.of(name, 0)?;
            step.detail(format!("127.0.0.1:{port}"));
            let (running, url) = start_private(name, step, plan, port)?;
            Ok(Service { name, url, origin: Origin::Private, running: Some(running) })
        })?;
        services.push(service);
    }
    Ok(())
}

fn start_private(name: &str, step: &Step<'_>, plan: &Plan<'_>, port: u16) -> Result<(Running, String)> {
    let data = plan.data.join(name);
    fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    let place = Place { step, data, log: plan.logs.join(format!("{name}.log")), port, durability: plan.durability };
    if name == "openbao" {
        return bao::start(plan.tools.bao.as_ref().context("OpenBao was not set up")?, &place);
    }
    let sandbox = Sandbox::new(plan.tools.root.as_ref().context("the services' root was not set up")?)?;
    match name {
        "postgres" => postgres::start(&sandbox, &place),
        "redis" => redis::start(&sandbox, &place),
        _ => nats::start(&sandbox, &place),
    }
}

/// The endpoints of started services; `token` is that of a private OpenBao.
pub fn endpoints(services: &[Service], given: &Given, token: Option<String>) -> Result<Endpoints> {
    let url = |name: &str| {
        services
            .iter()
            .find(|service| service.name == name)
            .map(|service| service.url.clone())
            .with_context(|| format!("{name} was not started"))
    };
    let vault = match (&given.vault, token) {
        (Some(vault), _) => Some(vault.clone()),
        (None, Some(token)) => Some(Vault { address: url("openbao")?, token }),
        (None, None) => None,
    };
    Ok(Endpoints { postgres: url("postgres")?, redis: url("redis")?, nats: url("nats")?, vault })
}

/// Ends the services that were started here; gives the names of those that had to be killed.
pub fn stop(services: &mut Vec<Service>) -> Vec<String> {
    let mut running: Vec<Running> = services.drain(..).filter_map(|service| service.running).collect();
    end_all(&mut running, STOP_WITHIN)
}

/// Waits until `answers`, failing early when the process ends.
fn wait_ready(running: &mut Running, mut answers: impl FnMut() -> bool) -> Result<()> {
    let ready = interrupt::wait_for(READY_WITHIN, || {
        running.expect_alive()?;
        Ok(answers().then_some(()))
    })?;
    ready.with_context(|| {
        format!("{} did not answer within {} s; see {}", running.name, READY_WITHIN.as_secs(), running.log.display())
    })
}
