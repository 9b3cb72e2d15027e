//! What comes in, as streams.

use async_graphql::{Context, Enum, InputObject, SimpleObject, Subscription};
use futures::{Stream, StreamExt};
use muster_store::TelemetrySource;

use super::asked::short;
use crate::auth::{Needs, Permission};
use crate::feed::{EventFilter, EventWatch, MAX_TAIL};
use crate::schema::{errors::ApiError, of_schema, page::within, time::Time};

/// Events that came in within a second.
#[derive(SimpleObject)]
pub struct EventRate {
    /// When the second was over.
    at: Time,
    /// How many events. What clients sent twice is counted twice.
    events: u64,
    /// Of them, those of each kind, the most frequent first; 50 kinds at most.
    kinds: Vec<EventKindRate>,
}

/// Events of a kind that came in within a second.
#[derive(SimpleObject)]
pub struct EventKindRate {
    /// Who saw it.
    source: EventSource,
    /// The kind.
    kind: String,
    /// How many.
    events: u64,
}

/// Who saw an event.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(name = "FeedSource")]
pub enum EventSource {
    /// A game client.
    Client,
    /// The platform.
    Server,
    /// A trusted server, with a service key.
    Trusted,
}

/// Which events are wanted; what is not named is not asked.
#[derive(InputObject, Default)]
pub struct EventTailFilter {
    /// Only of this source.
    source: Option<EventSource>,
    /// Only of one of these kinds, 20 at most.
    kinds: Option<Vec<String>>,
    /// Only of this region.
    region: Option<String>,
    /// Only on this platform.
    platform: Option<String>,
    /// Only with this build.
    build: Option<String>,
}

/// Some of the events that came in within a second.
#[derive(SimpleObject)]
pub struct EventTail {
    /// When the second was over.
    at: Time,
    /// Events that fit, shown or not.
    fitting: u64,
    /// Messages (of 500 events at most) that came too fast for this stream: nobody looked at their events.
    missed_messages: u64,
    /// Those that were chosen by chance, in the order in which they came.
    events: Vec<TailedEvent>,
}

/// An event as the tail shows it: nothing in it tells who it is about.
#[derive(SimpleObject)]
pub struct TailedEvent {
    /// When it happened.
    at: Time,
    /// Who saw it.
    source: EventSource,
    /// What it is.
    kind: String,
    /// In which match, `mch_…`.
    match_id: Option<String>,
    /// In which queue.
    queue: Option<String>,
    /// In which region.
    region: Option<String>,
    /// On what platform.
    platform: Option<String>,
    /// By which build of the client.
    build: Option<String>,
}

impl From<TelemetrySource> for EventSource {
    fn from(source: TelemetrySource) -> Self {
        match source {
            TelemetrySource::Client => Self::Client,
            TelemetrySource::Server => Self::Server,
            TelemetrySource::Trusted => Self::Trusted,
        }
    }
}

impl From<EventSource> for TelemetrySource {
    fn from(source: EventSource) -> Self {
        match source {
            EventSource::Client => Self::Client,
            EventSource::Server => Self::Server,
            EventSource::Trusted => Self::Trusted,
        }
    }
}

impl From<muster_store::FedEvent> for TailedEvent {
    fn from(event: muster_store::FedEvent) -> Self {
        Self {
            at: Time(event.at),
            source: event.source.into(),
            kind: event.kind,
            match_id: event.match_id.map(|id| id.to_string()),
            queue: event.queue,
            region: event.region,
            platform: event.platform,
            build: event.build,
        }
    }
}

/// The most kinds of a filter.
const MAX_KINDS: usize = 20;

impl EventTailFilter {
    fn checked(self) -> Result<EventFilter, ApiError> {
        let Self { source, kinds, region, platform, build } = self;
        for name in kinds.iter().flatten().chain([&region, &platform, &build].into_iter().flatten()) {
            short(name)?;
        }
        if kinds.as_ref().is_some_and(|kinds| kinds.is_empty() || kinds.len() > MAX_KINDS) {
            return Err(ApiError::bad_input(format!("name 1 to {MAX_KINDS} kinds, or none at all")));
        }
        Ok(EventFilter { source: source.map(Into::into), kinds, region, platform, build })
    }
}

/// What comes in, as streams.
#[derive(Default)]
pub struct InsightSubscription;

#[Subscription]
impl InsightSubscription {
    /// How many events came in, each second, by kind; also those that a full stream refused.
    #[graphql(guard = "Needs(Permission::ReadInsights)")]
    async fn event_rate(&self, context: &Context<'_>) -> Result<impl Stream<Item = EventRate> + use<>, ApiError> {
        let rates = of_schema::<EventWatch>(context)?.rates();
        Ok(rates.map(|rate| EventRate {
            at: Time(rate.at),
            events: rate.events,
            kinds: rate
                .kinds
                .into_iter()
                .map(|((source, kind), events)| EventKindRate { source: source.into(), kind, events })
                .collect(),
        }))
    }

    /// A sample of the events that come in and fit, each second: 1 to 100 of them, chosen by chance. Who is too slow misses some, and is
    /// told of it.
    #[graphql(guard = "Needs(Permission::WatchEvents)")]
    async fn event_tail(
        &self,
        context: &Context<'_>,
        filter: Option<EventTailFilter>,
        #[graphql(default = 20)] first: i32,
    ) -> Result<impl Stream<Item = EventTail> + use<>, ApiError> {
        let filter = filter.unwrap_or_default().checked()?;
        let first = within("first", first, MAX_TAIL)?;
        let tail = of_schema::<EventWatch>(context)?.tail(filter, first as usize);
        Ok(tail.map(|tail| EventTail {
            at: Time(tail.at),
            fitting: tail.fitting,
            missed_messages: tail.missed_messages,
            events: tail.events.into_iter().map(TailedEvent::from).collect(),
        }))
    }
}
