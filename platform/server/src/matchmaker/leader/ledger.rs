//! Who waits in a shard, by region, and how long those who were matched had waited: what staff see of it, and what players are
//! told to expect.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use muster_core::id::TicketId;
use muster_core::matchmaking::{QueueDefinition, Ticket};

use crate::events::{self, Depth};

/// What stands for the region of a ticket that names none.
pub(crate) const ANYWHERE: &str = "any";

/// How many waits an estimate is made of.
const WAITS: usize = 100;
/// Estimates are told to so many milliseconds: players do not care for less, and it spares Redis the news.
const GRAIN_MS: u64 = 100;
/// An estimate that stays the same is told again after so long: what nobody tells again is forgotten.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// Who waits in a shard, by the regions of its group: the leaders of other groups show theirs, perhaps in the same process.
pub(super) struct Ledger {
    queue: String,
    regions: Vec<String>,
    /// Whether those who name no region wait in this group.
    has_anywhere: bool,
    waiting: HashMap<TicketId, Waiting>,
}

struct Waiting {
    enqueued_at: DateTime<Utc>,
    players: u16,
    /// Index of its region; the number of regions when it names none.
    region: u16,
}

/// The region of least latency, among those of the queue; `any` when the ticket names none of them.
pub(crate) fn home<'a>(definition: &'a QueueDefinition, ticket: &Ticket) -> &'a str {
    let index = nearest(definition.regions.iter().map(|region| region.name.as_str()), ticket);
    index.and_then(|index| definition.regions.get(index)).map_or(ANYWHERE, |region| region.name.as_str())
}

/// Which of these regions has the least latency; none when the ticket names none of them.
fn nearest<'a>(regions: impl Iterator<Item = &'a str>, ticket: &Ticket) -> Option<usize> {
    let named = regions.enumerate().filter_map(|(index, region)| Some((*ticket.latencies_ms.get(region)?, index)));
    named.min().map(|(_, index)| index)
}

impl Ledger {
    pub(super) fn new(definition: &QueueDefinition, group: &str) -> Self {
        let regions = definition.regions.iter().filter(|region| region.group == group);
        Self {
            queue: definition.name.clone(),
            regions: regions.map(|region| region.name.clone()).collect(),
            has_anywhere: definition.groups().first() == Some(&group),
            waiting: HashMap::new(),
        }
    }

    pub(super) fn insert(&mut self, ticket: &Ticket) {
        let region = nearest(self.regions.iter().map(String::as_str), ticket).unwrap_or(self.regions.len());
        let waiting = Waiting {
            enqueued_at: ticket.enqueued_at,
            players: u16::try_from(ticket.members.len()).unwrap_or(u16::MAX),
            region: u16::try_from(region).unwrap_or(u16::MAX),
        };
        self.waiting.insert(ticket.ticket_id, waiting);
    }

    pub(super) fn remove(&mut self, ticket: TicketId) {
        self.waiting.remove(&ticket);
    }

    /// Shows who waits now. Every region of the group is told, also where nobody waits: a gauge keeps its last value.
    pub(super) fn show(&self, now: DateTime<Utc>) {
        for (region, depth) in self.depths(now) {
            events::pool_depth(&self.queue, region, depth);
        }
    }

    /// Shows that nobody waits here as far as this process knows: another leads now.
    pub(super) fn hide(&self) {
        for region in self.names() {
            events::pool_depth(&self.queue, region, Depth::default());
        }
    }

    fn depths(&self, now: DateTime<Utc>) -> BTreeMap<&str, Depth> {
        let mut depths: Vec<Depth> = vec![Depth::default(); self.regions.len() + 1];
        for waiting in self.waiting.values() {
            let depth = &mut depths[usize::from(waiting.region).min(self.regions.len())];
            depth.tickets += 1;
            depth.players += u64::from(waiting.players);
            depth.oldest = depth.oldest.max((now - waiting.enqueued_at).to_std().unwrap_or_default());
        }
        self.names().zip(depths).collect()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(String::as_str).chain(self.has_anywhere.then_some(ANYWHERE))
    }
}

/// How long the last tickets of a shard waited. Clones share it: matches are made beside the ticks.
#[derive(Clone, Default)]
pub(super) struct Waits(Arc<Mutex<Latest>>);

#[derive(Default)]
struct Latest {
    waits: VecDeque<u64>,
    /// Whether there are waits that nobody was told of.
    fresh: bool,
    told: Option<(u64, Instant)>,
}

impl Waits {
    pub(super) fn add(&self, wait: Duration) {
        let mut latest = self.latest();
        if latest.waits.len() == WAITS {
            latest.waits.pop_front();
        }
        latest.waits.push_back(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        latest.fresh = true;
    }

    /// The median, in milliseconds: when it is another than the one that was told last, or that is long ago.
    pub(super) fn news(&self) -> Option<u64> {
        let latest = self.latest();
        if !latest.fresh {
            return None;
        }
        let mut sorted: Vec<u64> = latest.waits.iter().copied().collect();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2)?.div_ceil(GRAIN_MS) * GRAIN_MS;
        let known = latest.told.is_some_and(|(told, at)| told == median && at.elapsed() < TELL_AGAIN);
        (!known).then_some(median)
    }

    pub(super) fn told(&self, estimate: u64) {
        let mut latest = self.latest();
        (latest.told, latest.fresh) = (Some((estimate, Instant::now())), false);
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        // Each change leaves it whole even if its holder panicked right after.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use muster_core::id::PlayerId;
    use muster_core::matchmaking::{PropertyValue, shipped_queues};
    use muster_core::rating::Rating;

    use super::*;

    fn ticket(number: u8, enqueued_at: DateTime<Utc>, latencies: &[(&str, u16)]) -> Ticket {
        let mut ticket = Ticket::solo(
            TicketId::new(enqueued_at, [number; 10]),
            PlayerId::new(enqueued_at, [number; 10]),
            Rating::default(),
            enqueued_at,
        );
        ticket.latencies_ms = latencies.iter().map(|(region, ms)| ((*region).to_owned(), *ms)).collect();
        ticket.properties.insert("build".to_owned(), PropertyValue::Text("1".to_owned()));
        ticket
    }

    #[test]
    fn tells_depth_and_age_by_region_also_where_nobody_waits() {
        let now: DateTime<Utc> = "2026-01-31T09:30:00Z".parse().unwrap();
        let definition = shipped_queues().into_iter().find(|queue| queue.regions.len() > 1).unwrap();
        let [first, second] = [&definition.regions[0].name, &definition.regions[1].name];
        let mut ledger = Ledger::new(&definition, "all");
        let old = ticket(1, now - Duration::from_secs(30), &[(first, 80), (second, 20)]);
        ledger.insert(&old);
        ledger.insert(&ticket(2, now - Duration::from_secs(3), &[(second, 20), ("mars", 1)]));
        ledger.insert(&ticket(3, now, &[("mars", 1)]));
        let depths = ledger.depths(now);
        assert_eq!(depths.len(), definition.regions.len() + 1);
        assert_eq!(depths[second.as_str()], Depth { tickets: 2, players: 2, oldest: Duration::from_secs(30) });
        assert_eq!((depths[first.as_str()].tickets, depths[ANYWHERE].tickets), (0, 1));
        ledger.remove(old.ticket_id);
        assert_eq!(ledger.depths(now)[second.as_str()].oldest, Duration::from_secs(3));
    }

    #[test]
    fn a_group_tells_of_its_own_regions_only() {
        let now: DateTime<Utc> = "2026-01-31T09:30:00Z".parse().unwrap();
        let mut definition = shipped_queues().into_iter().find(|queue| queue.regions.len() > 1).unwrap();
        definition.regions.truncate(2);
        definition.regions[1].group = "far".to_owned();
        let [near, far] = [&definition.regions[0].name, &definition.regions[1].name];
        let told = |group: &str| {
            let mut ledger = Ledger::new(&definition, group);
            ledger.insert(&ticket(1, now, &[(near, 20), (far, 80)]));
            ledger.depths(now).into_iter().map(|(region, depth)| (region.to_owned(), depth.tickets)).collect::<Vec<_>>()
        };
        assert_eq!(told("all"), [(ANYWHERE.to_owned(), 0), (near.clone(), 1)]);
        assert_eq!(told("far"), [(far.clone(), 1)], "its nearest region is closed: it waits where another is open");
        assert_eq!(told("gone"), []);
    }

    #[test]
    fn the_estimate_is_the_median_of_the_last_hundred_and_told_when_it_changes() {
        let waits = Waits::default();
        assert_eq!(waits.news(), None);
        for _ in 0..100 {
            waits.add(Duration::from_millis(4_010));
        }
        assert_eq!(waits.news(), Some(4_100));
        waits.told(4_100);
        assert_eq!(waits.news(), None, "it is known");
        waits.add(Duration::from_millis(4_020));
        assert_eq!(waits.news(), None, "it is the same");
        for _ in 0..60 {
            waits.add(Duration::from_secs(1));
        }
        assert_eq!(waits.news(), Some(1_000));
    }
}
