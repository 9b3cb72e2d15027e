//! The services' own Debian 13 root: PostgreSQL 17 with TimescaleDB, Redis, NATS, promtool and amtool.
//!
//! Debian 12 lacks the first and mixing two releases in one system upgrades its libc, so they live in a folder and run
//! in a user namespace with that folder as their `/`. See `services::sandbox`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::unistd::Uid;

use crate::{
    commands::{guarded, run, succeeds, which},
    files,
    paths::Paths,
    setup::apt::{self, Need, Sign},
    steps::{Step, Steps},
};

const SUITE: &str = "trixie";
const PACKAGES: [&str; 5] =
    ["postgresql-17-timescaledb", "redis-server", "nats-server", "prometheus", "prometheus-alertmanager"];

/// Written into the root as the last thing; a root without it is half-done.
const MARKER: &str = "etc/muster-root";

/// What runs programs in the root.
pub const BUBBLEWRAP: Need = Need {
    package: "bubblewrap",
    sign: Sign::Program("bwrap"),
    why: "runs PostgreSQL, Redis and NATS in a root of their own",
};

fn root_dir(paths: &Paths) -> PathBuf {
    paths.cache.join("root")
}

/// The text of the marker: another recipe makes another root.
fn recipe() -> String {
    format!("1 {SUITE} {}\n", PACKAGES.join(","))
}

fn is_complete(root: &Path) -> bool {
    fs::read_to_string(root.join(MARKER)).is_ok_and(|text| text == recipe())
}

/// The packages needed on the machine itself: fewer once the root is there.
pub fn needs(paths: &Paths) -> Vec<Need> {
    let mut needs = vec![BUBBLEWRAP];
    if !is_complete(&root_dir(paths)) {
        needs.push(Need {
            package: "mmdebstrap",
            sign: Sign::Program("mmdebstrap"),
            why: "builds that root from Debian 13's packages (once, 0.8 GB)",
        });
        if !Uid::effective().is_root() && !apt::has_sudo() {
            needs.push(Need {
                package: "uidmap",
                sign: Sign::Program("newuidmap"),
                why: "lets an ordinary user build it",
            });
        }
    }
    needs
}

/// The root, built if it is not there yet or half-done.
pub fn ensure(steps: &Steps, paths: &Paths) -> Result<PathBuf> {
    let root = root_dir(paths);
    check_namespaces()?;
    if is_complete(&root) {
        return Ok(root);
    }
    steps.say("Building the services' Debian 13 root (once; half a minute to a few minutes, 0.8 GB):");
    steps.step("services' root", |step| {
        build(step, paths, &root)?;
        step.detail(paths.short(&root));
        Ok(())
    })?;
    Ok(root)
}

/// Fails with what to do when this user cannot make user namespaces.
fn check_namespaces() -> Result<()> {
    let mut probe = Command::new("bwrap");
    probe.args(["--ro-bind", "/", "/", "--unshare-user", "--uid", "1", "--gid", "1", "--unshare-pid", "true"]);
    if succeeds(probe) {
        return Ok(());
    }
    bail!(
        "this machine does not let you make user namespaces, in which the private services run. Do one of these:\n\
         - allow them: sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=15000 \
         (a name your kernel does not know can be left out); inside a container, start it with --privileged or --security-opt seccomp=unconfined;\n\
         - use Docker: cargo xtask up --services docker;\n\
         - use services of your own: set MUSTER__POSTGRES__URL, MUSTER__REDIS__URL and MUSTER__NATS__URL (for tests MUSTER_TEST_POSTGRES_URL and so on)."
    )
}

fn build(step: &Step<'_>, paths: &Paths, root: &Path) -> Result<()> {
    // Whatever an earlier run left half-done is made anew.
    let partial = files::fresh_partial(root)?;
    let archive = partial.with_extension(format!("{}.tar", std::process::id()));
    files::remove(root)
        .context("the services' root is of another version of Muster or half-done, and cannot be removed")?;
    let mirror = apt::mirror()?;
    let within = Duration::from_secs(1500);
    let log = paths.log("setup-root");
    if Uid::effective().is_root() {
        let mut command = mmdebstrap(guarded("mmdebstrap"));
        command.arg("--mode=root").arg(SUITE).arg(&partial).arg(&mirror);
        run(step, command, &log, within)
    } else {
        // As an archive that is unpacked by the user: so the files are the user's, and `rm -rf` can remove them.
        let program = if apt::has_sudo() { sudo_to_file(&archive, &mirror) } else { unshared(&archive, &mirror)? };
        run(step, program, &log, within)?;
        step.note("unpacking");
        fs::create_dir_all(&partial).with_context(|| format!("cannot make {}", partial.display()))?;
        let mut tar = guarded("tar");
        // Device files cannot be made by a user, and bubblewrap brings its own /dev.
        tar.arg("-C").arg(&partial).args(["--no-same-owner", "--exclude=./dev/*", "-xf"]).arg(&archive);
        run(step, tar, &paths.log("setup-root-unpack"), within)?;
        files::remove(&archive)
    }
    .context("cannot build the services' root")?;
    for mount_point in ["data", "mnt", "dev"] {
        fs::create_dir_all(partial.join(mount_point)).context("cannot make a mount point in the services' root")?;
    }
    files::write_atomically(&partial.join(MARKER), recipe().as_bytes(), 0o644)?;
    fs::rename(&partial, root).with_context(|| format!("cannot put the services' root in place at {}", root.display()))
}

fn mmdebstrap(mut command: Command) -> Command {
    command.args(["--variant=apt", "--include"]).arg(PACKAGES.join(","));
    // Nobody reads manuals in there.
    for path in ["man", "doc", "info", "locale"] {
        command.arg(format!("--dpkgopt=path-exclude=/usr/share/{path}/*"));
    }
    command
}

fn sudo_to_file(archive: &Path, mirror: &str) -> Command {
    // The shell opens the archive as the user before sudo takes over, so the archive belongs to the user.
    let mut inner = mmdebstrap(Command::new("mmdebstrap"));
    inner.args(["--mode=root", "--format=tar", SUITE, "-", mirror]);
    let mut command = guarded("sh");
    command.args(["-c", r#"archive=$1; shift; exec sudo --non-interactive "$@" > "$archive""#, "sh"]).arg(archive);
    command.arg("mmdebstrap").args(inner.get_args());
    command
}

fn unshared(archive: &Path, mirror: &str) -> Result<Command> {
    let user = nix::unistd::User::from_uid(Uid::effective()).ok().flatten().map(|user| user.name).unwrap_or_default();
    for file in ["/etc/subuid", "/etc/subgid"] {
        if !has_range(&fs::read_to_string(file).unwrap_or_default(), &user) {
            bail!(
                "an ordinary user builds the services' root with a range of user ids, and {file} gives none to {user}. Run once:\n  \
                 sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"
            );
        }
    }
    if which("newuidmap").is_none() {
        bail!(
            "newuidmap is missing, with which an ordinary user builds the services' root. Run once:\n  sudo apt-get install -y uidmap"
        );
    }
    let mut command = mmdebstrap(guarded("mmdebstrap"));
    command.args(["--mode=unshare", "--format=tar", SUITE]).arg(archive).arg(mirror);
    Ok(command)
}

fn has_range(file: &str, user: &str) -> bool {
    file.lines().any(|line| {
        let mut fields = line.split(':');
        fields.next() == Some(user)
            && fields.nth(1).and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count >= 65536)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_user_ids_is_found() {
        assert!(has_range("other:1:2\nme:100000:65536\n", "me"));
        assert!(!has_range("me:100000:10\nmeme:100000:65536\n", "me"));
    }

    #[test]
    fn a_root_without_its_marker_is_half_done() {
        let folder = std::env::temp_dir().join(format!("muster-root-{}", std::process::id()));
        fs::create_dir_all(folder.join("etc")).unwrap();
        assert!(!is_complete(&folder));
        fs::write(folder.join(MARKER), "an older recipe").unwrap();
        assert!(!is_complete(&folder));
        fs::write(folder.join(MARKER), recipe()).unwrap();
        assert!(is_complete(&folder));
        files::remove(&folder).unwrap();
    }
}
