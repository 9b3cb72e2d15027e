//! Questions of seasons: of one, or told apart by all that a range meets.

use chrono::{DateTime, Utc};

use super::Insights;
use super::questions::{
    ActiveDay, Cohort, FunnelStep, KindCount, MatchFacts, MeasureSeries, QueueSeries, SessionSeries,
};
use super::range::{AskError, Days, MAX_DAYS, Span};

/// The most seasons that one answer is told apart by.
const MAX_SEASONS: usize = 12;

/// An entry of an answer that can be told apart.
pub(super) trait Grouped {
    /// Says which season it is of.
    fn of_season(&mut self, season: &str);
}

macro_rules! grouped {
    ($($entry:ty),*) => {
        $(impl Grouped for $entry {
            fn of_season(&mut self, season: &str) {
                self.group = Some(season.to_owned());
            }
        })*
    };
}

grouped!(ActiveDay, Cohort, FunnelStep, KindCount, MatchFacts, MeasureSeries, QueueSeries, SessionSeries);

impl Insights {
    /// The days of a season; cut to the part of them from `from` to `to`, where these are given.
    ///
    /// # Errors
    /// There is no such season, it has none of these days, or they are too many for a question.
    pub async fn season_days(
        &self,
        season: &str,
        from: Option<chrono::NaiveDate>,
        to: Option<chrono::NaiveDate>,
    ) -> Result<Days, AskError> {
        // Primary key of play.seasons.
        let found = sqlx::query!("SELECT starts_at, ends_at FROM play.seasons WHERE season = $1", season)
            .fetch_optional(&self.postgres)
            .await?;
        let Some(found) = found else {
            return AskError::invalid(format!("there is no season `{}`", season.chars().take(64).collect::<String>()));
        };
        let first = found.starts_at.date_naive();
        let last = (found.ends_at - chrono::TimeDelta::days(1)).date_naive();
        let (from, to) = (from.map_or(first, |from| from.max(first)), to.map_or(last, |to| to.min(last)));
        if from > to {
            return AskError::invalid(format!("none of these days is in the season, which is from {first} to {last}"));
        }
        let days = (to - from).num_days() + 1;
        if days > MAX_DAYS {
            return AskError::invalid(format!(
                "{days} days of the season `{season}` are too many: ask for {MAX_DAYS} of them at most, with from and to; it is from {first} to {last}"
            ));
        }
        Days::new(from, to)
    }

    /// Asks a question of each season's part of a range; its answers are told apart by season, oldest first. Days of no season are left
    /// out. Each part is answered as if it were asked alone: a player of two seasons counts in both.
    pub(super) async fn by_season<T, A>(&self, days: Days, mut ask: impl FnMut(Days) -> A) -> Result<Vec<T>, AskError>
    where
        T: Grouped,
        A: Future<Output = Result<Vec<T>, AskError>>,
    {
        let mut all = Vec::new();
        for (season, span) in self.seasons_in(days.span()).await? {
            let last = (span.to - chrono::TimeDelta::days(1)).date_naive();
            let mut part = ask(Days::new(span.from.date_naive(), last)?).await?;
            part.iter_mut().for_each(|entry| entry.of_season(&season));
            all.append(&mut part);
        }
        Ok(all)
    }

    /// The seasons that a span meets, oldest first, and what each has of it.
    pub(super) async fn seasons_in(&self, span: Span) -> Result<Vec<(String, Span)>, AskError> {
        // Index seasons_apart.
        let rows = sqlx::query!(
            r#"
            SELECT season, starts_at, ends_at FROM play.seasons
            WHERE tstzrange(starts_at, ends_at) && tstzrange($1, $2)
            ORDER BY starts_at
            "#,
            span.from,
            span.to,
        )
        .fetch_all(&self.postgres)
        .await?;
        if rows.len() > MAX_SEASONS {
            return AskError::invalid(format!(
                "{} seasons are too many: ask for days of {MAX_SEASONS} at most",
                rows.len()
            ));
        }
        let part = |from: DateTime<Utc>, to: DateTime<Utc>| Span { from: from.max(span.from), to: to.min(span.to) };
        Ok(rows.into_iter().map(|row| (row.season, part(row.starts_at, row.ends_at))).collect())
    }
}
