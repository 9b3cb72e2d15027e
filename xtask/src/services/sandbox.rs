//! Programs of the services' root, run with bubblewrap: their own `/`, their own pids, this machine's loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::commands::which;

/// The root and the user that programs have in it.
#[derive(Clone, Debug)]
pub struct Sandbox {
    bwrap: PathBuf,
    root: PathBuf,
    uid: u32,
    gid: u32,
}

impl Sandbox {
    /// Programs run as the root's `postgres`: PostgreSQL refuses uid 0 and a uid without an entry in passwd.
    pub fn new(root: &Path) -> Result<Self> {
        let passwd = root.join("etc/passwd");
        let text = fs::read_to_string(&passwd).with_context(|| format!("cannot read {}", passwd.display()))?;
        let (uid, gid) = ids(&text, "postgres").with_context(|| format!("{} knows no postgres", passwd.display()))?;
        let bwrap =
            which("bwrap").context("bwrap is missing, which runs the services; install the package bubblewrap")?;
        Ok(Self { bwrap, root: root.to_owned(), uid, gid })
    }

    /// A program of the root; `data` is its `/data`. It dies with this process.
    pub fn command(&self, data: Option<&Path>, program: &str) -> Command {
        let mut command = self.prepare();
        if let Some(data) = data {
            command.arg("--bind").arg(data).arg("/data");
        }
        command.args(["--", program]);
        command
    }

    /// A program of the root that reads `folder` at `/mnt`.
    pub fn reading(&self, folder: &Path, program: &str) -> Command {
        let mut command = self.prepare();
        command.arg("--ro-bind").arg(folder).arg("/mnt").args(["--chdir", "/mnt", "--", program]);
        command
    }

    fn prepare(&self) -> Command {
        let mut command = Command::new(&self.bwrap);
        command.arg("--ro-bind").arg(&self.root).arg("/");
        command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run", "--chdir", "/"]);
        command.args(["--unshare-user", "--uid", &self.uid.to_string(), "--gid", &self.gid.to_string()]);
        // Its own System V memory too: none of it is left behind by a PostgreSQL that was killed.
        command.args(["--unshare-pid", "--unshare-ipc", "--die-with-parent"]);
        // The machine's locale and paths mean nothing in there.
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin").env("LANG", "C.UTF-8").env("HOME", "/tmp");
        command
    }
}

fn ids(passwd: &str, user: &str) -> Option<(u32, u32)> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(user))?;
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_ids() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres:x:103:105:PostgreSQL administrator:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(ids(passwd, "postgres"), Some((103, 105)));
        assert_eq!(ids(passwd, "redis"), None);
    }
}
