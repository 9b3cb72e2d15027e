//! How many players there are by the day, week and month.

use chrono::NaiveDate;

use super::{ANY, by_player, number_of, ratio};
use crate::insights::Insights;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Dimension, Slice};
use crate::insights::sets::{self, DaySet};

/// The players of a day, and of the days before it.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveDay {
    /// The value of what it is told apart by; None for events that do not say, or when nothing is told apart.
    pub group: Option<String>,
    /// The day.
    pub day: NaiveDate,
    /// Players with an event on the day (DAU).
    pub daily: u64,
    /// On the day or the 6 before it (WAU).
    pub weekly: u64,
    /// On the day or the 29 before it (MAU).
    pub monthly: u64,
    /// DAU / MAU: the share of the month's players who came on this day, 0 to 1.
    pub stickiness: f64,
}

const WEEK: usize = 7;
const MONTH: usize = 30;

impl Insights {
    /// Distinct players with any event, by day; exact. A player of two regions on a day counts in both, and once in all.
    pub async fn active(&self, days: Days, slice: &Slice, by: Option<Dimension>) -> Result<Vec<ActiveDay>, AskError> {
        match by {
            Some(Dimension::Season) => self.by_season(days, |days| self.active_of(days, slice, None)).await,
            by => self.active_of(days, slice, by).await,
        }
    }

    async fn active_of(&self, days: Days, slice: &Slice, by: Option<Dimension>) -> Result<Vec<ActiveDay>, AskError> {
        let _turn = self.turn().await;
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by, (days.from(), days.to())).await?;
        let reach = days.reaching_back(MONTH as i64 - 1);
        let sets = sets::players(&mut postgres, reach, ANY, &places).await?;
        drop(postgres);
        let mut points = Vec::new();
        for group in 0..places.groups() {
            let counted = count(&sets, group, reach);
            if counted.iter().all(|(_, _, monthly)| *monthly == 0) && places.groups() > 1 {
                continue;
            }
            let asked = reach.each().zip(counted).skip(MONTH - 1);
            points.extend(asked.map(|(day, (daily, weekly, monthly))| ActiveDay {
                group: places.name(group),
                day,
                daily,
                weekly,
                monthly,
                stickiness: ratio(daily, monthly),
            }));
        }
        Ok(points)
    }
}

/// Daily, weekly and monthly players of each day.
fn count(sets: &[DaySet], group: usize, days: Days) -> Vec<(u64, u64, u64)> {
    let mine = || sets.iter().filter(|set| set.group == group);
    let mut last = by_player(mine().map(|set| &*set.players), 0_u16);
    // How many players were last seen on each day, as of the day that is looked at.
    let mut seen_last = vec![0_u64; days.count() + 1];
    let mut sets = mine().peekable();
    days.each()
        .map(|day| {
            let today = number_of(day, days);
            while let Some(set) = sets.next_if(|set| set.day == day) {
                for player in &set.players {
                    let before = std::mem::replace(&mut last[*player as usize], today);
                    if before != 0 {
                        seen_last[usize::from(before)] -= 1;
                    }
                    seen_last[usize::from(today)] += 1;
                }
            }
            let until = usize::from(today);
            let of = |days: usize| seen_last[(until + 1).saturating_sub(days).max(1)..=until].iter().sum();
            (of(1), of(WEEK), of(MONTH))
        })
        .collect()
}
