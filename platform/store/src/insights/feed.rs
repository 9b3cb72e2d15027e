//! Events as they come in, for those who watch. Nothing waits for a watcher: who is slow misses some.

use std::pin::Pin;
use std::task::{Context, Poll};

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt};
use muster_core::id::MatchId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Insights;
use crate::{Result, TelemetrySource};

/// An event that has come in. It says nothing of a person: neither the subject nor what its properties hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FedEvent {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who saw it.
    pub source: TelemetrySource,
    /// What it is.
    pub kind: String,
    /// In which match.
    pub match_id: Option<MatchId>,
    /// In which queue.
    pub queue: Option<String>,
    /// In which region.
    pub region: Option<String>,
    /// On what platform.
    pub platform: Option<String>,
    /// By which build of the client.
    pub build: Option<String>,
}

/// The events of each message of the stream, as they are published. An event that is sent twice is here twice.
pub struct EventFeed {
    messages: Pin<Box<dyn Stream<Item = Vec<FedEvent>> + Send>>,
}

impl Stream for EventFeed {
    type Item = Vec<FedEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.messages.poll_next_unpin(context)
    }
}

impl Insights {
    /// Follows what comes in from now on. It is read beside the stream TELEMETRY, not from it: nothing is kept for it, and what does not
    /// fit into the client's buffer is dropped by NATS.
    pub async fn follow(&self) -> Result<EventFeed> {
        let subject = self.nats.subject("telemetry.>");
        let messages = self.nats.subscribe("following telemetry", subject).await?;
        Ok(EventFeed { messages: Box::pin(messages.map(|message| read(&message.payload))) })
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(with = "muster_core::time::millis")]
    at: DateTime<Utc>,
    source: TelemetrySource,
    kind: String,
    #[serde(default)]
    match_id: Option<MatchId>,
    #[serde(default)]
    queue: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    build: Option<String>,
    /// Not taken apart.
    #[serde(borrow, default, rename = "properties")]
    _properties: Option<&'a RawValue>,
}

/// The events of a message: a line each, after one that says the version. Lines that are no events are left out.
fn read(payload: &[u8]) -> Vec<FedEvent> {
    let lines = payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| serde_json::from_slice::<Line<'_>>(line).ok()).map(FedEvent::from).collect()
}

impl From<Line<'_>> for FedEvent {
    fn from(line: Line<'_>) -> Self {
        let Line { at, source, kind, match_id, queue, region, platform, build, .. } = line;
        Self { at, source, kind, match_id, queue, region, platform, build }
    }
}
