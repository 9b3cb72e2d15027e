//! What a queue is: versioned data that staff edit and processes read.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::game::Mode;

/// More steps than any queue has needed; a pass costs a little for each.
pub const MAX_WINDOW_STEPS: usize = 16;

/// A queue: whom it matches, and for which game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueDefinition {
    /// Its stable name: 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Counts from 1; every change makes the next one.
    pub version: u32,
    /// The rules its matches are played by.
    pub mode: Mode,
    /// Whether its matches move ratings.
    pub ranked: bool,
    /// How far apart two ratings may be.
    pub rating_window: RatingWindow,
    /// After so many seconds a ticket that has not matched expires; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait_secs: Option<u32>,
}

/// How far apart two ratings may be, and how that widens while a ticket waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatingWindow {
    /// Points of difference allowed at first; null allows any.
    pub start: Option<u32>,
    /// How it widens: later steps are later and wider.
    #[serde(default)]
    pub steps: Vec<WindowStep>,
}

/// One widening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowStep {
    /// From so many seconds of waiting on.
    pub after_secs: u32,
    /// Points of difference allowed from then on; null allows any.
    pub window: Option<u32>,
}

/// Why a queue definition makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQueue {
    /// The name has a length or a character that is not allowed.
    #[error("a queue's name has 1 to 64 of a-z, 0-9 and `-`; `{0}` does not")]
    Name(String),
    /// Versions count from 1.
    #[error("a queue's version is at least 1")]
    Version,
    /// More than [`MAX_WINDOW_STEPS`].
    #[error("a rating window has at most {MAX_WINDOW_STEPS} steps, not {0}")]
    TooManySteps(usize),
    /// A step comes before, or is narrower than, the one before it.
    #[error("step {0} of the rating window has to be later and no narrower than the one before it")]
    StepOrder(usize),
    /// Nobody could ever match.
    #[error("max_wait_secs is at least 1 when it is given")]
    MaxWait,
}

impl QueueDefinition {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first thing that makes no sense.
    pub fn validate(&self) -> Result<(), InvalidQueue> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(allowed) {
            return Err(InvalidQueue::Name(self.name.clone()));
        }
        if self.version == 0 {
            return Err(InvalidQueue::Version);
        }
        if self.max_wait_secs == Some(0) {
            return Err(InvalidQueue::MaxWait);
        }
        self.rating_window.validate()
    }

    /// How long a ticket may wait; none when there is no cap.
    pub fn max_wait(&self) -> Option<Duration> {
        self.max_wait_secs.map(|secs| Duration::from_secs(secs.into()))
    }
}

impl RatingWindow {
    /// Any difference, at once.
    pub const fn any() -> Self {
        Self { start: None, steps: Vec::new() }
    }

    /// The difference in points that a ticket allows after `waited`; infinite when any.
    pub fn after(&self, waited: Duration) -> f64 {
        self.width(self.level(waited))
    }

    /// How many steps a ticket has behind it after `waited`: 0 to the number of steps.
    pub(super) fn level(&self, waited: Duration) -> usize {
        self.steps.partition_point(|step| u64::from(step.after_secs) <= waited.as_secs())
    }

    /// The difference in points that is allowed after so many steps; infinite when any.
    pub(super) fn width(&self, level: usize) -> f64 {
        let window = match level {
            0 => self.start,
            _ => self.steps[level - 1].window,
        };
        window.map_or(f64::INFINITY, f64::from)
    }

    fn validate(&self) -> Result<(), InvalidQueue> {
        if self.steps.len() > MAX_WINDOW_STEPS {
            return Err(InvalidQueue::TooManySteps(self.steps.len()));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let later = index == 0 || self.steps[index - 1].after_secs < step.after_secs;
            if !later || self.width(index + 1) < self.width(index) {
                return Err(InvalidQueue::StepOrder(index + 1));
            }
        }
        Ok(())
    }
}

/// The queues that come with the platform: `<mode>-ranked` and `<mode>-casual` for each mode, version 1.
pub fn shipped_queues() -> Vec<QueueDefinition> {
    Mode::ALL.into_iter().flat_map(|mode| [shipped(mode, true), shipped(mode, false)]).collect()
}

fn shipped(mode: Mode, ranked: bool) -> QueueDefinition {
    QueueDefinition {
        name: format!("{mode}-{}", if ranked { "ranked" } else { "casual" }),
        version: 1,
        mode,
        ranked,
        rating_window: if ranked { ranked_window() } else { RatingWindow::any() },
        max_wait_secs: None,
    }
}

/// Close matches first; after half a minute any match is better than none.
fn ranked_window() -> RatingWindow {
    let step = |after_secs, window| WindowStep { after_secs, window };
    RatingWindow {
        start: Some(100),
        steps: vec![step(5, Some(200)), step(10, Some(300)), step(15, Some(400)), step(20, Some(1000)), step(30, None)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ships_two_valid_queues_for_each_mode() {
        let queues = shipped_queues();
        assert_eq!(queues.len(), 10);
        for mode in Mode::ALL {
            for (ranked, suffix) in [(true, "ranked"), (false, "casual")] {
                let queue = queues.iter().find(|queue| queue.name == format!("{mode}-{suffix}")).unwrap();
                assert_eq!((queue.mode, queue.ranked, queue.version), (mode, ranked, 1));
                queue.validate().unwrap();
            }
        }
    }

    #[test]
    fn the_ranked_window_widens_step_by_step() {
        let window = ranked_window();
        let after = |secs| window.after(Duration::from_secs(secs));
        assert_eq!(
            [0, 4, 5, 9, 10, 15, 19, 20, 29].map(after),
            [100., 100., 200., 200., 300., 400., 400., 1000., 1000.]
        );
        assert_eq!(after(30), f64::INFINITY);
        assert_eq!(window.after(Duration::from_millis(4999)), 100.0);
        assert_eq!(RatingWindow::any().after(Duration::ZERO), f64::INFINITY);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let queue = shipped(Mode::Classic, true);
        let with = |change: fn(&mut QueueDefinition)| {
            let mut queue = queue.clone();
            change(&mut queue);
            queue.validate()
        };
        assert_eq!(with(|queue| queue.name = "Classic".into()), Err(InvalidQueue::Name("Classic".into())));
        assert_eq!(with(|queue| queue.name.clear()), Err(InvalidQueue::Name(String::new())));
        assert_eq!(with(|queue| queue.version = 0), Err(InvalidQueue::Version));
        assert_eq!(with(|queue| queue.max_wait_secs = Some(0)), Err(InvalidQueue::MaxWait));
        assert_eq!(with(|queue| queue.rating_window.steps[1].after_secs = 5), Err(InvalidQueue::StepOrder(2)));
        assert_eq!(with(|queue| queue.rating_window.steps[0].window = Some(99)), Err(InvalidQueue::StepOrder(1)));
        assert_eq!(with(|queue| queue.rating_window.start = None), Err(InvalidQueue::StepOrder(1)));
        assert_eq!(
            with(|queue| queue.rating_window.steps =
                (0..17).map(|at| WindowStep { after_secs: at, window: None }).collect()),
            Err(InvalidQueue::TooManySteps(17))
        );
    }

    #[test]
    fn reads_as_people_write_it() {
        let queue: QueueDefinition = serde_json::from_str(
            r#"{"name":"classic-ranked","version":2,"mode":"classic","ranked":true,
                "rating_window":{"start":50,"steps":[{"after_secs":10,"window":null}]}}"#,
        )
        .unwrap();
        assert_eq!(queue.rating_window.after(Duration::from_secs(10)), f64::INFINITY);
        assert!(
            serde_json::from_str::<QueueDefinition>(
                r#"{"name":"x","version":1,"mode":"classic","ranked":true,"rating_window":{"start":1},"max_wait":3}"#
            )
            .is_err()
        );
    }
}
