//! Telling the platform what happened: read one by one, judged by type, and on JetStream's disk before anybody hears that it was
//! taken.

mod body;
#[cfg(test)]
mod fuzz;
mod judge;
mod room;
mod split;
mod subjects;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use axum::extract::Request;
use chrono::{DateTime, Utc};
use muster_core::id::PlayerId;
use muster_core::wire::{ClientEvent, EventVerdict, EventVerdicts, Verdict};
use muster_store::{PublishError, Published, StoreError, TelemetryEvent};

use super::super::{Gateway, extract::Teller, limits};
use crate::error::{ApiError, Code};
use crate::events;
use judge::{Judge, Judged};

pub use room::Room;
pub use subjects::SubjectBook;

/// What became of a request.
pub struct Accepted {
    /// For the sender.
    pub verdicts: EventVerdicts,
    /// When to send again what was too much; None when nothing was.
    pub retry_after_secs: Option<u64>,
}

/// How long a sender waits who met a platform that is full.
const BUSY_SECS: u64 = 2;

impl Gateway {
    /// Takes what one request brings. When this succeeds, every event that is told as accepted or quarantined is on disk.
    ///
    /// # Errors
    /// The body cannot be read, or does not come; the sender sends too much; the platform cannot take more (`busy`: some may have been taken, and
    /// sending all of it again is safe).
    pub async fn accept_events(&self, teller: Teller, request: Request) -> Result<Accepted, ApiError> {
        teller.count(self)?;
        let max_body_bytes = self.settings.gateway.max_body_bytes;
        let headers = request.headers().clone();
        let sent_at = body::sent_at(&headers)?;
        let form = body::Form::of(&headers)?;
        // What is in hand is bounded, however many send at once, and however slowly.
        let mut room = self.ingest_room.take(teller.player(), body::expected(&headers, max_body_bytes)?)?;
        let body = body::read(request, self).await?;
        let now = muster_store::now();
        let text = body::unpack(&headers, body, max_body_bytes)?;
        room.resize(room::weight(&text))?;
        let lines = split::split(form, &text)?;

        let read: Vec<_> = lines.iter().map(|line| ClientEvent::read(line)).collect();
        let subjects = self.subjects_of(&teller, read.iter().flatten()).await?;
        let judge = Judge {
            catalogue: self.event_book.now(),
            source: teller.source(),
            own: teller.player(),
            subjects,
            now,
            skew_ms: sent_at.map(|sent_at| skew(now, sent_at)),
        };
        let mut seen = HashSet::with_capacity(read.len());
        let (mut results, mut taken) = (Vec::with_capacity(read.len()), Vec::with_capacity(read.len()));
        let mut too_much = None;
        for (line, read) in lines.iter().zip(read) {
            let judged = match teller.count(self) {
                Err(refusal) => {
                    too_much = Some(refusal);
                    Judged::Told(judge::rate_limited(line))
                }
                Ok(()) => match read {
                    Err(invalid) => Judged::Told(invalid.into()),
                    Ok(event) if !seen.insert((event.event_id, event.at)) => Judged::Told(EventVerdict::because(
                        event.event_id,
                        Verdict::Duplicate,
                        "it is in this request twice",
                    )),
                    Ok(event) => judge.judge(event),
                },
            };
            match judged {
                Judged::Taken(event, verdict) => {
                    taken.push((results.len(), *event));
                    results.push(verdict);
                }
                Judged::Told(verdict) => results.push(verdict),
            }
        }
        if let Some(refusal) = too_much.take_if(|_| results.iter().all(|told| told.verdict == Verdict::RateLimited)) {
            return Err(refusal);
        }
        self.keep(taken, &mut results).await?;
        events::telemetry_received(judge.source, &results);
        Ok(Accepted {
            verdicts: EventVerdicts { results },
            retry_after_secs: too_much.map(|refusal| refusal.retry_after_secs().unwrap_or(1)),
        })
    }

    /// Publishes what is to be taken, and tells of what was taken before.
    async fn keep(&self, taken: Vec<(usize, TelemetryEvent)>, results: &mut [EventVerdict]) -> Result<(), ApiError> {
        let (places, taken): (Vec<usize>, Vec<TelemetryEvent>) = taken.into_iter().unzip();
        for (place, outcome) in places.into_iter().zip(self.store.telemetry.publish_told(&taken).await) {
            match outcome {
                Ok(Published::New) => {}
                Ok(Published::Again) => results[place].verdict = Verdict::Duplicate,
                Err(PublishError::Backpressure) => return Err(busy()),
                Err(PublishError::Store(error)) => return Err(busy_for(error)),
            }
        }
        Ok(())
    }

    /// Who the events are about, as telemetry knows them.
    async fn subjects_of(
        &self,
        teller: &Teller,
        read: impl Iterator<Item = &ClientEvent>,
    ) -> Result<judge::Subjects, ApiError> {
        if let Some(player) = teller.player() {
            let found = self.subject_book.of(&self.store, &[player]).await?;
            return if found.is_empty() { Err(Code::TokenInvalid.into()) } else { Ok(found) };
        }
        let players: HashSet<PlayerId> = read.filter_map(|event| event.player_id).collect();
        if players.is_empty() {
            return Ok(judge::Subjects::new());
        }
        self.subject_book.of(&self.store, &Vec::from_iter(players)).await
    }
}

impl Teller {
    /// Counts a request, or an event of one.
    fn count(&self, gateway: &Gateway) -> Result<(), ApiError> {
        match self {
            Teller::Player(player) => limits::count(&gateway.event_limit, player),
            Teller::Trusted(key) => limits::count(&gateway.trusted_event_limit, key),
        }
    }
}

fn busy() -> ApiError {
    let detail = "Send the same events again in a few seconds; those that were kept count once.";
    ApiError::with_detail(Code::Busy, detail).retry_after(BUSY_SECS)
}

/// A store that may answer a little later is no fault of ours to tell: the sender keeps the events and sends them again.
fn busy_for(error: StoreError) -> ApiError {
    if !error.is_transient() {
        return error.into();
    }
    tracing::warn!(error = &error as &dyn std::error::Error, "telemetry could not be taken");
    busy()
}

/// How far the sender's clock is behind ours; as far as the database can say it.
fn skew(now: DateTime<Utc>, sent_at: DateTime<Utc>) -> i32 {
    let millis = (now - sent_at).num_milliseconds();
    i32::try_from(millis).unwrap_or(if millis < 0 { i32::MIN } else { i32::MAX })
}
