//! `report`: a zip for support, without secrets.
//!
//! [`gather`] collects resources, events, versions and logs; nothing of it is written before [`redact`] has taken secrets out of its
//! structure and [`scrub`] out of its text; [`archive`] writes the zip.

mod archive;
mod gather;
mod redact;
mod scrub;

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{cluster::Cluster, exit::Exit, problem::Problem, screen::Screen};

/// What `report` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl muster report                             of the context's namespace
  kubectl muster report -A --file muster.zip        of all namespaces that have Muster's resources
  kubectl muster report --no-logs
  kubectl muster report -o json | jq -r .file

In it: Muster's resources and what they own, the Secrets they name (names of entries only), events, the definitions, versions, the last \
lines of the processes' and the operator's logs, and this overview. What could not be had is listed in missing.txt.

Taken out: what Secrets hold, values of environment variables, annotations that are not known to be harmless, managed fields, \
passwords in URLs, tokens, private keys, what looks like `password=…`, and every occurrence of what the named Secrets hold, wherever \
it is. The file is readable by you only. Look through it before you send it: nobody knows what an event or a log line may hold.

Exit codes: 0 it is written; 1 the file is there already; 2 it cannot be made.")]
pub struct Arguments {
    /// Of all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Where to write it; muster-report-TIME.zip without it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Leave logs out
    #[arg(long)]
    no_logs: bool,
    /// Where the operator runs
    #[arg(long, value_name = "NAME", default_value = "muster-system")]
    operator_namespace: String,
}

/// A file of the report.
#[derive(Debug)]
struct Entry {
    path: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Outcome<'a> {
    file: String,
    bytes: usize,
    entries: Vec<&'a str>,
    missing: &'a [String],
}

/// Collects it, and writes it.
pub async fn run(cluster: &Cluster, screen: &Screen, arguments: &Arguments) -> Result<Exit, Problem> {
    let now = Timestamp::now();
    let file = arguments
        .file
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("muster-report-{}.zip", now.strftime("%Y%m%dT%H%M%SZ"))));
    if file.exists() {
        return Err(archive::is_there(&file));
    }
    let gathered = gather::gather(cluster, screen, arguments, now).await?;
    let bytes = archive::write(&file, &gathered.entries)?;
    let missing = match gathered.missing.len() {
        0 => String::new(),
        missing => format!(" {missing} things could not be had: missing.txt tells which."),
    };
    let message = format!(
        "{} has {} files. Secrets were taken out of it; look through it before you send it.{missing}",
        file.display(),
        gathered.entries.len()
    );
    let entries = gathered.entries.iter().map(|entry| entry.path.as_str()).collect();
    screen.outcome(&Outcome { file: file.display().to_string(), bytes, entries, missing: &gathered.missing }, &message);
    Ok(Exit::Done)
}
