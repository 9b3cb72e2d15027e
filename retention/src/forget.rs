//! Forgetting what telemetry knows of a player: personal properties leave their events, facts lose whose they are, and the account
//! gets another subject. What was counted stays counted.
//!
//! The account is parted from the old subject at once. The rest is done by jobs that name only the subject, which leads to nobody by then:
//! one at once, and two later for events that were on their way. A job that is done forgets the subject too.

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::{PlayerId, SubjectId};
use muster_store::{LeasedJob, NewJob, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::{job::InvalidJob, policy};

/// Kind of the jobs that forget a subject.
pub const FORGET: &str = "forget_subject";

/// Attempts of a job before it is dead: at growing intervals of up to an hour, a few days.
const ATTEMPTS: u32 = 60;

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// When the jobs run: at once; when the stream has been empty again; and when no event may be late any more.
fn passes() -> [TimeDelta; 3] {
    [TimeDelta::zero(), TimeDelta::hours(1), TimeDelta::days(8)]
}

/// What a job carries.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    subject_id: SubjectId,
}

/// What was forgotten by one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Events that lost personal properties.
    pub events: u64,
    /// Events in quarantine that are gone.
    pub quarantined: u64,
    /// Dead letters that named the player, and are gone.
    #[serde(default)]
    pub dead_letters: u64,
    /// Sessions of the facts that are nobody's now.
    pub sessions: u64,
}

/// Why a player's telemetry was not forgotten. Asking again is harmless.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// There is no such player.
    #[error("there is no player {0}")]
    NoPlayer(PlayerId),
    /// Nobody would know why.
    #[error("a reason has 1 to {MAX_REASON} characters")]
    Reason,
    /// The subject was parted from meanwhile.
    #[error("somebody else is forgetting {0} right now")]
    Meanwhile(PlayerId),
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Store(#[from] StoreError),
}

/// Parts a player from their telemetry, and leaves the jobs that forget it.
///
/// # Errors
/// See [`ForgetError`].
pub async fn forget_player(
    store: &Store,
    player: PlayerId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), ForgetError> {
    if reason.trim().is_empty() || reason.chars().count() > MAX_REASON {
        return Err(ForgetError::Reason);
    }
    let old = store.accounts.get(player).await?.ok_or(ForgetError::NoPlayer(player))?.subject_id;
    // First the jobs: once the subject is parted from, nobody can find it again.
    for job in jobs(old, now) {
        store.retention.enqueue(&job, now).await?;
    }
    let parted = store.accounts.part_from_subject(player, old, &policy::actor(), reason, now).await?;
    if parted { Ok(()) } else { Err(ForgetError::Meanwhile(player)) }
}

fn jobs(subject: SubjectId, now: DateTime<Utc>) -> impl Iterator<Item = NewJob> {
    passes().into_iter().map(move |later| NewJob {
        kind: FORGET.to_owned(),
        dedup_key: None,
        payload: serde_json::json!({ "subject_id": subject }),
        run_at: now + later,
        max_attempts: ATTEMPTS,
    })
}

/// Whom a job is to forget.
pub(crate) fn read(leased: &LeasedJob) -> Result<SubjectId, InvalidJob> {
    let payload: Payload = serde_json::from_value(leased.payload.clone())?;
    Ok(payload.subject_id)
}

/// Does a job. Again does nothing.
pub(crate) async fn forget(store: &Store, subject: SubjectId) -> Result<Forgotten, StoreError> {
    let events = store.telemetry.forget(subject).await?;
    let sessions = store.insights.forget(subject).await?;
    Ok(Forgotten {
        events: events.blanked,
        quarantined: events.quarantined,
        dead_letters: events.dead_letters,
        sessions,
    })
}
