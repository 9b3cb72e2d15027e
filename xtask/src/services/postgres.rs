//! A private PostgreSQL 17 with TimescaleDB.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::{Durability, Place, sandbox::Sandbox, wait_ready};
use crate::{
    commands::{capture, run, succeeds, which},
    files,
    processes::{Ask, Running},
};

const BIN: &str = "/usr/lib/postgresql/17/bin";

/// Superuser and database of Muster.
const NAME: &str = "muster";

/// Starts it, making its data first if there are none, and gives the URL of the database `muster`.
pub fn start(sandbox: &Sandbox, place: &Place<'_>) -> Result<(Running, String)> {
    // The password lives and dies with the data that know it.
    let password = files::kept_secret(&place.data.join("password"), || Ok(files::password()))?;
    initialise(sandbox, place)?;
    let mut running = Running::start("postgres", server(sandbox, place), &place.log, Ask::InSandbox(Signal::SIGINT))?;
    let port = place.port.to_string();
    wait_ready(&mut running, || {
        let mut probe = sandbox.command(None, &format!("{BIN}/pg_isready"));
        probe.args(["-q", "-h", "127.0.0.1", "-p", &port, "-U", NAME, "-t", "1"]);
        succeeds(probe)
    })?;
    make_database(sandbox, &port, &password)?;
    Ok((running, format!("postgres://{NAME}:{password}@127.0.0.1:{port}/{NAME}")))
}

/// `initdb` in a folder beside, renamed when whole: data of a half-done run are never taken for real ones.
fn initialise(sandbox: &Sandbox, place: &Place<'_>) -> Result<()> {
    if place.data.join("pg/PG_VERSION").exists() {
        return Ok(());
    }
    place.step.note("initdb");
    let partial = place.data.join("pg.partial");
    files::remove(&partial)?;
    let mut command = sandbox.command(Some(&place.data), &format!("{BIN}/initdb"));
    command.args(["-D", "/data/pg.partial", "-U", NAME, "--pwfile=/data/password", "--auth=scram-sha-256"]);
    command.args(["--encoding=UTF8", "--locale=C.UTF-8"]);
    if place.durability == Durability::Scratch {
        command.arg("--no-sync");
    }
    run(place.step, command, &place.log.with_file_name("postgres-initdb.log"), Duration::from_secs(120))
        .context("cannot make the data of PostgreSQL")?;
    fs::rename(&partial, place.data.join("pg")).context("cannot put the data of PostgreSQL in place")
}

fn server(sandbox: &Sandbox, place: &Place<'_>) -> Command {
    let mut command = sandbox.command(Some(&place.data), &format!("{BIN}/postgres"));
    command.args(["-D", "/data/pg", "-k", "/tmp", "-p", &place.port.to_string()]);
    let mut settings = vec![
        "listen_addresses=127.0.0.1",
        "shared_preload_libraries=timescaledb",
        "timescaledb.telemetry_level=off",
        // Many hypertable chunks in one statement are many locks.
        "max_locks_per_transaction=256",
    ];
    match place.durability {
        Durability::Kept => {
            settings.push("max_connections=300");
            // Telemetry writes tens of megabytes a second. With the default of 1 GB a checkpoint comes every few seconds, and after each
            // one every page that is touched goes to the log whole.
            settings.extend(["max_wal_size=4GB", "shared_buffers=256MB", "wal_buffers=16MB"]);
        }
        Durability::Scratch => {
            settings.extend(["max_connections=500", "fsync=off", "synchronous_commit=off", "full_page_writes=off"]);
            // Hundreds of short-lived databases need no scheduler each; nothing of Muster's is done by one.
            settings.push("timescaledb.max_background_workers=0");
        }
    }
    for setting in settings {
        command.args(["-c", setting]);
    }
    command
}

fn make_database(sandbox: &Sandbox, port: &str, password: &str) -> Result<()> {
    let there = psql(
        sandbox,
        port,
        password,
        "postgres",
        &format!("select count(*) from pg_database where datname = '{NAME}'"),
    )?;
    if there.trim() == "0" {
        psql(sandbox, port, password, "postgres", &format!("create database {NAME}"))?;
    }
    Ok(())
}

fn psql(sandbox: &Sandbox, port: &str, password: &str, database: &str, statement: &str) -> Result<String> {
    let mut command = sandbox.command(None, &format!("{BIN}/psql"));
    command.env("PGPASSWORD", password);
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        port,
        "-U",
        NAME,
        "-d",
        database,
        "-XAtq",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        statement,
    ]);
    capture(command, "").context("PostgreSQL answers, but refuses a statement")
}

/// A `psql` for `url` whose current folder is `folder`: the root's, or the machine's own where there is no root.
///
/// # Errors
/// When `url` is not a URL with a host, or there is no psql.
pub fn psql_in(sandbox: Option<&Sandbox>, url: &str, folder: &Path) -> Result<Command> {
    let url = url::Url::parse(url).context("the PostgreSQL URL is not a URL")?;
    let mut command = match sandbox {
        Some(sandbox) => sandbox.reading(folder, &format!("{BIN}/psql")),
        None => {
            let psql =
                which("psql").context("psql is missing, which applies the migrations; install postgresql-client")?;
            let mut command = Command::new(psql);
            command.current_dir(folder);
            command
        }
    };
    // In the environment the password is not in the process list.
    command.env("PGHOST", url.host_str().context("the PostgreSQL URL names no host")?);
    command.env("PGPORT", url.port().unwrap_or(5432).to_string());
    command.env("PGUSER", url.username()).env("PGDATABASE", url.path().trim_start_matches('/'));
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", password);
    }
    command.args(["-XAtq", "-v", "ON_ERROR_STOP=1"]);
    Ok(command)
}

/// The same server, another database.
///
/// # Errors
/// When `url` is not a URL.
pub fn with_database(url: &str, database: &str) -> Result<String> {
    let mut url = url::Url::parse(url).context("the PostgreSQL URL is not a URL")?;
    url.set_path(database);
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        assert_eq!(
            with_database("postgres://a:b@127.0.0.1:5/muster?x=1", "t").unwrap(),
            "postgres://a:b@127.0.0.1:5/t?x=1"
        );
    }
}
