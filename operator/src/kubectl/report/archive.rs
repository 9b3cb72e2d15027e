//! Writes the zip: a new file, readable by its owner only.

use std::{
    fs::OpenOptions,
    io::{Cursor, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use zip::{ZipWriter, result::ZipResult, write::SimpleFileOptions};

use super::Entry;
use crate::kubectl::problem::Problem;

/// Writes the entries; how many bytes the file has.
///
/// # Errors
/// The file is there already, or cannot be written.
pub fn write(file: &Path, entries: &[Entry]) -> Result<usize, Problem> {
    let bytes = pack(entries).map_err(|error| Problem::new(format!("The zip could not be made: {error}"), ""))?;
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = opened.and_then(|mut opened| opened.write_all(&bytes).and_then(|()| opened.sync_all()));
    match written {
        Ok(()) => Ok(bytes.len()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(is_there(file)),
        Err(error) => {
            let todo = "Choose another place with --file.";
            Err(Problem::new(format!("{} could not be written: {error}", file.display()), todo))
        }
    }
}

/// A file is not overwritten.
pub fn is_there(file: &Path) -> Problem {
    Problem::refused(format!("{} is there already.", file.display()), "Choose another name with --file.")
}

fn pack(entries: &[Entry]) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o600);
    for entry in entries {
        zip.start_file(entry.path.as_str(), options)?;
        zip.write_all(entry.text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}
