//! The queues that are measured.

use muster_core::matchmaking::{
    LatencyBound, PartyRules, QueueDefinition, RatingWindow, Region, Role, SizeRange, Teams,
};

/// Where the regional tickets play.
pub const REGIONS: [&str; 4] = ["us-east", "us-west", "eu-west", "asia"];
/// How far away a region may be, in milliseconds.
pub const LATENCY_BOUND: u16 = 80;
/// How far apart ratings may be, in points.
const WINDOW: u32 = 100;
/// After so many seconds a ticket leaves the queue; only the steady case comes to it.
pub const MAX_WAIT_SECS: u32 = 120;

/// One against one, whoever comes.
pub fn one_on_one_any() -> QueueDefinition {
    QueueDefinition {
        name: "bench".to_owned(),
        version: 1,
        mode: None,
        ranked: false,
        teams: Teams { count: 2, size: SizeRange { min: 1, max: 1 } },
        roles: Vec::new(),
        rating_window: RatingWindow::any(),
        regions: Vec::new(),
        party: PartyRules::default(),
        properties: Default::default(),
        filters: Vec::new(),
        avoid_recent_opponents_secs: None,
        expansion: Vec::new(),
        acceptance: None,
        backfill: false,
        max_wait_secs: None,
        servers: None,
    }
}

/// One against one, at most 100 points apart and 80 ms away.
pub fn one_on_one_region_window() -> QueueDefinition {
    QueueDefinition { rating_window: window(), regions: regions(), ..one_on_one_any() }
}

/// Five against five: a tank, a healer and three who deal damage; parties of up to five; 100 points, 80 ms.
pub fn five_on_five_parties() -> QueueDefinition {
    let role = |name: &str, count| Role { name: name.to_owned(), count };
    QueueDefinition {
        teams: Teams { count: 2, size: SizeRange { min: 5, max: 5 } },
        roles: vec![role("tank", 1), role("healer", 1), role("damage", 3)],
        ..one_on_one_region_window()
    }
}

/// Four to ten players in two teams, whoever comes.
pub fn four_to_ten() -> QueueDefinition {
    QueueDefinition { teams: Teams { count: 2, size: SizeRange { min: 2, max: 5 } }, ..one_on_one_any() }
}

fn window() -> RatingWindow {
    RatingWindow { start: Some(WINDOW), steps: Vec::new() }
}

fn regions() -> Vec<Region> {
    let region = |name: &str| Region {
        name: name.to_owned(),
        // One pool for all of them, so that the engine, and not the choice of a shard, keeps them apart.
        group: "all".to_owned(),
        latency: Some(LatencyBound { start_ms: Some(LATENCY_BOUND), steps: Vec::new() }),
    };
    REGIONS.map(region).to_vec()
}
