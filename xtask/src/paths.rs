//! Where things are: the workspace, its `.muster/`, the big caches, cargo's output.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Every place a command reads or writes.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The folder with the workspace's `Cargo.toml`.
    pub workspace: PathBuf,
    /// `.muster/`: data, logs and state of this workspace's run.
    pub muster: PathBuf,
    /// What is big, slow to make and the same for every clone: `MUSTER_CACHE_DIR`, else `.muster/cache`.
    pub cache: PathBuf,
    /// cargo's output folder, with `debug/` and `release/` in it.
    pub target: PathBuf,
}

impl Paths {
    /// Finds them and makes `.muster/` with its folders.
    pub fn find() -> Result<Self> {
        // cargo says at run time where this crate is; the compiled-in place is for a binary that is started by hand.
        let crate_dir =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let workspace = crate_dir.parent().context("xtask has no folder above it")?;
        let workspace = workspace.canonicalize().with_context(|| {
            format!("the workspace {} is gone; build xtask again with `cargo xtask`", workspace.display())
        })?;
        let muster = workspace.join(".muster");
        let cache = match env::var_os("MUSTER_CACHE_DIR") {
            Some(folder) => {
                std::path::absolute(PathBuf::from(folder)).context("MUSTER_CACHE_DIR is not a usable path")?
            }
            None => muster.join("cache"),
        };
        let target = target_dir(&workspace)?;
        let paths = Self { workspace, muster, cache, target };
        for folder in [paths.data(), paths.logs(), paths.run(), paths.cache.clone()] {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        Ok(paths)
    }

    /// Data of the private services of `up`.
    pub fn data(&self) -> PathBuf {
        self.muster.join("data")
    }

    /// One log file a process.
    pub fn logs(&self) -> PathBuf {
        self.muster.join("logs")
    }

    /// `logs/<name>.log`.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    /// Locks, remembered ports, secrets made for this workspace.
    pub fn run(&self) -> PathBuf {
        self.muster.join("run")
    }

    /// What `cargo xtask status --json` prints.
    pub fn state(&self) -> PathBuf {
        self.muster.join("state.json")
    }

    /// Data of test services; one folder a run in it.
    pub fn test(&self) -> PathBuf {
        self.muster.join("test")
    }

    /// The files the dashboard serves, of one profile.
    pub fn site(&self, release: bool) -> PathBuf {
        self.muster.join("site").join(profile(release))
    }

    /// The folder of Muster's own binaries.
    pub fn binaries(&self, release: bool) -> PathBuf {
        self.target.join(profile(release))
    }

    /// A path as a person in the workspace would type it.
    pub fn short(&self, path: &Path) -> String {
        path.strip_prefix(&self.workspace).unwrap_or(path).display().to_string()
    }
}

fn profile(release: bool) -> &'static str {
    if release { "release" } else { "debug" }
}

/// cargo's output folder: this very binary lies in `<target>/debug/`, wherever the person's settings put that.
fn target_dir(workspace: &Path) -> Result<PathBuf> {
    let binary = env::current_exe().context("cannot tell where xtask itself is")?;
    if let Some(profile) = binary.parent()
        && profile.ends_with("debug")
        && let Some(target) = profile.parent()
    {
        return Ok(target.to_owned());
    }
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => std::path::absolute(PathBuf::from(folder)).context("CARGO_TARGET_DIR is not a usable path"),
        None => Ok(workspace.join("target")),
    }
}
