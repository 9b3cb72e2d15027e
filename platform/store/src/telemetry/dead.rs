//! The dead letters: what was taken and cannot be stored, kept with its reason for a person to look at. Stream `DLQ`, subject
//! `dlq.telemetry`; the original bytes and headers, with `Muster-Dlq-*` headers beside them. An event of a message that held
//! many is a letter by itself, as a message of its own: published again on its original subject it is read again.

use async_nats::HeaderMap;
use async_nats::jetstream::Message;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;

use super::{Telemetry, message};
use crate::error::NatsResult;
use crate::nats::Nats;
use crate::{Result, streams};

/// What could not be stored: an event, or a message in which no events could be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Why not.
    pub reason: String,
    /// Its original subject.
    pub subject: String,
    /// How often it had been delivered.
    pub attempts: u64,
    /// Its original bytes.
    pub payload: Bytes,
}

const REASON: &str = "Muster-Dlq-Reason";
const SUBJECT: &str = "Muster-Dlq-Subject";
const ATTEMPTS: &str = "Muster-Dlq-Attempts";

/// Which part of a message it is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Remains<'a> {
    /// All of it.
    Whole,
    /// The event at this place.
    Event(usize, &'a Bytes),
}

/// Done when the DLQ has it; only then may the original be acknowledged.
pub(super) async fn bury(nats: &Nats, message: &Message, remains: Remains<'_>, reason: &str) -> Result<()> {
    let what = "burying telemetry";
    let info = message.info().doing(what)?;
    let mut headers = message.headers.clone().unwrap_or_default();
    let reason: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
    headers.insert(REASON, reason.as_str());
    headers.insert(SUBJECT, message.subject.as_str());
    headers.insert(ATTEMPTS, info.delivered.to_string());
    tracing::warn!(subject = %message.subject, sequence = info.stream_sequence, %reason, "telemetry cannot be stored");

    // Named by its place in the stream: when the acknowledgement gets lost, it is not buried twice.
    let (id, payload) = match remains {
        Remains::Event(place, line) if line.len() < message.payload.len() => {
            (format!("telemetry-{}-{place}", info.stream_sequence), message::alone(line))
        }
        Remains::Whole | Remains::Event(..) => (format!("telemetry-{}", info.stream_sequence), message.payload.clone()),
    };
    let copy = PublishMessage::build().headers(headers).message_id(id).payload(payload);
    nats.jetstream.send_publish(nats.subject("dlq.telemetry"), copy).await.doing(what)?.await.doing(what)?;
    Ok(())
}

impl Telemetry {
    /// The oldest dead letters, `first` at most.
    pub async fn dead_letters(&self, first: usize) -> Result<Vec<DeadLetter>> {
        let messages =
            self.nats.read("reading the DLQ", streams::DLQ, self.nats.subject("dlq.telemetry"), first).await?;
        Ok(messages.iter().map(letter).collect())
    }
}

fn letter(message: &Message) -> DeadLetter {
    let header = |name| {
        message.headers.as_ref().and_then(|headers: &HeaderMap| headers.get(name)).map(|value| value.to_string())
    };
    DeadLetter {
        reason: header(REASON).unwrap_or_default(),
        subject: header(SUBJECT).unwrap_or_default(),
        attempts: header(ATTEMPTS).and_then(|attempts| attempts.parse().ok()).unwrap_or_default(),
        payload: message.payload.clone(),
    }
}
