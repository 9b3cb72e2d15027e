//! What becomes of tickets, as telemetry keeps it: `ticket.ended`, one event a ticket, enough to replay the queue later.
//!
//! It knows no player: ratings, roles, latencies and properties of a ticket are kept without whose they were.

use chrono::{DateTime, Utc};
use muster_core::game::Mode;
use muster_core::id::{EventId, MatchId};
use muster_core::matchmaking::{QueueDefinition, RecordedMember, RecordedOutcome, RecordedTicket, Ticket};
use muster_core::wire::TicketState;
use muster_store::{Shard, TelemetryEvent, TelemetrySource, TicketRecord};
use serde_json::{Value, json};
use uuid::Uuid;

use super::leader::{ANYWHERE, home};
use crate::events;
use crate::telemetry::TelemetryQueue;

/// The kind of these events.
pub(crate) const TICKET_ENDED: &str = muster_core::telemetry::kind::TICKET_ENDED;

/// How a ticket ended.
pub(crate) struct TicketEnd<'a> {
    pub ticket: &'a Ticket,
    pub shard: &'a Shard,
    /// `matched`, `cancelled`, `expired` or `failed`.
    pub outcome: &'static str,
    /// Why, where the outcome alone does not tell.
    pub reason: Option<&'a str>,
    /// The match, when it has one.
    pub matched: Option<MatchedEnd>,
    pub mode: Option<Mode>,
    /// Where it was matched, or would have liked to be.
    pub region: &'a str,
    pub queue_version: u32,
    pub at: DateTime<Utc>,
}

/// What a ticket ended in.
#[derive(Clone, Copy)]
pub(crate) struct MatchedEnd {
    pub match_id: MatchId,
    pub quality: f64,
}

impl TicketEnd<'_> {
    /// Leaves the event for telemetry.
    pub(crate) fn tell(&self, telemetry: &TelemetryQueue) {
        telemetry.offer_of(self.event(), self.ticket.players().collect());
    }

    /// The event. Made again for the same end, it is the same event.
    fn event(&self) -> TelemetryEvent {
        let Self { ticket, shard, .. } = self;
        let wait_ms = u64::try_from((self.at - ticket.enqueued_at).num_milliseconds()).unwrap_or_default();
        let quality = self.matched.map(|matched| matched.quality);
        let recorded = RecordedTicket {
            enqueued_at: ticket.enqueued_at,
            left_at: (self.outcome == "cancelled").then_some(self.at),
            members: ticket
                .members
                .iter()
                .map(|member| RecordedMember { rating: member.rating, roles: member.roles.clone() })
                .collect(),
            latencies_ms: ticket.latencies_ms.clone(),
            properties: ticket.properties.clone(),
            outcome: RecordedOutcome { matched: self.matched.is_some(), wait_ms, quality },
        };
        let properties = json!({
            "outcome": self.outcome,
            "reason": self.reason,
            "wait_ms": wait_ms,
            "quality": quality,
            "party_size": ticket.members.len(),
            "region": self.region,
            "group": shard.group,
            "queue_version": self.queue_version,
            "recorded": recorded,
        });
        let event_id = EventId::from_uuid(Uuid::new_v5(&ticket.ticket_id.uuid(), TICKET_ENDED.as_bytes()));
        TelemetryEvent {
            match_id: self.matched.map(|matched| matched.match_id),
            mode: self.mode,
            queue: Some(shard.queue.clone()),
            region: (self.region != ANYWHERE).then(|| self.region.to_owned()),
            properties: match properties {
                Value::Object(properties) => properties,
                _ => serde_json::Map::new(),
            },
            ..TelemetryEvent::new(event_id, TelemetrySource::Server, TICKET_ENDED, self.at, muster_store::now())
        }
    }
}

/// Counts a ticket that ended without a match, and keeps it for good.
pub(super) fn ticket_ended(telemetry: &TelemetryQueue, definition: &QueueDefinition, record: &TicketRecord) {
    let outcome = match record.state {
        TicketState::Expired => "expired",
        TicketState::Failed => "failed",
        TicketState::Cancelled => "cancelled",
        // It goes on, or has its match: that is counted where it is made.
        TicketState::Waiting | TicketState::Proposed | TicketState::Accepted | TicketState::Matched => return,
    };
    let (region, reason) = (home(definition, &record.ticket), record.reason.as_deref());
    events::ticket_ended(&record.shard.queue, region, record.ticket.members.len(), outcome, reason);
    let end = TicketEnd {
        ticket: &record.ticket,
        shard: &record.shard,
        outcome,
        reason,
        matched: None,
        mode: definition.mode,
        region,
        queue_version: definition.version,
        at: record.ended_at.unwrap_or_else(muster_store::now),
    };
    end.tell(telemetry);
}
