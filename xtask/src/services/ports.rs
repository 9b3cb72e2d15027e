//! Free ports, the same ones from run to run while nobody takes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use anyhow::{Context, Result};

use crate::{files, http, paths::Paths};

/// Ports that were used before are used again while they are free, so that a bookmark keeps working.
#[derive(Debug)]
pub struct Ports {
    file: Option<PathBuf>,
    known: BTreeMap<String, u16>,
    /// Given out already, but perhaps not listened on yet.
    promised: BTreeSet<u16>,
}

impl Ports {
    /// The remembered ones of this workspace.
    pub fn remembered(paths: &Paths) -> Self {
        let file = paths.run().join("ports.json");
        let known = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { file: Some(file), known, promised: BTreeSet::new() }
    }

    /// Any free ones but the usual ones, which are left to `up`; forgotten afterwards.
    pub fn any() -> Self {
        Self { file: None, known: BTreeMap::new(), promised: BTreeSet::new() }
    }

    /// The port of `name`: the remembered one, else `usual`, else any; 0 as `usual` means there is none.
    pub fn of(&mut self, name: &str, usual: u16) -> Result<u16> {
        let usual = if self.file.is_some() { usual } else { 0 };
        let wished = [self.known.get(name).copied().unwrap_or(0), usual]
            .map(|port| if self.promised.contains(&port) { 0 } else { port });
        let mut port = http::free_port(&wished)?;
        while !self.promised.insert(port) {
            port = http::free_port(&[])?;
        }
        self.known.insert(name.to_owned(), port);
        if let Some(file) = &self.file {
            files::write_atomically(file, &serde_json::to_vec_pretty(&self.known).context("ports are JSON")?, 0o644)?;
        }
        Ok(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_promised_twice() {
        let mut ports = Ports::any();
        let first = ports.of("one", 0).unwrap();
        assert_ne!(ports.of("two", first).unwrap(), first);
        assert_ne!(ports.of("three", 0).unwrap(), first);
    }
}
