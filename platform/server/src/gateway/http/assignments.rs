//! Matches that wait for a server of their game: for trusted servers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::id::MatchId;
use muster_core::wire::{Assign, AssignmentView, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{Body, PathId, Query, Trusted};

/// Which assignments are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Of this queue only.
    queue: Option<String>,
    /// At most so many, 1 to 200.
    #[serde(default = "default_first")]
    #[param(minimum = 1, maximum = 200, default = 100)]
    first: u32,
}

fn default_first() -> u32 {
    100
}

/// Matches of queues without a mode that wait for a server, the longest wait first. Ask again about every second; what is not
/// answered by `expires_at` goes back to its queue.
#[utoipa::path(get, path = "/v1/assignments", tag = "servers", security(("key" = [])), params(Wanted), responses(
    (status = 200, body = Vec<AssignmentView>),
    (status = 403, body = Problem, description = "Not a service key", content_type = "application/problem+json"),
))]
pub(super) async fn list_assignments(
    State(gateway): State<Gateway>,
    _key: Trusted,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<AssignmentView>>, ApiError> {
    if !(1..=200).contains(&wanted.first) {
        return Err(ApiError::field("first", "must be between 1 and 200"));
    }
    gateway.list_assignments(wanted.queue.as_deref(), wanted.first).await.map(Json)
}

/// Say where a match is played; its players are told to connect there. Safe to send again.
#[utoipa::path(put, path = "/v1/assignments/{id}", tag = "servers", security(("key" = [])), params(("id" = MatchId, Path)),
    request_body = Assign, responses(
    (status = 200, body = AssignmentView),
    (status = 404, body = Problem, description = "Unknown, refused or expired", content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "Another server was quicker", content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn assign(
    State(gateway): State<Gateway>,
    _key: Trusted,
    PathId(match_id): PathId<MatchId>,
    Body(body): Body<Assign>,
) -> Result<Json<AssignmentView>, ApiError> {
    body.validate()?;
    gateway.assign(match_id, body.connection).await.map(Json)
}

/// Why there is no server.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Refusal {
    /// A stable name for metrics: 1 to 32 of `a-z`, `0-9` and `_`.
    #[serde(default = "default_reason")]
    #[param(pattern = "^[a-z0-9_]{1,32}$", default = "no_capacity")]
    reason: String,
}

fn default_reason() -> String {
    "no_capacity".to_owned()
}

/// Say that there is no server for a match: its tickets return to the head of their queue, with the time they have waited.
#[utoipa::path(delete, path = "/v1/assignments/{id}", tag = "servers", security(("key" = [])),
    params(("id" = MatchId, Path), Refusal), responses(
    (status = 204, description = "Refused"),
    (status = 404, body = Problem, description = "Unknown, assigned or expired", content_type = "application/problem+json"),
))]
pub(super) async fn refuse_assignment(
    State(gateway): State<Gateway>,
    _key: Trusted,
    PathId(match_id): PathId<MatchId>,
    Query(Refusal { reason }): Query<Refusal>,
) -> Result<StatusCode, ApiError> {
    let stable = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=32).contains(&reason.len()) || !reason.bytes().all(stable) {
        return Err(ApiError::field("reason", "1 to 32 of `a-z`, `0-9` and `_`"));
    }
    gateway.refuse_assignment(match_id, reason).await.map(|()| StatusCode::NO_CONTENT)
}
