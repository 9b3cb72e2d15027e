//! What sqlx knows of every query, committed in `.sqlx/` so that a build needs no database.
//!
//! sqlx's macros write it themselves while they compile against a database. They read the environment behind cargo's
//! back, so the crate has to look changed for a moment: its `lib.rs` gets a new time stamp and afterwards its old one
//! back, whereby nothing else is built again.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    build,
    commands::{capture, run},
    files,
    paths::Paths,
    services::{Given, postgres, sandbox::Sandbox, scratch::ScratchServices},
    setup::{self, Wanted},
    steps::{Step, Steps},
};

/// The only crate with queries.
const PACKAGE: &str = "muster-store";
const LIB: &str = "platform/store/src/lib.rs";

/// `cargo xtask sqlx`: renews `.sqlx/`.
pub fn command(paths: &Paths) -> Result<()> {
    let steps = Steps::new();
    let given = Given::for_test(&std::env::vars().collect());
    let wanted = Wanted { root: given.postgres.is_none(), ..Wanted::default() };
    let tools = setup::ensure(&steps, paths, wanted)?;
    let services = ScratchServices::start(&steps, paths, &tools, &given, &["postgres"])?;
    let sandbox = tools.root.as_deref().map(Sandbox::new).transpose()?;
    steps.step("queries", |step| {
        let fresh = describe(step, paths, sandbox.as_ref(), services.url("postgres")?)?;
        let committed = paths.workspace.join(".sqlx");
        fs::create_dir_all(&committed).context("cannot make .sqlx")?;
        for name in read(&committed)?.keys().filter(|name| !fresh.contains_key(*name)) {
            files::remove(&committed.join(name))?;
        }
        for (name, data) in &fresh {
            let text = serde_json::to_string_pretty(data).context("query data are JSON")?;
            files::write_if_changed(&committed.join(name), text.as_bytes())?;
        }
        step.detail(format!("{} in .sqlx", fresh.len()));
        Ok(())
    })
}

/// The queries whose committed data differ from what the database says.
pub fn differences(
    step: &Step<'_>,
    paths: &Paths,
    sandbox: Option<&Sandbox>,
    postgres_url: &str,
) -> Result<Vec<String>> {
    let fresh = describe(step, paths, sandbox, postgres_url)?;
    Ok(compare(&read(&paths.workspace.join(".sqlx"))?, &fresh))
}

fn compare(committed: &BTreeMap<String, Value>, fresh: &BTreeMap<String, Value>) -> Vec<String> {
    let query = |data: &Value| {
        let text = data["query"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        text.chars().take(80).collect::<String>()
    };
    let mut found = Vec::new();
    for (name, data) in fresh {
        match committed.get(name) {
            None => found.push(format!("no data for `{}`", query(data))),
            Some(old) if old != data => found.push(format!("other types for `{}`", query(data))),
            Some(_) => {}
        }
    }
    found.extend(
        committed
            .iter()
            .filter(|(name, _)| !fresh.contains_key(*name))
            .map(|(name, data)| format!("{name} is of a query that is gone: `{}`", query(data))),
    );
    found
}

fn read(folder: &Path) -> Result<BTreeMap<String, Value>> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(BTreeMap::new());
    };
    let mut found = BTreeMap::new();
    for path in
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "json"))
    {
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let data = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))?;
        found.insert(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), data);
    }
    Ok(found)
}

/// Compiles the queries against a freshly migrated database and gives what the macros wrote.
fn describe(
    step: &Step<'_>,
    paths: &Paths,
    sandbox: Option<&Sandbox>,
    postgres_url: &str,
) -> Result<BTreeMap<String, Value>> {
    let database = format!("muster_sqlx_{}", std::process::id());
    let statement = |statement: &str| {
        let mut command = postgres::psql_in(sandbox, postgres_url, &paths.workspace)?;
        command.args(["-c", statement]);
        capture(command, "").context("the scratch database for the queries cannot be made")
    };
    statement(&format!("create database {database}"))?;
    let result = (|| {
        let url = postgres::with_database(postgres_url, &database)?;
        migrate(step, paths, sandbox, &url)?;
        compile(step, paths, &url)
    })();
    let dropped = statement(&format!("drop database {database} with (force)"));
    let data = result?;
    dropped?;
    Ok(data)
}

/// With psql, since Muster's own migrator may not build before its queries are described.
fn migrate(step: &Step<'_>, paths: &Paths, sandbox: Option<&Sandbox>, url: &str) -> Result<()> {
    let folder = paths.workspace.join("migrations");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .context("cannot list migrations/")?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".sql") && !name.ends_with(".down.sql"))
        .collect();
    names.sort();
    for name in names {
        step.note(&name);
        let text = fs::read_to_string(folder.join(&name)).with_context(|| format!("cannot read {name}"))?;
        let mut command = postgres::psql_in(sandbox, url, &folder)?;
        // The marker is sqlx's own.
        if !text.starts_with("-- no-transaction") {
            command.arg("--single-transaction");
        }
        command.args(["-f", &name]);
        capture(command, "").with_context(|| format!("the migration {name} fails"))?;
    }
    Ok(())
}

fn compile(step: &Step<'_>, paths: &Paths, url: &str) -> Result<BTreeMap<String, Value>> {
    let output = paths.target.join("sqlx-queries");
    files::remove(&output)?;
    fs::create_dir_all(&output).context("cannot make a folder for the query data")?;
    let stamp = Stamp::renew(paths.workspace.join(LIB))?;
    let mut command = build::cargo();
    command.args(["check", "--package", PACKAGE, "--all-targets"]).current_dir(&paths.workspace);
    command.env("DATABASE_URL", url).env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", &output);
    let result = run(step, command, &paths.log("sqlx"), Duration::from_secs(1800))
        .context("the queries do not compile against the migrated database");
    drop(stamp);
    result?;
    read(&output)
}

/// A file that looks changed until this is dropped.
struct Stamp {
    path: PathBuf,
    before: SystemTime,
}

impl Stamp {
    fn renew(path: PathBuf) -> Result<Self> {
        let before = path
            .metadata()
            .and_then(|meta| meta.modified())
            .with_context(|| format!("{} is not there", path.display()))?;
        let stamp = Self { path, before };
        stamp.set(SystemTime::now()).with_context(|| format!("cannot touch {}", stamp.path.display()))?;
        Ok(stamp)
    }

    fn set(&self, time: SystemTime) -> std::io::Result<()> {
        File::options().append(true).open(&self.path)?.set_modified(time)
    }
}

impl Drop for Stamp {
    fn drop(&mut self) {
        // Without it the crate is built once more than needed, nothing worse.
        let _ = self.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_changed_and_stale_queries_are_told() {
        let map = |pairs: &[(&str, Value)]| {
            pairs.iter().map(|(name, data)| ((*name).to_owned(), data.clone())).collect::<BTreeMap<_, _>>()
        };
        let committed = map(&[
            ("a", json!({"query": "select 1", "nullable": true})),
            ("b", json!({"query": "select\n 2"})),
            ("d", json!({"query": "select 4"})),
        ]);
        let fresh = map(&[
            ("a", json!({"query": "select 1", "nullable": false})),
            ("c", json!({"query": "select 3"})),
            ("d", json!({"query": "select 4"})),
        ]);
        assert_eq!(
            compare(&committed, &fresh),
            ["other types for `select 1`", "no data for `select 3`", "b is of a query that is gone: `select 2`"]
        );
        assert!(compare(&committed, &committed).is_empty());
    }
}
