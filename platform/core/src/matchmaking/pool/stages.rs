//! What a ticket's wait has brought it: every widening and expansion of a queue in one table over time.

use std::time::Duration;

use super::entry::ANY_LATENCY;
use crate::matchmaking::queue::{MAX_REGIONS, QueueDefinition, Region};

/// What a ticket is allowed from a moment of its wait on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    from_ms: i64,
    /// How many widenings of the rating window are behind it.
    pub level: u8,
    /// How far apart ratings may be, in points.
    pub width: f64,
    /// By region of the pool: how far away, in milliseconds.
    pub latencies: [u16; MAX_REGIONS],
    /// The filters, as a set, that it would do without.
    pub dropped: u8,
    /// The smallest team that will do.
    pub min_team_size: u8,
    /// Whether recent opponents will do.
    pub recent_opponents: bool,
    /// Whether the largest parties of all teams have to be alike.
    pub alike: bool,
}

/// The stages of a queue, in order.
#[derive(Debug, Clone)]
pub(super) struct Stages(Vec<Stage>);

impl Stages {
    /// `regions` are those of the pool, in its order.
    pub fn new(queue: &QueueDefinition, regions: &[&Region]) -> Self {
        let latency_steps = regions.iter().filter_map(|region| region.latency.as_ref()).flat_map(|bound| &bound.steps);
        let mut moments: Vec<u32> = [0]
            .into_iter()
            .chain(queue.rating_window.steps.iter().map(|step| step.after_secs))
            .chain(latency_steps.map(|step| step.after_secs))
            .chain(queue.expansion.iter().map(|step| step.after_secs))
            .chain(queue.party.alike_first_secs)
            .collect();
        moments.sort_unstable();
        moments.dedup();
        Self(moments.into_iter().map(|secs| stage(queue, regions, secs)).collect())
    }

    /// The stage of who has waited so many milliseconds.
    pub fn of(&self, waited_ms: i64) -> &Stage {
        self.get(self.number(waited_ms))
    }

    /// The same, by its number.
    pub fn number(&self, waited_ms: i64) -> u16 {
        let behind = self.0.partition_point(|stage| stage.from_ms <= waited_ms);
        // The first stage is from 0 on; a ticket from a clock that is ahead is in it too.
        behind.saturating_sub(1) as u16
    }

    pub fn get(&self, number: u16) -> &Stage {
        &self.0[usize::from(number)]
    }
}

fn stage(queue: &QueueDefinition, regions: &[&Region], secs: u32) -> Stage {
    let waited = Duration::from_secs(secs.into());
    let level = queue.rating_window.level(waited);
    let mut latencies = [ANY_LATENCY; MAX_REGIONS];
    for (latency, region) in latencies.iter_mut().zip(regions) {
        *latency = region.latency.as_ref().and_then(|bound| bound.after(waited)).unwrap_or(ANY_LATENCY);
    }
    let behind = || queue.expansion.iter().filter(|step| step.after_secs <= secs);
    let dropped = queue.filters.iter().enumerate().fold(0, |set, (index, filter)| {
        let dropped = behind().any(|step| step.drop_filters.contains(&filter.name));
        set | u8::from(dropped) << index
    });
    Stage {
        from_ms: i64::from(secs) * 1000,
        level: level as u8,
        width: queue.rating_window.width(level),
        latencies,
        dropped,
        min_team_size: behind().filter_map(|step| step.min_team_size).fold(queue.teams.size.min, u8::min),
        recent_opponents: queue.avoid_recent_opponents_secs.is_none() || behind().any(|step| step.recent_opponents),
        alike: queue.party.alike_first_secs.is_some_and(|until| secs < until),
    }
}
