//! The queues that come with the platform.

use super::{
    ExpansionStep, LatencyBound, LatencyStep, PartyRules, QueueDefinition, RatingWindow, Region, Teams, WindowStep,
    default_group,
};
use crate::game::Mode;

/// Where the platform's matches are played.
const REGIONS: [&str; 4] = ["us-east", "us-west", "eu-west", "asia"];

/// The queues that come with the platform: `<mode>-ranked` and `<mode>-casual` for each mode, version 1, in the regions us-east,
/// us-west, eu-west and asia.
pub fn shipped_queues() -> Vec<QueueDefinition> {
    Mode::ALL.into_iter().flat_map(|mode| [shipped(mode, true), shipped(mode, false)]).collect()
}

fn shipped(mode: Mode, ranked: bool) -> QueueDefinition {
    let region = |name: &str| Region {
        name: name.to_owned(),
        group: default_group(),
        latency: Some(if ranked { ranked_latency() } else { casual_latency() }),
    };
    QueueDefinition {
        name: format!("{mode}-{}", if ranked { "ranked" } else { "casual" }),
        version: 1,
        mode: Some(mode),
        ranked,
        teams: Teams::default(),
        roles: Vec::new(),
        rating_window: if ranked { ranked_window() } else { RatingWindow::any() },
        regions: REGIONS.map(region).to_vec(),
        party: PartyRules::default(),
        properties: Default::default(),
        filters: Vec::new(),
        avoid_recent_opponents_secs: ranked.then_some(120),
        expansion: if ranked { meet_again_after(20) } else { Vec::new() },
        acceptance: None,
        backfill: false,
        max_wait_secs: Some(600),
        servers: None,
    }
}

/// Even matches first; after a minute and a half any match is better than none. With 500 players of 1500 ± 300 points who come
/// within ten minutes, half of them wait less than 10 s, and the mean quality is above 0.9.
fn ranked_window() -> RatingWindow {
    let step = |after_secs, window| WindowStep { after_secs, window };
    RatingWindow {
        start: Some(100),
        steps: vec![step(15, Some(150)), step(30, Some(200)), step(45, Some(300)), step(60, Some(500)), step(90, None)],
    }
}

/// The nearest region first; after a minute any.
fn ranked_latency() -> LatencyBound {
    bound(80, [(10, Some(120)), (20, Some(180)), (40, Some(250)), (60, None)])
}

/// Soon is better than near.
fn casual_latency() -> LatencyBound {
    bound(120, [(5, Some(180)), (10, Some(250)), (20, Some(350)), (30, None)])
}

fn bound(start_ms: u16, steps: [(u32, Option<u16>); 4]) -> LatencyBound {
    let step = |(after_secs, max_ms)| LatencyStep { after_secs, max_ms };
    LatencyBound { start_ms: Some(start_ms), steps: steps.map(step).to_vec() }
}

fn meet_again_after(after_secs: u32) -> Vec<ExpansionStep> {
    vec![ExpansionStep { after_secs, recent_opponents: true, ..ExpansionStep::default() }]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ships_two_valid_queues_for_each_mode() {
        let queues = shipped_queues();
        assert_eq!(queues.len(), 10);
        for mode in Mode::ALL {
            for (ranked, suffix) in [(true, "ranked"), (false, "casual")] {
                let queue = queues.iter().find(|queue| queue.name == format!("{mode}-{suffix}")).unwrap();
                assert_eq!((queue.mode, queue.ranked, queue.version), (Some(mode), ranked, 1));
                assert_eq!(queue.groups(), ["all"]);
                assert_eq!(queue.regions.iter().map(|region| region.name.as_str()).collect::<Vec<_>>(), REGIONS);
                queue.validate().unwrap();
            }
        }
    }

    #[test]
    fn everybody_is_let_in_the_end() {
        let after = |queue: &QueueDefinition, secs| {
            let waited = Duration::from_secs(secs);
            let latency = queue.regions[0].latency.as_ref().unwrap().after(waited);
            (queue.rating_window.after(waited), latency.unwrap_or(u16::MAX))
        };
        let queues = shipped_queues();
        let (ranked, casual) = (&queues[0], &queues[1]);
        assert_eq!(after(ranked, 0), (100.0, 80));
        assert_eq!(
            [14, 15, 29, 30, 45, 60, 89].map(|secs| after(ranked, secs).0),
            [100.0, 150.0, 150.0, 200.0, 300.0, 500.0, 500.0]
        );
        assert_eq!(ranked.rating_window.after(Duration::from_millis(14_999)), 100.0);
        assert_eq!([9, 10, 20, 40, 60].map(|secs| after(ranked, secs).1), [80, 120, 180, 250, u16::MAX]);
        for secs in 0..120 {
            let ((narrow, near), (wide, far)) = (after(ranked, secs), after(casual, secs));
            assert!(wide == f64::INFINITY && narrow <= wide && near <= far, "after {secs} s");
        }
        assert_eq!(after(ranked, 90), (f64::INFINITY, u16::MAX));
        assert_eq!(after(casual, 30), (f64::INFINITY, u16::MAX));
    }
}
