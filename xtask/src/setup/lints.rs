//! rustfmt and clippy: the toolchain's own; where a minimal toolchain cannot be extended, Debian's.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::Result;

use crate::{
    build,
    commands::{guarded, run, succeeds, which},
    paths::Paths,
    setup::apt::{Need, Sign},
    steps::Steps,
};

const DEBIAN_FMT: Need = Need {
    package: "rustfmt-web",
    sign: Sign::File("/var/lib/dpkg/info/rustfmt-web.list"),
    why: "checks how the code is formatted",
};
const DEBIAN_CLIPPY: [Need; 3] = [
    Need {
        package: "rust-web-clippy",
        sign: Sign::File("/var/lib/dpkg/info/rust-web-clippy.list"),
        why: "checks the code for mistakes",
    },
    Need { package: "cargo-web", sign: Sign::File("/var/lib/dpkg/info/cargo-web.list"), why: "drives that check" },
    Need {
        package: "rustc-web",
        sign: Sign::File("/var/lib/dpkg/info/rustc-web.list"),
        why: "compiles for that check",
    },
];

/// How to call them.
#[derive(Clone, Debug)]
pub struct Lints {
    own_fmt: bool,
    own_clippy: bool,
    debian_target: PathBuf,
}

impl Lints {
    /// `cargo fmt`.
    pub fn fmt(&self) -> Command {
        if self.own_fmt {
            let mut command = build::cargo();
            command.arg("fmt");
            return command;
        }
        let mut command = build::clean(guarded("/usr/bin/cargo-fmt"));
        command.arg("fmt").env("RUSTFMT", "/usr/bin/rustfmt");
        command
    }

    /// `cargo clippy`.
    pub fn clippy(&self) -> Command {
        if self.own_clippy {
            let mut command = build::cargo();
            command.arg("clippy");
            return command;
        }
        // Another compiler needs an output folder of its own, or the two would rebuild everything in turns.
        let mut command = build::clean(guarded("/usr/bin/cargo-clippy"));
        command
            .arg("clippy")
            .env("CARGO", "/usr/bin/cargo")
            .env("RUSTC", "/usr/bin/rustc")
            .env("CARGO_TARGET_DIR", &self.debian_target);
        command
    }
}

fn has(component: &str) -> bool {
    let mut command = build::cargo();
    command.args([component, "--version"]);
    succeeds(command)
}

/// The packages needed: none where the toolchain has both or rustup can add them.
pub fn needs(steps: &Steps, paths: &Paths) -> Result<Vec<Need>> {
    let mut needs = Vec::new();
    for (subcommand, component, debian) in
        [("fmt", "rustfmt", &[DEBIAN_FMT][..]), ("clippy", "clippy", &DEBIAN_CLIPPY[..])]
    {
        if has(subcommand) || debian.iter().all(|need| !need.is_missing()) {
            continue;
        }
        if which("rustup").is_some() {
            let added = steps.step("rustup component add", |step| {
                step.detail(component);
                let mut command = guarded("rustup");
                command.args(["component", "add", component]);
                match run(step, command, &paths.log("setup-rustup"), Duration::from_secs(120)) {
                    Ok(()) => Ok(true),
                    Err(error) if error.is::<crate::interrupt::Interrupted>() => Err(error),
                    Err(_) => {
                        step.detail(format!("{component} cannot be had here; taking Debian's"));
                        Ok(false)
                    }
                }
            })?;
            if added {
                continue;
            }
        }
        needs.extend_from_slice(debian);
    }
    Ok(needs)
}

/// How to call them, once [`needs`] are met.
pub fn ensure(paths: &Paths) -> Result<Lints> {
    Ok(Lints { own_fmt: has("fmt"), own_clippy: has("clippy"), debian_target: paths.cache.join("clippy-debian") })
}
