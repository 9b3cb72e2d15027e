//! promtool and amtool on everything under `ops/prometheus` and `ops/alerts`, told apart by what is in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    commands::{capture, which},
    paths::Paths,
    services::sandbox::Sandbox,
    steps::Step,
};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Rules,
    RuleTests,
    Prometheus,
    Alertmanager,
}

impl Kind {
    /// By the keys at the beginning of its lines.
    fn of(text: &str) -> Option<Self> {
        let has = |key: &str| text.lines().any(|line| line.starts_with(key));
        if has("tests:") {
            Some(Self::RuleTests)
        } else if has("groups:") {
            Some(Self::Rules)
        } else if has("route:") {
            Some(Self::Alertmanager)
        } else if has("scrape_configs:") {
            Some(Self::Prometheus)
        } else {
            None
        }
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Rules => &["promtool", "check", "rules"],
            Self::RuleTests => &["promtool", "test", "rules"],
            // References to files of a deployment, such as credentials, are not followed.
            Self::Prometheus => &["promtool", "check", "config", "--syntax-only"],
            Self::Alertmanager => &["amtool", "check-config"],
        }
    }
}

/// Checks every file; all faults are told at once.
pub fn check(step: &Step<'_>, paths: &Paths, sandbox: Option<&Sandbox>) -> Result<()> {
    let ops = paths.workspace.join("ops");
    let mut files = Vec::new();
    for folder in ["prometheus", "alerts"] {
        collect(&ops, &ops.join(folder), &mut files)?;
    }
    files.sort();
    for kind in [Kind::Rules, Kind::RuleTests] {
        if !files.iter().any(|(of, _)| *of == kind) {
            bail!(
                "there is no file of {kind:?} under ops/prometheus or ops/alerts, so there is nothing that could be checked"
            );
        }
    }
    let mut faults = Vec::new();
    for (kind, file) in &files {
        step.note(&file.display().to_string());
        if let Err(error) = capture(command(sandbox, &ops, *kind, file)?, "") {
            faults.push(format!("ops/{}: {error:#}", file.display()));
        }
    }
    step.detail(format!("{} files", files.len()));
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

fn command(sandbox: Option<&Sandbox>, ops: &Path, kind: Kind, file: &Path) -> Result<Command> {
    let words = kind.words();
    let mut command = match sandbox {
        Some(sandbox) => sandbox.reading(ops, &format!("/usr/bin/{}", words[0])),
        None => {
            let program =
                which(words[0]).with_context(|| format!("{} is missing, which checks {}", words[0], file.display()))?;
            let mut command = Command::new(program);
            command.current_dir(ops);
            command
        }
    };
    command.args(&words[1..]).arg(file);
    Ok(command)
}

/// Every YAML file of a known kind, by its path in `ops`.
fn collect(ops: &Path, folder: &Path, files: &mut Vec<(Kind, PathBuf)>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(ops, &path, files)?;
            continue;
        }
        if !path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if let Some(kind) = Kind::of(&text) {
            files.push((kind, path.strip_prefix(ops).context("a file of ops lies in ops")?.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_keys() {
        assert_eq!(Kind::of("# rules\ngroups:\n  - name: a\n"), Some(Kind::Rules));
        assert_eq!(Kind::of("rule_files: [a.yml]\ntests:\n"), Some(Kind::RuleTests));
        assert_eq!(Kind::of("global: {}\nroute:\n  receiver: a\n"), Some(Kind::Alertmanager));
        assert_eq!(Kind::of("rule_files: [a.yml]\nscrape_configs: []\n"), Some(Kind::Prometheus));
        assert_eq!(Kind::of("apiVersion: 1\nproviders:\n"), None);
    }
}
