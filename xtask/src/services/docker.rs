//! The services as Docker containers, from `ops/deploy/compose.yaml`.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, bail};

use super::{Endpoints, Origin, Ports, Service, Vault};
use crate::{
    commands::{guarded, run, succeeds, which},
    files,
    paths::Paths,
    steps::Steps,
};

/// The Compose project; containers and volumes carry its name.
const PROJECT: &str = "muster";

fn compose_file(paths: &Paths) -> PathBuf {
    paths.workspace.join("ops/deploy/compose.yaml")
}

/// Fails with what to do when Docker or its Compose plug-in is not usable.
pub fn check() -> Result<()> {
    if which("docker").is_none() {
        bail!(
            "docker is missing, which --services docker needs. Install Docker Engine with its Compose plug-in, or leave --services away for private services"
        );
    }
    let probe = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        command.args(arguments);
        succeeds(command)
    };
    if !probe(&["compose", "version"]) {
        bail!(
            "`docker compose` is missing, which --services docker needs. Install the Compose plug-in (package docker-compose-plugin or docker-compose-v2)"
        );
    }
    if !probe(&["info"]) {
        bail!(
            "the Docker daemon does not answer, which --services docker needs. Start it (sudo systemctl start docker) and see that you may use it"
        );
    }
    Ok(())
}

fn compose(paths: &Paths) -> Command {
    let mut command = guarded("docker");
    command.args(["compose", "--project-name", PROJECT, "--file"]).arg(compose_file(paths));
    command
}

/// Starts the containers and waits until their health checks pass.
pub fn start(steps: &Steps, paths: &Paths, ports: &mut Ports) -> Result<(Vec<Service>, Endpoints)> {
    let [postgres, redis, nats, vault] = [
        ports.of("docker-postgres", 5432)?,
        ports.of("docker-redis", 6379)?,
        ports.of("docker-nats", 4222)?,
        ports.of("docker-openbao", 8200)?,
    ];
    let password = files::kept_secret(&paths.run().join("docker-postgres-password"), || Ok(files::password()))?;
    let token = files::kept_secret(&paths.run().join("docker-openbao-token"), || Ok(files::password()))?;
    steps.step("docker compose up", |step| {
        step.detail("ops/deploy/compose.yaml");
        let mut command = compose(paths);
        command.args(["up", "--detach", "--wait"]);
        command.env("MUSTER_POSTGRES_PORT", postgres.to_string()).env("MUSTER_POSTGRES_PASSWORD", &password);
        command.env("MUSTER_REDIS_PORT", redis.to_string()).env("MUSTER_NATS_PORT", nats.to_string());
        command.env("MUSTER_OPENBAO_PORT", vault.to_string()).env("MUSTER_OPENBAO_TOKEN", &token);
        run(step, command, &paths.log("docker"), Duration::from_secs(900)).context("Docker cannot start the services")
    })?;
    let endpoints = Endpoints {
        postgres: format!("postgres://muster:{password}@127.0.0.1:{postgres}/muster"),
        redis: format!("redis://127.0.0.1:{redis}/"),
        nats: format!("nats://127.0.0.1:{nats}"),
        vault: Some(Vault { address: format!("http://127.0.0.1:{vault}"), token }),
    };
    let service = |name, url: &str| Service { name, url: url.to_owned(), origin: Origin::Docker, running: None };
    let services = vec![
        service("postgres", &endpoints.postgres),
        service("redis", &endpoints.redis),
        service("nats", &endpoints.nats),
        service("openbao", &format!("http://127.0.0.1:{vault}")),
    ];
    Ok((services, endpoints))
}

/// Stops and removes the containers; `with_data` removes their volumes too.
pub fn stop(steps: &Steps, paths: &Paths, with_data: bool) -> Result<()> {
    steps.step("docker compose down", |step| {
        let mut command = compose(paths);
        command.arg("down");
        if with_data {
            command.arg("--volumes");
        }
        run(step, command, &paths.log("docker"), Duration::from_secs(120)).context("Docker cannot stop the services")
    })
}
