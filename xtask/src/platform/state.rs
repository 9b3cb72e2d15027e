//! `.muster/state.json`: what runs, where, and how to get in. Written by the supervisor, read by everything else.

use std::fs;

use anyhow::{Context, Result};
use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::{files, paths::Paths, processes::Identity};

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing runs.
    #[default]
    Stopped,
    /// On the way up.
    Starting,
    /// Up; `ready` tells whether everything in it is.
    Up,
    /// On the way down.
    Stopping,
    /// It could not come up; `problem` tells why.
    Failed,
}

/// A whole run. Times are RFC 3339, UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// How far it is.
    pub phase: Phase,
    /// Everything is up and answers its readiness check.
    pub ready: bool,
    /// What is wrong, in a sentence.
    pub problem: Option<String>,
    /// The process that owns all others.
    pub supervisor: Option<Identity>,
    /// When the run began.
    pub started_at: String,
    /// When this was written; a running supervisor writes every second.
    pub updated_at: String,
    /// Muster's own processes.
    pub processes: Vec<ProcessState>,
    /// What they stand on.
    pub services: Vec<ServiceState>,
    /// Matches ever finished, from muster-server's metrics.
    pub matches_finished: Option<u64>,
    /// Players online now, from the same place.
    pub players_online: Option<u64>,
    /// Where staff look and how they get in.
    pub dashboard: Option<Dashboard>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessState {
    /// The binary's name.
    pub name: String,
    /// Its pid.
    pub pid: u32,
    /// Its start time, which tells it from a later process with that pid.
    pub started: u64,
    /// Where it serves; its ops port when that is all it has; none for the bots.
    pub url: Option<String>,
    /// Health and metrics.
    pub ops_url: Option<String>,
    /// Runs, and `/readyz` says so.
    pub ready: bool,
    /// How it ended, if it has.
    pub exit: Option<String>,
    /// Its log file.
    pub log: String,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceState {
    /// `postgres`, `redis`, `nats` or `openbao`.
    pub name: String,
    /// Where it listens, with its password.
    pub url: String,
    /// `private`, `docker` or `given`.
    pub origin: String,
    /// Its pid and start time, when it was started here.
    pub process: Option<Identity>,
}

/// The dashboard's door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    /// Its address.
    pub url: String,
    /// The staff account made for this run.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// The present moment as text.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl State {
    /// What the last supervisor wrote, whether or not it still lives.
    pub fn load(paths: &Paths) -> Option<Self> {
        serde_json::from_slice(&fs::read(paths.state()).ok()?).ok()
    }

    /// What is true now: without a living supervisor nothing is up.
    pub fn seen(paths: &Paths) -> Self {
        Self::load(paths).unwrap_or_default().corrected()
    }

    fn corrected(self) -> Self {
        if self.supervisor.is_some_and(Identity::is_alive) {
            return self;
        }
        let problem = match self.phase {
            Phase::Starting | Phase::Up | Phase::Stopping => {
                Some("the process that ran Muster was killed; `cargo xtask up` starts again".to_owned())
            }
            Phase::Stopped | Phase::Failed => self.problem,
        };
        let phase = if self.phase == Phase::Failed { Phase::Failed } else { Phase::Stopped };
        Self { phase, problem, started_at: self.started_at, updated_at: self.updated_at, ..Self::default() }
    }

    /// Writes it for others to read; it holds passwords, so for this user only.
    pub fn save(&mut self, paths: &Paths) -> Result<()> {
        self.updated_at = now();
        let text = serde_json::to_string_pretty(self).context("the state is JSON")?;
        files::write_atomically(&paths.state(), (text + "\n").as_bytes(), 0o600)
    }

    /// Every process of the run that was started here.
    pub fn recorded(&self) -> Vec<(String, Identity)> {
        let processes = self
            .processes
            .iter()
            .map(|process| (process.name.clone(), Identity { pid: process.pid, started: process.started }));
        let services = self.services.iter().filter_map(|service| Some((service.name.clone(), service.process?)));
        processes.chain(services).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> State {
        State {
            phase: Phase::Up,
            ready: true,
            supervisor: Some(Identity::own().unwrap()),
            processes: vec![ProcessState {
                name: "muster-server".into(),
                pid: 7,
                started: 9,
                url: Some("http://127.0.0.1:7400".into()),
                ops_url: None,
                ready: true,
                exit: None,
                log: ".muster/logs/muster-server.log".into(),
            }],
            services: vec![ServiceState {
                name: "redis".into(),
                url: "redis://127.0.0.1:1/".into(),
                origin: "given".into(),
                process: None,
            }],
            matches_finished: Some(3),
            players_online: None,
            dashboard: Some(Dashboard {
                url: "http://127.0.0.1:7420".into(),
                email: "ops@muster.localhost".into(),
                password: "p".into(),
            }),
            ..State::default()
        }
    }

    #[test]
    fn the_documented_fields_are_there() {
        let json = serde_json::to_value(example()).unwrap();
        assert_eq!(json["processes"][0]["name"], "muster-server");
        assert_eq!(json["processes"][0]["pid"], 7);
        assert_eq!(json["processes"][0]["url"], "http://127.0.0.1:7400");
        assert_eq!(json["processes"][0]["ready"], true);
        assert_eq!(json["services"][0]["url"], "redis://127.0.0.1:1/");
        assert_eq!(json["matches_finished"], 3);
        assert!(json["players_online"].is_null());
        assert_eq!(json["dashboard"]["email"], "ops@muster.localhost");
        assert_eq!(serde_json::from_value::<State>(json).unwrap(), example());
    }

    #[test]
    fn without_its_supervisor_nothing_is_up() {
        assert_eq!(example().corrected().phase, Phase::Up);
        let own = Identity::own().unwrap();
        let orphaned =
            State { supervisor: Some(Identity { started: own.started + 1, ..own }), ..example() }.corrected();
        assert_eq!(orphaned.phase, Phase::Stopped);
        assert!(!orphaned.ready && orphaned.processes.is_empty() && orphaned.problem.is_some());
    }

    #[test]
    fn only_what_was_started_here_is_recorded() {
        assert_eq!(example().recorded(), vec![("muster-server".to_owned(), Identity { pid: 7, started: 9 })]);
    }
}
