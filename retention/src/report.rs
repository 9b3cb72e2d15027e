//! What a run did, or would do.

use std::fmt;

use chrono::{DateTime, Utc};
use muster_store::{Chunk, RetentionPolicy};
use serde::{Deserialize, Serialize};

/// The result of applying a policy once; a job's `result`, and what the command line prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The policy's name.
    pub policy: String,
    /// The table it is about.
    pub table: String,
    /// Whether nothing was dropped.
    pub dry_run: bool,
    /// What lies wholly before this went, or would go.
    #[serde(with = "muster_core::time::millis")]
    pub cutoff: DateTime<Utc>,
    /// The chunks, oldest first.
    pub chunks: Vec<ChunkReport>,
    /// Their rows together, as the database estimates them.
    pub rows_estimate: u64,
    /// Their size together, with indexes.
    pub bytes: u64,
}

/// One chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkReport {
    /// Its name in the database.
    pub name: String,
    /// The earliest time it may hold.
    #[serde(with = "muster_core::time::millis")]
    pub range_start: DateTime<Utc>,
    /// The time it ends before.
    #[serde(with = "muster_core::time::millis")]
    pub range_end: DateTime<Utc>,
    /// Its rows, as the database estimates them.
    pub rows_estimate: u64,
    /// Its size with indexes.
    pub bytes: u64,
}

impl Report {
    /// The report on a policy's chunks.
    pub fn new(policy: &RetentionPolicy, dry_run: bool, cutoff: DateTime<Utc>, mut chunks: Vec<Chunk>) -> Self {
        chunks.sort_by_key(|chunk| chunk.range_start);
        let chunks: Vec<ChunkReport> = chunks.into_iter().map(ChunkReport::from).collect();
        Self {
            policy: policy.name.clone(),
            table: policy.table.clone(),
            dry_run,
            cutoff,
            rows_estimate: chunks.iter().map(|chunk| chunk.rows_estimate).sum(),
            bytes: chunks.iter().map(|chunk| chunk.bytes).sum(),
            chunks,
        }
    }
}

impl From<Chunk> for ChunkReport {
    fn from(chunk: Chunk) -> Self {
        Self {
            name: chunk.name,
            range_start: chunk.range_start,
            range_end: chunk.range_end,
            rows_estimate: chunk.rows_estimate,
            bytes: chunk.bytes,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = if self.dry_run { "would drop" } else { "dropped" };
        let Self { policy, table, .. } = self;
        let cutoff = muster_core::time::format(self.cutoff);
        if self.chunks.is_empty() {
            return writeln!(f, "{policy}: {did} nothing; no chunk of {table} lies wholly before {cutoff}");
        }
        let chunks = self.chunks.len();
        writeln!(f, "{policy}: {did} {chunks} chunks of {table} wholly before {cutoff}")?;
        let width = self.chunks.iter().map(|chunk| chunk.name.len()).max().unwrap_or_default();
        writeln!(f, "{:width$}  {:24}  {:24}  {:>12}  {:>14}", "CHUNK", "FROM", "TO", "ROWS (est.)", "BYTES")?;
        for chunk in &self.chunks {
            let (from, to) = (muster_core::time::format(chunk.range_start), muster_core::time::format(chunk.range_end));
            writeln!(f, "{:width$}  {from:24}  {to:24}  {:>12}  {:>14}", chunk.name, chunk.rows_estimate, chunk.bytes)?;
        }
        writeln!(f, "{:width$}  {:24}  {:24}  {:>12}  {:>14}", "TOTAL", "", "", self.rows_estimate, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn report(chunks: Vec<Chunk>) -> Report {
        let cutoff = "2026-01-31T00:00:00Z".parse().unwrap();
        let policy = RetentionPolicy {
            name: "telemetry-events".to_owned(),
            table: "telemetry.events".to_owned(),
            keep: Duration::from_secs(86_400),
            enabled: true,
            updated_at: cutoff,
        };
        Report::new(&policy, true, cutoff, chunks)
    }

    fn chunk(day: u32, rows_estimate: u64) -> Chunk {
        let at = |day: u32| format!("2026-01-{day:02}T00:00:00Z").parse().unwrap();
        Chunk {
            name: format!("chunk_{day}"),
            range_start: at(day),
            range_end: at(day + 1),
            rows_estimate,
            bytes: 8_192,
        }
    }

    #[test]
    fn chunks_are_told_oldest_first_with_their_sum() {
        let report = report(vec![chunk(12, 5), chunk(3, 7)]);
        assert_eq!((report.rows_estimate, report.bytes), (12, 16_384));
        let text = report.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "telemetry-events: would drop 2 chunks of telemetry.events wholly before 2026-01-31T00:00:00.000Z"
        );
        assert!(lines[2].starts_with("chunk_3   2026-01-03T00:00:00.000Z  2026-01-04T00:00:00.000Z"), "{text}");
        assert!(lines[3].starts_with("chunk_12"), "{text}");
        assert!(lines[4].starts_with("TOTAL") && lines[4].ends_with("16384"), "{text}");
        assert!(lines.windows(2).skip(1).all(|pair| pair[0].len() == pair[1].len()), "{text}");
    }

    #[test]
    fn nothing_is_told_as_nothing() {
        assert!(report(Vec::new()).to_string().starts_with("telemetry-events: would drop nothing"));
    }

    #[test]
    fn what_is_kept_with_the_job_is_read_again() {
        let report = report(vec![chunk(1, 1)]);
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(value["chunks"][0]["range_end"], "2026-01-02T00:00:00.000Z");
        assert_eq!(serde_json::from_value::<Report>(value).unwrap(), report);
    }
}
