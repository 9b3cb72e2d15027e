//! Events on their way into the database, with the messages that brought them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use bytes::Bytes;
use futures::stream::{StreamExt, iter};

use super::consume::Taken;
use super::dead::{Remains, bury};
use super::quarantine::Suspect;
use super::row::Row;
use super::{Catalogue, Telemetry, TelemetrySource, Written};
use crate::error::NatsResult;
use crate::{Result, StoreError};

/// How soon a batch comes again that could not be written.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// How soon a message comes again that holds something dead, when the DLQ does not take it: soon enough for a person who has made
/// room to see it, and seldom enough to cost nothing while nobody has.
const KEPT_BACK: Duration = Duration::from_secs(30);

/// How many dead letters may wait for the DLQ's answer at once.
const BURIALS: usize = 64;

/// Events that wait to be stored. Dropped without a word, they come again after 20 s.
#[derive(Default)]
pub struct TelemetryBatch {
    messages: Vec<Taken>,
    switches: Arc<Catalogue>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Events that are in the database now and were not before.
    pub new: u64,
    /// Events that were there already.
    pub duplicates: u64,
    /// Events, and messages in which none were found, that are in the DLQ now.
    pub dead: u64,
    /// Events of unknown kinds that are kept apart now and were not before.
    pub quarantined: u64,
    /// Events of the platform's own that were left out, because staff have switched their type off.
    pub switched_off: u64,
    /// Messages that hold something dead which the DLQ did not take. They come again in 30 s; what else they hold is stored.
    pub kept_back: u64,
}

/// What cannot be stored.
struct Dead<'a> {
    /// Which message of the batch it came in.
    message: usize,
    remains: Remains<'a>,
    reason: String,
}

/// The events of a batch that could be read, and where each came from.
#[derive(Default)]
struct Readable<'a> {
    rows: Vec<Row<'a>>,
    /// The message of the batch, the event in it, and its place there.
    origins: Vec<(usize, &'a Bytes, usize)>,
}

impl<'a> Readable<'a> {
    fn push(&mut self, row: Row<'a>, message: usize, line: &'a Bytes, place: usize) {
        self.rows.push(row);
        self.origins.push((message, line, place));
    }
}

/// The DLQ did not take all that is dead.
struct Refused {
    error: StoreError,
    /// Which messages of the batch hold something that it has not.
    messages: BTreeSet<usize>,
}

/// A batch, sorted by what is to become of it.
#[derive(Default)]
struct Sorted<'a> {
    events: Readable<'a>,
    suspects: Readable<'a>,
    dead: Vec<Dead<'a>>,
    switched_off: u64,
}

impl TelemetryBatch {
    pub(super) fn add(&mut self, taken: Taken) {
        self.messages.push(taken);
    }

    /// Leaves out the platform's own events of types that staff have switched off; nobody judges those before they are on the stream. All others
    /// were judged at the door, and are stored though a switch was thrown since: they are acknowledged.
    pub fn heed(&mut self, switches: Arc<Catalogue>) {
        self.switches = switches;
    }

    fn leaves_out(&self, row: &Row<'_>) -> bool {
        row.source == TelemetrySource::Server
            && self.switches.get(&row.kind).is_some_and(|of_type| !of_type.definition.enabled)
    }

    /// How many events it is; a message in which none can be found counts as one.
    pub fn len(&self) -> usize {
        self.messages.iter().map(Taken::len).sum()
    }

    /// Whether there is nothing to store and nothing to acknowledge.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// They are stored, and never come again. Should the word get lost, they do, and turn out to be duplicates.
    pub async fn ack(self) -> Result<()> {
        for taken in &self.messages {
            taken.message.ack().await.doing("acknowledging telemetry")?;
        }
        Ok(())
    }

    /// They are stored but for some messages, which shall come again, to any writer.
    async fn ack_without(self, refused: &BTreeSet<usize>) -> Result<()> {
        for (place, taken) in self.messages.iter().enumerate() {
            let kind = if refused.contains(&place) { AckKind::Nak(Some(KEPT_BACK)) } else { AckKind::Ack };
            taken.message.ack_with(kind).await.doing("acknowledging telemetry")?;
        }
        Ok(())
    }

    /// They are not stored: they shall come again, to any writer.
    pub async fn retry_later(self, delay: Duration) -> Result<()> {
        for taken in &self.messages {
            taken.message.ack_with(AckKind::Nak(Some(delay))).await.doing("giving telemetry back")?;
        }
        Ok(())
    }

    /// Its events as rows, and what is none.
    fn read(&self) -> Sorted<'_> {
        let mut sorted = Sorted::default();
        sorted.events.rows.reserve(self.len());
        sorted.events.origins.reserve(self.len());
        for (message, taken) in self.messages.iter().enumerate() {
            match &taken.lines {
                Ok(lines) => {
                    for (place, line) in lines.iter().enumerate() {
                        match Row::read(line) {
                            Ok(row) if self.leaves_out(&row) => sorted.switched_off += 1,
                            Ok(row) if row.quarantine.is_some() => sorted.suspects.push(row, message, line, place),
                            Ok(row) => sorted.events.push(row, message, line, place),
                            Err(reason) => {
                                sorted.dead.push(Dead { message, remains: Remains::Event(place, line), reason });
                            }
                        }
                    }
                }
                Err(reason) => sorted.dead.push(Dead { message, remains: Remains::Whole, reason: reason.clone() }),
            }
        }
        sorted
    }
}

impl Telemetry {
    /// Stores a batch and acknowledges it. What cannot be read, and events whose values the database refuses, go to the DLQ; the
    /// others are stored. Where the DLQ refuses, the message stays in the stream and comes again. On an error the whole batch does.
    pub async fn store(&self, batch: TelemetryBatch) -> Result<Stored> {
        match self.write_and_bury(&batch).await {
            Ok((stored, None)) => {
                batch.ack().await?;
                Ok(stored)
            }
            Ok((stored, Some(Refused { error, messages }))) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    messages = messages.len(),
                    "the DLQ does not take what cannot be stored; it is kept back in the stream"
                );
                batch.ack_without(&messages).await?;
                Ok(Stored { kept_back: messages.len() as u64, ..stored })
            }
            Err(error) => {
                batch.retry_later(RETRY_DELAY).await?;
                Err(error)
            }
        }
    }

    /// Stores a batch and leaves it to the caller to acknowledge it: at once; where that is refused, each half of it, down to
    /// the events that are at fault.
    pub async fn write(&self, batch: &TelemetryBatch) -> Result<Stored> {
        match self.write_and_bury(batch).await? {
            (stored, None) => Ok(stored),
            (_, Some(refused)) => Err(refused.error),
        }
    }

    async fn write_and_bury(&self, batch: &TelemetryBatch) -> Result<(Stored, Option<Refused>)> {
        let Sorted { events, suspects, mut dead, switched_off } = batch.read();
        let written = self.write_parts(Home::Events, &events, &mut dead).await?;
        let kept_apart = self.write_parts(Home::Quarantine, &suspects, &mut dead).await?;
        let (buried, refused) = self.bury_all(batch, &dead).await;
        let stored = Stored {
            new: written.new,
            duplicates: written.duplicates + kept_apart.duplicates,
            dead: buried as u64,
            quarantined: kept_apart.new,
            switched_off,
            kept_back: 0,
        };
        Ok((stored, refused))
    }

    /// Buries what is dead, up to the first that the DLQ does not take; tells how many that were.
    async fn bury_all(&self, batch: &TelemetryBatch, dead: &[Dead<'_>]) -> (usize, Option<Refused>) {
        let burials: Vec<_> = dead
            .iter()
            .map(|Dead { message, remains, reason }| {
                bury(&self.nats, &batch.messages[*message].message, *remains, reason)
            })
            .collect();
        let mut outcomes = iter(burials).buffered(BURIALS);
        let mut buried = 0;
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(()) => buried += 1,
                Err(error) => {
                    let messages = dead[buried..].iter().map(|dead| dead.message).collect();
                    return (buried, Some(Refused { error, messages }));
                }
            }
        }
        (buried, None)
    }

    async fn write_parts<'a>(&self, home: Home, all: &Readable<'a>, dead: &mut Vec<Dead<'a>>) -> Result<Written> {
        let mut written = Written { new: 0, duplicates: 0 };
        let whole = 0..all.rows.len();
        let mut parts = vec![whole];
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            match self.write_part(home, all, part.clone()).await {
                Ok(done) => {
                    written.new += done.new;
                    written.duplicates += done.duplicates;
                }
                Err(error) if error.is_bad_data() && part.len() == 1 => {
                    let (message, line, place) = all.origins[part.start];
                    dead.push(Dead { message, remains: Remains::Event(place, line), reason: error.to_string() });
                }
                Err(error) if error.is_bad_data() => {
                    let middle = part.start + part.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    async fn write_part(&self, home: Home, all: &Readable<'_>, part: Range<usize>) -> Result<Written> {
        match home {
            Home::Events => self.write_rows(&all.rows[part]).await,
            Home::Quarantine => {
                let mut suspects: Vec<Suspect<'_>> = Vec::with_capacity(part.len());
                for place in part {
                    let (_, line, _) = all.origins[place];
                    suspects.push((&all.rows[place], line));
                }
                self.quarantine_rows(&suspects).await
            }
        }
    }
}

/// Where rows go.
#[derive(Clone, Copy)]
enum Home {
    Events,
    Quarantine,
}
