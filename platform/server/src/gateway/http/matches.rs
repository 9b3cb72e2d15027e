//! Matches, running and finished: anybody signed in may look.

use axum::Json;
use axum::extract::State;
use muster_core::id::MatchId;
use muster_core::wire::{EventPage, MatchView, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{Caller, PathId, Query};

/// A match as it is now. The seed shows only when it is over.
#[utoipa::path(get, path = "/v1/matches/{id}", tag = "matches", security(("token" = [])), params(("id" = MatchId, Path)), responses(
    (status = 200, body = MatchView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_match(
    State(gateway): State<Gateway>,
    _caller: Caller,
    PathId(match_id): PathId<MatchId>,
) -> Result<Json<MatchView>, ApiError> {
    gateway.view_match(match_id).await.map(Json)
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

/// The log of a match, in order.
#[utoipa::path(get, path = "/v1/matches/{id}/events", tag = "matches", security(("token" = [])), params(("id" = MatchId, Path), EventRange), responses(
    (status = 200, body = EventPage),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_match_events(
    State(gateway): State<Gateway>,
    _caller: Caller,
    PathId(match_id): PathId<MatchId>,
    Query(range): Query<EventRange>,
) -> Result<Json<EventPage>, ApiError> {
    if !(1..=1000).contains(&range.first) {
        return Err(ApiError::field("first", "must be between 1 and 1000"));
    }
    gateway.match_events(match_id, range.after, range.first).await.map(Json)
}
