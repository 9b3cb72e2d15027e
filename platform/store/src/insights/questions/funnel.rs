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

/// When a way began that nobody went.
const NEVER: i64 = i64::MAX;

impl Insights {
    /// Players by how far they came through kinds of events (2 to 8, each another one), in this order, all within `within` (up to 92
    /// days) of the first; other events may lie between. Every event of the first kind may begin the way, not the first one only. The
    /// times are those of each player's first way to the step.
    ///
    /// Of a player's events of a kind on a day in the slice, the first and the last are known, so whoever is counted has gone the way;
    /// who has gone it only over events between these two is not counted.
    pub async fn funnel(
        &self,
        days: Days,
        kinds: &[String],
        within: TimeDelta,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<FunnelStep>, AskError> {
        match by {
            Some(Dimension::Season) => {
                self.by_season(days, |days| self.funnel_of(days, kinds, within, slice, None)).await
            }
            by => self.funnel_of(days, kinds, within, slice, by).await,
        }
    }

    async fn funnel_of(
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
        let places = Places::of(&mut postgres, slice, by, (days.from(), days.to())).await?;
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
    let steps = || {
        sets.iter().filter_map(|set| {
            let step = numbers.iter().position(|number| *number == Some(set.kind))?;
            Some((*set, step))
        })
    };
    // The marks of each player one after the other, still in the order of days: first where each player's begin, then where they end.
    let mut places = vec![0_usize; most + 1];
    for (set, _) in steps() {
        set.marks.iter().for_each(|mark| places[mark.0 as usize + 1] += 1);
    }
    for player in 1..=most {
        places[player] += places[player - 1];
    }
    let mut marks = vec![Packed::default(); places[most]];
    for (set, step) in steps() {
        let day = (set.day - days.from()).num_days();
        for (player, first, last) in &set.marks {
            let place = &mut places[*player as usize];
            marks[*place] = Packed::new(day, step, *first, *last);
            *place += 1;
        }
    }
    // How long the way took, where a step was first come to.
    let mut took: Vec<Vec<i64>> = vec![Vec::new(); numbers.len()];
    let (within, mut from) = (within.num_milliseconds(), 0);
    for to in &places[..most] {
        walk(&marks[from..*to], within, &mut took);
        from = *to;
    }
    let told = |mut took: Vec<i64>| {
        let middle = took.len().saturating_sub(1) / 2;
        let median = (!took.is_empty()).then(|| *took.select_nth_unstable(middle).1);
        (took.len() as u64, median.and_then(|ms| u64::try_from(ms).ok()))
    };
    took.into_iter().map(told).collect()
}

/// The first and the last event of a step on a day, in 8 bytes: from the highest bit on the day of the range (7 bits), the first
/// and the last in milliseconds after midnight (27 each), and the step (3).
#[derive(Clone, Copy, Default)]
struct Packed(u64);

impl Packed {
    fn new(day: i64, step: usize, first: u32, last: u32) -> Self {
        Self(day.cast_unsigned() << 57 | u64::from(first) << 30 | u64::from(last) << 3 | step as u64)
    }

    fn day(self) -> i64 {
        (self.0 >> 57).cast_signed()
    }

    fn step(self) -> usize {
        (self.0 & 7) as usize
    }

    fn first(self) -> u64 {
        self.0 >> 30 & ((1 << 27) - 1)
    }

    fn last(self) -> u64 {
        self.0 >> 3 & ((1 << 27) - 1)
    }
}

/// Follows a player through their marks, which are in the order of days.
///
/// Of each step it is kept when the newest way there began. An event is the next step of the way to the step before it whose beginning
/// is the latest: if that is too long ago, so is every other.
fn walk(marks: &[Packed], within: i64, took: &mut [Vec<i64>]) {
    /// First later than last: there is none.
    const NONE: (u64, u64) = (u64::MAX, 0);
    let steps = took.len();
    let mut begun = [NEVER; *STEPS.end()];
    for marks in marks.chunk_by(|one, other| one.day() == other.day()) {
        // A player may be at several places on a day.
        let mut known = [NONE; *STEPS.end()];
        for mark in marks {
            let (first, last) = &mut known[mark.step()];
            (*first, *last) = ((*first).min(mark.first()), (*last).max(mark.last()));
        }
        // Time and step in one number, which is quickly sorted.
        let mut events = [0_u64; 2 * *STEPS.end()];
        let mut length = 0;
        // Whether the step before has been come to, or may be today: there is no other way to a step.
        let mut open = true;
        for (step, (first, last)) in known[..steps].iter().enumerate() {
            let here = open && first <= last;
            if here {
                events[length] = first << 3 | step as u64;
                events[length + 1] = last << 3 | step as u64;
                length += if first == last { 1 } else { 2 };
            }
            open = here || begun[step] != NEVER;
        }
        let midnight = marks[0].day() * 86_400_000;
        // At the same moment, in the order of the steps: a step may be at the time of the one before it.
        events[..length].sort_unstable();
        for event in &events[..length] {
            let (at, step) = (midnight + (event >> 3).cast_signed(), (event & 7) as usize);
            let since = if step == 0 { at } else { begun[step - 1] };
            if since == NEVER || at - since > within {
                continue;
            }
            if begun[step] == NEVER {
                took[step].push(at - since);
            }
            begun[step] = since;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u32 = 60_000;

    /// A player's events: day, kind, and the minutes of the first and the last.
    fn asked(events: &[(u32, i32, u32, u32)], within: TimeDelta) -> Vec<(u64, Option<u64>)> {
        let first = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let days = Days::new(first, first + TimeDelta::days(9)).unwrap();
        let set = |(day, kind, earliest, latest): &(u32, i32, u32, u32)| TimedSet {
            day: first + TimeDelta::days((*day).into()),
            kind: *kind,
            group: 0,
            marks: vec![(0, earliest * MINUTE, latest * MINUTE)],
        };
        let sets: Vec<TimedSet> = events.iter().map(set).collect();
        reached(&sets.iter().collect::<Vec<_>>(), &[Some(2), Some(3), Some(4)], days, within, 1)
    }

    fn players(events: &[(u32, i32, u32, u32)], within: TimeDelta) -> Vec<u64> {
        asked(events, within).into_iter().map(|step| step.0).collect()
    }

    #[test]
    fn whoever_begins_again_is_followed_from_there() {
        // A, B, A, C: within an hour there is no way from an A over a B to a C.
        let again = [(0, 2, 0, 100), (0, 3, 10, 10), (0, 4, 110, 110)];
        assert_eq!(players(&again, TimeDelta::hours(1)), [1, 1, 0]);
        assert_eq!(players(&again, TimeDelta::hours(2)), [1, 1, 1]);
        // A, A, B, C on another day: the first A is too long ago, the second is not.
        let later = [(0, 2, 0, 0), (3, 2, 5, 5), (3, 3, 10, 10), (3, 4, 11, 11)];
        assert_eq!(asked(&later, TimeDelta::hours(1)), [(1, Some(0)), (1, Some(300_000)), (1, Some(360_000))]);
    }

    #[test]
    fn the_order_counts_and_the_same_moment_is_in_order() {
        assert_eq!(players(&[(0, 4, 1, 1), (0, 3, 2, 2), (0, 2, 3, 3)], TimeDelta::days(9)), [1, 0, 0]);
        assert_eq!(players(&[(0, 2, 3, 3), (0, 3, 3, 3), (0, 4, 3, 3)], TimeDelta::days(9)), [1, 1, 1]);
        // A step is not come to without the one before it.
        assert_eq!(players(&[(0, 2, 1, 1), (0, 4, 2, 2)], TimeDelta::days(9)), [1, 0, 0]);
        assert_eq!(players(&[], TimeDelta::days(9)), [0, 0, 0]);
    }

    #[test]
    fn a_way_goes_over_midnight_and_no_longer_than_it_may() {
        let over = [(0, 2, 1_430, 1_430), (1, 3, 9, 9), (1, 4, 20, 20)];
        assert_eq!(players(&over, TimeDelta::minutes(20)), [1, 1, 0]);
        assert_eq!(players(&over, TimeDelta::minutes(30)), [1, 1, 1]);
    }
}
