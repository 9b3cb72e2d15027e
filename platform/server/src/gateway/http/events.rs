//! Telemetry from clients: judged one by one, kept before it is acknowledged.

use std::io;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use muster_core::wire::{
    ClientEvent, EventBatch, EventVerdict, EventVerdicts, InvalidEvent, MAX_EVENT_BATCH, Problem, RawEventBatch,
};
use muster_store::{PublishError, TelemetryEvent, TelemetrySource};

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;
use crate::gateway::extract::{Body, Caller};

/// How far a client's clock may run ahead.
const FUTURE: TimeDelta = TimeDelta::minutes(10);
/// How old an event may be when it arrives.
const PAST: TimeDelta = TimeDelta::days(7);
/// The most bytes of an event's properties, as JSON.
const MAX_PROPERTIES: usize = 16 * 1024;

/// Send up to 500 events, each with properties of 16 KiB at most. Each gets its verdict; 202 means that every accepted one is
/// stored safely. An event sent twice with the same id and time counts once.
#[utoipa::path(post, path = "/v1/events", tag = "telemetry", security(("token" = [])), request_body = EventBatch, responses(
    (status = 202, body = EventVerdicts),
    (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, description = "The platform cannot take more right now", content_type = "application/problem+json"),
))]
pub(super) async fn accept_events(
    State(gateway): State<Gateway>,
    Caller(player): Caller,
    Body(body): Body<RawEventBatch>,
) -> Result<(StatusCode, Json<EventVerdicts>), ApiError> {
    if !(1..=MAX_EVENT_BATCH).contains(&body.events.len()) {
        return Err(ApiError::field(
            "events",
            format!("must hold 1 to {MAX_EVENT_BATCH} events, not {}", body.events.len()),
        ));
    }
    let account = gateway.store.accounts.get(player).await?.ok_or(Code::TokenInvalid)?;
    let now = muster_store::now();

    let mut results = Vec::with_capacity(body.events.len());
    let mut accepted = Vec::with_capacity(body.events.len());
    for raw in &body.events {
        match ClientEvent::read(raw).and_then(|event| timely(event, now)).and_then(light) {
            Ok(event) => {
                results.push(EventVerdict::accepted(event.event_id));
                accepted.push(TelemetryEvent {
                    subject_id: Some(account.subject_id),
                    session_id: event.session_id,
                    properties: event.properties,
                    ..TelemetryEvent::new(event.event_id, TelemetrySource::Client, event.kind, event.at, now)
                });
            }
            Err(invalid) => results.push(invalid.into()),
        }
    }
    // Some of the batch may be in the stream when another part fails; sending it all again is safe, since ids are counted once.
    for outcome in gateway.store.telemetry.publish_all(&accepted).await {
        match outcome {
            Ok(()) => {}
            Err(PublishError::Backpressure) => return Err(ApiError::from(Code::Busy).retry_after(2)),
            Err(PublishError::Store(error)) => return Err(error.into()),
        }
    }
    Ok((StatusCode::ACCEPTED, Json(EventVerdicts { results })))
}

/// An event whose time can be true.
fn timely(event: ClientEvent, now: DateTime<Utc>) -> Result<ClientEvent, InvalidEvent> {
    let reason = if event.at > now + FUTURE {
        "at: lies more than 10 minutes in the future; check the device's clock"
    } else if event.at < now - PAST {
        "at: lies more than 7 days in the past"
    } else {
        return Ok(event);
    };
    Err(InvalidEvent { event_id: event.event_id.to_string(), reason: reason.to_owned() })
}

/// An event that many others have room beside: on the stream, and in the database.
fn light(event: ClientEvent) -> Result<ClientEvent, InvalidEvent> {
    if serde_json::to_writer(Room(MAX_PROPERTIES), &event.properties).is_ok() {
        return Ok(event);
    }
    let reason = format!("properties: {} KiB at most, as JSON", MAX_PROPERTIES / 1024);
    Err(InvalidEvent { event_id: event.event_id.to_string(), reason })
}

/// Takes so many bytes, keeps none, and refuses what is more.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
