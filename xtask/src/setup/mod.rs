//! What a machine lacks and how it gets it. Everything is looked at first, told, then installed in one go.

pub mod apt;
pub mod bao;
pub mod browser;
pub mod lints;
pub mod root;
pub mod wasm_toolchain;

use std::{
    fs::{File, TryLockError},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{commands::which, interrupt, paths::Paths, steps::Steps};

/// What a command is going to use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// PostgreSQL, Redis, NATS, promtool, amtool in their root.
    pub root: bool,
    /// OpenBao.
    pub bao: bool,
    /// A compiler for WebAssembly.
    pub wasm: bool,
    /// Headless Chromium and its driver.
    pub browser: bool,
    /// rustfmt and clippy.
    pub lints: bool,
}

impl Wanted {
    /// Everything there is.
    pub fn everything() -> Self {
        Self { root: true, bao: true, wasm: true, browser: true, lints: true }
    }
}

/// What is there after [`ensure`]; a field is `None` when it was not wanted.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    /// The services' root.
    pub root: Option<PathBuf>,
    /// The `bao` or `vault` binary.
    pub bao: Option<PathBuf>,
    /// The WebAssembly compiler.
    pub wasm: Option<wasm_toolchain::Toolchain>,
    /// The browser's driver.
    pub browser: Option<browser::Browser>,
    /// rustfmt and clippy.
    pub lints: Option<lints::Lints>,
}

/// Brings what is wanted and missing, saying first what it installs. Does nothing on a machine that has it all.
pub fn ensure(steps: &Steps, paths: &Paths, wanted: Wanted) -> Result<Tools> {
    let _lock = lock_cache(steps, paths)?;
    let mut needs = Vec::new();
    if wanted.root {
        needs.extend(root::needs(paths));
    }
    if wanted.bao {
        needs.extend(bao::needs(paths));
    }
    if wanted.wasm {
        needs.extend(wasm_toolchain::needs(steps, paths)?);
    }
    if wanted.browser {
        needs.extend(browser::needs());
    }
    if wanted.lints {
        needs.extend(lints::needs(steps, paths)?);
    }
    apt::install(steps, paths, &needs)?;

    let mut tools = Tools::default();
    if wanted.root {
        tools.root = Some(root::ensure(steps, paths)?);
    }
    if wanted.bao {
        tools.bao = Some(bao::ensure(steps, paths)?);
    }
    if wanted.wasm {
        tools.wasm = Some(wasm_toolchain::ensure()?);
    }
    if wanted.browser {
        tools.browser = Some(browser::ensure()?);
    }
    if wanted.lints {
        tools.lints = Some(lints::ensure(paths)?);
    }
    Ok(tools)
}

/// `cargo xtask setup`: everything, and where it is.
pub fn command(paths: &Paths) -> Result<()> {
    let steps = Steps::new();
    let tools = ensure(&steps, paths, Wanted::everything())?;
    steps.heading("Everything Muster needs is here:");
    let place = |path: Option<PathBuf>| path.map_or_else(|| "-".to_owned(), |path| paths.short(&path));
    steps.say(&format!("  services' root   {}", place(tools.root)));
    steps.say(&format!("  OpenBao          {}", place(tools.bao)));
    steps.say(&format!("  WebAssembly      {}", tools.wasm.map_or("-", |toolchain| toolchain.name())));
    steps.say(&format!("  browser driver   {}", place(tools.browser.map(|browser| browser.driver))));
    steps.say(&format!("  bubblewrap       {}", place(which("bwrap"))));
    Ok(())
}

/// Two clones that share a cache do not build the same root at once. The kernel frees the lock of a dead process.
fn lock_cache(steps: &Steps, paths: &Paths) -> Result<File> {
    let path = paths.cache.join(".lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut told = false;
    interrupt::wait_for(Duration::from_secs(3600), || match file.try_lock() {
        Ok(()) => Ok(Some(())),
        Err(TryLockError::WouldBlock) => {
            if !std::mem::replace(&mut told, true) {
                steps.say("Another `cargo xtask` is setting up; waiting for it …");
            }
            Ok(None)
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    })?
    .context("another `cargo xtask` has been setting up for an hour; end it first")?;
    Ok(file)
}
