//! Matches on servers of their game: what the servers report, and what players ask.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::id::{MatchId, ServerId};
use muster_core::wire::{JoinPass, Problem, ReportPlayers, ReportResult, ServerMatchView, StartMatch};

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{Body, Caller, LimitedCaller, PathId, PathIds, Trusted};

/// Say that a match has begun, or that the server knows of the players who were added since. Until it is said, heartbeats go on telling
/// of the match, and after a while it ends. Safe to send again.
#[utoipa::path(post, path = "/v1/servers/{id}/matches/{match_id}/start", tag = "servers", security(("key" = [])),
    params(("id" = ServerId, Path), ("match_id" = MatchId, Path)), request_body = StartMatch, responses(
    (status = 200, body = ServerMatchView),
    (status = 404, body = Problem, description = "Not a match of this server", content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "It is over", content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn start_match(
    State(gateway): State<Gateway>,
    Trusted(key): Trusted,
    PathIds(server, match_id): PathIds<ServerId, MatchId>,
    Body(body): Body<StartMatch>,
) -> Result<Json<ServerMatchView>, ApiError> {
    if body.roster == 0 {
        return Err(ApiError::field("roster", "at least 1"));
    }
    gateway.start_server_match(key, server, match_id, body).await.map(Json)
}

/// Say who came, and who left for good and may queue again. Both may be left out; safe to send again.
#[utoipa::path(post, path = "/v1/servers/{id}/matches/{match_id}/players", tag = "servers", security(("key" = [])),
    params(("id" = ServerId, Path), ("match_id" = MatchId, Path)), request_body = ReportPlayers, responses(
    (status = 204, description = "Taken down"),
    (status = 403, body = Problem, description = "Somebody is not in the match", content_type = "application/problem+json"),
    (status = 404, body = Problem, description = "Not a match of this server", content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "It is over", content_type = "application/problem+json"),
))]
pub(super) async fn report_players(
    State(gateway): State<Gateway>,
    Trusted(key): Trusted,
    PathIds(server, match_id): PathIds<ServerId, MatchId>,
    Body(body): Body<ReportPlayers>,
) -> Result<StatusCode, ApiError> {
    body.validate()?;
    gateway.report_server_players(key, server, match_id, &body).await.map(|()| StatusCode::NO_CONTENT)
}

/// Say how a match ended: once. The same again is as good, another one is refused, as is what does not fit the match.
#[utoipa::path(put, path = "/v1/servers/{id}/matches/{match_id}/result", tag = "servers", security(("key" = [])),
    params(("id" = ServerId, Path), ("match_id" = MatchId, Path)), request_body = ReportResult, responses(
    (status = 200, body = ServerMatchView),
    (status = 404, body = Problem, description = "Not a match of this server", content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "It has another result, or ended without one", content_type = "application/problem+json"),
    (status = 422, body = Problem, description = "It does not fit the match", content_type = "application/problem+json"),
))]
pub(super) async fn report_result(
    State(gateway): State<Gateway>,
    Trusted(key): Trusted,
    PathIds(server, match_id): PathIds<ServerId, MatchId>,
    Body(body): Body<ReportResult>,
) -> Result<Json<ServerMatchView>, ApiError> {
    body.validate()?;
    gateway.report_server_result(key, server, match_id, &body).await.map(Json)
}

/// A match on a registered server, running or over: who plays, how it ended, and what it did to ratings.
#[utoipa::path(get, path = "/v1/server-matches/{id}", tag = "matches", security(("token" = [])), params(("id" = MatchId, Path)), responses(
    (status = 200, body = ServerMatchView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_server_match(
    State(gateway): State<Gateway>,
    _caller: Caller,
    PathId(match_id): PathId<MatchId>,
) -> Result<Json<ServerMatchView>, ApiError> {
    gateway.view_server_match(match_id).await.map(Json)
}

/// Where the caller's match is played, and a fresh token to show there: as long as the match runs and is the caller's.
#[utoipa::path(post, path = "/v1/matches/{id}/join-token", tag = "matches", security(("token" = [])), params(("id" = MatchId, Path)), responses(
    (status = 200, body = JoinPass),
    (status = 403, body = Problem, description = "Not the caller's", content_type = "application/problem+json"),
    (status = 404, body = Problem, description = "Not a match on a registered server", content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "It is over", content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn make_join_token(
    State(gateway): State<Gateway>,
    LimitedCaller(player): LimitedCaller,
    PathId(match_id): PathId<MatchId>,
) -> Result<Json<JoinPass>, ApiError> {
    gateway.join_pass(player, match_id).await.map(Json)
}
