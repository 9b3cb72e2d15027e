//! Events as they come in, read once for everybody who watches.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, stream};
use muster_store::{FedEvent, Store, TelemetrySource};
use rand::RngExt;
use tokio::{
    sync::{Notify, broadcast, watch},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::events;

/// The most events of a second that one tail shows.
pub const MAX_TAIL: i32 = 100;

/// Messages of events (500 at most each) that a tail may be behind.
const BEHIND: usize = 256;

/// The most kinds that a second tells apart.
const MAX_KINDS: usize = 50;

/// The most kinds that are counted in a second before the others are left out of the list, not of the sum.
const COUNTED_KINDS: usize = 2_000;

const SECOND: Duration = Duration::from_secs(1);

/// How long after a failure the stream is followed again.
const RETRY: Duration = Duration::from_secs(2);

/// Follows the events while somebody watches.
#[derive(Clone)]
pub struct EventWatch {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    rates: watch::Sender<Option<Rate>>,
    messages: broadcast::Sender<Arc<Vec<FedEvent>>>,
    /// Told when somebody begins to watch.
    watched: Notify,
}

/// Events of a second.
#[derive(Debug, Clone)]
pub struct Rate {
    /// When it was over.
    pub at: DateTime<Utc>,
    /// How many.
    pub events: u64,
    /// By source and kind, the most frequent first.
    pub kinds: Vec<((TelemetrySource, String), u64)>,
}

/// Which events a tail shows.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only of this source.
    pub source: Option<TelemetrySource>,
    /// Only of one of these kinds.
    pub kinds: Option<Vec<String>>,
    /// Only of this region.
    pub region: Option<String>,
    /// Only on this platform.
    pub platform: Option<String>,
    /// Only with this build.
    pub build: Option<String>,
}

/// A second of a tail.
#[derive(Debug, Default)]
pub struct Tail {
    /// When it was over.
    pub at: DateTime<Utc>,
    /// Events that fit.
    pub fitting: u64,
    /// Messages that came too fast to be looked at.
    pub missed_messages: u64,
    /// Some of those that fit.
    pub events: Vec<FedEvent>,
}

impl EventFilter {
    fn fits(&self, event: &FedEvent) -> bool {
        let is = |wanted: &Option<String>, value: &Option<String>| wanted.is_none() || wanted == value;
        self.source.is_none_or(|source| source == event.source)
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.kind))
            && is(&self.region, &event.region)
            && is(&self.platform, &event.platform)
            && is(&self.build, &event.build)
    }
}

impl EventWatch {
    /// Follows nothing yet; [`EventWatch::run`] does.
    pub fn new(store: Store) -> Self {
        let (rates, messages) = (watch::Sender::new(None), broadcast::Sender::new(BEHIND));
        Self { shared: Arc::new(Shared { store, rates, messages, watched: Notify::new() }) }
    }

    /// The counts of each second from now on; the newest only for whoever is slow.
    pub fn rates(&self) -> impl Stream<Item = Rate> + Send + use<> {
        let mut receiver = self.shared.rates.subscribe();
        receiver.mark_unchanged();
        self.shared.watched.notify_one();
        stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok()?;
            let rate = receiver.borrow_and_update().clone()?;
            Some((rate, receiver))
        })
    }

    /// Each second, at most `most` of the events that fit.
    pub fn tail(&self, filter: EventFilter, most: usize) -> impl Stream<Item = Tail> + Send + use<> {
        let receiver = self.shared.messages.subscribe();
        self.shared.watched.notify_one();
        let mut seconds = interval(SECOND);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        seconds.reset();
        stream::unfold((receiver, seconds, filter), move |(mut receiver, mut seconds, filter)| async move {
            let mut tail = Tail::default();
            loop {
                tokio::select! {
                    _ = seconds.tick() => {
                        tail.at = muster_store::now();
                        return Some((tail, (receiver, seconds, filter)));
                    }
                    message = receiver.recv() => match message {
                        Ok(message) => tail.take(&message, &filter, most),
                        Err(broadcast::error::RecvError::Lagged(messages)) => tail.missed_messages += messages,
                        Err(broadcast::error::RecvError::Closed) => return None,
                    },
                }
            }
        })
    }

    /// Follows the events while there are watchers, until the drain.
    pub async fn run(self, drain: CancellationToken) {
        drain.run_until_cancelled_owned(self.follow_while_watched()).await;
    }

    fn is_watched(&self) -> bool {
        self.shared.rates.receiver_count() > 0 || self.shared.messages.receiver_count() > 0
    }

    async fn follow_while_watched(&self) {
        loop {
            if !self.is_watched() {
                self.shared.watched.notified().await;
                continue;
            }
            match self.shared.store.insights.follow().await {
                Ok(feed) => self.pass_on(feed).await,
                Err(error) => {
                    events::event_feed_failed(&error);
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Until nobody watches any more, or the feed ends.
    async fn pass_on(&self, mut feed: muster_store::EventFeed) {
        let mut seconds = interval(SECOND);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        seconds.reset();
        let mut all = 0;
        let mut kinds: HashMap<(TelemetrySource, String), u64> = HashMap::new();
        loop {
            tokio::select! {
                _ = seconds.tick() => {
                    if !self.is_watched() {
                        return;
                    }
                    let mut told: Vec<_> = std::mem::take(&mut kinds).into_iter().collect();
                    told.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.1.cmp(&other.0.1)));
                    told.truncate(MAX_KINDS);
                    let rate = Rate { at: muster_store::now(), events: std::mem::take(&mut all), kinds: told };
                    self.shared.rates.send_replace(Some(rate));
                }
                message = feed.next() => {
                    let Some(message) = message else { return };
                    all += message.len() as u64;
                    for event in &message {
                        let key = (event.source, event.kind.clone());
                        let full = kinds.len() >= COUNTED_KINDS;
                        match kinds.get_mut(&key) {
                            Some(count) => *count += 1,
                            None if full => {}
                            None => _ = kinds.insert(key, 1),
                        }
                    }
                    // Nobody may be there; then nobody misses it.
                    let _ = self.shared.messages.send(Arc::new(message));
                }
            }
        }
    }
}

impl Tail {
    /// Every event that fits has the same chance to be shown (Vitter's algorithm R: ACM TOMS 11(1), 1985).
    fn take(&mut self, message: &[FedEvent], filter: &EventFilter, most: usize) {
        for event in message.iter().filter(|event| filter.fits(event)) {
            self.fitting += 1;
            if self.events.len() < most {
                self.events.push(event.clone());
                continue;
            }
            let place = rand::rng().random_range(0..self.fitting);
            if let Some(shown) = usize::try_from(place).ok().filter(|place| *place < most) {
                self.events.remove(shown);
                self.events.push(event.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, region: &str) -> FedEvent {
        FedEvent {
            at: DateTime::UNIX_EPOCH,
            source: TelemetrySource::Client,
            kind: kind.to_owned(),
            match_id: None,
            queue: None,
            region: Some(region.to_owned()),
            platform: None,
            build: None,
        }
    }

    #[test]
    fn a_tail_shows_some_of_what_fits_and_counts_all() {
        let message: Vec<FedEvent> =
            (0..1_000).map(|n| event(if n % 2 == 0 { "a" } else { "b" }, if n < 500 { "eu" } else { "us" })).collect();
        let filter = EventFilter {
            kinds: Some(vec!["a".to_owned(), "c".to_owned()]),
            region: Some("eu".to_owned()),
            ..EventFilter::default()
        };
        let mut tail = Tail::default();
        tail.take(&message, &filter, 7);
        assert_eq!((tail.fitting, tail.events.len()), (250, 7));
        assert!(tail.events.iter().all(|event| event.kind == "a" && event.region.as_deref() == Some("eu")));
        let server = EventFilter { source: Some(TelemetrySource::Server), ..EventFilter::default() };
        let mut tail = Tail::default();
        tail.take(&message, &server, 7);
        assert_eq!(tail.fitting, 0);
    }
}
