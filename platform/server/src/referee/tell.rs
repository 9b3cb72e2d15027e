//! Telling the players of a match what has happened: each event once, as far as what was kept for them shows.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{LoggedEvent, Push};
use muster_store::{Store, StoreError};
use tokio::time::{Instant, sleep_until, timeout};

use super::record::MatchRecord;
use crate::events;

/// Longest wait for the store: calls wait behind it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Until the first look for who was not told, and between two of them.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const RETRY: Duration = Duration::from_secs(1);

/// How far the players of one match were told.
pub(super) struct Teller {
    store: Store,
    /// Both players were told of all events up to this number.
    told: u64,
    /// When to look for who was not told; none when all were.
    retry_at: Option<Instant>,
}

impl Teller {
    pub(super) fn new(store: Store, told: u64) -> Self {
        Self { store, told, retry_at: None }
    }

    /// Tells both players what they were not told yet, in one call of the store.
    pub(super) async fn tell(&mut self, record: &MatchRecord) {
        // While somebody may not have been told of what came before, this waits for it, too.
        if self.retry_at.is_some() {
            return;
        }
        let news = news(record, record.events_after(self.told));
        match within_patience(self.store.pushes.send_to_all(&record.created.players, &news)).await {
            Ok(_) => self.told = record.version(),
            Err(error) => {
                events::tell_failed(record.created.match_id, &error);
                self.retry_at = Some(Instant::now() + FIRST_RETRY);
            }
        }
    }

    /// Tells each player what the pushes that were kept for them do not show.
    pub(super) async fn tell_missing(&mut self, record: &MatchRecord) {
        let [first, second] = record.created.players;
        let both = async {
            tokio::try_join!(self.tell_missing_to(first, record), self.tell_missing_to(second, record)).map(drop)
        };
        match within_patience(both).await {
            Ok(()) => {
                self.told = record.version();
                self.retry_at = None;
            }
            Err(error) => {
                events::tell_failed(record.created.match_id, &error);
                self.retry_at = Some(Instant::now() + RETRY);
            }
        }
    }

    async fn tell_missing_to(&self, player: PlayerId, record: &MatchRecord) -> Result<(), StoreError> {
        let heard = heard(&self.store, player, record.created.match_id).await?;
        let missing = record.events_after(self.told.max(heard));
        if missing.is_empty() {
            return Ok(());
        }
        self.store.pushes.send(player, &news(record, missing)).await.map(drop)
    }

    /// Whether somebody may not have been told of everything.
    pub(super) fn is_behind(&self) -> bool {
        self.retry_at.is_some()
    }

    /// Waits until it is time to look for who was not told; for ever when all were.
    pub(super) async fn due(&self) {
        match self.retry_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

fn news(record: &MatchRecord, events: &[LoggedEvent]) -> Push {
    Push::MatchEvents { match_id: record.created.match_id, events: events.to_vec() }
}

/// The number of the last event of a match that a player was told of, as the pushes show that are kept for them; 0 when none does.
async fn heard(store: &Store, player: PlayerId, match_id: MatchId) -> Result<u64, StoreError> {
    let kept = store.pushes.since(player, 0).await?;
    let told =
        kept.items.iter().rev().filter(|item| item.text.contains("\"match.events\"")).find_map(|item| {
            match item.push() {
                Ok(Push::MatchEvents { match_id: of, events }) if of == match_id => {
                    events.last().map(|event| event.seq)
                }
                _ => None,
            }
        });
    Ok(told.unwrap_or_default())
}

async fn within_patience<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, work).await.unwrap_or(Err(StoreError::TimedOut("a push")))
}

/// Sends the same push to both players. One that keeps failing is given up: clients see the hole in the events' numbers and read the
/// log.
pub(super) async fn push_to_both(store: &Store, players: [PlayerId; 2], push: &Push) {
    let backoff =
        ExponentialBuilder::default().with_min_delay(Duration::from_millis(20)).with_max_times(4).with_jitter();
    let sent = (|| within_patience(store.pushes.send_to_all(&players, push))).retry(backoff).await;
    if let Err(error) = sent {
        tracing::warn!(error = &error as &dyn std::error::Error, "a push to both players was given up");
    }
}

#[cfg(test)]
mod tests {
    use muster_core::game::{Action, Command, Dice, Mode, decide, opening};
    use muster_core::rating::Rating;
    use muster_store::{MatchLogEntry, fresh_id, now};
    use muster_testkit::Scratch;

    use super::*;

    fn begun() -> MatchRecord {
        let seed = [5; 32];
        let created = MatchLogEntry::Created {
            match_id: fresh_id(),
            queue: "classic-ranked".to_owned(),
            mode: Mode::Classic,
            ranked: true,
            players: [fresh_id(), fresh_id()],
            names: ["Ada".to_owned(), "Bo".to_owned()],
            ratings: [Rating::default(); 2],
            seed,
            nonces: [None, None],
            quality: 1.0,
            region: None,
            created_at: now(),
            events: opening(Mode::Classic, &Dice::new(seed, [None, None])),
        };
        MatchRecord::replay(vec![(1, created)]).unwrap()
    }

    fn roll(record: &mut MatchRecord) {
        let action = Action::Command { seat: record.state.turn, command: Command::Roll };
        let events = decide(&record.state, &action, &record.dice, record.last_at).unwrap();
        let entry = record.entry(None, None, events, record.last_at);
        record.apply(record.last_seq + 1, entry).unwrap();
    }

    /// The numbers of the events that each player was told of.
    async fn told(store: &Store, record: &MatchRecord) -> [Vec<u64>; 2] {
        let mut told = [Vec::new(), Vec::new()];
        for (told, player) in told.iter_mut().zip(record.created.players) {
            for item in store.pushes.since(player, 0).await.unwrap().items {
                let Push::MatchEvents { events, .. } = item.push().unwrap() else { panic!("{item:?}") };
                told.extend(events.iter().map(|event| event.seq));
            }
        }
        told
    }

    #[tokio::test]
    async fn what_the_last_owner_has_told_is_not_told_again() {
        let scratch = Scratch::new().await;
        let store = &scratch.store;
        let mut record = begun();
        let mut owner = Teller::new(store.clone(), record.version());
        for _ in 0..5 {
            roll(&mut record);
            owner.tell(&record).await;
        }
        let all: Vec<u64> = (2..=record.version()).collect();
        assert_eq!(told(store, &record).await, [all.clone(), all.clone()]);

        // It dies before it has told of the last entry, or after it has told one of the two.
        for one_was_told in [false, true] {
            roll(&mut record);
            if one_was_told {
                let last = news(&record, record.events_after(record.version_before_last_entry()));
                store.pushes.send(record.created.players[1], &last).await.unwrap();
            }
            for _ in 0..2 {
                let mut next = Teller::new(store.clone(), record.version_before_last_entry());
                next.tell_missing(&record).await;
                let all: Vec<u64> = (2..=record.version()).collect();
                assert_eq!(told(store, &record).await, [all.clone(), all]);
            }
        }
        scratch.finish().await;
    }

    #[tokio::test]
    async fn while_somebody_is_behind_nobody_is_told_out_of_order() {
        let scratch = Scratch::new().await;
        let store = &scratch.store;
        let mut record = begun();
        let mut teller = Teller::new(store.clone(), record.version());
        roll(&mut record);
        teller.retry_at = Some(Instant::now() + FIRST_RETRY);
        teller.tell(&record).await;
        assert_eq!(told(store, &record).await, [Vec::<u64>::new(), Vec::new()]);
        roll(&mut record);
        teller.due().await;
        teller.tell_missing(&record).await;
        let all: Vec<u64> = (2..=record.version()).collect();
        assert_eq!(told(store, &record).await, [all.clone(), all]);
        assert!(teller.retry_at.is_none());
        scratch.finish().await;
    }
}
