//! Trying again what was not stored as it came: quarantined events once their type is there, dead letters once the fault is
//! mended. Both go by steps, each of which says where the next one goes on, so whoever does it sees how far it is, and one that
//! is broken off is gone on with.

use async_graphql::{Context, Object, SimpleObject};
use muster_core::id::{EventId, StaffId};
use muster_core::time;
use muster_store::{Actor, AuditOutcome, NewAudit, QuarantinePlace, Store};
use serde_json::{Value, json};

use super::{dead_letters::DeadLetterFilterInput, edit::no_type};
use crate::{
    auth::{Needs, Permission, session_of},
    events,
    schema::{
        errors::ApiError,
        of_schema,
        page::{decode, encode, within},
        queues::read_reason,
    },
};

/// Most events or letters of one step: seconds of work.
const MAX_STEP: i32 = 5_000;

/// What a step of a release did.
#[derive(SimpleObject)]
pub struct ReleaseStep {
    /// Events that are among the others now.
    released: u64,
    /// Of these, those that had been there already.
    duplicates: u64,
    /// Events that are not what the type says; they stay in quarantine, with what is wrong as their reason.
    refused: u64,
    /// For `after` of the next step; null when all of the kind were looked at.
    next: Option<String>,
    /// How many of the kind are still in quarantine, refused ones among them.
    remaining: u64,
}

/// What a step of a replay did.
#[derive(SimpleObject)]
pub struct ReplayStep {
    /// Letters that are on their way again. Those that fail again come back as new letters.
    replayed: u64,
    /// Letters that the filter did not take; they stay.
    passed_over: u64,
    /// For `after` of the next step; null when all were looked at.
    next: Option<String>,
    /// How many letters there still are.
    remaining: u64,
}

/// Acts on what was not stored as it came.
#[derive(Default)]
pub struct ReplayMutation;

#[Object]
impl ReplayMutation {
    /// Makes quarantined events of a kind into events, oldest first, now that the kind has a type: the next `first` (1 to 5,000)
    /// after a cursor. Refused with `not_found` when there is no such type.
    #[graphql(guard = "Needs(Permission::ReplayTelemetry)", complexity = "crate::schema::cost::DRY_RUN")]
    async fn release_quarantine(
        &self,
        context: &Context<'_>,
        kind: String,
        #[graphql(default_with = "Some(1000)")] first: Option<i32>,
        after: Option<String>,
        reason: String,
    ) -> Result<ReleaseStep, ApiError> {
        let first = within("first", first.unwrap_or(1_000), MAX_STEP)?;
        let after = after.as_deref().map(read_place).transpose()?;
        let reason = read_reason(&reason)?;
        let store = of_schema::<Store>(context)?;
        let found = store.event_types.get(&kind).await.map_err(ApiError::internal("get_event_type"))?;
        let definition = found.ok_or_else(|| no_type(&kind))?.definition;
        let step = store.telemetry.release(&definition, after, first).await;
        let step = step.map_err(ApiError::internal("release_quarantine"))?;
        let details = json!({ "released": step.released, "refused": step.refused, "version": definition.version });
        let staff = session_of(context)?.member.staff_id;
        note(store, staff, "telemetry.release", Some(kind.clone()), reason, details).await?;
        events::quarantine_released(staff, step.released, step.refused);
        let remaining = store.telemetry.quarantined_of(&kind).await.map_err(ApiError::internal("quarantined_of"))?;
        Ok(ReleaseStep {
            released: step.released,
            duplicates: step.duplicates,
            refused: step.refused,
            next: step.next.as_ref().map(write_place),
            remaining,
        })
    }

    /// Sends dead letters on their way again: looks at the next `first` (1 to 5,000) after a cursor, and takes those of the
    /// filter.
    #[graphql(guard = "Needs(Permission::ReplayTelemetry)", complexity = "crate::schema::cost::DRY_RUN")]
    async fn replay_dead_letters(
        &self,
        context: &Context<'_>,
        filter: Option<DeadLetterFilterInput>,
        #[graphql(default_with = "Some(1000)")] first: Option<i32>,
        after: Option<String>,
        reason: String,
    ) -> Result<ReplayStep, ApiError> {
        let first = within("first", first.unwrap_or(1_000), MAX_STEP)?;
        let after = after.as_deref().map(decode::<u64>).transpose()?.unwrap_or_default();
        let filter = filter.unwrap_or_default().read()?;
        let reason = read_reason(&reason)?;
        let store = of_schema::<Store>(context)?;
        let step = store.telemetry.replay(&filter, after, first as usize).await;
        let step = step.map_err(ApiError::internal("replay_dead_letters"))?;
        let staff = session_of(context)?.member.staff_id;
        let details = json!({ "replayed": step.replayed, "passed_over": step.passed_over });
        note(store, staff, "telemetry.replay", filter.kind, reason, details).await?;
        events::dead_letters_replayed(staff, step.replayed);
        let remaining = store.telemetry.dead_letter_count().await.map_err(ApiError::internal("dead_letter_count"))?;
        Ok(ReplayStep {
            replayed: step.replayed,
            passed_over: step.passed_over,
            next: step.next.map(|next| encode(&next)),
            remaining,
        })
    }
}

async fn note(
    store: &Store,
    staff: StaffId,
    action: &str,
    target: Option<String>,
    reason: String,
    details: Value,
) -> Result<(), ApiError> {
    let entry = NewAudit {
        actor: Actor::Staff(staff),
        action: action.to_owned(),
        target,
        reason: Some(reason),
        outcome: AuditOutcome::Succeeded,
        details,
    };
    store.audit.append(&entry, muster_store::now()).await.map_err(ApiError::internal("note_replay"))?;
    Ok(())
}

fn write_place(place: &QuarantinePlace) -> String {
    encode(&format!("{} {}", time::format(place.at), place.event_id))
}

fn read_place(cursor: &str) -> Result<QuarantinePlace, ApiError> {
    let text: String = decode(cursor)?;
    let read = text.split_once(' ').and_then(|(at, event_id)| {
        Some(QuarantinePlace { at: at.parse().ok()?, event_id: event_id.parse::<EventId>().ok()? })
    });
    read.ok_or_else(|| ApiError::bad_input("after is not a cursor: use next of an earlier step"))
}
