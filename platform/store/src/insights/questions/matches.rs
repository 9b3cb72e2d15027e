//! How long matches are, how they end, and whether it helps to begin.

use std::collections::BTreeMap;

use crate::codec;
use crate::insights::Insights;
use crate::insights::places::Places;
use crate::insights::range::{AskError, Days, Dimension, Slice};
use crate::insights::sketch::Sketch;

/// Matches of a mode.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchFacts {
    /// The value of what it is told apart by; [`MIXED`](crate::MIXED) where its players had different platforms or builds.
    pub group: Option<String>,
    /// The mode; None for games of somebody's own.
    pub mode: Option<String>,
    /// How many ended.
    pub matches: u64,
    /// By how they ended, the most frequent first.
    pub outcomes: Vec<(String, u64)>,
    /// How long they took on average, in milliseconds; exact. None when nobody said.
    pub mean_ms: Option<f64>,
    /// Half of them were no longer; this and the next are at most 2.5 % off.
    pub p50_ms: Option<f64>,
    /// 95 of 100 were no longer.
    pub p95_ms: Option<f64>,
    /// Matches that the first seat won.
    pub first_wins: u64,
    /// Matches that the second seat won.
    pub second_wins: u64,
    /// The first seat's share of those that either won; None when none was won so.
    pub first_share: Option<f64>,
    /// Where the first seat's true share lies, with 95 % confidence (Wilson, JASA 22(158), 1927): 0.5 outside of it is an advantage.
    pub first_share_between: Option<(f64, f64)>,
}

#[derive(Default)]
struct Sums {
    outcomes: BTreeMap<String, u64>,
    first_wins: i64,
    second_wins: i64,
    timed: i64,
    total_ms: i64,
    durations: Sketch,
}

impl Insights {
    /// Matches that ended in the range, by mode; of one queue or of all.
    pub async fn matches(
        &self,
        days: Days,
        queue: Option<&str>,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<MatchFacts>, AskError> {
        match by {
            Some(Dimension::Season) => self.by_season(days, |days| self.matches_of(days, queue, slice, None)).await,
            by => self.matches_of(days, queue, slice, by).await,
        }
    }

    async fn matches_of(
        &self,
        days: Days,
        queue: Option<&str>,
        slice: &Slice,
        by: Option<Dimension>,
    ) -> Result<Vec<MatchFacts>, AskError> {
        let mut postgres = self.postgres.acquire().await?;
        let places = Places::of(&mut postgres, slice, by, (days.from(), days.to())).await?;
        // The unique indexes of both; of one, nothing is read.
        let rows = sqlx::query!(
            r#"
            SELECT place AS "place!", mode, outcome AS "outcome!", matches AS "matches!", first_wins AS "first_wins!",
                   second_wins AS "second_wins!", timed AS "timed!", total_ms AS "total_ms!", durations AS "durations!",
                   durations_packed AS "durations_packed!"
            FROM (
                SELECT * FROM insights.match_days WHERE NOT $5
                UNION ALL
                SELECT * FROM insights.match_slices WHERE $5
            ) d
            WHERE day BETWEEN $1 AND $2 AND ($3::int[] IS NULL OR place = ANY($3)) AND ($4::text IS NULL OR queue = $4)
            "#,
            days.from(),
            days.to(),
            places.numbers(),
            queue,
            places.beyond_regions(),
        )
        .fetch_all(&mut *postgres)
        .await?;
        drop(postgres);
        let mut sums: BTreeMap<(usize, Option<String>), Sums> = BTreeMap::new();
        for row in rows {
            let sum = sums.entry((places.group_of(row.place), row.mode)).or_default();
            *sum.outcomes.entry(row.outcome).or_default() += codec::count(row.matches);
            sum.first_wins += row.first_wins;
            sum.second_wins += row.second_wins;
            sum.timed += row.timed;
            sum.total_ms += row.total_ms;
            sum.durations.add(&Sketch::kept(row.durations));
            sum.durations.add_packed(&row.durations_packed)?;
        }
        Ok(sums.into_iter().map(|((group, mode), sum)| sum.facts(places.name(group), mode)).collect())
    }
}

impl Sums {
    fn facts(self, group: Option<String>, mode: Option<String>) -> MatchFacts {
        let mut outcomes: Vec<(String, u64)> = self.outcomes.into_iter().collect();
        outcomes.sort_by_key(|(_, matches)| std::cmp::Reverse(*matches));
        let (first_wins, second_wins) = (codec::count(self.first_wins), codec::count(self.second_wins));
        let won = first_wins + second_wins;
        MatchFacts {
            group,
            mode,
            matches: outcomes.iter().map(|(_, matches)| matches).sum(),
            outcomes,
            mean_ms: (self.timed > 0).then(|| self.total_ms as f64 / self.timed as f64),
            p50_ms: self.durations.ms_at(0.5),
            p95_ms: self.durations.ms_at(0.95),
            first_wins,
            second_wins,
            first_share: (won > 0).then(|| first_wins as f64 / won as f64),
            first_share_between: (won > 0).then(|| wilson(first_wins as f64, won as f64)),
        }
    }
}

/// The score interval of a share, with 95 % confidence.
fn wilson(part: f64, whole: f64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let share = part / whole;
    let bottom = 1.0 + Z * Z / whole;
    let middle = (share + Z * Z / (2.0 * whole)) / bottom;
    let reach = Z / bottom * (share * (1.0 - share) / whole + Z * Z / (4.0 * whole * whole)).sqrt();
    ((middle - reach).max(0.0), (middle + reach).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_books() {
        // Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
        let (low, high) = wilson(81.0, 263.0);
        assert!((low - 0.2553).abs() < 1e-4 && (high - 0.3662).abs() < 1e-4, "{low} {high}");
        let (low, high) = wilson(0.0, 20.0);
        assert!(low == 0.0 && (high - 0.1611).abs() < 1e-4, "{low} {high}");
    }
}
