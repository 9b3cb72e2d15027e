//! Whether the programs take the settings that the rendered processes have: each is started with them, as `--check-config`.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{chart::documents, copies, renderings};
use crate::commands::guarded;

/// Processes whose program refuses their settings, each with what it says.
pub fn refused(workspace: &Path, binaries: &Path) -> Result<Vec<String>> {
    let mut refused = Vec::new();
    for (rendering, text) in renderings(workspace, &copies::of(workspace)?)? {
        for manifest in documents::<Value>(&text)? {
            for container in manifest["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten() {
                if let Some(complaint) = complaint(container, binaries)? {
                    let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
                    refused.push(format!("{rendering}.yaml, {name}: {complaint}"));
                }
            }
        }
    }
    Ok(refused)
}

fn complaint(container: &Value, binaries: &Path) -> Result<Option<String>> {
    let program = container["name"].as_str().context("a container has a name")?;
    let mut command: Command = guarded(binaries.join(program));
    // The program's own way to begin, and nothing of this process's settings.
    let arguments = container["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
    command.arg("--check-config").args(arguments).env_clear();
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().context("a variable has a name")?;
        command.env(name, variable["value"].as_str().unwrap_or_else(|| secret(name)));
    }
    let output = command.output().with_context(|| format!("cannot start {program}"))?;
    Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// What might be in a Secret.
fn secret(name: &str) -> &'static str {
    match name {
        "MUSTER__POSTGRES__URL" => "postgres://muster@postgres/muster",
        "MUSTER__REDIS__URL" => "redis://redis",
        "MUSTER__NATS__URL" => "nats://nats",
        "MUSTER__LOKI__URL" => "http://loki:3100",
        _ => "a secret",
    }
}
