//! What a question is asked of.

use async_graphql::{Enum, InputObject, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::NaiveDate;
use muster_store::{Days, InsightError, Insights, Slice, Span, Step};

use crate::schema::{errors::ApiError, time::Time};

/// A day of UTC, such as `2026-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub NaiveDate);

/// A day of UTC, such as `2026-01-31`.
#[Scalar(name = "Date")]
impl ScalarType for Day {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse()?)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Which part of the players is meant; what is not named is not asked.
#[derive(InputObject, Default)]
pub struct InsightSlice {
    /// Only of this region.
    region: Option<String>,
    /// Only on this platform.
    platform: Option<String>,
    /// Only with this build.
    build: Option<String>,
    /// Only of this season: `from` and `to` may then be absent, and count only within it.
    season: Option<String>,
}

impl InsightSlice {
    /// All players, in this season where it is named.
    pub(super) fn of_season(season: Option<String>) -> Self {
        Self { season, ..Self::default() }
    }
}

/// What an answer is told apart by. Beyond 50 values, the others are one.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum InsightDimension {
    /// The region.
    Region,
    /// The platform.
    Platform,
    /// The build of the client.
    Build,
    /// The season; 12 of them at most. Days of none are left out.
    Season,
}

/// How long the steps of a series are.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum InsightStep {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day of UTC.
    Day,
}

/// The longest name of a region, platform, build or queue.
const MAX_NAME: usize = 64;

/// The slice that is meant, and the season.
pub(super) fn slice(asked: Option<InsightSlice>) -> Result<(Slice, Option<String>), ApiError> {
    let InsightSlice { region, platform, build, season } = asked.unwrap_or_default();
    for name in [&region, &platform, &build, &season].into_iter().flatten() {
        short(name)?;
    }
    Ok((Slice { region, platform, build }, season))
}

/// Refuses what is the name of nothing.
pub(super) fn short(name: &str) -> Result<(), ApiError> {
    if name.len() > MAX_NAME {
        return Err(ApiError::bad_input(format!("names have {MAX_NAME} bytes at most")));
    }
    Ok(())
}

/// The days that are meant, and the slice.
pub(super) async fn days(
    insights: &Insights,
    from: Option<Day>,
    to: Option<Day>,
    asked: Option<InsightSlice>,
) -> Result<(Days, Slice), ApiError> {
    let (slice, season) = slice(asked)?;
    let days = match (season, from, to) {
        (Some(season), from, to) => insights.season_days(&season, from.map(|day| day.0), to.map(|day| day.0)).await,
        (None, Some(from), Some(to)) => Days::new(from.0, to.0),
        (None, ..) => return Err(ApiError::bad_input("name `from` and `to`, or a season in the slice")),
    };
    Ok((days.map_err(refusal("insight_days"))?, slice))
}

/// The span that is meant, and the slice.
pub(super) async fn span(
    insights: &Insights,
    from: Option<Time>,
    to: Option<Time>,
    asked: Option<InsightSlice>,
) -> Result<(Span, Slice), ApiError> {
    let (slice, season) = slice(asked)?;
    let span = match (season, from, to) {
        (Some(season), from, to) => {
            let day = |at: &Option<Time>| at.as_ref().map(|at| at.0.date_naive());
            let found = insights.season_days(&season, day(&from), day(&to)).await;
            let found = found.map_err(refusal("insight_days"))?.span();
            let from = from.map_or(found.from, |from| from.0.max(found.from));
            Span { from, to: to.map_or(found.to, |to| to.0.min(found.to)) }
        }
        (None, Some(from), Some(to)) => Span { from: from.0, to: to.0 },
        (None, ..) => return Err(ApiError::bad_input("name `from` and `to`, or a season in the slice")),
    };
    Ok((span, slice))
}

/// For `map_err`: what cannot be asked is told, what failed is logged.
pub(super) fn refusal(doing: &'static str) -> impl FnOnce(InsightError) -> ApiError {
    move |error| match error {
        InsightError::Invalid(reason) => ApiError::BadInput(reason),
        InsightError::Store(error) => ApiError::internal(doing)(error),
    }
}

impl From<InsightDimension> for muster_store::Dimension {
    fn from(asked: InsightDimension) -> Self {
        match asked {
            InsightDimension::Region => Self::Region,
            InsightDimension::Platform => Self::Platform,
            InsightDimension::Build => Self::Build,
            InsightDimension::Season => Self::Season,
        }
    }
}

impl From<InsightStep> for Step {
    fn from(asked: InsightStep) -> Self {
        match asked {
            InsightStep::Minute => Self::Minute,
            InsightStep::Hour => Self::Hour,
            InsightStep::Day => Self::Day,
        }
    }
}

/// What a question costs whose answer has so many entries for each group.
pub(super) fn cost(entries: usize, grouped: bool, entry: usize) -> usize {
    // Eight groups are usual; an answer of 50 is as large as it is wide.
    let groups = if grouped { 8 } else { 1 };
    crate::schema::cost::FACTS + entries.saturating_mul(groups).saturating_mul(entry.max(1)) / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_everywhere() {
        let day = Day::parse(Value::from("2026-01-31")).expect("a day");
        assert_eq!(day.to_value(), Value::from("2026-01-31"));
        assert!(Day::parse(Value::from("31.1.2026")).is_err());
        assert!(Day::parse(Value::from(20_260_131)).is_err());
    }

    #[test]
    fn names_are_short() {
        let named = |name: &str| InsightSlice { region: Some(name.to_owned()), ..InsightSlice::default() };
        assert!(slice(Some(named("eu-west"))).is_ok() && slice(None).is_ok());
        assert!(slice(Some(named(&"x".repeat(65)))).is_err());
    }
}
