//! How many of a day's new players come back.

use chrono::{NaiveDate, TimeDelta};

use super::{ANY, by_player, number_of};
use crate::insights::Insights;
use crate::insights::pack::unsigned;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Dimension, Slice};
use crate::insights::sets;

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
        let places = Places::of(&mut postgres, slice, by).await?;
        let anywhere = Places::of(&mut postgres, &Slice::default(), None).await?;
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
        let first_seen = sets::players(&mut postgres, days, ANY, &places).await?;
        let reach = days.reaching_on(i64::from(furthest));
        let seen = sets::players(&mut postgres, reach, ANY, &anywhere).await?;
        drop(postgres);

        let new: Vec<(NaiveDate, Vec<u32>)> =
            new.into_iter().map(|row| (row.first_day, row.players.into_iter().map(unsigned).collect())).collect();
        let all = || new.iter().map(|(_, players)| &**players).chain(seen.iter().map(|set| &*set.players));
        let mut first = by_player(all(), 0_u16);
        for (day, players) in &new {
            players.iter().for_each(|player| first[*player as usize] = number_of(*day, days));
        }
        let mut cohorts = Vec::new();
        for group in 0..places.groups() {
            // In the cohort of which day, if in one of this group.
            let mut cohort_of = vec![0_u16; first.len()];
            let mut sizes = vec![0_u64; days.count() + 1];
            for set in first_seen.iter().filter(|set| set.group == group) {
                let day = number_of(set.day, days);
                for player in set.players.iter().map(|player| *player as usize) {
                    if first.get(player) == Some(&day) && cohort_of[player] == 0 {
                        cohort_of[player] = day;
                        sizes[usize::from(day)] += 1;
                    }
                }
            }
            let mut returned = vec![vec![0_u64; furthest as usize + 1]; days.count() + 1];
            let mut counted = vec![0_u16; first.len()];
            for set in &seen {
                let day = number_of(set.day, days);
                for player in set.players.iter().map(|player| *player as usize) {
                    let cohort = cohort_of[player];
                    if cohort == 0 || std::mem::replace(&mut counted[player], day) == day {
                        continue;
                    }
                    if let Some(count) = returned[usize::from(cohort)].get_mut(usize::from(day.saturating_sub(cohort)))
                    {
                        *count += 1;
                    }
                }
            }
            if places.groups() > 1 && sizes.iter().all(|size| *size == 0) {
                continue;
            }
            cohorts.extend(days.each().enumerate().map(|(place, day)| {
                let over = |n: u32| day + TimeDelta::days(n.into()) < today;
                let count = |n: u32| over(n).then(|| returned[place + 1][n as usize]);
                let returned = after.iter().map(|n| (*n, count(*n))).collect();
                Cohort { group: places.name(group), day, players: sizes[place + 1], returned }
            }));
        }
        Ok(cohorts)
    }
}
