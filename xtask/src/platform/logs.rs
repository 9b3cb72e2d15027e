//! `logs [process]`: the end of the logs, and what comes.

use std::{cell::Cell, fs, path::PathBuf, process::ExitCode, thread, time::Duration};

use anyhow::{Context, Result, bail};

use crate::{commands::LineReader, files, interrupt, output, paths::Paths};

/// Prints the last `lines` lines of one log, or of all; with `follow` also what is written from now on.
pub fn command(paths: &Paths, process: Option<&str>, lines: usize, follow: bool) -> Result<ExitCode> {
    let names = names(paths)?;
    let chosen: Vec<&String> = match process {
        Some(wanted) => vec![choose(&names, wanted)?],
        // Without a name: what runs, not what was built or set up once.
        None => names.iter().filter(|name| is_running_kind(name)).collect(),
    };
    if chosen.is_empty() {
        bail!("there are no logs yet; `cargo xtask up` writes them to .muster/logs/");
    }
    let width = chosen.iter().map(|name| name.len()).max().unwrap_or_default();
    let single = chosen.len() == 1;
    let heard = Cell::new(true);
    let show = |name: &str, line: &str| {
        let heard_it = if single { output::line(line) } else { output::line(format_args!("{name:<width$} | {line}")) };
        heard.set(heard.get() && heard_it);
    };
    let mut readers = Vec::new();
    for name in chosen {
        let path = paths.log(name);
        if follow {
            let mut reader = LineReader::open(&path)?;
            // What is there is shown by `last_lines`.
            reader.read(&mut |_| {})?;
            readers.push((name, path.clone(), reader));
        }
        for line in files::last_lines(&path, lines) {
            show(name, &line);
        }
    }
    // Until Ctrl-C, or until whoever reads this has seen enough.
    while follow && heard.get() && !interrupt::requested() {
        for (name, path, reader) in &mut readers {
            reader.reopen_if_replaced(path)?;
            reader.read(&mut |line| show(name, line))?;
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(ExitCode::SUCCESS)
}

fn names(paths: &Paths) -> Result<Vec<String>> {
    let folder = paths.logs();
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// `server` means `muster-server`.
fn choose<'a>(names: &'a [String], wanted: &str) -> Result<&'a String> {
    let prefixed = format!("muster-{wanted}");
    names.iter().find(|name| *name == wanted || **name == prefixed).with_context(|| {
        let known: Vec<&str> = names.iter().filter(|name| !name.ends_with(".previous")).map(String::as_str).collect();
        format!(
            "there is no log of {wanted}; there are: {}",
            if known.is_empty() { "none yet".into() } else { known.join(", ") }
        )
    })
}

fn is_running_kind(name: &str) -> bool {
    !name.ends_with(".previous")
        && (name.starts_with("muster-") || ["postgres", "redis", "nats", "openbao"].contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_and_unknown_ones() {
        let names = ["build", "muster-server", "muster-server.previous", "postgres"].map(str::to_owned);
        assert_eq!(choose(&names, "server").unwrap(), "muster-server");
        assert_eq!(choose(&names, "postgres").unwrap(), "postgres");
        let error = choose(&names, "kafka").unwrap_err().to_string();
        assert!(error.contains("kafka") && error.contains("muster-server") && !error.contains("previous"), "{error}");
        assert_eq!(names.iter().filter(|name| is_running_kind(name)).count(), 2);
    }
}
