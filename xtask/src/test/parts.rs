//! The parts that are one check each, and what several parts share: tools, services, the built site.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{Part, Row, Selection, alerts, chaos, indented, tests};
use crate::{
    build,
    commands::run,
    manifests,
    paths::Paths,
    schemas,
    services::{self, Given, sandbox::Sandbox, scratch::ScratchServices},
    setup::{self, Tools, Wanted},
    sqlx,
    steps::{Step, Steps},
    wasm,
};

/// Does the parts; what one has set up, later ones use.
pub struct Workshop<'a> {
    pub(super) steps: &'a Steps,
    pub(super) paths: &'a Paths,
    pub(super) selection: &'a Selection,
    tools: Option<Tools>,
    services: Option<ScratchServices>,
    site: Option<PathBuf>,
    built: bool,
}

impl<'a> Workshop<'a> {
    /// Nothing is done yet.
    pub fn new(steps: &'a Steps, paths: &'a Paths, selection: &'a Selection) -> Self {
        Self { steps, paths, selection, tools: None, services: None, site: None, built: false }
    }

    /// Does one part; an error is a failed check with its explanation.
    pub fn run(&mut self, part: Part) -> Result<Vec<Row>> {
        let began = Instant::now();
        match part {
            Part::Fmt => self.fmt()?,
            Part::Clippy => self.clippy()?,
            Part::Wasm => {
                self.site()?;
            }
            Part::Build => self.build()?,
            Part::Schemas => self.schemas()?,
            Part::Manifests => self.manifests()?,
            Part::Alerts => self.alerts()?,
            Part::Sqlx => self.sqlx()?,
            Part::Tests => return tests::run(self),
            Part::Chaos => return chaos::run(self).map(|row| vec![row]),
        }
        Ok(vec![Row::one(part.name(), true, began.elapsed(), "")])
    }

    fn fmt(&mut self) -> Result<()> {
        let mut command = self.lints()?.fmt();
        command.args(["--all", "--", "--check", "--files-with-diff", "--color", "never"]);
        self.cargo_step(
            "cargo fmt --check",
            command,
            "fmt",
            "these files are not formatted; `cargo fmt --all` formats them",
        )
    }

    fn clippy(&mut self) -> Result<()> {
        let mut command = self.lints()?.clippy();
        command.args(["--all-targets", "--", "-D", "warnings"]);
        self.cargo_step("cargo clippy", command, "clippy", "clippy finds faults")
    }

    /// What `cargo test` will run, built before, so that a fault of the code is not told as one of a test.
    pub(super) fn build(&mut self) -> Result<()> {
        if self.built {
            return Ok(());
        }
        let mut command = build::cargo();
        command.args(["build", "--all-targets"]);
        self.cargo_step("cargo build", command, "build", "the code does not build")?;
        self.built = true;
        Ok(())
    }

    fn schemas(&mut self) -> Result<()> {
        self.build()?;
        self.compared("schemas", "cargo xtask schemas", |_| schemas::differences(self.paths, &schemas::ALL))
    }

    fn manifests(&mut self) -> Result<()> {
        self.build()?;
        self.compared("manifests", "cargo xtask manifests", |_| manifests::differences(&self.paths.workspace))?;
        self.steps.step("settings in manifests", |_| {
            let refused = manifests::refused(&self.paths.workspace, &self.paths.binaries(false))?;
            if refused.is_empty() {
                return Ok(());
            }
            bail!("programs refuse what the chart sets:\n{}", indented(&refused.join("\n")))
        })
    }

    fn alerts(&mut self) -> Result<()> {
        let sandbox = self.sandbox()?;
        self.steps.step("promtool, amtool", |step| alerts::check(step, self.paths, sandbox.as_ref()))
    }

    fn sqlx(&mut self) -> Result<()> {
        let sandbox = self.sandbox()?;
        let url = self.services()?.url("postgres")?.to_owned();
        self.compared("query data", "cargo xtask sqlx", |step| {
            sqlx::differences(step, self.paths, sandbox.as_ref(), &url)
        })
    }

    /// A comparison of committed files with what they should be.
    fn compared(
        &self,
        what: &str,
        renew: &str,
        differences: impl FnOnce(&Step<'_>) -> Result<Vec<String>>,
    ) -> Result<()> {
        self.steps.step(what, |step| {
            let found = differences(step)?;
            if found.is_empty() {
                return Ok(());
            }
            bail!("committed files are out of date; `{renew}` writes them anew:\n{}", indented(&found.join("\n")))
        })
    }

    fn cargo_step(&self, what: &str, mut command: Command, log: &str, fault: &str) -> Result<()> {
        self.steps.step(what, |step| {
            command.current_dir(&self.paths.workspace);
            run(step, command, &self.paths.log(&format!("test/{log}")), build::WITHIN).with_context(|| fault.to_owned())
        })
    }

    /// rustfmt and clippy.
    fn lints(&mut self) -> Result<setup::lints::Lints> {
        self.tools()?.lints.clone().context("rustfmt and clippy were not set up")
    }

    /// Everything the chosen parts need, set up once, at the beginning.
    pub(super) fn tools(&mut self) -> Result<&Tools> {
        if self.tools.is_none() {
            let uses = |parts: &[Part]| {
                let only = &self.selection.only;
                !self.selection.fast && (only.is_empty() || parts.iter().any(|part| only.contains(part)))
            };
            let given = Given::for_test(&std::env::vars().collect());
            let wanted = Wanted {
                // promtool and amtool come from the root, even where the services are given.
                // And what is killed must be one's own.
                root: uses(&[Part::Alerts, Part::Chaos])
                    || (given.lacks_root_services() && uses(&[Part::Sqlx, Part::Tests])),
                // A Vault that is given is not for tests to seal.
                bao: uses(&[Part::Tests]),
                wasm: uses(&[Part::Wasm, Part::Tests]),
                browser: uses(&[Part::Tests]),
                lints: self.selection.only.is_empty()
                    || self.selection.only.iter().any(|part| matches!(part, Part::Fmt | Part::Clippy)),
            };
            self.tools = Some(setup::ensure(self.steps, self.paths, wanted)?);
        }
        self.tools.as_ref().context("the tools were set up")
    }

    fn sandbox(&mut self) -> Result<Option<Sandbox>> {
        self.tools()?.root.as_deref().map(Sandbox::new).transpose()
    }

    /// The services of this run: all that any chosen part needs.
    pub(super) fn services(&mut self) -> Result<&ScratchServices> {
        if self.services.is_none() {
            let given = Given::for_test(&std::env::vars().collect());
            let only = &self.selection.only;
            let names = if only.is_empty() || only.contains(&Part::Tests) { &services::ALL[..] } else { &["postgres"] };
            let tools = self.tools()?.clone();
            self.services = Some(ScratchServices::start(self.steps, self.paths, &tools, &given, names)?);
        }
        self.services.as_ref().context("the services were started")
    }

    /// Pids of the services, if any were started.
    pub(super) fn service_pids(&self) -> Vec<u32> {
        self.services.as_ref().map(ScratchServices::pids).unwrap_or_default()
    }

    /// The dashboard's files, with a WebAssembly that builds in seconds.
    pub(super) fn site(&mut self) -> Result<PathBuf> {
        if let Some(site) = &self.site {
            return Ok(site.clone());
        }
        let toolchain = self.tools()?.wasm.clone().context("the WebAssembly compiler was not set up")?;
        let site = wasm::build(self.steps, self.paths, &toolchain, false)?;
        self.site = Some(site.clone());
        Ok(site)
    }
}

/// How long all tests together may take.
pub(super) const TESTS_WITHIN: Duration = Duration::from_secs(30 * 60);
