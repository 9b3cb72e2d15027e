//! Seasons: which there are, and making and changing them. Questions are asked of them; see [`super::insights`].

use async_graphql::{Context, InputObject, Object, SimpleObject};
use muster_core::wire::FieldError;
use muster_store::{Actor, PutSeasonError, SeasonChange, Store};

use super::{cost::Reckoned, errors::ApiError, of_schema, queues::read_reason, time::Time};
use crate::{
    auth::{Needs, Permission, session_of},
    events,
};

/// A span of whole days (UTC) with a name.
#[derive(SimpleObject)]
pub struct Season {
    /// What it is called.
    name: String,
    /// Counts from 1; every change makes the next one.
    version: u32,
    /// Its first midnight (UTC).
    starts_at: Time,
    /// The midnight (UTC) at which it is over.
    ends_at: Time,
    /// When it became so.
    changed_at: Time,
}

impl From<muster_store::Season> for Season {
    fn from(season: muster_store::Season) -> Self {
        Self {
            name: season.name,
            version: season.version,
            starts_at: Time(season.starts_at),
            ends_at: Time(season.ends_at),
            changed_at: Time(season.changed_at),
        }
    }
}

/// When a season is, and why.
#[derive(InputObject)]
pub struct SeasonInput {
    /// What it is called: 1 to 64 of `a-z`, `0-9`, `-` and `_`. A season keeps its name.
    name: String,
    /// Its first moment: a midnight of UTC.
    starts_at: Time,
    /// When it is over, not included: a midnight of UTC, 1 to 366 days later. No two seasons have a day in common.
    ends_at: Time,
    /// Why: 3 to 500 characters, for the audit log.
    reason: String,
}

/// Queries about seasons.
#[derive(Default)]
pub struct SeasonQuery;

#[Object]
impl SeasonQuery {
    /// All seasons (500 at most), the newest first.
    #[graphql(guard = "Needs(Permission::ReadInsights)", complexity = "Reckoned::Queues.of(child_complexity)")]
    async fn seasons(&self, context: &Context<'_>) -> Result<Vec<Season>, ApiError> {
        let found = of_schema::<Store>(context)?.seasons.list().await.map_err(ApiError::internal("list_seasons"))?;
        Ok(found.into_iter().map(Season::from).collect())
    }
}

/// Acts on seasons.
#[derive(Default)]
pub struct SeasonMutation;

#[Object]
impl SeasonMutation {
    /// Makes a season. Refused with `invalid_field`, also when there is one of the name, or one that has some of its days.
    #[graphql(guard = "Needs(Permission::EditSeasons)")]
    async fn create_season(&self, context: &Context<'_>, input: SeasonInput) -> Result<Season, ApiError> {
        put(context, input, None).await
    }

    /// Gives a season, which must be at `expectedVersion`, another span. What was counted stays as it is: questions of the season are then
    /// asked of its new days. Refused with `invalid_field`, `not_found`, or `version_conflict` (`extensions.current_version` is what it
    /// is at by now).
    #[graphql(guard = "Needs(Permission::EditSeasons)")]
    async fn update_season(
        &self,
        context: &Context<'_>,
        expected_version: i32,
        input: SeasonInput,
    ) -> Result<Season, ApiError> {
        let expected = u32::try_from(expected_version).ok().filter(|version| *version > 0);
        let expected = expected
            .ok_or_else(|| ApiError::bad_input("expectedVersion must be 1 or more: the version that you looked at"))?;
        put(context, input, Some(expected)).await
    }
}

async fn put(context: &Context<'_>, input: SeasonInput, expected_version: Option<u32>) -> Result<Season, ApiError> {
    let author = session_of(context)?.member.staff_id;
    let SeasonInput { name, starts_at: Time(starts_at), ends_at: Time(ends_at), reason } = input;
    let reason = read_reason(&reason)?;
    let change = SeasonChange { name, starts_at, ends_at, expected_version, author: Actor::Staff(author), reason };
    let made = of_schema::<Store>(context)?.seasons.put(&change, muster_store::now()).await;
    let made = made.map_err(|error| refusal(change.name, error))?;
    events::season_put(author, &made.name, made.version);
    Ok(made.into())
}

fn refusal(name: String, error: PutSeasonError) -> ApiError {
    match error {
        PutSeasonError::Exists => ApiError::invalid_field("name", error.to_string()),
        PutSeasonError::Overlaps => {
            let fault = |path| FieldError::new(path, PutSeasonError::Overlaps.to_string());
            ApiError::InvalidFields(["startsAt", "endsAt"].map(fault).into())
        }
        PutSeasonError::VersionConflict { current: 0 } => ApiError::NotFound { what: "season", id: name },
        PutSeasonError::VersionConflict { current } => ApiError::VersionConflict { name, current },
        PutSeasonError::TooMany => ApiError::bad_input(error.to_string()),
        PutSeasonError::Invalid(invalid) => ApiError::InvalidFields(invalid.0),
        PutSeasonError::Store(error) => ApiError::internal("put_season")(error),
    }
}
