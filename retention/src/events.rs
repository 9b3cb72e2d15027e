//! What is worth counting: each event is one function that logs and counts together, so the two never disagree.
//!
//! Labels are enums and the names of policies, which the platform ships. Ids are fields of log lines only.

use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{counter, gauge, histogram};
use muster_core::id::JobId;
use muster_store::{JobFailure, JobState};

use crate::{forget::Forgotten, job::Job, report::Report};

/// A policy was due and is a job now.
pub fn planned(policy: &str, job: JobId, scheduled_for: DateTime<Utc>) {
    counter!("muster_retention_jobs_planned_total", "policy" => policy.to_owned()).increment(1);
    tracing::info!(policy, job_id = %job, %scheduled_for, "policy is due");
}

/// Planning did not work; the next round tries again.
pub fn planning_failed(error: &(dyn std::error::Error + 'static)) {
    counter!("muster_retention_planning_failures_total").increment(1);
    tracing::warn!(error, "due policies could not be planned");
}

/// A worker has a job.
pub fn job_taken(job: JobId, work: &Job, attempt: u32) {
    tracing::info!(job_id = %job, policy = work.policy(), dry_run = work.dry_run(), attempt, "job taken");
}

/// A job is done.
pub fn job_done(job: JobId, report: &Report, took: Duration) {
    counter!("muster_retention_jobs_total", "outcome" => "done", "policy" => report.policy.clone()).increment(1);
    histogram!("muster_retention_job_seconds", "policy" => report.policy.clone()).record(took.as_secs_f64());
    if !report.dry_run {
        counter!("muster_retention_chunks_dropped_total", "policy" => report.policy.clone())
            .increment(report.chunks.len() as u64);
        counter!("muster_retention_dropped_bytes_total", "policy" => report.policy.clone()).increment(report.bytes);
    }
    tracing::info!(
        job_id = %job,
        policy = report.policy,
        dry_run = report.dry_run,
        chunks = report.chunks.len(),
        rows = report.rows_estimate,
        bytes = report.bytes,
        ?took,
        "job done"
    );
}

/// A job has forgotten what telemetry knew of somebody; it does not say of whom.
pub fn subject_forgotten(job: JobId, forgotten: Forgotten, took: Duration) {
    let Forgotten { events, quarantined, dead_letters, sessions } = forgotten;
    counter!("muster_retention_subjects_forgotten_total").increment(1);
    tracing::info!(job_id = %job, events, quarantined, dead_letters, sessions, ?took, "a subject was forgotten");
}

/// A job did not work out.
pub fn job_failed(job: JobId, error: &(dyn std::error::Error + 'static), failure: &JobFailure) {
    let outcome = match failure {
        JobFailure::RetryAt(_) => "retried",
        JobFailure::Dead => "dead",
    };
    counter!("muster_retention_jobs_failed_total", "outcome" => outcome).increment(1);
    match failure {
        JobFailure::RetryAt(at) => {
            tracing::warn!(job_id = %job, error, retry_at = %at, "job failed; it is tried again")
        }
        JobFailure::Dead => tracing::error!(job_id = %job, error, "job failed for good"),
    }
}

/// The lease ran out under a worker; somebody else has the job, or nobody yet.
pub fn job_lost(job: JobId) {
    counter!("muster_retention_jobs_lost_total").increment(1);
    tracing::warn!(job_id = %job, "the lease ran out; leaving the job to others");
}

/// The store did not answer a worker; it tries again.
pub fn store_failed(doing: &'static str, error: &(dyn std::error::Error + 'static)) {
    counter!("muster_retention_store_failures_total", "doing" => doing).increment(1);
    tracing::warn!(error, doing, "the store did not answer; trying again");
}

/// How many jobs there are in each state.
pub fn jobs_counted(counts: &[(JobState, u64)]) {
    for (state, count) in counts {
        let state = match state {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Dead => "dead",
        };
        gauge!("muster_retention_jobs", "state" => state).set(*count as f64);
    }
}
