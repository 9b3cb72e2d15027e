//! A compiler for WebAssembly: rustup's target where it can be had, else Debian's `rustc-web` with std built from source.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    commands::{capture, guarded, run, which},
    paths::Paths,
    setup::apt::{Need, Sign},
    steps::Steps,
};

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's packages: a current compiler with the source of its std, from the security archive.
///
/// Their signs are dpkg's own lists, since another package (an old `rustc`) may own the same programs.
const DEBIAN: [Need; 3] = [
    Need {
        package: "rustc-web",
        sign: Sign::File("/var/lib/dpkg/info/rustc-web.list"),
        why: "compiles the dashboard to WebAssembly",
    },
    Need { package: "cargo-web", sign: Sign::File("/var/lib/dpkg/info/cargo-web.list"), why: "drives that compiler" },
    Need {
        package: "rust-web-src",
        sign: Sign::File("/var/lib/dpkg/info/rust-web-src.list"),
        why: "is Rust's std, to be compiled for WebAssembly",
    },
];

/// Which compiler makes the WebAssembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The workspace's own, with the target installed.
    Rustup,
    /// Debian's; links with this `rust-lld`.
    Debian {
        /// The linker that the workspace's own toolchain brings along.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// A cargo that builds for [`TARGET`].
    pub fn cargo(&self) -> Command {
        match self {
            Self::Rustup => {
                let mut command = crate::build::cargo();
                command.args(["build", "--target", TARGET]);
                command
            }
            Self::Debian { linker } => {
                let mut command = crate::build::clean(guarded("/usr/bin/cargo"));
                command
                    .args(["build", "--target", TARGET, "-Zbuild-std=std,panic_abort"])
                    .env("RUSTC", "/usr/bin/rustc")
                    // -Zbuild-std is unstable; this compiler is of one known version, so that it may change does not matter.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        }
    }

    /// A short name, also of its own output folder: two compilers do not share one.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::Debian { .. } => "debian",
        }
    }
}

/// `MUSTER_WASM_TOOLCHAIN=rustup|debian` decides by hand.
fn forced() -> Option<String> {
    std::env::var("MUSTER_WASM_TOOLCHAIN").ok().filter(|choice| !choice.is_empty())
}

/// The packages needed: none where the target is installed or `rustup target add` brings it.
pub fn needs(steps: &Steps, paths: &Paths) -> Result<Vec<Need>> {
    let debian_is_there = DEBIAN.iter().all(|need| !need.is_missing());
    match forced().as_deref() {
        Some("debian") => return Ok(DEBIAN.to_vec()),
        Some("rustup") | None => {}
        Some(other) => bail!("MUSTER_WASM_TOOLCHAIN is {other}; it may be rustup or debian"),
    }
    if rustup_has_target() || debian_is_there {
        return Ok(Vec::new());
    }
    if which("rustup").is_some() {
        let added = steps.step("rustup target add", |step| {
            step.detail(TARGET);
            let mut command = guarded("rustup");
            command.args(["target", "add", TARGET]);
            match run(step, command, &paths.log("setup-rustup"), Duration::from_secs(120)) {
                Ok(()) => Ok(true),
                Err(error) if error.is::<crate::interrupt::Interrupted>() => Err(error),
                Err(_) => {
                    step.detail("cannot be had here; taking Debian's compiler");
                    Ok(false)
                }
            }
        })?;
        if added {
            return Ok(Vec::new());
        }
    }
    Ok(DEBIAN.to_vec())
}

/// The compiler, once [`needs`] are met.
pub fn ensure() -> Result<Toolchain> {
    let forced = forced();
    if forced.as_deref() != Some("debian") && rustup_has_target() {
        return Ok(Toolchain::Rustup);
    }
    if forced.as_deref() == Some("rustup") {
        bail!("MUSTER_WASM_TOOLCHAIN is rustup, but the target is not installed. Run: rustup target add {TARGET}");
    }
    let linker = rust_lld()?;
    Ok(Toolchain::Debian { linker })
}

fn sysroot() -> Result<PathBuf> {
    let mut command = Command::new("rustc");
    command.args(["--print", "sysroot"]);
    Ok(PathBuf::from(capture(command, "").context("rustc does not run")?.trim()))
}

fn rustup_has_target() -> bool {
    sysroot().is_ok_and(|sysroot| sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

/// Debian's compiler has no linker for WebAssembly; the workspace's own toolchain has.
fn rust_lld() -> Result<PathBuf> {
    let rustlib = sysroot()?.join("lib/rustlib");
    let host = host()?;
    let linker = rustlib.join(&host).join("bin/rust-lld");
    if is_file(&linker) {
        return Ok(linker);
    }
    bail!(
        "{} is missing, which links WebAssembly. A toolchain of rustup has it: rustup toolchain install stable, or rustup target add {TARGET}",
        linker.display()
    )
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file())
}

fn host() -> Result<String> {
    let mut command = Command::new("rustc");
    command.arg("-vV");
    let text = capture(command, "").context("rustc does not run")?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("`rustc -vV` names no host")
}
