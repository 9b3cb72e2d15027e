//! Events on their way into the database, with the messages that brought them.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use futures::stream::{StreamExt, TryStreamExt, iter};

use super::Telemetry;
use super::consume::Taken;
use super::dead::{Remains, bury};
use super::row::Row;
use crate::Result;
use crate::error::NatsResult;

/// How soon a batch comes again that could not be written.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// How many dead letters may wait for the DLQ's answer at once.
const BURIALS: usize = 64;

/// Events that wait to be stored. Dropped without a word, they come again after 20 s.
#[derive(Default)]
pub struct TelemetryBatch {
    messages: Vec<Taken>,
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
}

/// What cannot be stored.
struct Dead<'a> {
    taken: &'a Taken,
    remains: Remains<'a>,
    reason: String,
}

/// An event of a batch that could be read.
struct Read<'a> {
    taken: &'a Taken,
    remains: Remains<'a>,
}

impl TelemetryBatch {
    pub(super) fn add(&mut self, taken: Taken) {
        self.messages.push(taken);
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

    /// They are not stored: they shall come again, to any writer.
    pub async fn retry_later(self, delay: Duration) -> Result<()> {
        for taken in &self.messages {
            taken.message.ack_with(AckKind::Nak(Some(delay))).await.doing("giving telemetry back")?;
        }
        Ok(())
    }

    /// The rows of its events, where each came from, and what is none.
    fn read(&self) -> (Vec<Row<'_>>, Vec<Read<'_>>, Vec<Dead<'_>>) {
        let (mut rows, mut origins, mut dead) =
            (Vec::with_capacity(self.len()), Vec::with_capacity(self.len()), Vec::new());
        for taken in &self.messages {
            match &taken.lines {
                Ok(lines) => {
                    for (place, line) in lines.iter().enumerate() {
                        let remains = Remains::Event(place, line);
                        match Row::read(line) {
                            Ok(row) => {
                                rows.push(row);
                                origins.push(Read { taken, remains });
                            }
                            Err(reason) => dead.push(Dead { taken, remains, reason }),
                        }
                    }
                }
                Err(reason) => dead.push(Dead { taken, remains: Remains::Whole, reason: reason.clone() }),
            }
        }
        (rows, origins, dead)
    }
}

impl Telemetry {
    /// Stores a batch and acknowledges it. What cannot be read, and events whose values the database refuses, go to the DLQ; the
    /// others are stored. On an error the whole batch comes again.
    pub async fn store(&self, batch: TelemetryBatch) -> Result<Stored> {
        match self.write(&batch).await {
            Ok(stored) => {
                batch.ack().await?;
                Ok(stored)
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
        let (rows, origins, mut dead) = batch.read();
        let mut stored = Stored::default();
        let whole = 0..rows.len();
        let mut parts = vec![whole];
        while let Some(part) = parts.pop() {
            match self.write_rows(&rows[part.clone()]).await {
                Ok(written) => {
                    stored.new += written.new;
                    stored.duplicates += written.duplicates;
                }
                Err(error) if error.is_bad_data() && part.len() == 1 => {
                    let Read { taken, remains } = origins[part.start];
                    dead.push(Dead { taken, remains, reason: error.to_string() });
                }
                Err(error) if error.is_bad_data() => {
                    let middle = part.start + part.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                }
                Err(error) => return Err(error),
            }
        }
        stored.dead = dead.len() as u64;
        let burials: Vec<_> = dead
            .iter()
            .map(|Dead { taken, remains, reason }| bury(&self.nats, &taken.message, *remains, reason))
            .collect();
        iter(burials).buffered(BURIALS).try_collect::<()>().await?;
        Ok(stored)
    }
}
