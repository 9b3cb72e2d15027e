//! How workers share the jobs: each takes one that nobody has (`SKIP LOCKED`), under a lease. A worker that dies lets its lease
//! run out, and another takes the job; a worker that was only slow finds that it is not its job any more.

use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_core::id::JobId;
use serde_json::Value;
use uuid::Uuid;

use super::Retention;
use super::backoff::retry_at;
use crate::{Result, StoreError, codec};

/// A job that is this worker's until the lease runs out.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedJob {
    /// Which job.
    pub job_id: JobId,
    /// What is to be done.
    pub kind: String,
    /// What is needed to know for it.
    pub payload: Value,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// How many there may be.
    pub max_attempts: u32,
    /// Until when it is this worker's.
    pub leased_until: DateTime<Utc>,
    token: Uuid,
}

/// Why a job could not be reported.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The lease ran out and somebody else has the job, or has finished it: what this worker did may be done twice.
    #[error("the lease of this job ran out, and it was taken over")]
    Lost,
    /// Nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobFailure {
    /// It is tried again then.
    RetryAt(DateTime<Utc>),
    /// That was the last attempt.
    Dead,
}

impl Retention {
    /// Takes the job that has been due longest, of one of these kinds. None: there is nothing to do.
    pub async fn take(
        &self,
        kinds: &[&str],
        worker: &str,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<LeasedJob>> {
        self.bury_abandoned(now).await?;
        let token = Uuid::from_bytes(rand::random());
        let leased_until = now + lease;
        // Index jobs_due. SKIP LOCKED: two workers at once get two jobs, and neither waits.
        let row = sqlx::query!(
            r#"
            UPDATE retention.jobs
            SET state = 'running', attempts = attempts + 1, lease_token = $3, leased_until = $4, worker = $2
            WHERE job_id = (
                SELECT job_id
                FROM retention.jobs
                WHERE kind = ANY($1)
                  AND ((state = 'queued' AND run_at <= $5) OR (state = 'running' AND leased_until <= $5))
                ORDER BY run_at, job_id
                LIMIT 1
                FOR UPDATE SKIP LOCKED
            )
            RETURNING job_id, kind, payload, attempts, max_attempts
            "#,
            kinds as &[&str],
            worker,
            token,
            leased_until,
            now,
        )
        .fetch_optional(&self.postgres)
        .await?;
        Ok(row.map(|row| LeasedJob {
            job_id: JobId::from_uuid(row.job_id),
            kind: row.kind,
            payload: row.payload,
            attempt: codec::small(row.attempts),
            max_attempts: codec::small(row.max_attempts),
            leased_until,
            token,
        }))
    }

    /// A job whose every worker died is likely what kills them: its last attempt ends with its lease.
    async fn bury_abandoned(&self, now: DateTime<Utc>) -> Result<()> {
        sqlx::query!(
            r#"
            UPDATE retention.jobs
            SET state = 'dead', finished_at = $1, lease_token = NULL, leased_until = NULL,
                last_error = 'the lease of the last attempt ran out'
            WHERE state = 'running' AND leased_until <= $1 AND attempts >= max_attempts
            "#,
            now,
        )
        .execute(&self.postgres)
        .await?;
        Ok(())
    }

    /// Keeps a job for longer.
    pub async fn extend(
        &self,
        job: &mut LeasedJob,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> std::result::Result<(), JobError> {
        let leased_until = now + lease;
        let kept = sqlx::query!(
            "UPDATE retention.jobs SET leased_until = $3 WHERE job_id = $1 AND lease_token = $2",
            job.job_id.uuid(),
            job.token,
            leased_until,
        )
        .execute(&self.postgres)
        .await?;
        ours(kept.rows_affected())?;
        job.leased_until = leased_until;
        Ok(())
    }

    /// A job is done. Whose it was, where its payload names a `subject_id`, is kept no longer.
    pub async fn complete(
        &self,
        job: &LeasedJob,
        result: &Value,
        now: DateTime<Utc>,
    ) -> std::result::Result<(), JobError> {
        let done = sqlx::query!(
            r#"
            UPDATE retention.jobs
            SET state = 'done', result = $3, finished_at = $4, lease_token = NULL, leased_until = NULL,
                payload = payload - 'subject_id'
            WHERE job_id = $1 AND lease_token = $2
            "#,
            job.job_id.uuid(),
            job.token,
            result,
            now,
        )
        .execute(&self.postgres)
        .await?;
        ours(done.rows_affected())
    }

    /// A job failed. It is tried again some time later, unless it has been tried often enough.
    pub async fn fail(
        &self,
        job: &LeasedJob,
        error: &str,
        now: DateTime<Utc>,
    ) -> std::result::Result<JobFailure, JobError> {
        if job.attempt >= job.max_attempts {
            let dead = sqlx::query!(
                r#"
                UPDATE retention.jobs
                SET state = 'dead', last_error = $3, finished_at = $4, lease_token = NULL, leased_until = NULL
                WHERE job_id = $1 AND lease_token = $2
                "#,
                job.job_id.uuid(),
                job.token,
                error,
                now,
            )
            .execute(&self.postgres)
            .await?;
            return ours(dead.rows_affected()).map(|()| JobFailure::Dead);
        }
        let run_at = muster_core::time::truncate(retry_at(now, job.attempt, rand::random()));
        let queued = sqlx::query!(
            r#"
            UPDATE retention.jobs
            SET state = 'queued', last_error = $3, run_at = $4, lease_token = NULL, leased_until = NULL
            WHERE job_id = $1 AND lease_token = $2
            "#,
            job.job_id.uuid(),
            job.token,
            error,
            run_at,
        )
        .execute(&self.postgres)
        .await?;
        ours(queued.rows_affected()).map(|()| JobFailure::RetryAt(run_at))
    }
}

fn ours(rows_affected: u64) -> std::result::Result<(), JobError> {
    if rows_affected == 1 { Ok(()) } else { Err(JobError::Lost) }
}
