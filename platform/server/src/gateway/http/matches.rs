//! Matches, running and finished. A finished one is for anybody who is signed in; of a running one its players see everything,
//! others what is older than the spectators' delay.

use axum::Json;
use axum::extract::State;
use muster_core::id::MatchId;
use muster_core::wire::{EventPage, MatchView, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{LimitedCaller, PathId, Query};

/// A match as it is now; to others than its players, while it runs, as it was before the spectators' delay. The seed shows only
/// when it is over.
#[utoipa::path(get, path = "/v1/matches/{id}", tag = "matches", security(("token" = [])), params(("id" = MatchId, Path)), responses(
    (status = 200, body = MatchView),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`spectators_off`"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_match(
    State(gateway): State<Gateway>,
    LimitedCaller(caller): LimitedCaller,
    PathId(match_id): PathId<MatchId>,
) -> Result<Json<MatchView>, ApiError> {
    gateway.show_match(caller, match_id).await.map(Json)
}

/// Which part of a match's log is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventRange {
    /// Events after this sequence number; 0 for all.
    #[serde(default)]
    after: u64,
    /// At most so many, 1 to 1000.
    #[serde(default = "default_first")]
    #[param(minimum = 1, maximum = 1000, default = 200)]
    first: u32,
}

fn default_first() -> u32 {
    200
}

/// The log of a match, in order: all of it once the match is over, and to its players while it runs; to others, while it runs,
/// what is older than the spectators' delay. `end_cursor` is the `after` of the next page; of a running match it may be asked for
/// again and again.
#[utoipa::path(get, path = "/v1/matches/{id}/events", tag = "matches", security(("token" = [])), params(("id" = MatchId, Path), EventRange), responses(
    (status = 200, body = EventPage),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`spectators_off`"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_match_events(
    State(gateway): State<Gateway>,
    LimitedCaller(caller): LimitedCaller,
    PathId(match_id): PathId<MatchId>,
    Query(range): Query<EventRange>,
) -> Result<Json<EventPage>, ApiError> {
    if !(1..=1000).contains(&range.first) {
        return Err(ApiError::field("first", "must be between 1 and 1000"));
    }
    gateway.match_events(caller, match_id, range.after, range.first).await.map(Json)
}
