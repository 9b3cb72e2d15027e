//! What `cargo test` prints, read line by line.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::Counts;

/// What kind of tests a binary holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Beside the code.
    Unit,
    /// `tests/it`, against real services.
    Integration,
    /// `tests/it` of the dashboard, in Chromium.
    Browser,
    /// Examples in the documentation.
    Docs,
}

impl Kind {
    /// Its line in the summary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Integration => "integration",
            Self::Browser => "browser",
            Self::Docs => "docs",
        }
    }
}

/// A test binary: its package and what selects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// Such as `muster-store`.
    pub package: String,
    /// `--lib`, `--bin NAME` or `--test NAME`.
    pub selector: String,
    /// What it holds.
    pub kind: Kind,
}

/// The test binaries by their path, from `cargo test --no-run --message-format=json`.
pub fn binaries(messages: &str) -> BTreeMap<String, Binary> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter_map(|message: Value| binary(&message))
        .collect()
}

fn binary(message: &Value) -> Option<(String, Binary)> {
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let executable = message["executable"].as_str()?;
    let package = package_name(message["package_id"].as_str()?)?;
    let target = &message["target"];
    let name = target["name"].as_str()?;
    let (selector, kind) = match target["kind"][0].as_str()? {
        "test" if package == "muster-dashboard" => (format!("--test {name}"), Kind::Browser),
        "test" => (format!("--test {name}"), Kind::Integration),
        "bin" => (format!("--bin {name}"), Kind::Unit),
        "example" => (format!("--example {name}"), Kind::Unit),
        _ => ("--lib".to_owned(), Kind::Unit),
    };
    Some((executable.to_owned(), Binary { package, selector, kind }))
}

/// `path+file:///…/store#muster-store@0.1.0`, or `…/xtask#0.1.0` when folder and package have the same name.
fn package_name(id: &str) -> Option<String> {
    let (place, version) = id.rsplit_once('#')?;
    match version.split_once('@') {
        Some((name, _)) => Some(name.to_owned()),
        None => place.rsplit('/').next().map(str::to_owned),
    }
}

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its path in the binary.
    pub name: String,
    /// What it printed.
    pub output: Vec<String>,
    /// `-p muster-store --test it leases::expire`, if the binary is known.
    pub selector: Option<String>,
}

/// Reads the output and adds up.
#[derive(Debug, Default)]
pub struct Reader {
    binaries: BTreeMap<String, Binary>,
    current: Option<(Kind, Option<Binary>)>,
    block: Option<usize>,
    /// Counts and time by kind.
    pub totals: BTreeMap<Kind, (Counts, Duration)>,
    /// In the order in which they were told.
    pub failures: Vec<Failure>,
}

impl Reader {
    /// `binaries` tells which package a binary is of; an unknown one is judged by its name.
    pub fn new(binaries: BTreeMap<String, Binary>) -> Self {
        Self { binaries, ..Self::default() }
    }

    /// One more line; gives a word on the progress when there is one.
    pub fn line(&mut self, line: &str) -> Option<String> {
        let trimmed = line.trim();
        if let Some(rest) = trimmed.strip_prefix("Running ") {
            self.begin(rest);
        } else if let Some(name) = trimmed.strip_prefix("Doc-tests ") {
            let binary = Binary { package: name.replace('_', "-"), selector: "--doc".into(), kind: Kind::Docs };
            self.current = Some((Kind::Docs, Some(binary)));
            self.block = None;
        } else if let Some(result) = trimmed.strip_prefix("test result: ") {
            self.end(result);
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" ----")) {
            self.open(name.trim_end_matches(" stdout").trim_end_matches(" stderr"));
        } else if line == "failures:" {
            self.block = None;
        } else if let Some(failure) = self.block.and_then(|block| self.failures.get_mut(block)) {
            failure.output.push(line.to_owned());
        } else if let Some(test) = trimmed.strip_prefix("test ") {
            return Some(test.to_owned());
        }
        None
    }

    /// `unittests src/lib.rs (target/debug/deps/muster_core-0123)` or `tests/it/main.rs (…/it-0123)`.
    fn begin(&mut self, what: &str) {
        self.block = None;
        let path = what.rsplit_once('(').map(|(_, path)| path.trim_end_matches(')')).unwrap_or_default();
        // cargo shortens paths inside the workspace.
        let known = self
            .binaries
            .iter()
            .find(|(full, _)| full.as_str() == path || full.ends_with(&format!("/{path}")))
            .map(|(_, binary)| binary.clone());
        let kind = known
            .as_ref()
            .map_or(if what.starts_with("unittests") { Kind::Unit } else { Kind::Integration }, |binary| binary.kind);
        self.current = Some((kind, known));
    }

    /// `ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
    fn end(&mut self, result: &str) {
        let number = |what: &str| {
            result
                .split(['.', ';'])
                .map(str::trim)
                .find_map(|field| field.strip_suffix(what))
                .and_then(|number| number.trim().parse::<u64>().ok())
                .unwrap_or_default()
        };
        let took =
            result.rsplit_once("finished in ").and_then(|(_, time)| time.trim_end_matches('s').parse::<f64>().ok());
        let kind = self.current.as_ref().map_or(Kind::Unit, |(kind, _)| *kind);
        let (counts, time) = self.totals.entry(kind).or_default();
        *counts += Counts { passed: number(" passed"), failed: number(" failed"), skipped: number(" ignored") };
        *time += Duration::from_secs_f64(took.unwrap_or_default());
        self.block = None;
    }

    fn open(&mut self, name: &str) {
        let binary = self.current.as_ref().and_then(|(_, binary)| binary.as_ref());
        // Names of documentation examples hold a path and a line, which cargo test does not take as a filter.
        let selector = binary.map(|binary| match binary.kind {
            Kind::Docs => format!("-p {} {}", binary.package, binary.selector),
            _ => format!("-p {} {} {name}", binary.package, binary.selector),
        });
        self.failures.push(Failure { name: name.to_owned(), output: Vec::new(), selector });
        self.block = Some(self.failures.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/platform/store#muster-store@0.1.0","target":{"kind":["test"],"name":"it"},"profile":{"test":true},"executable":"/w/target/debug/deps/it-0001"}
{"reason":"compiler-artifact","package_id":"path+file:///w/dashboard/server#muster-dashboard@0.1.0","target":{"kind":["test"],"name":"it"},"profile":{"test":true},"executable":"/w/target/debug/deps/it-0002"}
{"reason":"compiler-artifact","package_id":"path+file:///w/xtask#0.1.0","target":{"kind":["bin"],"name":"xtask"},"profile":{"test":true},"executable":"/w/target/debug/deps/xtask-0003"}
{"reason":"compiler-artifact","package_id":"path+file:///w/xtask#0.1.0","target":{"kind":["bin"],"name":"xtask"},"profile":{"test":false},"executable":"/w/target/debug/xtask"}
{"reason":"build-finished","success":true}"#;

    const OUTPUT: &str = "   Compiling muster-store v0.1.0
     Running unittests src/main.rs (target/debug/deps/xtask-0003)

running 2 tests
test a ... ok
test b ... ignored

test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.50s

     Running tests/it/main.rs (target/debug/deps/it-0001)

running 2 tests
test leases::expire ... FAILED
test leases::renew ... ok

failures:

---- leases::expire stdout ----

thread 'leases::expire' panicked at platform/store/tests/it/leases.rs:10:5:
expected None


failures:
    leases::expire

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s

error: test failed, to rerun pass `-p muster-store --test it`
     Running tests/it/main.rs (target/debug/deps/it-0002)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.00s

   Doc-tests muster_core

running 1 test
test platform/core/src/lib.rs - (line 5) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";

    #[test]
    fn binaries_are_known_by_package_and_kind() {
        let known = binaries(MESSAGES);
        assert_eq!(known.len(), 3);
        assert_eq!(known["/w/target/debug/deps/it-0002"].kind, Kind::Browser);
        assert_eq!(
            known["/w/target/debug/deps/xtask-0003"],
            Binary { package: "xtask".into(), selector: "--bin xtask".into(), kind: Kind::Unit }
        );
    }

    #[test]
    fn results_are_added_up_by_kind() {
        let mut reader = Reader::new(binaries(MESSAGES));
        let progress: Vec<String> = OUTPUT.lines().filter_map(|line| reader.line(line)).collect();
        assert_eq!(progress.len(), 5);
        let counts: Vec<_> = reader
            .totals
            .iter()
            .map(|(kind, (counts, _))| (kind.name(), counts.passed, counts.failed, counts.skipped))
            .collect();
        assert_eq!(counts, [("unit", 1, 0, 1), ("integration", 1, 1, 0), ("browser", 3, 0, 0), ("docs", 1, 0, 0)]);
        assert_eq!(reader.totals[&Kind::Integration].1, Duration::from_millis(1250));
    }

    #[test]
    fn a_failure_has_its_output_and_how_to_run_it_again() {
        let mut reader = Reader::new(binaries(MESSAGES));
        for line in OUTPUT.lines() {
            reader.line(line);
        }
        assert_eq!(reader.failures.len(), 1);
        let failure = &reader.failures[0];
        assert_eq!(failure.selector.as_deref(), Some("-p muster-store --test it leases::expire"));
        assert!(failure.output.iter().any(|line| line == "expected None"));
        assert!(!failure.output.iter().any(|line| line.contains("test result")));
    }
}
