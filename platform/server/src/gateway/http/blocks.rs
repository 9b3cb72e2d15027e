//! Block lists.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::id::PlayerId;
use muster_core::wire::{BlockList, Problem};

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{LimitedCaller, PathId};

/// Whom the caller never plays with or against.
#[utoipa::path(get, path = "/v1/blocks", tag = "players", security(("token" = [])), responses((status = 200, body = BlockList)))]
pub(super) async fn list_blocks(
    State(gateway): State<Gateway>,
    LimitedCaller(player): LimitedCaller,
) -> Result<Json<BlockList>, ApiError> {
    gateway.list_blocks(player).await.map(Json)
}

/// Never play with or against this player: from the next ticket on. Blocking again changes nothing.
#[utoipa::path(put, path = "/v1/blocks/{id}", tag = "players", security(("token" = [])), params(("id" = PlayerId, Path)), responses(
    (status = 204, description = "Blocked"),
    (status = 404, body = Problem, description = "No such player", content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "256 are blocked already", content_type = "application/problem+json"),
))]
pub(super) async fn block(
    State(gateway): State<Gateway>,
    LimitedCaller(player): LimitedCaller,
    PathId(other): PathId<PlayerId>,
) -> Result<StatusCode, ApiError> {
    gateway.block(player, other).await.map(|()| StatusCode::NO_CONTENT)
}

/// Take a block back. Not blocked is as good.
#[utoipa::path(delete, path = "/v1/blocks/{id}", tag = "players", security(("token" = [])), params(("id" = PlayerId, Path)), responses(
    (status = 204, description = "Not blocked"),
))]
pub(super) async fn unblock(
    State(gateway): State<Gateway>,
    LimitedCaller(player): LimitedCaller,
    PathId(other): PathId<PlayerId>,
) -> Result<StatusCode, ApiError> {
    gateway.unblock(player, other).await.map(|()| StatusCode::NO_CONTENT)
}
