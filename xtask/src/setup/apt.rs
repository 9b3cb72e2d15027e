//! Debian packages: what is missing, why it is needed, and how it gets here.

use std::{collections::BTreeSet, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail};
use nix::unistd::Uid;

use crate::{
    commands::{capture, guarded, is_executable, run, succeeds, which},
    paths::Paths,
    steps::Steps,
};

/// Something a machine must have, and the Debian package that brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The Debian package.
    pub package: &'static str,
    /// How to see that it is there, however it came.
    pub sign: Sign,
    /// What it is for, as the end of a sentence that begins with "it".
    pub why: &'static str,
}

/// How to see that something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A program on the PATH.
    Program(&'static str),
    /// A file.
    File(&'static str),
}

impl Need {
    /// Whether the machine lacks it.
    pub fn is_missing(&self) -> bool {
        match self.sign {
            Sign::Program(program) => which(program).is_none() && !is_executable(&Path::new("/usr/bin").join(program)),
            Sign::File(file) => !Path::new(file).exists(),
        }
    }
}

/// How this user may install packages.
enum Rights {
    Root,
    Sudo,
    None,
}

fn rights() -> Rights {
    if Uid::effective().is_root() {
        return Rights::Root;
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["--non-interactive", "true"]);
    if succeeds(sudo) { Rights::Sudo } else { Rights::None }
}

/// Whether this user may become root without a password.
pub fn has_sudo() -> bool {
    matches!(rights(), Rights::Sudo)
}

/// Installs what is missing of `needs`, after saying what and why.
///
/// # Errors
/// When something is missing and this user may not install it, or apt fails: with what, why and how.
pub fn install(steps: &Steps, paths: &Paths, needs: &[Need]) -> Result<()> {
    let mut missing: Vec<Need> = needs.iter().filter(|need| need.is_missing()).copied().collect();
    // Two things may need the same package: told once, with the first reason.
    let mut told = BTreeSet::new();
    missing.retain(|need| told.insert(need.package));
    if missing.is_empty() {
        return Ok(());
    }
    let packages: BTreeSet<&str> = missing.iter().map(|need| need.package).collect();
    let list = packages.iter().copied().collect::<Vec<_>>().join(" ");
    if which("apt-get").is_none() {
        bail!(
            "this machine lacks:\n{}\nThere is no apt-get to install {list} with; install them the way this system does, then run this again.",
            table(&missing)
        );
    }
    let rights = rights();
    if matches!(rights, Rights::None) {
        bail!(
            "this machine lacks:\n{}\nYou are not root and cannot become root without a password, so run this once:\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends {list}\nand then this command again.",
            table(&missing)
        );
    }
    steps.say(&format!("This machine lacks a few things; installing with apt-get:\n{}", table(&missing)));
    let apt_get = |arguments: &[&str]| {
        let mut command = match rights {
            Rights::Sudo => {
                let mut command = guarded("sudo");
                command.args(["--non-interactive", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
                command
            }
            Rights::Root | Rights::None => guarded("apt-get"),
        };
        command.env("DEBIAN_FRONTEND", "noninteractive");
        // Another apt at work is waited for instead of failing on its lock.
        command.args(["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]).args(arguments);
        command
    };
    steps.step("apt-get update", |step| {
        run(step, apt_get(&["update"]), &paths.log("setup-apt-update"), Duration::from_secs(600))
            .context("the package lists cannot be fetched; is there a network, and is /etc/apt/sources.list right?")
    })?;
    steps.step("apt-get install", |step| {
        step.detail(format!("{} packages", packages.len()));
        let mut arguments = vec!["install", "-y", "--no-install-recommends"];
        arguments.extend(packages.iter().copied());
        run(step, apt_get(&arguments), &paths.log("setup-apt-install"), Duration::from_secs(1200))
            .with_context(|| format!("cannot install {list}"))
    })?;
    let still: Vec<Need> = missing.into_iter().filter(Need::is_missing).collect();
    if !still.is_empty() {
        bail!("apt-get installed the packages, but this is still not there:\n{}", table(&still));
    }
    Ok(())
}

fn table(needs: &[Need]) -> String {
    needs.iter().map(|need| format!("  {:<18} it {}", need.package, need.why)).collect::<Vec<_>>().join("\n")
}

/// The machine's own Debian archive, from its apt configuration; `MUSTER_DEBIAN_MIRROR` overrules it.
pub fn mirror() -> Result<String> {
    if let Some(mirror) = std::env::var("MUSTER_DEBIAN_MIRROR").ok().filter(|mirror| !mirror.is_empty()) {
        return Ok(mirror);
    }
    let mut command = Command::new("apt-get");
    command.args([
        "indextargets",
        "--format",
        "$(REPO_URI)|$(ORIGIN)|$(CODENAME)|$(COMPONENT)",
        "Created-By: Packages",
    ]);
    let targets = capture(command, "").context("apt-get cannot tell this machine's package archives")?;
    choose_mirror(&targets).context(
        "apt on this machine knows no Debian archive to take PostgreSQL 17 with TimescaleDB, Redis and NATS from. \
         Set MUSTER_DEBIAN_MIRROR to one, or use --services docker, or give MUSTER__POSTGRES__URL, MUSTER__REDIS__URL and MUSTER__NATS__URL",
    )
}

/// The first archive that holds Debian's `main`, leaving security updates aside: they are another archive.
fn choose_mirror(targets: &str) -> Option<String> {
    let candidates: Vec<[&str; 4]> = targets
        .lines()
        .filter_map(|line| line.split('|').collect::<Vec<_>>().try_into().ok())
        .filter(|[uri, _, codename, component]: &[&str; 4]| {
            *component == "main" && !uri.contains("security") && !codename.contains("security")
        })
        .collect();
    // The origin is known only after an `apt-get update`; until then any archive with a plain name will do.
    let known = candidates.iter().find(|[_, origin, ..]| *origin == "Debian");
    let unknown = || {
        candidates.iter().find(|[uri, origin, ..]| origin.is_empty() && uri.trim_end_matches('/').ends_with("debian"))
    };
    known.or_else(unknown).map(|[uri, ..]| (*uri).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_main_archive_is_chosen() {
        let targets = "https://a.example/apt/||tools-bookworm|main\n\
            http://b.example/debian-security/|Debian|bookworm-security|main\n\
            http://b.example/debian/|Debian|bookworm|contrib\n\
            http://b.example/debian/|Debian|bookworm|main\n\
            http://c.example/debian/|Debian|bookworm-updates|main\n";
        assert_eq!(choose_mirror(targets).as_deref(), Some("http://b.example/debian/"));
    }

    #[test]
    fn before_the_first_update_the_name_decides() {
        let targets = "https://a.example/node/|||main\nhttp://b.example/debian/|||main\n";
        assert_eq!(choose_mirror(targets).as_deref(), Some("http://b.example/debian/"));
    }

    #[test]
    fn other_systems_have_none() {
        assert_eq!(choose_mirror("http://a.example/ubuntu/|Ubuntu|noble|main\n"), None);
        assert_eq!(choose_mirror(""), None);
    }

    #[test]
    fn a_need_is_seen_by_its_sign() {
        let shell = Need { package: "dash", sign: Sign::Program("sh"), why: "runs scripts" };
        let absent = Need { package: "nothing", sign: Sign::File("/no/such/file"), why: "is not there" };
        assert!(!shell.is_missing() && absent.is_missing());
        assert!(table(&[absent]).contains("nothing            it is not there"));
    }
}
