//! Generated documents that are committed: what the outside world may rely on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    build,
    commands::{capture, guarded, run},
    files,
    paths::Paths,
    steps::Steps,
};

/// One document and the command that prints it.
pub struct Document {
    /// Where it is committed, in the workspace.
    pub file: &'static str,
    binary: &'static str,
    argument: &'static str,
}

const OPENAPI: Document = Document { file: "schemas/openapi.json", binary: "muster-server", argument: "openapi" };
const SOCKET: Document =
    Document { file: "schemas/socket.schema.json", binary: "muster-server", argument: "socket-schema" };
const ERRORS: Document = Document { file: "docs/errors.md", binary: "muster-server", argument: "errors" };
const GRAPHQL: Document = Document { file: "graphql/schema.graphql", binary: "muster-graphql", argument: "schema" };
const CRDS: Document = Document { file: "operator/crds.yaml", binary: "muster-operator", argument: "crds" };

/// Everything that `cargo xtask schemas` writes.
pub const ALL: [Document; 5] = [OPENAPI, SOCKET, ERRORS, GRAPHQL, CRDS];

/// What `cargo xtask crds` writes.
pub const ONLY_CRDS: [Document; 1] = [CRDS];

impl Document {
    fn print(&self, binaries: &Path) -> Result<String> {
        let mut command: Command = guarded(binaries.join(self.binary));
        command.arg(self.argument);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MUSTER__")) {
            command.env_remove(name);
        }
        let text = capture(command, "").with_context(|| format!("{} cannot be generated", self.file))?;
        Ok(text.trim_end().to_owned() + "\n")
    }
}

/// Builds what prints `documents` and writes those that changed.
pub fn write(paths: &Paths, documents: &[Document]) -> Result<()> {
    let steps = Steps::new();
    build_printers(&steps, paths, documents)?;
    for document in documents {
        steps.step(document.file, |step| {
            let text = document.print(&paths.binaries(false))?;
            let changed = files::write_if_changed(&paths.workspace.join(document.file), text.as_bytes())?;
            step.detail(if changed { "changed" } else { "unchanged" });
            Ok(())
        })?;
    }
    Ok(())
}

/// Builds the binaries that print `documents`.
fn build_printers(steps: &Steps, paths: &Paths, documents: &[Document]) -> Result<()> {
    let mut packages: Vec<&str> = documents.iter().map(|document| document.binary).collect();
    packages.dedup();
    steps.step("cargo build", |step| {
        step.detail(packages.join(", "));
        let mut command = build::cargo();
        command.args(["build", "--bins"]).current_dir(&paths.workspace);
        for package in packages {
            command.args(["--package", package]);
        }
        run(step, command, &paths.log("build"), build::WITHIN)
            .context("the programs that print the schemas do not build")
    })
}

/// The documents that differ from what the built binaries print, each with the first difference.
pub fn differences(paths: &Paths, documents: &[Document]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for document in documents {
        let fresh = document.print(&paths.binaries(false))?;
        let path: PathBuf = paths.workspace.join(document.file);
        match fs::read_to_string(&path) {
            Ok(committed) if committed == fresh => {}
            Ok(committed) => found.push(format!(
                "{} differs from what the code says: {}",
                document.file,
                first_difference(&committed, &fresh)
            )),
            Err(_) => found.push(format!("{} is not there", document.file)),
        }
    }
    Ok(found)
}

/// Where two texts part, in words.
pub fn first_difference(committed: &str, fresh: &str) -> String {
    let mut fresh_lines = fresh.lines();
    for (number, line) in committed.lines().enumerate() {
        match fresh_lines.next() {
            Some(other) if other == line => {}
            Some(other) => {
                return format!("line {} is `{}`, should be `{}`", number + 1, line.trim(), other.trim());
            }
            None => {
                return format!("line {} is `{}` and should not be there", number + 1, line.trim());
            }
        }
    }
    fresh_lines.next().map_or_else(
        || "only in its last newline".to_owned(),
        |line| format!("`{}` is missing at its end", line.trim()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_told() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), "line 2 is `b`, should be `c`");
        assert_eq!(first_difference("a\nb\n", "a\n"), "line 2 is `b` and should not be there");
        assert_eq!(first_difference("a\n", "a\nb\n"), "`b` is missing at its end");
        assert_eq!(first_difference("a", "a\n"), "only in its last newline");
    }
}
