//! Free ports, the same ones from run to run while nobody takes them.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{files, http, paths::Paths};

/// Ports that were used before are used again while they are free, so that a bookmark keeps working.
#[derive(Debug)]
pub struct Ports {
    file: Option<PathBuf>,
    known: BTreeMap<String, u16>,
}

impl Ports {
    /// The remembered ones of this workspace.
    pub fn remembered(paths: &Paths) -> Self {
        let file = paths.run().join("ports.json");
        let known = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { file: Some(file), known }
    }

    /// Any free ones, forgotten afterwards.
    pub fn any() -> Self {
        Self { file: None, known: BTreeMap::new() }
    }

    /// The port of `name`: the remembered one, else `usual`, else any; 0 as `usual` means there is none.
    pub fn of(&mut self, name: &str, usual: u16) -> Result<u16> {
        let port = http::free_port(&[self.known.get(name).copied().unwrap_or(0), usual])?;
        self.known.insert(name.to_owned(), port);
        if let Some(file) = &self.file {
            files::write_atomically(file, &serde_json::to_vec_pretty(&self.known).context("ports are JSON")?, 0o644)?;
        }
        Ok(port)
    }
}
