//! Which jobs there are.

use std::fmt;

use chrono::{DateTime, Utc};
use muster_core::id::JobId;
use serde_json::Value;
use uuid::Uuid;

use super::Retention;
use crate::{Result, StoreError, codec, fresh_id};

/// A job to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What is to be done.
    pub kind: String,
    /// Of one kind and key there is one unfinished job.
    pub dedup_key: Option<String>,
    /// What the worker needs to know.
    pub payload: Value,
    /// Not before this.
    pub run_at: DateTime<Utc>,
    /// How often it is tried at most: 1 or more.
    pub max_attempts: u32,
}

/// What became of a wish for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It waits for a worker.
    Added(JobId),
    /// This unfinished job has the same kind and key.
    Duplicate(JobId),
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobState {
    /// It waits: for its time, or for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// It is done.
    Done,
    /// It failed as often as it may: somebody has to look.
    Dead,
}

impl JobState {
    const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Dead];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    fn read(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| StoreError::corrupt("a job", format!("state `{text}`")))
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A job and what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// Which job.
    pub job_id: JobId,
    /// What is to be done.
    pub kind: String,
    /// Of one kind and key there is one unfinished job.
    pub dedup_key: Option<String>,
    /// What the worker needs to know.
    pub payload: Value,
    /// How far it is.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: u32,
    /// How often it may be.
    pub max_attempts: u32,
    /// Not before this.
    pub run_at: DateTime<Utc>,
    /// When it was wished for.
    pub created_at: DateTime<Utc>,
    /// When it was done, or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    /// What came of it.
    pub result: Option<Value>,
}

/// The longest page.
const MAX_PAGE: u32 = 200;

impl Retention {
    /// Adds a job, unless there is an unfinished one of this kind and key.
    pub async fn enqueue(&self, new: &NewJob, now: DateTime<Utc>) -> Result<Enqueued> {
        loop {
            let job_id: JobId = fresh_id();
            // Unique index jobs_dedup.
            let added = sqlx::query!(
                r#"
                INSERT INTO retention.jobs (job_id, kind, dedup_key, payload, max_attempts, run_at, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (kind, dedup_key) WHERE state IN ('queued', 'running') DO NOTHING
                "#,
                job_id.uuid(),
                new.kind,
                new.dedup_key,
                new.payload,
                i32::try_from(new.max_attempts.max(1)).unwrap_or(i32::MAX),
                new.run_at,
                now,
            )
            .execute(&self.postgres)
            .await?;
            if added.rows_affected() == 1 {
                return Ok(Enqueued::Added(job_id));
            }
            let other = sqlx::query_scalar!(
                "SELECT job_id FROM retention.jobs WHERE kind = $1 AND dedup_key = $2 AND state IN ('queued', 'running')",
                new.kind,
                new.dedup_key,
            )
            .fetch_optional(&self.postgres)
            .await?;
            if let Some(other) = other {
                return Ok(Enqueued::Duplicate(JobId::from_uuid(other)));
            }
            // It finished between the two looks: now there is room.
        }
    }

    /// One job.
    pub async fn job(&self, job_id: JobId) -> Result<Option<JobRecord>> {
        let row = sqlx::query_as!(
            Row,
            r#"
            SELECT job_id, kind, dedup_key, payload, state, attempts, max_attempts, run_at, created_at, finished_at, last_error, result
            FROM retention.jobs
            WHERE job_id = $1
            "#,
            job_id.uuid(),
        )
        .fetch_optional(&self.postgres)
        .await?;
        row.map(JobRecord::try_from).transpose()
    }

    /// Jobs, newest first; `first` is 1 to 200.
    pub async fn jobs(&self, state: Option<JobState>, first: u32) -> Result<Vec<JobRecord>> {
        // Primary key of retention.jobs, backwards: a job's id sorts by time.
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT job_id, kind, dedup_key, payload, state, attempts, max_attempts, run_at, created_at, finished_at, last_error, result
            FROM retention.jobs
            WHERE $1::text IS NULL OR state = $1
            ORDER BY job_id DESC
            LIMIT $2
            "#,
            state.map(JobState::as_str),
            i64::from(first.clamp(1, MAX_PAGE)),
        )
        .fetch_all(&self.postgres)
        .await?;
        rows.into_iter().map(JobRecord::try_from).collect()
    }

    /// How many jobs are in each state; every state is there.
    pub async fn job_counts(&self) -> Result<Vec<(JobState, u64)>> {
        let rows = sqlx::query!(r#"SELECT state, count(*) AS "count!" FROM retention.jobs GROUP BY state"#)
            .fetch_all(&self.postgres)
            .await?;
        let count = |state: JobState| {
            rows.iter().find(|row| row.state == state.as_str()).map_or(0, |row| codec::count(row.count))
        };
        Ok(JobState::ALL.map(|state| (state, count(state))).into())
    }
}

struct Row {
    job_id: Uuid,
    kind: String,
    dedup_key: Option<String>,
    payload: Value,
    state: String,
    attempts: i32,
    max_attempts: i32,
    run_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
    result: Option<Value>,
}

impl TryFrom<Row> for JobRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            job_id: JobId::from_uuid(row.job_id),
            kind: row.kind,
            dedup_key: row.dedup_key,
            payload: row.payload,
            state: JobState::read(&row.state)?,
            attempts: codec::small(row.attempts),
            max_attempts: codec::small(row.max_attempts),
            run_at: row.run_at,
            created_at: row.created_at,
            finished_at: row.finished_at,
            last_error: row.last_error,
            result: row.result,
        })
    }
}
