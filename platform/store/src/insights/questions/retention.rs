//! How many of a day's new players come back.

use chrono::{NaiveDate, TimeDelta};

use super::{ANY, number_of};
use crate::insights::Insights;
use crate::insights::pack::unsigned;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Dimension, Slice};
use crate::insights::sets::{self, DaySet};

/// The players who came first on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    /// The value of what it is told apart by.
    pub group: Option<String>,
    /// Their first day.
    pub day: NaiveDate,
    /// How many they are.
    pub players: u64,
    /// How many of them had an event exactly so many days later; None where that day is not over yet.
    pub returned: Vec<(u32, Option<u64>)>,
}

/// The most days after, and how many of them may be asked for.
const MAX_AFTER: u32 = 90;
const MAX_OFFSETS: usize = 31;

impl Insights {
    /// Day-N retention: players by the day (UTC) of their first event ever, and how many of them had any event on the day that is N
    /// days later (1 to 90, 31 of them at most); exact. Region, platform and build are those of the first day: they may return
    /// anywhere. Days from `today` on are not over.
    pub async fn retention(
        &self,
        days: Days,
        after: &[u32],
        slice: &Slice,
        by: Option<Dimension>,
        today: NaiveDate,
    ) -> Result<Vec<Cohort>, AskError> {
        match by {
            Some(Dimension::Season) => {
                self.by_season(days, |days| self.retention_of(days, after, slice, None, today)).await
            }
            by => self.retention_of(days, after, slice, by, today).await,
        }
    }

    async fn retention_of(
        &self,
        days: Days,
        after: &[u32],
        slice: &Slice,
        by: Option<Dimension>,
        today: NaiveDate,
    ) -> Result<Vec<Cohort>, AskError> {
        let mut after = after.to_vec();
        after.sort_unstable();
        after.dedup();
        if after.is_empty() || after.len() > MAX_OFFSETS || after.iter().any(|n| !(1..=MAX_AFTER).contains(n)) {
            return AskError::invalid(format!(
                "ask for 1 to {MAX_OFFSETS} days after the first, each 1 to {MAX_AFTER}"
            ));
        }
        let furthest = after.last().copied().unwrap_or(1);
        let _turn = self.turn().await;
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by, (days.from(), days.to())).await?;
        let anywhere = Places::of(&mut postgres, &Slice::default(), None, (days.from(), days.to())).await?;
        // Index players_first_day.
        let new = sqlx::query!(
            r#"
            SELECT first_day, array_agg(player) AS "players!" FROM insights.players
            WHERE first_day BETWEEN $1 AND $2 GROUP BY first_day
            "#,
            days.from(),
            days.to(),
        )
        .fetch_all(&mut *postgres)
        .await?;
        let reach = days.reaching_on(i64::from(furthest));
        let seen = sets::players(&mut postgres, reach, ANY, &anywhere).await?;
        drop(postgres);

        let most = new.iter().flat_map(|row| &row.players).max().map_or(0, |most| unsigned(*most) as usize + 1);
        let mut first = vec![0_u16; most];
        for row in &new {
            let day = number_of(row.first_day, days);
            row.players.iter().for_each(|player| first[unsigned(*player) as usize] = day);
        }
        let came = Came::of(&seen, &first, reach);
        // The group, counted from 1, in which a player was counted last: they may have been at several places of it.
        let mut counted = vec![0_usize; most];
        let mut cohorts = Vec::new();
        for group in 0..places.groups() {
            let mut sizes = vec![0_u64; days.count() + 1];
            let mut returned = vec![vec![0_u64; after.len()]; days.count() + 1];
            for set in seen.iter().filter(|set| places.group_if_meant(set.place) == Some(group)) {
                let day = number_of(set.day, reach);
                for player in set.players.iter().map(|player| *player as usize) {
                    if first.get(player) != Some(&day)
                        || std::mem::replace(&mut counted[player], group + 1) == group + 1
                    {
                        continue;
                    }
                    sizes[usize::from(day)] += 1;
                    for (count, after) in returned[usize::from(day)].iter_mut().zip(&after) {
                        *count += u64::from(came.on(player, usize::from(day) + *after as usize));
                    }
                }
            }
            if places.groups() > 1 && sizes.iter().all(|size| *size == 0) {
                continue;
            }
            cohorts.extend(days.each().enumerate().map(|(place, day)| {
                let over = |n: u32| day + TimeDelta::days(n.into()) < today;
                let count = |(n, count): (&u32, &u64)| (*n, over(*n).then_some(*count));
                let returned = after.iter().zip(&returned[place + 1]).map(count).collect();
                Cohort { group: places.name(group), day, players: sizes[place + 1], returned }
            }));
        }
        Ok(cohorts)
    }
}

/// On which days of a range players came, a bit each; of those only who are asked for.
struct Came {
    words: usize,
    bits: Vec<u64>,
}

impl Came {
    /// Of the players for whom `wanted` has something else than 0.
    fn of(seen: &[DaySet], wanted: &[u16], days: Days) -> Self {
        let words = days.count() / 64 + 1;
        let mut bits = vec![0_u64; wanted.len() * words];
        for set in seen {
            let day = usize::from(number_of(set.day, days));
            let (word, bit) = (day / 64, 1 << (day % 64));
            for player in set.players.iter().map(|player| *player as usize) {
                if wanted.get(player).is_some_and(|wanted| *wanted != 0) {
                    bits[player * words + word] |= bit;
                }
            }
        }
        Self { words, bits }
    }

    /// Whether on this one, counted from 1.
    fn on(&self, player: usize, day: usize) -> bool {
        self.bits[player * self.words + day / 64] & (1 << (day % 64)) != 0
    }
}
