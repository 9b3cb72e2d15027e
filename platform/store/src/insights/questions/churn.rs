//! Who is about to leave.

use super::{ANY, by_player, number_of, ratio};
use crate::insights::Insights;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Slice};
use crate::insights::sets;

/// What being away for some days has meant.
#[derive(Debug, Clone, PartialEq)]
pub struct ChurnPoint {
    /// Whole days since the day of the last event; 0 is who came on the day itself.
    pub days_away: u32,
    /// Times in the range that a player had been away so long, and what came then is known.
    pub times: u64,
    /// Of them, how many times the player did not come back within the horizon.
    pub gone: u64,
    /// `gone / times`, 0 to 1; None when it never happened.
    pub risk: Option<f64>,
    /// Players who are away for so long now.
    pub players_now: u64,
}

/// The most days away that are told.
const MAX_AWAY: u32 = 30;

impl Insights {
    /// Churn risk by days since last seen: of all times in the range that a player had been away for *n* days (0 to 30, those that
    /// the range is long enough for), the share of those after which they stayed away for `horizon` more days (1 to 60). Times
    /// whose horizon ends after the last day of the range are left out, since nobody knows yet (a Kaplan–Meier estimate would guess
    /// from them). Exact. `players_now` is as of the last day of the range.
    pub async fn churn(&self, days: Days, horizon: u32, slice: &Slice) -> Result<Vec<ChurnPoint>, AskError> {
        if !(1..=60).contains(&horizon) {
            return AskError::invalid(format!("the horizon has to be 1 to 60 days, not {horizon}"));
        }
        let _turn = self.turn().await;
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, None, (days.from(), days.to())).await?;
        let sets = sets::players(&mut postgres, days, ANY, &places).await?;
        drop(postgres);

        let length = days.count();
        let mut last = by_player(sets.iter().map(|set| &*set.players), 0_u16);
        // How often somebody who came on a day came next so many days later; the last column is never again.
        let never = length;
        let mut gaps = vec![vec![0_u64; length + 1]; length + 1];
        for set in &sets {
            let day = number_of(set.day, days);
            for player in &set.players {
                let before = std::mem::replace(&mut last[*player as usize], day);
                if before != 0 && before != day {
                    gaps[usize::from(before)][usize::from(day - before)] += 1;
                }
            }
        }
        let mut away_now = vec![0_u64; length + 1];
        for day in last.into_iter().filter(|day| *day != 0).map(usize::from) {
            gaps[day][never] += 1;
            away_now[length - day] += 1;
        }
        let point = |away: usize| {
            let known_until = (length + 1).saturating_sub(away + horizon as usize);
            let longer_than = |gap: usize| -> u64 {
                let rows = gaps.iter().take(known_until).skip(1);
                rows.flat_map(|row| row.iter().skip(gap + 1)).sum()
            };
            let (times, gone) = match known_until {
                0 | 1 => (0, 0),
                _ => (longer_than(away), longer_than(away + horizon as usize)),
            };
            ChurnPoint {
                days_away: u32::try_from(away).unwrap_or(MAX_AWAY),
                times,
                gone,
                risk: (times > 0).then(|| ratio(gone, times)),
                players_now: away_now.get(away).copied().unwrap_or_default(),
            }
        };
        Ok((0..length.min(MAX_AWAY as usize + 1)).map(point).collect())
    }
}
