//! What a job says: which policy to apply, and whether only to look.

use chrono::{DateTime, Utc};
use muster_store::{LeasedJob, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kind of the jobs that let data go.
pub const APPLY: &str = "apply_policy";

/// Kind of the jobs that only tell what would go. Apart from [`APPLY`], so that whoever takes only these drops nothing.
pub const PREVIEW: &str = "preview_policy";

/// Attempts of a planned job before it is dead.
const PLANNED_ATTEMPTS: u32 = 8;

/// A job of this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Lets go what the policy does not keep.
    Apply(Payload),
    /// Tells what would go.
    Preview(Payload),
}

/// What a job carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The policy's name.
    pub policy: String,
    /// When it was due; none when a person asked for it.
    #[serde(default, with = "muster_core::time::millis::option")]
    pub scheduled_for: Option<DateTime<Utc>>,
}

/// A job that this crate does not understand: another version of it wrote it.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJob {
    /// No such kind.
    #[error("no job is of the kind {0}")]
    UnknownKind(String),
    /// Not the payload of its kind.
    #[error("the job's payload cannot be read: {0}")]
    Payload(#[from] serde_json::Error),
}

impl Job {
    /// The policy's name.
    pub fn policy(&self) -> &str {
        match self {
            Self::Apply(payload) | Self::Preview(payload) => &payload.policy,
        }
    }

    /// Whether it only looks.
    pub fn dry_run(&self) -> bool {
        matches!(self, Self::Preview(_))
    }

    /// The job that a worker was given.
    ///
    /// # Errors
    /// Another version of this crate wrote it.
    pub fn read(leased: &LeasedJob) -> Result<Self, InvalidJob> {
        let payload = || serde_json::from_value(leased.payload.clone());
        match leased.kind.as_str() {
            APPLY => Ok(Self::Apply(payload()?)),
            PREVIEW => Ok(Self::Preview(payload()?)),
            other => Err(InvalidJob::UnknownKind(other.to_owned())),
        }
    }
}

/// The key of the job that applies a policy when it is due; the same from every process that plans it.
pub fn planned_key(policy: &str, scheduled_for: DateTime<Utc>) -> String {
    format!("{policy}@{}", muster_core::time::format(scheduled_for))
}

/// The job that applies a policy when it is due.
pub fn planned(policy: &str, scheduled_for: DateTime<Utc>) -> NewJob {
    NewJob {
        kind: APPLY.to_owned(),
        dedup_key: Some(planned_key(policy, scheduled_for)),
        payload: payload(policy, Some(scheduled_for)),
        run_at: scheduled_for,
        max_attempts: PLANNED_ATTEMPTS,
    }
}

/// The job that a person asked for. It is tried once, because the person sees what became of it.
pub fn asked_for(policy: &str, dry_run: bool, now: DateTime<Utc>) -> NewJob {
    NewJob {
        kind: if dry_run { PREVIEW } else { APPLY }.to_owned(),
        dedup_key: Some(format!("{policy}@asked")),
        payload: payload(policy, None),
        run_at: now,
        max_attempts: 1,
    }
}

fn payload(policy: &str, scheduled_for: Option<DateTime<Utc>>) -> Value {
    serde_json::json!({ "policy": policy, "scheduled_for": scheduled_for.map(muster_core::time::format) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_as_it_was_written() {
        let at: DateTime<Utc> = "2026-01-31T03:17:00Z".parse().unwrap();
        let new = planned("telemetry-events", at);
        assert_eq!(new.dedup_key.as_deref(), Some("telemetry-events@2026-01-31T03:17:00.000Z"));
        let payload: Payload = serde_json::from_value(new.payload).unwrap();
        assert_eq!(payload, Payload { policy: "telemetry-events".to_owned(), scheduled_for: Some(at) });

        let payload: Payload = serde_json::from_value(asked_for("p", true, at).payload).unwrap();
        assert_eq!(payload.scheduled_for, None);
    }
}
