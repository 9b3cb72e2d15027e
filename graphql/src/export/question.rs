//! What can be exported.

use chrono::{DateTime, NaiveDate, Utc};
use muster_store::{Days, Dimension, InsightError, Insights, MeasureDimension, Slice, Step, TelemetrySource};
use serde::{Deserialize, Serialize};

use super::{answer, table::Table};
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
    Measures {
        #[serde(flatten)]
        range: Range,
        kind: String,
        measure: String,
        #[serde(default)]
        source: Option<TelemetrySource>,
        step: Unit,
    },
    PlayersPlaying(Range),
    PlatformSamples {
        #[serde(flatten)]
        range: Range,
        step_minutes: u16,
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
    Source,
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
    pub async fn read(&self, insights: &Insights) -> Result<(Days, Slice, Option<Dimension>), InsightError> {
        let (slice, by) = self.part()?;
        Ok((self.days(insights).await?, slice, by))
    }

    fn part(&self) -> Result<(Slice, Option<Dimension>), InsightError> {
        let slice = Slice { region: self.region.clone(), platform: self.platform.clone(), build: self.build.clone() };
        let by = match self.by {
            None => None,
            Some(By::Region) => Some(Dimension::Region),
            Some(By::Platform) => Some(Dimension::Platform),
            Some(By::Build) => Some(Dimension::Build),
            Some(By::Season) => Some(Dimension::Season),
            Some(By::Source) => return Err(refused("only measures are told apart by their source")),
        };
        Ok((slice, by))
    }

    /// The same for measures, whose sums know neither region nor platform nor build.
    pub async fn read_of_measures(
        &self,
        insights: &Insights,
    ) -> Result<(Days, Option<MeasureDimension>), InsightError> {
        let by = match self.by {
            None => None,
            Some(By::Season) => Some(MeasureDimension::Season),
            Some(By::Source) => Some(MeasureDimension::Source),
            Some(_) => return Err(refused("measures are told apart by `source` or `season`")),
        };
        if [&self.region, &self.platform, &self.build].into_iter().any(Option::is_some) {
            return Err(refused("measures know no region, platform or build: ask without"));
        }
        Ok((self.days(insights).await?, by))
    }

    /// The part of the players who play now: there is no other time to ask of.
    pub fn read_of_now(&self) -> Result<(Slice, Option<Dimension>), InsightError> {
        let (None, None, None) = (self.from, self.to, &self.season) else {
            return Err(refused("who plays now plays today, in one season: ask without `from`, `to` and `season`"));
        };
        self.part()
    }

    /// The days of what is counted for the whole platform at once.
    pub async fn read_of_all(&self, insights: &Insights) -> Result<Days, InsightError> {
        if [&self.region, &self.platform, &self.build].into_iter().any(Option::is_some) || self.by.is_some() {
            return Err(refused(
                "samples are of the whole platform: ask without `region`, `platform`, `build` and `by`",
            ));
        }
        self.days(insights).await
    }

    async fn days(&self, insights: &Insights) -> Result<Days, InsightError> {
        match (&self.season, self.from, self.to) {
            (Some(season), from, to) => insights.season_days(season, from, to).await,
            (None, Some(from), Some(to)) => Days::new(from, to),
            (None, ..) => Err(refused("name `from` and `to`, or a `season`")),
        }
    }
}

fn refused(reason: &str) -> InsightError {
    InsightError::Invalid(reason.to_owned())
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
            Self::Measures { .. } => "measures",
            Self::PlayersPlaying(_) => "players_playing",
            Self::PlatformSamples { .. } => "platform_samples",
        }
    }

    pub fn range(&self) -> &Range {
        match self {
            Self::ActivePlayers(range)
            | Self::PlayersPlaying(range)
            | Self::Retention { range, .. }
            | Self::SessionFacts(range)
            | Self::Funnel { range, .. }
            | Self::QueueSeries { range, .. }
            | Self::MatchFacts { range, .. }
            | Self::Churn { range, .. }
            | Self::EventKinds { range, .. }
            | Self::Concurrency { range, .. }
            | Self::Measures { range, .. }
            | Self::PlatformSamples { range, .. } => range,
        }
    }

    /// The answer, a row for each entry.
    pub async fn ask(&self, insights: &Insights, now: DateTime<Utc>) -> Result<Table, ApiError> {
        let range = self.range();
        let names = [&range.region, &range.platform, &range.build, &range.season];
        if names.into_iter().flatten().any(|name| name.len() > 64) {
            return Err(ApiError::bad_input("names have 64 bytes at most"));
        }
        answer::table(self, insights, now).await.map_err(|error| match error {
            InsightError::Invalid(reason) => ApiError::BadInput(reason),
            InsightError::Store(error) => ApiError::internal("export")(error),
        })
    }
}
