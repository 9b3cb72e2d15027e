//! How many processes there should be, of how many a policy asks for. Pure; the time and the past come in.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// Bounds of a decision.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Never fewer.
    pub min: i32,
    /// Never more.
    pub max: i32,
    /// How many may be added at once.
    pub step_up: i32,
    /// How many may be taken away at once.
    pub step_down: i32,
    /// How long more must have been asked for.
    pub up_after: SignedDuration,
    /// How long fewer must have been asked for.
    pub down_after: SignedDuration,
    /// How long after any change more may follow.
    pub cool_up: SignedDuration,
    /// How long after any change fewer may follow.
    pub cool_down: SignedDuration,
}

/// What policies have asked for lately. It begins empty with the process, and then nothing is taken away before it is full.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    since: Option<Timestamp>,
    /// Oldest first.
    asked: VecDeque<(Timestamp, i32)>,
}

/// How many wishes are kept: a longer window at a fast poll is thinned.
const MOST: usize = 4_096;

impl Asked {
    /// A policy asks for `replicas`.
    pub fn note(&mut self, now: Timestamp, replicas: i32, keep: SignedDuration) {
        self.since.get_or_insert(now);
        self.asked.push_back((now, replicas));
        // One older than the window stays: it is what was asked at its beginning.
        while self.asked.len() > 1 && self.asked.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= keep) {
            self.asked.pop_front();
        }
        if self.asked.len() > MOST {
            // Of two neighbours the larger stays, which only makes it slower to take away.
            let pairs: Vec<_> = self.asked.drain(..).collect();
            self.asked = pairs
                .chunks(2)
                .filter_map(|pair| Some((pair.first()?.0, pair.iter().map(|(_, replicas)| *replicas).max()?)))
                .collect();
        }
    }

    /// Forgets everything: what was asked under another spec does not count.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Everything asked for within the last `window`; `None` when nobody has looked for so long.
    fn within(&self, now: Timestamp, window: SignedDuration) -> Option<impl Iterator<Item = i32>> {
        let since = self.since?;
        if now.duration_since(since) < window {
            return None;
        }
        let begin = self.asked.iter().rposition(|(at, _)| now.duration_since(*at) >= window).unwrap_or(0);
        Some(self.asked.iter().skip(begin).map(|(_, replicas)| *replicas))
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How many there should be.
    pub replicas: i32,
    /// What kept it from what the policy asks for.
    pub held: Option<Held>,
}

/// What keeps the number from what a policy asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// `min`.
    AtMin,
    /// `max`.
    AtMax,
    /// `scaleUpAfter` or `scaleDownAfter`.
    Stabilizing,
    /// `up.coolDown` or `down.coolDown`.
    CoolingDown,
    /// `up.replicas` or `down.replicas`.
    StepByStep,
}

impl Held {
    /// One stable word for programs.
    pub fn reason(self) -> &'static str {
        match self {
            Self::AtMin => "AtMin",
            Self::AtMax => "AtMax",
            Self::Stabilizing => "Stabilizing",
            Self::CoolingDown => "CoolingDown",
            Self::StepByStep => "StepByStep",
        }
    }

    /// For a person.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::AtMin => "The policy asks for fewer than min.",
            Self::AtMax => "The policy asks for more than max.",
            Self::Stabilizing => "The policy has not asked for it for long enough yet.",
            Self::CoolingDown => "The last change was not long enough ago.",
            Self::StepByStep => "The policy asks for a larger change than one step.",
        }
    }
}

/// How many there should be. `asked` holds the newest wish already; `changed`: when the number last changed.
pub fn decide(limits: &Limits, asked: &Asked, current: i32, changed: Option<Timestamp>, now: Timestamp) -> Decision {
    let Some((_, wish)) = asked.asked.back().copied() else {
        return Decision { replicas: current.clamp(limits.min, limits.max), held: None };
    };
    let bounded = wish.clamp(limits.min, limits.max);
    let bound = match wish {
        wish if wish > limits.max => Some(Held::AtMax),
        wish if wish < limits.min => Some(Held::AtMin),
        _ => None,
    };
    // Outside its bounds it goes to the nearest one, at once.
    if current < limits.min || current > limits.max {
        return Decision { replicas: current.clamp(limits.min, limits.max), held: bound };
    }
    if bounded == current {
        return Decision { replicas: current, held: bound };
    }
    let up = bounded > current;
    let (window, cool, step) = if up {
        (limits.up_after, limits.cool_up, limits.step_up)
    } else {
        (limits.down_after, limits.cool_down, limits.step_down)
    };
    // Everything that was asked for in the window must go beyond: the least of it for more, the most of it for fewer.
    let steady = asked.within(now, window).and_then(|all| if up { all.min() } else { all.max() });
    let steady = steady.map(|steady| steady.clamp(limits.min, limits.max));
    let Some(steady) = steady.filter(|steady| if up { *steady > current } else { *steady < current }) else {
        return Decision { replicas: current, held: Some(Held::Stabilizing) };
    };
    if changed.is_some_and(|changed| now.duration_since(changed) < cool) {
        return Decision { replicas: current, held: Some(Held::CoolingDown) };
    }
    let replicas = if up { steady.min(current.saturating_add(step)) } else { steady.max(current.saturating_sub(step)) };
    let held = if replicas != steady { Some(Held::StepByStep) } else { bound };
    Decision { replicas, held }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> impl Strategy<Value = Limits> {
        (1..20i32, 0..30i32, 1..8i32, 1..8i32, 0..600i64, 0..1200i64, 0..300i64, 0..300i64).prop_map(
            |(min, more, step_up, step_down, up_after, down_after, cool_up, cool_down)| Limits {
                min,
                max: min + more,
                step_up,
                step_down,
                up_after: SignedDuration::from_secs(up_after),
                down_after: SignedDuration::from_secs(down_after),
                cool_up: SignedDuration::from_secs(cool_up),
                cool_down: SignedDuration::from_secs(cool_down),
            },
        )
    }

    proptest! {
        #[test]
        fn bounds_steps_windows_and_cool_downs_hold(
            limits in limits(),
            start in 1..50i32,
            wishes in prop::collection::vec((0..80i32, 1..120i64), 1..200),
        ) {
            let mut now = Timestamp::from_second(1_800_000_000).unwrap();
            let (mut asked, mut current, mut changed) = (Asked::default(), start, None);
            let mut past: Vec<(Timestamp, i32)> = Vec::new();
            let keep = limits.up_after.max(limits.down_after);
            for (wish, pause) in wishes {
                now += SignedDuration::from_secs(pause);
                asked.note(now, wish, keep);
                past.push((now, wish));
                let decision = decide(&limits, &asked, current, changed, now);
                prop_assert!((limits.min..=limits.max).contains(&decision.replicas));
                let inside = (limits.min..=limits.max).contains(&current);
                if inside && decision.replicas != current {
                    let up = decision.replicas > current;
                    let (step, window, cool) = if up {
                        (limits.step_up, limits.up_after, limits.cool_up)
                    } else {
                        (limits.step_down, limits.down_after, limits.cool_down)
                    };
                    prop_assert!((decision.replicas - current).abs() <= step, "one step at most");
                    prop_assert!(changed.is_none_or(|changed: Timestamp| now.duration_since(changed) >= cool), "not while cooling down");
                    // Nothing in the window asked for anything else: no flapping.
                    for (at, wish) in past.iter().filter(|(at, _)| now.duration_since(*at) < window) {
                        let wish = (*wish).clamp(limits.min, limits.max);
                        prop_assert!(if up { wish >= decision.replicas } else { wish <= decision.replicas }, "asked for {wish} at {at}");
                    }
                    prop_assert!(now.duration_since(past[0].0) >= window, "it has looked for long enough");
                }
                if decision.replicas != current {
                    changed = Some(now);
                }
                current = decision.replicas;
            }
        }

        #[test]
        fn a_steady_wish_is_reached_and_then_nothing_changes(limits in limits(), start in 1..50i32, wish in 0..80i32) {
            let mut now = Timestamp::from_second(1_800_000_000).unwrap();
            let (mut asked, mut current, mut changed) = (Asked::default(), start, None);
            for _ in 0..2_000 {
                now += SignedDuration::from_secs(30);
                asked.note(now, wish, limits.up_after.max(limits.down_after));
                let decision = decide(&limits, &asked, current, changed, now);
                if decision.replicas != current {
                    changed = Some(now);
                }
                current = decision.replicas;
            }
            prop_assert_eq!(current, wish.clamp(limits.min, limits.max));
        }
    }
}
