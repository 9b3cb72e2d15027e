//! What can be exported, and its answers as tables.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use muster_store::{Days, Dimension, InsightError, Insights, QueueHour, SessionFacts, Slice, Span, Step};
use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::schema::ApiError;

/// A request for a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub format: Format,
    #[serde(flatten)]
    pub question: Question,
}

/// Kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    Csv,
    Parquet,
}

/// A question with what it is asked of; see GraphQL's fields of the same names. Days are `from` and `to`, both included.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "snake_case")]
pub(super) enum Question {
    ActivePlayers(Range),
    Retention {
        #[serde(flatten)]
        range: Range,
        after: Vec<u32>,
    },
    SessionFacts(Range),
    Funnel {
        #[serde(flatten)]
        range: Range,
        kinds: Vec<String>,
        within_hours: u16,
    },
    QueueSeries {
        #[serde(flatten)]
        range: Range,
        #[serde(default)]
        queue: Option<String>,
        step: Unit,
    },
    MatchFacts {
        #[serde(flatten)]
        range: Range,
        #[serde(default)]
        queue: Option<String>,
    },
    Churn {
        #[serde(flatten)]
        range: Range,
        horizon_days: u32,
    },
    EventKinds {
        #[serde(flatten)]
        range: Range,
        first: u16,
    },
    Concurrency {
        #[serde(flatten)]
        range: Range,
        step: Unit,
    },
}

/// Days (of a season, where it is named), a part of the players, and what the answer is told apart by.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Range {
    #[serde(default)]
    from: Option<NaiveDate>,
    #[serde(default)]
    to: Option<NaiveDate>,
    #[serde(default)]
    season: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    build: Option<String>,
    #[serde(default)]
    by: Option<By>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum By {
    Region,
    Platform,
    Build,
    Season,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    Minute,
    Hour,
    Day,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl Asked {
    pub fn file_name(&self) -> String {
        let Range { from, to, season, .. } = self.question.range();
        // A season that was found is made of letters, digits, `-` and `_`.
        let of = season.iter().cloned().chain([from, to].into_iter().flatten().map(ToString::to_string));
        let of: String = of.flat_map(|part| ["_".to_owned(), part]).collect();
        format!("{}{of}.{}", self.question.name(), self.format.as_str())
    }
}

impl Range {
    async fn read(&self, insights: &Insights) -> Result<(Days, Slice, Option<Dimension>), InsightError> {
        let slice = Slice { region: self.region.clone(), platform: self.platform.clone(), build: self.build.clone() };
        let by = self.by.map(|by| match by {
            By::Region => Dimension::Region,
            By::Platform => Dimension::Platform,
            By::Build => Dimension::Build,
            By::Season => Dimension::Season,
        });
        let days = match (&self.season, self.from, self.to) {
            (Some(season), from, to) => insights.season_days(season, from, to).await?,
            (None, Some(from), Some(to)) => Days::new(from, to)?,
            (None, ..) => return Err(InsightError::Invalid("name `from` and `to`, or a `season`".to_owned())),
        };
        Ok((days, slice, by))
    }
}

impl From<Unit> for Step {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Minute => Self::Minute,
            Unit::Hour => Self::Hour,
            Unit::Day => Self::Day,
        }
    }
}

impl Question {
    pub fn name(&self) -> &'static str {
        match self {
            Self::ActivePlayers(_) => "active_players",
            Self::Retention { .. } => "retention",
            Self::SessionFacts(_) => "session_facts",
            Self::Funnel { .. } => "funnel",
            Self::QueueSeries { .. } => "queue_series",
            Self::MatchFacts { .. } => "match_facts",
            Self::Churn { .. } => "churn",
            Self::EventKinds { .. } => "event_kinds",
            Self::Concurrency { .. } => "concurrency",
        }
    }

    fn range(&self) -> &Range {
        match self {
            Self::ActivePlayers(range)
            | Self::Retention { range, .. }
            | Self::SessionFacts(range)
            | Self::Funnel { range, .. }
            | Self::QueueSeries { range, .. }
            | Self::MatchFacts { range, .. }
            | Self::Churn { range, .. }
            | Self::EventKinds { range, .. }
            | Self::Concurrency { range, .. } => range,
        }
    }

    /// The answer, a row for each entry.
    pub async fn ask(&self, insights: &Insights, now: DateTime<Utc>) -> Result<Table, ApiError> {
        let range = self.range();
        let names = [&range.region, &range.platform, &range.build, &range.season];
        if names.into_iter().flatten().any(|name| name.len() > 64) {
            return Err(ApiError::bad_input("names have 64 bytes at most"));
        }
        self.answer(insights, now).await.map_err(|error| match error {
            InsightError::Invalid(reason) => ApiError::BadInput(reason),
            InsightError::Store(error) => ApiError::internal("export")(error),
        })
    }

    async fn answer(&self, insights: &Insights, now: DateTime<Utc>) -> Result<Table, InsightError> {
        let (days, slice, by) = self.range().read(insights).await?;
        Ok(match self {
            Self::ActivePlayers(_) => {
                let rows = insights.active(days, &slice, by).await?;
                Table::new()
                    .text("group", &rows, |row| row.group.clone())
                    .day("day", &rows, |row| Some(row.day))
                    .whole("daily", &rows, |row| Some(row.daily))
                    .whole("weekly", &rows, |row| Some(row.weekly))
                    .whole("monthly", &rows, |row| Some(row.monthly))
                    .number("stickiness", &rows, |row| Some(row.stickiness))
            }
            Self::Retention { after, .. } => {
                let cohorts = insights.retention(days, after, &slice, by, now.date_naive()).await?;
                let rows: Vec<_> =
                    cohorts.iter().flat_map(|cohort| cohort.returned.iter().map(move |back| (cohort, back))).collect();
                Table::new()
                    .text("group", &rows, |(cohort, _)| cohort.group.clone())
                    .day("day", &rows, |(cohort, _)| Some(cohort.day))
                    .whole("players", &rows, |(cohort, _)| Some(cohort.players))
                    .whole("days_after", &rows, |(_, back)| Some(back.0.into()))
                    .whole("returned", &rows, |(_, back)| back.1)
            }
            Self::SessionFacts(_) => {
                let series = insights.sessions(days, &slice, by).await?;
                let rows: Vec<(Option<String>, NaiveDate, SessionFacts)> = series
                    .into_iter()
                    .flat_map(|series| {
                        let group = series.group;
                        series.days.into_iter().map(move |(day, facts)| (group.clone(), day, facts))
                    })
                    .collect();
                Table::new()
                    .text("group", &rows, |row| row.0.clone())
                    .day("day", &rows, |row| Some(row.1))
                    .whole("sessions", &rows, |row| Some(row.2.sessions))
                    .number("mean_ms", &rows, |row| row.2.mean_ms)
                    .number("p50_ms", &rows, |row| row.2.p50_ms)
                    .number("p90_ms", &rows, |row| row.2.p90_ms)
                    .number("p99_ms", &rows, |row| row.2.p99_ms)
                    .whole("errors", &rows, |row| Some(row.2.errors))
                    .whole("disconnects", &rows, |row| Some(row.2.disconnects))
                    .number("error_rate", &rows, |row| Some(row.2.error_rate))
                    .number("disconnect_rate", &rows, |row| Some(row.2.disconnect_rate))
            }
            Self::Funnel { kinds, within_hours, .. } => {
                let within = TimeDelta::hours((*within_hours).into());
                let rows = insights.funnel(days, kinds, within, &slice, by).await?;
                Table::new()
                    .text("group", &rows, |row| row.group.clone())
                    .text("kind", &rows, |row| Some(row.kind.clone()))
                    .whole("players", &rows, |row| Some(row.players))
                    .number("of_first", &rows, |row| Some(row.of_first))
                    .number("of_previous", &rows, |row| Some(row.of_previous))
                    .whole("median_ms", &rows, |row| row.median_ms)
            }
            Self::QueueSeries { queue, step, .. } => {
                let series = insights.queues(days, queue.as_deref(), (*step).into(), &slice, by).await?;
                let rows: Vec<(&str, Option<String>, DateTime<Utc>, &QueueHour)> = series
                    .iter()
                    .flat_map(|series| {
                        let point = |(at, hour)| (&*series.queue, series.group.clone(), at, hour);
                        series.points.iter().map(|(at, hour)| (*at, hour)).map(point)
                    })
                    .collect();
                Table::new()
                    .text("queue", &rows, |row| Some(row.0.to_owned()))
                    .text("group", &rows, |row| row.1.clone())
                    .time("at", &rows, |row| Some(row.2))
                    .whole("tickets", &rows, |row| Some(row.3.tickets))
                    .whole("players", &rows, |row| Some(row.3.players))
                    .whole("matched", &rows, |row| Some(row.3.matched))
                    .whole("cancelled", &rows, |row| Some(row.3.cancelled))
                    .whole("expired", &rows, |row| Some(row.3.expired))
                    .whole("failed", &rows, |row| Some(row.3.failed))
                    .number("mean_wait_ms", &rows, |row| row.3.mean_wait_ms)
                    .number("p50_wait_ms", &rows, |row| row.3.p50_wait_ms)
                    .number("p95_wait_ms", &rows, |row| row.3.p95_wait_ms)
                    .number("p99_wait_ms", &rows, |row| row.3.p99_wait_ms)
                    .number("mean_quality", &rows, |row| row.3.mean_quality)
                    .number("p10_quality", &rows, |row| row.3.p10_quality)
            }
            Self::MatchFacts { queue, .. } => {
                let facts = insights.matches(days, queue.as_deref(), &slice, by).await?;
                let rows: Vec<_> =
                    facts.iter().flat_map(|facts| facts.outcomes.iter().map(move |outcome| (facts, outcome))).collect();
                Table::new()
                    .text("group", &rows, |(facts, _)| facts.group.clone())
                    .text("mode", &rows, |(facts, _)| facts.mode.clone())
                    .text("outcome", &rows, |(_, outcome)| Some(outcome.0.clone()))
                    .whole("matches", &rows, |(_, outcome)| Some(outcome.1))
                    .number("mode_mean_ms", &rows, |(facts, _)| facts.mean_ms)
                    .number("mode_p50_ms", &rows, |(facts, _)| facts.p50_ms)
                    .number("mode_p95_ms", &rows, |(facts, _)| facts.p95_ms)
                    .whole("mode_first_wins", &rows, |(facts, _)| Some(facts.first_wins))
                    .whole("mode_second_wins", &rows, |(facts, _)| Some(facts.second_wins))
            }
            Self::Churn { horizon_days, .. } => {
                let rows = insights.churn(days, *horizon_days, &slice).await?;
                Table::new()
                    .whole("days_away", &rows, |row| Some(row.days_away.into()))
                    .whole("times", &rows, |row| Some(row.times))
                    .whole("gone", &rows, |row| Some(row.gone))
                    .number("risk", &rows, |row| row.risk)
                    .whole("players_now", &rows, |row| Some(row.players_now))
            }
            Self::EventKinds { first, .. } => {
                let rows = insights.top_kinds(days, &slice, by, (*first).into()).await?;
                Table::new()
                    .text("group", &rows, |row| row.group.clone())
                    .text("kind", &rows, |row| Some(row.kind.clone()))
                    .text("source", &rows, |row| Some(row.source.clone()))
                    .whole("events", &rows, |row| Some(row.events))
                    .number("share", &rows, |row| Some(row.share))
            }
            Self::Concurrency { step, .. } => {
                let Span { from, to } = days.span();
                let rows = insights.concurrency(Span { from, to }, (*step).into(), &slice, by).await?;
                Table::new().text("group", &rows, |row| row.group.clone()).time("at", &rows, |row| Some(row.at)).number(
                    "sessions",
                    &rows,
                    |row| Some(row.sessions),
                )
            }
        })
    }
}
