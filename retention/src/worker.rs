//! Takes jobs and does them. Any number of workers in any number of processes: the store gives a job to one of them,
//! and to another when that one shows no sign of life for the length of its lease.

use std::time::{Duration, Instant};

use muster_core::id::JobId;
use muster_store::{JobError, LeasedJob, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{
    events,
    forget::{self, FORGET},
    job::{APPLY, Job, PREVIEW},
    policy::{self, ApplyError},
    report::Report,
    settings::RetentionSettings,
};

/// Longest wait after the store did not answer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One worker.
pub struct Worker {
    store: Store,
    name: String,
    lease: Duration,
    poll: Duration,
}

impl Worker {
    /// A worker; its name tells people who has a job, nothing else.
    pub fn new(store: Store, name: String, settings: &RetentionSettings) -> Self {
        Self { store, name, lease: settings.lease, poll: settings.poll }
    }

    /// Works until the drain. The job in hand is finished first.
    pub async fn run(self, drain: CancellationToken) {
        let mut wait = self.poll;
        while !drain.is_cancelled() {
            match self.step(&[APPLY, PREVIEW, FORGET]).await {
                Ok(Some(_)) => {
                    wait = self.poll;
                    continue;
                }
                Ok(None) => wait = self.poll,
                Err(error) => {
                    events::store_failed("take", &error);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
            let _ = drain.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
    }

    /// Does one job of these kinds, if one is due: which one.
    ///
    /// # Errors
    /// The store did not answer when asked for a job. What goes wrong later is the job's own affair and is recorded with it.
    pub async fn step(&self, kinds: &[&str]) -> Result<Option<JobId>, StoreError> {
        let Some(leased) = self.store.retention.take(kinds, &self.name, self.lease, muster_store::now()).await? else {
            return Ok(None);
        };
        let id = leased.job_id;
        if let Err(error) = self.work(leased).await {
            match error {
                JobError::Lost => events::job_lost(id),
                // The lease runs out and the job is taken again.
                JobError::Store(error) => events::store_failed("finish", &error),
            }
        }
        Ok(Some(id))
    }

    async fn work(&self, mut leased: LeasedJob) -> Result<(), JobError> {
        let begun = Instant::now();
        if leased.kind == FORGET {
            return self.forget(leased, begun).await;
        }
        let job = match Job::read(&leased) {
            Ok(job) => job,
            Err(invalid) => return self.fail(&leased, None, &invalid.into()).await,
        };
        events::job_taken(leased.job_id, &job, leased.attempt);
        let outcome = self.hold_while(&mut leased, policy::apply(&self.store, &job, muster_store::now())).await?;
        match outcome {
            Ok(report) => self.complete(&leased, &report, begun.elapsed()).await,
            Err(error) => self.fail(&leased, Some(&job), &error).await,
        }
    }

    /// Keeps the lease while the work goes on.
    async fn hold_while<T>(&self, leased: &mut LeasedJob, work: impl Future<Output = T>) -> Result<T, JobError> {
        tokio::pin!(work);
        let mut beat = tokio::time::interval(self.lease / 3);
        beat.tick().await;
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                _ = beat.tick() => match self.store.retention.extend(leased, self.lease, muster_store::now()).await {
                    Ok(()) => {}
                    Err(JobError::Lost) => return Err(JobError::Lost),
                    // There are two more beats before the lease runs out.
                    Err(JobError::Store(error)) => events::store_failed("extend", &error),
                },
            }
        }
    }

    async fn forget(&self, mut leased: LeasedJob, begun: Instant) -> Result<(), JobError> {
        let subject = match forget::read(&leased) {
            Ok(subject) => subject,
            Err(invalid) => return self.not_forgotten(&leased, &invalid).await,
        };
        match self.hold_while(&mut leased, forget::forget(&self.store, subject)).await? {
            Ok(forgotten) => {
                let result = serde_json::to_value(forgotten).unwrap_or_default();
                self.store.retention.complete(&leased, &result, muster_store::now()).await?;
                events::subject_forgotten(leased.job_id, forgotten, begun.elapsed());
                Ok(())
            }
            Err(error) => self.not_forgotten(&leased, &error).await,
        }
    }

    async fn not_forgotten(
        &self,
        leased: &LeasedJob,
        error: &(dyn std::error::Error + Send + Sync + 'static),
    ) -> Result<(), JobError> {
        let failure = self.store.retention.fail(leased, &error.to_string(), muster_store::now()).await?;
        events::job_failed(leased.job_id, error, &failure);
        Ok(())
    }

    async fn complete(&self, leased: &LeasedJob, report: &Report, took: Duration) -> Result<(), JobError> {
        let result = serde_json::to_value(report).unwrap_or_default();
        self.store.retention.complete(leased, &result, muster_store::now()).await?;
        events::job_done(leased.job_id, report, took);
        Ok(())
    }

    async fn fail(&self, leased: &LeasedJob, job: Option<&Job>, error: &ApplyError) -> Result<(), JobError> {
        let failure = self.store.retention.fail(leased, &error.to_string(), muster_store::now()).await?;
        events::job_failed(leased.job_id, error, &failure);
        policy::record_failure(&self.store, job, error).await.map_err(JobError::Store)
    }
}
