//! What the platform has of the events that were acknowledged, by its own count: `muster-server telemetry`.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::figures::Figures;
use crate::{commands::capture, files, interrupt, paths::Paths};

/// What the events of a run are.
pub const KIND: &str = "load.step";
/// How long the last events may take into the database, and a recount of a long run.
const STORED_WITHIN: Duration = Duration::from_secs(180);

/// Makes the type of the events: with a schema to hold them against, and a measure.
pub fn make_type(paths: &Paths, server: impl Fn(&[&str]) -> Command) -> Result<()> {
    let definition = json!({
        "name": KIND,
        "owner": "load",
        "description": "What `load ingest` sends.",
        "measures": ["wait_ms"],
        "schema": {
            "type": "object",
            "required": ["level", "wait_ms"],
            "properties": {
                "level": { "type": "integer", "minimum": 0 },
                "wait_ms": { "type": "integer", "minimum": 0 },
                "x": { "type": "number" },
                "item": { "type": "string", "maxLength": 64 },
                "note": { "type": "string" },
            },
        },
    });
    let file = paths.test().join(format!("load-type-{}.json", std::process::id()));
    files::write_if_changed(&file, definition.to_string().as_bytes())?;
    let made =
        capture(server(&["telemetry", "put-type", &file.display().to_string(), "--reason", "a measurement"]), "");
    files::remove(&file)?;
    made.map(drop).context("the event type of the run cannot be made")
}

/// What is stored, beside what was acknowledged.
#[derive(Clone, Debug)]
pub struct Census {
    /// Acknowledged events that are not stored.
    pub lost: u64,
    /// Events that are stored more than once, or were never acknowledged.
    pub duplicates: u64,
    /// Whether they are the same events, by a sum and an exclusive or of their ids.
    pub checksum_matches: bool,
    /// Whether every rollup is what a recount of the events gives.
    pub rollups_exact: bool,
    told: Value,
}

#[derive(Deserialize)]
struct Told {
    rollups_exact: bool,
    pending: u64,
    census: ToldCensus,
}

#[derive(Deserialize)]
struct ToldCensus {
    events: u64,
    same_id: u64,
    id_sum: String,
    id_xor: u64,
}

impl Census {
    /// Waits until nothing is on its way any more, and counts.
    pub fn take(figures: &Figures, server: impl Fn(&[&str]) -> Command) -> Result<Self> {
        let mut last = None;
        let told = interrupt::wait_for(STORED_WITHIN, || {
            // Rollups that differ make it fail; what it says is what counts.
            let mut command = server(&["telemetry", "recount", "--kind", KIND]);
            let output = command.env("MUSTER__LOG__FILTER", "warn").output().context("cannot start muster-server")?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let told: Value = text.find('{').map_or(Ok(Value::Null), |at| serde_json::from_str(&text[at..]))?;
            let read: Result<Told, _> = serde_json::from_value(told.clone());
            match read {
                Ok(read) if read.pending == 0 => Ok(Some((read, told))),
                Ok(read) => {
                    last = Some(format!("{} events are still on their way", read.pending));
                    Ok(None)
                }
                Err(error) => {
                    last = Some(format!("{error}: {text} {errors}"));
                    Ok(None)
                }
            }
        })?;
        let (read, told) =
            told.with_context(|| format!("the events cannot be counted: {}", last.unwrap_or_default()))?;
        let acknowledged = figures.number("acknowledged").unwrap_or_default() as u64;
        let ToldCensus { events, same_id, id_sum, id_xor } = read.census;
        Ok(Self {
            lost: acknowledged.saturating_sub(events - same_id),
            duplicates: same_id + (events - same_id).saturating_sub(acknowledged),
            checksum_matches: id_sum == figures.text("id_sum") && Some(id_xor as f64) == figures.number("id_xor"),
            rollups_exact: read.rollups_exact,
            told,
        })
    }

    /// Whether each acknowledged event is stored once, and every rollup says so.
    pub fn fits(&self) -> bool {
        self.lost == 0 && self.duplicates == 0 && self.checksum_matches && self.rollups_exact
    }

    /// The figures of the run, with these.
    pub fn beside(&self, figures: Figures) -> Figures {
        figures
            .with("lost", self.lost)
            .with("duplicates", self.duplicates)
            .with("checksum_matches", self.checksum_matches)
            .with("rollups_exact", self.rollups_exact)
            .with("stored", self.told.clone())
    }
}
