//! How far players come through a sequence of events.

use chrono::TimeDelta;

use super::ratio;
use crate::insights::Insights;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Dimension, MAX_DAYS, Slice};
use crate::insights::sets::{self, TimedSet};

/// A step of a funnel.
#[derive(Debug, Clone, PartialEq)]
pub struct FunnelStep {
    /// The value of what it is told apart by.
    pub group: Option<String>,
    /// Its kind of event.
    pub kind: String,
    /// Players who came so far.
    pub players: u64,
    /// Of those of the first step, 0 to 1.
    pub of_first: f64,
    /// Of those of the step before, 0 to 1.
    pub of_previous: f64,
    /// How long after the first step half of them were here, in milliseconds; None when nobody was.
    pub median_ms: Option<u64>,
}

/// How many steps there may be.
const STEPS: std::ops::RangeInclusive<usize> = 2..=8;

/// In tables by player: not reached.
const NEVER: i64 = i64::MAX;

impl Insights {
    /// Players by how far they came through kinds of events (2 to 8, each another one). The first step is a player's first event of its
    /// kind in the range; each other one the earliest known event of its kind at or after the step before, and within `within`
    /// (up to 92 days) of the first step. Known are, of a player's events of a kind on a day at a place, the first and the last.
    pub async fn funnel(
        &self,
        days: Days,
        kinds: &[String],
        within: TimeDelta,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<FunnelStep>, AskError> {
        check(kinds, within)?;
        let _turn = self.turn().await;
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by).await?;
        let numbers: Vec<Option<i32>> = sqlx::query_scalar!(
            r#"
            SELECT k.kind_no AS "kind_no?"
            FROM unnest($1::text[]) WITH ORDINALITY AS wanted (kind, place)
            LEFT JOIN insights.kinds k USING (kind)
            ORDER BY wanted.place
            "#,
            kinds,
        )
        .fetch_all(&mut *postgres)
        .await?;
        let known: Vec<i32> = numbers.iter().flatten().copied().collect();
        let sets = sets::marks(&mut postgres, days, &known, &places).await?;
        drop(postgres);
        let most = sets.iter().flat_map(|set| &set.marks).map(|mark| mark.0 as usize + 1).max().unwrap_or_default();
        let mut steps = Vec::new();
        for group in 0..places.groups() {
            let mine: Vec<&TimedSet> = sets.iter().filter(|set| set.group == group).collect();
            if mine.is_empty() && places.groups() > 1 {
                continue;
            }
            let reached = reached(&mine, &numbers, days, within, most);
            let first = reached.first().map_or(0, |step| step.0);
            let mut previous = first;
            for (kind, (players, median_ms)) in kinds.iter().zip(reached) {
                let (of_first, of_previous) = (ratio(players, first), ratio(players, previous));
                let (group, kind) = (places.name(group), kind.clone());
                steps.push(FunnelStep { group, kind, players, of_first, of_previous, median_ms });
                previous = players;
            }
        }
        Ok(steps)
    }
}

fn check(kinds: &[String], within: TimeDelta) -> Result<(), AskError> {
    if !STEPS.contains(&kinds.len()) {
        return AskError::invalid(format!("a funnel has {} to {} steps", STEPS.start(), STEPS.end()));
    }
    if kinds.iter().enumerate().any(|(place, kind)| kind.len() > 64 || kinds[..place].contains(kind)) {
        return AskError::invalid("each step of a funnel is another kind of event, of 64 characters at most");
    }
    if within <= TimeDelta::zero() || within > TimeDelta::days(MAX_DAYS) {
        return AskError::invalid(format!("all steps have to be within a time of up to {MAX_DAYS} days"));
    }
    Ok(())
}

/// For each step: how many players, and their median time after the first step.
fn reached(
    sets: &[&TimedSet],
    numbers: &[Option<i32>],
    days: Days,
    within: TimeDelta,
    most: usize,
) -> Vec<(u64, Option<u64>)> {
    let within = within.num_milliseconds();
    let mut first = vec![NEVER; most];
    let mut before = vec![i64::MIN; most];
    let mut steps = Vec::with_capacity(numbers.len());
    for (place, number) in numbers.iter().enumerate() {
        let mut now = vec![NEVER; most];
        for set in sets.iter().filter(|set| Some(set.kind) == *number) {
            let midnight = (set.day - days.from()).num_milliseconds();
            for (player, earliest, latest) in &set.marks {
                let player = *player as usize;
                let since = before[player];
                if since == NEVER {
                    continue;
                }
                for at in [midnight + i64::from(*earliest), midnight + i64::from(*latest)] {
                    if at >= since && (place == 0 || at - first[player] <= within) {
                        now[player] = now[player].min(at);
                    }
                }
            }
        }
        if place == 0 {
            first.clone_from(&now);
        }
        let mut after: Vec<i64> =
            now.iter().zip(&first).filter(|(at, _)| **at != NEVER).map(|(at, first)| at - first).collect();
        let middle = after.len().saturating_sub(1) / 2;
        let median = (!after.is_empty()).then(|| *after.select_nth_unstable(middle).1);
        steps.push((after.len() as u64, median.and_then(|ms| u64::try_from(ms).ok())));
        before = now;
    }
    steps
}
