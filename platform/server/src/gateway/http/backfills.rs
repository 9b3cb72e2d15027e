//! Running matches that want players: for trusted servers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::id::MatchId;
use muster_core::wire::{BackfillView, Problem, RequestBackfill};

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{Body, PathId, Trusted};

/// Ask for players for a running match. They are found before any new match is made, and come as an assignment with
/// `backfill_of`. Asking again replaces what was asked before.
#[utoipa::path(post, path = "/v1/matches/{id}/backfill", tag = "servers", security(("key" = [])), params(("id" = MatchId, Path)),
    request_body = RequestBackfill, responses(
    (status = 201, body = BackfillView),
    (status = 403, body = Problem, description = "Not a service key", content_type = "application/problem+json"),
    (status = 422, body = Problem, description = "Not as the queue's rules want it", content_type = "application/problem+json"),
))]
pub(super) async fn request_backfill(
    State(gateway): State<Gateway>,
    _key: Trusted,
    PathId(match_id): PathId<MatchId>,
    Body(body): Body<RequestBackfill>,
) -> Result<(StatusCode, Json<BackfillView>), ApiError> {
    gateway.request_backfill(match_id, body).await.map(|view| (StatusCode::CREATED, Json(view)))
}

/// Ask for nobody any more. Players who are on their way already still come.
#[utoipa::path(delete, path = "/v1/matches/{id}/backfill", tag = "servers", security(("key" = [])), params(("id" = MatchId, Path)), responses(
    (status = 204, description = "Nobody is asked for"),
    (status = 404, body = Problem, description = "Nobody was", content_type = "application/problem+json"),
))]
pub(super) async fn withdraw_backfill(
    State(gateway): State<Gateway>,
    _key: Trusted,
    PathId(match_id): PathId<MatchId>,
) -> Result<StatusCode, ApiError> {
    gateway.withdraw_backfill(match_id).await.map(|()| StatusCode::NO_CONTENT)
}
