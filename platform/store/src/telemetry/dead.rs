//! The dead letters: what was taken and cannot be stored, kept with its reason for a person to look at. Stream `DLQ`, subject
//! `dlq.telemetry`; the original bytes and headers, with `Muster-Dlq-*` headers beside them. An event of a message that held
//! many is a letter by itself, as a message of its own: published again on its original subject it is read again.

use async_nats::HeaderMap;
use async_nats::jetstream::Message;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use muster_core::id::SubjectId;
use muster_core::telemetry::is_kind;
use serde::Deserialize;

use super::{Telemetry, message};
use crate::error::NatsResult;
use crate::nats::Nats;
use crate::{Result, streams};

/// What could not be stored: an event, or a message in which no events could be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its place in the DLQ; later ones are higher.
    pub sequence: u64,
    /// Since when it is dead.
    pub buried_at: DateTime<Utc>,
    /// The kind of the event, as far as it can be made out.
    pub kind: Option<String>,
    /// Why not.
    pub reason: String,
    /// Its original subject.
    pub subject: String,
    /// How often it had been delivered.
    pub attempts: u64,
    /// Its original bytes.
    pub payload: Bytes,
}

/// How many letters are in memory at once: each may be as large as a message can be.
pub(super) const AT_HAND: usize = 64;

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

/// Which dead letters; all of them when nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadLetterFilter {
    /// Those whose reason holds this text.
    pub reason: Option<String>,
    /// Those whose event is of this kind.
    pub kind: Option<String>,
    /// Those that died at this moment or later.
    pub from: Option<DateTime<Utc>>,
    /// Those that died before this moment.
    pub to: Option<DateTime<Utc>>,
}

impl DeadLetterFilter {
    /// Whether a letter is one of them.
    pub fn takes(&self, letter: &DeadLetter) -> bool {
        self.reason.as_ref().is_none_or(|reason| letter.reason.contains(reason))
            && self.kind.as_ref().is_none_or(|kind| letter.kind.as_ref() == Some(kind))
            && self.from.is_none_or(|from| letter.buried_at >= from)
            && self.to.is_none_or(|to| letter.buried_at < to)
    }
}

impl Telemetry {
    /// The oldest dead letters, `first` at most.
    pub async fn dead_letters(&self, first: usize) -> Result<Vec<DeadLetter>> {
        self.dead_letters_after(0, first).await
    }

    /// The oldest dead letters after a place, `first` at most.
    pub async fn dead_letters_after(&self, sequence: u64, first: usize) -> Result<Vec<DeadLetter>> {
        let (what, subject) = ("reading the DLQ", self.nats.subject("dlq.telemetry"));
        let messages = self.nats.read_page(what, streams::DLQ, subject, sequence.saturating_add(1), first).await?;
        messages.iter().map(letter).collect()
    }

    /// Removes the letters that name a subject anywhere, readable or not, whoever else they are about; says how many.
    pub(super) async fn forget_dead_letters(&self, subject: SubjectId) -> Result<u64> {
        let what = "forgetting dead letters";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::DLQ)).await.doing(what)?;
        let names = [subject.to_string(), subject.uuid().to_string(), subject.uuid().simple().to_string()];
        let names_it = |letter: &DeadLetter| names.iter().any(|name| holds(&letter.payload, name.as_bytes()));
        let (mut place, mut removed) = (0, 0);
        loop {
            let letters = self.dead_letters_after(place, AT_HAND).await?;
            let Some(last) = letters.last() else { return Ok(removed) };
            place = last.sequence;
            for letter in letters.iter().filter(|letter| names_it(letter)) {
                removed += u64::from(remove(&stream, letter.sequence, what).await?);
            }
        }
    }

    /// How many dead letters there are.
    pub async fn dead_letter_count(&self) -> Result<u64> {
        let what = "counting the DLQ";
        let stream = self.nats.jetstream.get_stream_no_info(self.nats.stream(streams::DLQ)).await.doing(what)?;
        let subjects = stream.info_with_subjects(self.nats.subject("dlq.telemetry")).await.doing(what)?;
        subjects.try_fold(0, |sum, (_, messages)| async move { Ok(sum + messages as u64) }).await.doing(what)
    }
}

/// Takes a message out of its stream; false when somebody else was faster.
pub(super) async fn remove(stream: &Stream<()>, sequence: u64, what: &'static str) -> Result<bool> {
    match stream.delete_message(sequence).await {
        Ok(_) => Ok(true),
        Err(_) if stream.get_raw_message(sequence).await.is_err() => Ok(false),
        Err(error) => Err(error).doing(what),
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
}

fn letter(message: &Message) -> Result<DeadLetter> {
    let header = |name| {
        message.headers.as_ref().and_then(|headers: &HeaderMap| headers.get(name)).map(|value| value.to_string())
    };
    let info = message.info().doing("reading the DLQ")?;
    let buried_at = DateTime::from_timestamp(info.published.unix_timestamp(), info.published.nanosecond());
    Ok(DeadLetter {
        sequence: info.stream_sequence,
        buried_at: buried_at.unwrap_or_default(),
        kind: kind_of(&message.payload),
        reason: header(REASON).unwrap_or_default(),
        subject: header(SUBJECT).unwrap_or_default(),
        attempts: header(ATTEMPTS).and_then(|attempts| attempts.parse().ok()).unwrap_or_default(),
        payload: message.payload.clone(),
    })
}

/// Only what can be a kind is shown: the rest of a dead letter may be anything, and personal.
fn kind_of(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct OnlyKind {
        kind: String,
    }
    let found: OnlyKind = serde_json::from_slice(payload).ok()?;
    Some(found.kind).filter(|kind| is_kind(kind))
}
