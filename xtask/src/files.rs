//! Files that are whole or absent, and secrets that only their owner reads.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use rand::Rng;

/// Writes `content` beside `path` and renames it there: a reader sees the old file or the new one, never a half.
pub fn write_atomically(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let folder = path.parent().context("a file needs a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let name = path.file_name().and_then(|name| name.to_str()).context("a file needs a name")?;
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        file.write_all(content)?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes only when the content differs, so that nobody who watches the file is woken for nothing.
pub fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    write_atomically(path, content, 0o644)?;
    Ok(true)
}

/// The secret in `path`; made and kept there (mode 0600) at the first call.
pub fn kept_secret(path: &Path, make: impl FnOnce() -> Result<String>) -> Result<String> {
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let secret = make()?;
    write_atomically(path, secret.as_bytes(), 0o600)?;
    Ok(secret)
}

/// 24 letters and digits from the operating system's randomness: 142 bits.
pub fn password() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut random = [0u8; 64];
    rand::rng().fill_bytes(&mut random);
    // Bytes past the last whole multiple would favour the first letters.
    let fair = u8::try_from(256 / LETTERS.len() * LETTERS.len() - 1).unwrap_or(u8::MAX);
    let mut password: String = random
        .iter()
        .filter(|byte| **byte <= fair)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect();
    password.truncate(24);
    password
}

/// Removes a file or a whole folder, if it is there; refuses when something is mounted in it.
pub fn remove(path: &Path) -> Result<()> {
    let Ok(kind) = path.symlink_metadata() else {
        return Ok(());
    };
    if kind.is_dir() {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        if let Some(mount) = mounted_under(&mounts, path) {
            bail!(
                "{} is mounted inside {}, which should be removed; unmount it first (umount {0})",
                mount.display(),
                path.display()
            );
        }
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
    .with_context(|| format!("cannot remove {}", path.display()))
}

/// A name beside `path` that is this run's own, after removing what earlier runs left half-done beside it.
///
/// A program that outlived a killed run may still write to that run's place; so it never writes to this one's.
pub fn fresh_partial(path: &Path) -> Result<PathBuf> {
    let folder = path.parent().context("a place needs a folder")?;
    let name = path.file_name().and_then(|name| name.to_str()).context("a place needs a name")?;
    let prefix = format!("{name}.partial");
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            remove(&entry.path())?;
        }
    }
    Ok(folder.join(format!("{prefix}.{}", std::process::id())))
}

fn mounted_under(mountinfo: &str, folder: &Path) -> Option<PathBuf> {
    mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(PathBuf::from)
        .find(|mount| mount.starts_with(folder))
}

/// The last `count` lines of a file, looking at its last 256 KB only.
pub fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(256 * 1024)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
}

/// A fresh log file; what was there becomes `<name>.previous.log`.
pub fn fresh_log(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    if path.exists() {
        let previous = path.with_extension("previous.log");
        fs::rename(path, &previous).with_context(|| format!("cannot put {} aside", path.display()))?;
    }
    // Append mode: the process and its children may share the file without writing over each other.
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write the log {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, two) = (password(), password());
        assert_eq!(one.len(), 24);
        assert_ne!(one, two);
        assert!(one.chars().all(|letter| letter.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_mount_inside_a_folder_is_found() {
        let mounts = "22 1 0:20 / /proc rw - proc proc rw\n30 1 0:21 / /a/root.partial/proc rw - proc proc rw\n";
        assert_eq!(mounted_under(mounts, Path::new("/a/root.partial")), Some(PathBuf::from("/a/root.partial/proc")));
        assert_eq!(mounted_under(mounts, Path::new("/a/root")), None);
    }

    #[test]
    fn partial_places_are_swept() {
        let folder = std::env::temp_dir().join(format!("muster-partial-{}", std::process::id()));
        fs::create_dir_all(folder.join("root.partial.1/etc")).unwrap();
        fs::write(folder.join("root.partial.2.tar"), "half").unwrap();
        fs::create_dir_all(folder.join("root")).unwrap();
        let partial = fresh_partial(&folder.join("root")).unwrap();
        assert!(!partial.exists() && partial.starts_with(&folder));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        remove(&folder).unwrap();
    }

    #[test]
    fn atomic_writes_leave_one_file() {
        let folder = std::env::temp_dir().join(format!("muster-files-{}", std::process::id()));
        let path = folder.join("state.json");
        assert!(write_if_changed(&path, b"one").unwrap());
        assert!(!write_if_changed(&path, b"one").unwrap());
        assert!(write_if_changed(&path, b"two").unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(kept_secret(&path, || Ok("three".into())).unwrap(), "two");
        remove(&folder).unwrap();
    }
}
