//! The platform that `cargo xtask up` started here, for examples that nobody told another.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where it is: what was given, else what the state file in this directory or one above tells, else the usual port.
pub fn platform(given: Option<&str>) -> String {
    given.map(str::to_owned).or_else(running).unwrap_or_else(|| "http://127.0.0.1:7400".to_owned())
}

fn running() -> Option<String> {
    let here = std::env::current_dir().ok()?;
    let text = here.ancestors().find_map(|directory| fs::read_to_string(state_file(directory)).ok())?;
    let state: serde_json::Value = serde_json::from_str(&text).ok()?;
    let processes = state["processes"].as_array()?;
    let server = processes.iter().find(|process| process["name"] == "muster-server")?;
    server["url"].as_str().map(str::to_owned)
}

fn state_file(directory: &Path) -> PathBuf {
    directory.join(".muster").join("state.json")
}
