//! Makes a job of every enabled policy when the schedule says so. Any number of processes may plan: the job's key is
//! the same from each of them.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use cron::Schedule;
use muster_store::{Enqueued, JobRecord, RetentionPolicy, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{events, job, settings::RetentionSettings};

/// Past jobs that are looked at to see what was planned before; far more than a schedule makes in the time that
/// processes may be apart.
const REMEMBERED: u32 = 200;

/// The policies that are due, and since when: those whose last scheduled time has no job yet. A policy that was made or
/// changed after that time waits for the next one, so that nobody's edit takes effect at once.
pub fn due<'a>(
    schedule: &Schedule,
    policies: &'a [RetentionPolicy],
    known: &[JobRecord],
    now: DateTime<Utc>,
) -> Vec<(&'a RetentionPolicy, DateTime<Utc>)> {
    let Some(scheduled_for) = schedule.after(&now).next_back() else { return Vec::new() };
    let known: HashSet<&str> = known.iter().filter_map(|job| job.dedup_key.as_deref()).collect();
    policies
        .iter()
        .filter(|policy| policy.enabled && policy.updated_at < scheduled_for)
        .filter(|policy| !known.contains(job::planned_key(&policy.name, scheduled_for).as_str()))
        .map(|policy| (policy, scheduled_for))
        .collect()
}

/// When the schedule comes next.
pub fn next(schedule: &Schedule, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    schedule.after(&now).next()
}

/// Plans until the drain.
pub struct Planner {
    store: Store,
    schedule: Schedule,
    poll: Duration,
}

impl Planner {
    /// A planner by these settings.
    ///
    /// # Errors
    /// The schedule is none; the settings' own rules have it checked before.
    pub fn new(store: Store, settings: &RetentionSettings) -> Result<Self, cron::error::Error> {
        Ok(Self { store, schedule: settings.schedule.parse()?, poll: settings.poll })
    }

    /// Plans until the drain.
    pub async fn run(self, drain: CancellationToken) {
        let plan = async {
            loop {
                if let Err(error) = self.plan(muster_store::now()).await {
                    events::planning_failed(&error);
                }
                tokio::time::sleep(self.poll.max(Duration::from_secs(1))).await;
            }
        };
        drain.run_until_cancelled(plan).await;
    }

    /// Plans what is due now; how many jobs that made.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn plan(&self, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let policies = self.store.retention.policies().await?;
        let known = self.store.retention.jobs(None, REMEMBERED).await?;
        let mut made = 0;
        for (policy, scheduled_for) in due(&self.schedule, &policies, &known, now) {
            let job = job::planned(&policy.name, scheduled_for);
            if let Enqueued::Added(id) = self.store.retention.enqueue(&job, now).await? {
                events::planned(&policy.name, id, scheduled_for);
                made += 1;
            }
        }
        events::jobs_counted(&self.store.retention.job_counts().await?);
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use muster_core::id::JobId;
    use muster_store::JobState;

    use super::*;
    use crate::policy;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn events_since(changed: &str) -> Vec<RetentionPolicy> {
        vec![policy::shipped(at(changed)).remove(0)]
    }

    fn daily() -> Schedule {
        RetentionSettings::default().schedule.parse().unwrap()
    }

    fn record(dedup_key: &str) -> JobRecord {
        let now = at("2026-01-31T03:17:00Z");
        JobRecord {
            job_id: JobId::new(now, [0; 10]),
            kind: job::APPLY.to_owned(),
            dedup_key: Some(dedup_key.to_owned()),
            payload: serde_json::Value::Null,
            state: JobState::Done,
            attempts: 1,
            max_attempts: 1,
            run_at: now,
            created_at: now,
            finished_at: Some(now),
            last_error: None,
            result: None,
        }
    }

    #[test]
    fn a_policy_is_due_once_a_scheduled_time_even_after_it() {
        let policies = events_since("2026-01-01T00:00:00Z");
        let scheduled = at("2026-01-31T03:17:00Z");
        for moment in ["2026-01-31T03:17:01Z", "2026-01-31T23:00:00Z", "2026-02-01T03:16:59Z"] {
            let due = due(&daily(), &policies, &[], at(moment));
            assert_eq!(due.iter().map(|(_, since)| *since).collect::<Vec<_>>(), [scheduled], "{moment}");
        }
        let known = [record("telemetry-events@2026-01-31T03:17:00.000Z")];
        assert!(due(&daily(), &policies, &known, at("2026-01-31T23:00:00Z")).is_empty());
        assert_eq!(due(&daily(), &policies, &known, at("2026-02-01T03:17:01Z")).len(), 1);
    }

    #[test]
    fn a_changed_policy_waits_for_the_next_time() {
        let policies = events_since("2026-01-31T10:00:00Z");
        assert!(due(&daily(), &policies, &[], at("2026-01-31T12:00:00Z")).is_empty());
        assert_eq!(due(&daily(), &policies, &[], at("2026-02-01T03:17:01Z")).len(), 1);
    }

    #[test]
    fn a_disabled_policy_is_never_due() {
        let mut policies = events_since("2026-01-01T00:00:00Z");
        policies[0].enabled = false;
        assert!(due(&daily(), &policies, &[], at("2026-01-31T12:00:00Z")).is_empty());
    }

    #[test]
    fn the_next_time_is_told() {
        assert_eq!(next(&daily(), at("2026-01-31T12:00:00Z")), Some(at("2026-02-01T03:17:00Z")));
    }
}
