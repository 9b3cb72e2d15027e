//! Questions about players, sessions, queues and matches, answered from facts; a few seconds old at most.

mod asked;
mod feed;
mod matches;
mod measures;
mod platform;
mod players;
mod sessions;

use async_graphql::{Context, Object};
use chrono::TimeDelta;
use muster_store::{Insights, Measure, Span, Store};

use super::{errors::ApiError, of_schema, time::Time};
use crate::auth::{Needs, Permission};
use asked::{Day, InsightDimension, InsightSlice, InsightStep, days, refusal, short, slice};
use feed::EventSource;
use matches::{MatchFacts, QueueSeries};
use measures::{MeasureDimension, MeasureSeries};
use platform::{EventKindCount, HypertableSpace, PlatformSample};
use players::{ActivePlayers, ChurnPoint, ConcurrencyPoint, FunnelStep, PlayersPlaying, RetentionCohort};
use sessions::SessionSeries;

pub use feed::InsightSubscription;

/// Most days of one question.
const DAYS: usize = muster_store::MAX_DAYS as usize;

/// Questions of staff.
#[derive(Default)]
pub struct InsightQuery;

fn insights<'a>(context: &Context<'a>) -> Result<&'a Insights, ApiError> {
    Ok(&of_schema::<Store>(context)?.insights)
}

fn all<T, U: From<T>>(entries: Vec<T>) -> Vec<U> {
    entries.into_iter().map(U::from).collect()
}

#[Object]
impl InsightQuery {
    /// Distinct players by the day, week and month, for each day of a range (92 days at most).
    #[graphql(
        guard = "Needs(Permission::ReadInsights)",
        complexity = "asked::cost(DAYS, by.is_some(), child_complexity)"
    )]
    async fn active_players(
        &self,
        context: &Context<'_>,
        from: Option<Day>,
        to: Option<Day>,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<ActivePlayers>, ApiError> {
        let (days, slice) = days(insights(context)?, from, to, slice).await?;
        let answer = insights(context)?.active(days, &slice, by.map(Into::into)).await;
        Ok(all(answer.map_err(refusal("active_players"))?))
    }

    /// Day-N retention: by the day of their first event (92 days at most), how many players had an event exactly `after` days later.
    /// Slice and dimension are those of the first day.
    #[graphql(
        guard = "Needs(Permission::ReadInsights)",
        complexity = "asked::cost(DAYS, by.is_some(), child_complexity)"
    )]
    async fn retention(
        &self,
        context: &Context<'_>,
        from: Option<Day>,
        to: Option<Day>,
        #[graphql(default_with = "vec![1, 7, 30]")] after: Vec<u32>,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<RetentionCohort>, ApiError> {
        let (days, slice) = days(insights(context)?, from, to, slice).await?;
        let today = muster_store::now().date_naive();
        let answer = insights(context)?.retention(days, &after, &slice, by.map(Into::into), today).await;
        Ok(all(answer.map_err(refusal("retention"))?))
    }

    /// Length, errors and lost connections of the sessions that began in a range (92 days at most).
    #[graphql(
        guard = "Needs(Permission::ReadInsights)",
        complexity = "asked::cost(DAYS, by.is_some(), child_complexity)"
    )]
    async fn session_facts(
        &self,
        context: &Context<'_>,
        from: Option<Day>,
        to: Option<Day>,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<SessionSeries>, ApiError> {
        let (days, slice) = days(insights(context)?, from, to, slice).await?;
        let answer = insights(context)?.sessions(days, &slice, by.map(Into::into)).await;
        Ok(all(answer.map_err(refusal("session_facts"))?))
    }

    /// How far players come through kinds of events (2 to 8), all within so many hours of an event of the first kind. Of a player's events
    /// of a kind on a day, the first and the last are known: who is counted has come so far, and some who have are not counted.
    #[graphql(guard = "Needs(Permission::ReadInsights)", complexity = "asked::cost(8, by.is_some(), child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn funnel(
        &self,
        context: &Context<'_>,
        from: Option<Day>,
        to: Option<Day>,
        kinds: Vec<String>,
        #[graphql(default = 24)] within_hours: i32,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<FunnelStep>, ApiError> {
        let (days, slice) = days(insights(context)?, from, to, slice).await?;
        let within = TimeDelta::hours(within_hours.into());
        let answer = insights(context)?.funnel(days, &kinds, within, &slice, by.map(Into::into)).await;
        Ok(all(answer.map_err(refusal("funnel"))?))
    }

    /// Time to match and quality of the tickets that ended in a range (92 days at most; 14 by the hour), by queue.
    #[graphql(
        guard = "Needs(Permission::ReadInsights)",
        complexity = "asked::cost(10 * DAYS, by.is_some(), child_complexity / 4)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn queue_series(
        &self,
        context: &Context<'_>,
        from: Option<Day>,
        to: Option<Day>,
        queue: Option<String>,
        #[graphql(default_with = "InsightStep::Day")] step: InsightStep,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<QueueSeries>, ApiError> {
        let (days, slice) = days(insights(context)?, from, to, slice).await?;
        queue.as_deref().map_or(Ok(()), short)?;
        let answer = insights(context)?.queues(days, queue.as_deref(), step.into(), &slice, by.map(Into::into)).await;
        Ok(all(answer.map_err(refusal("queue_series"))?))
    }

    /// Length, outcome and the first player's advantage of the matches that ended in a range (92 days at most), by mode.
    #[graphql(
        guard = "Needs(Permission::ReadInsights)",
        complexity = "asked::cost(16, by.is_some(), child_complexity)"
    )]
    async fn match_facts(
        &self,
        context: &Context<'_>,
        from: Option<Day>,
        to: Option<Day>,
        queue: Option<String>,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<MatchFacts>, ApiError> {
        let (days, slice) = days(insights(context)?, from, to, slice).await?;
        queue.as_deref().map_or(Ok(()), short)?;
        let answer = insights(context)?.matches(days, queue.as_deref(), &slice, by.map(Into::into)).await;
        Ok(all(answer.map_err(refusal("match_facts"))?))
    }

    /// Churn risk by days since last seen (0 to 30): how often, in a range of 92 days at most, somebody who had been away so long did not
    /// come back within `horizonDays` (1 to 60) more.
    #[graphql(guard = "Needs(Permission::ReadInsights)", complexity = "asked::cost(31, false, child_complexity)")]
    async fn churn(
        &self,
        context: &Context<'_>,
        from: Option<Day>,
        to: Option<Day>,
        #[graphql(default = 14)] horizon_days: u32,
        slice: Option<InsightSlice>,
    ) -> Result<Vec<ChurnPoint>, ApiError> {
        let (days, slice) = days(insights(context)?, from, to, slice).await?;
        let answer = insights(context)?.churn(days, horizon_days, &slice).await;
        Ok(all(answer.map_err(refusal("churn"))?))
    }

    /// The kinds of events that happened most often in a range (92 days at most): the first 1 to 100 of each group.
    #[graphql(
        guard = "Needs(Permission::ReadInsights)",
        complexity = "asked::cost(100, by.is_some(), child_complexity)"
    )]
    async fn event_kinds(
        &self,
        context: &Context<'_>,
        from: Option<Day>,
        to: Option<Day>,
        #[graphql(default = 20)] first: i32,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<EventKindCount>, ApiError> {
        let (days, slice) = days(insights(context)?, from, to, slice).await?;
        let first = usize::try_from(first).unwrap_or(0);
        let answer = insights(context)?.top_kinds(days, &slice, by.map(Into::into), first).await;
        Ok(all(answer.map_err(refusal("event_kinds"))?))
    }

    /// The numbers that events of a kind carry as a property, where their type names it as a measure: count, sum, mean, least, greatest and
    /// percentiles, of events that happened in a range (92 days at most; 14 by the hour). Nothing before the type first named it.
    #[graphql(
        guard = "Needs(Permission::ReadInsights)",
        complexity = "asked::cost(336, by.is_some(), child_complexity)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn measure_series(
        &self,
        context: &Context<'_>,
        kind: String,
        measure: String,
        from: Option<Day>,
        to: Option<Day>,
        season: Option<String>,
        #[graphql(default_with = "InsightStep::Day")] step: InsightStep,
        source: Option<EventSource>,
        by: Option<MeasureDimension>,
    ) -> Result<Vec<MeasureSeries>, ApiError> {
        let (days, _) = days(insights(context)?, from, to, Some(InsightSlice::of_season(season))).await?;
        let measure = Measure { kind, name: measure, source: source.map(Into::into) };
        let answer = insights(context)?.measures(days, &measure, step.into(), by.map(Into::into)).await;
        Ok(all(answer.map_err(refusal("measure_series"))?))
    }

    /// Sessions that run at once: by the minute (24 hours at most), or on average by hour or day (92 days at most).
    #[graphql(
        guard = "Needs(Permission::ReadInsights)",
        complexity = "asked::cost(1_440, by.is_some(), child_complexity)"
    )]
    async fn concurrency(
        &self,
        context: &Context<'_>,
        from: Option<Time>,
        to: Option<Time>,
        #[graphql(default_with = "InsightStep::Hour")] step: InsightStep,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<ConcurrencyPoint>, ApiError> {
        let (span, slice) = asked::span(insights(context)?, from, to, slice).await?;
        let answer = insights(context)?.concurrency(span, step.into(), &slice, by.map(Into::into)).await;
        Ok(all(answer.map_err(refusal("concurrency"))?))
    }

    /// Players with a session whose last event is of the last two minutes.
    #[graphql(guard = "Needs(Permission::ReadInsights)", complexity = "asked::cost(1, by.is_some(), child_complexity)")]
    async fn players_playing(
        &self,
        context: &Context<'_>,
        slice: Option<InsightSlice>,
        by: Option<InsightDimension>,
    ) -> Result<Vec<PlayersPlaying>, ApiError> {
        let (slice, None) = self::slice(slice)? else {
            return Err(ApiError::bad_input("who plays now plays in one season: ask without it"));
        };
        let answer = insights(context)?.playing(muster_store::now(), &slice, by.map(Into::into)).await;
        Ok(all(answer.map_err(refusal("players_playing"))?))
    }

    /// What the platform counted of itself, by steps of so many minutes (1,500 steps and 92 days at most).
    #[graphql(guard = "Needs(Permission::ReadInsights)", complexity = "asked::cost(1_500, false, child_complexity)")]
    async fn platform_samples(
        &self,
        context: &Context<'_>,
        from: Time,
        to: Time,
        #[graphql(default = 60)] step_minutes: i32,
    ) -> Result<Vec<PlatformSample>, ApiError> {
        let span = Span { from: from.0, to: to.0 };
        let answer = insights(context)?.samples(span, TimeDelta::minutes(step_minutes.into())).await;
        Ok(all(answer.map_err(refusal("platform_samples"))?))
    }

    /// The hypertables and how much room they take.
    #[graphql(guard = "Needs(Permission::ReadInsights)", complexity = "asked::cost(8, false, child_complexity)")]
    async fn hypertables(&self, context: &Context<'_>) -> Result<Vec<HypertableSpace>, ApiError> {
        Ok(all(insights(context)?.space().await.map_err(ApiError::internal("hypertables"))?))
    }
}
