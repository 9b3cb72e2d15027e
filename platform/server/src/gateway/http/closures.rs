//! Regions in which queues are closed: for programs that run the platform, such as the operator. Staff do it in the staff API.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_core::wire::{CloseRegion, ClosureView, Problem};

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{Body, LimitedProgram, PathId, PathIds};

/// Close a region in every queue: no ticket is taken that could play only there, those that wait for it end with the reason
/// `region_closed`, and no match begins there. Running matches go on. Closing again changes nothing.
#[utoipa::path(put, path = "/v1/regions/{region}/closure", tag = "operations", security(("key" = [])),
    params(("region" = String, Path)), request_body = CloseRegion, responses(
    (status = 200, body = ClosureView, description = "The closure that stands"),
    (status = 422, body = Problem, description = "No queue has that region", content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn close_region(
    State(gateway): State<Gateway>,
    LimitedProgram(key): LimitedProgram,
    PathId(region): PathId<String>,
    Body(body): Body<CloseRegion>,
) -> Result<Json<ClosureView>, ApiError> {
    gateway.close_region(key, None, region, body).await.map(Json)
}

/// Take back the closure of a region in every queue. Not closed is as good; queues that are closed there by themselves stay so.
#[utoipa::path(delete, path = "/v1/regions/{region}/closure", tag = "operations", security(("key" = [])),
    params(("region" = String, Path)), responses(
    (status = 204, description = "Not closed"),
    (status = 409, body = Problem, description = "Staff keep it closed", content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn open_region(
    State(gateway): State<Gateway>,
    LimitedProgram(key): LimitedProgram,
    PathId(region): PathId<String>,
) -> Result<StatusCode, ApiError> {
    gateway.open_region(key, None, region).await.map(|()| StatusCode::NO_CONTENT)
}

/// Close a region in one queue: as `PUT /v1/regions/{region}/closure`, for that queue alone.
#[utoipa::path(put, path = "/v1/queues/{queue}/regions/{region}/closure", tag = "operations", security(("key" = [])),
    params(("queue" = String, Path), ("region" = String, Path)), request_body = CloseRegion, responses(
    (status = 200, body = ClosureView, description = "The closure that stands"),
    (status = 422, body = Problem, description = "No such queue, or it does not have that region", content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn close_queue(
    State(gateway): State<Gateway>,
    LimitedProgram(key): LimitedProgram,
    PathIds(queue, region): PathIds<String, String>,
    Body(body): Body<CloseRegion>,
) -> Result<Json<ClosureView>, ApiError> {
    gateway.close_region(key, Some(queue), region, body).await.map(Json)
}

/// Take back the closure of a region in one queue. Not closed is as good.
#[utoipa::path(delete, path = "/v1/queues/{queue}/regions/{region}/closure", tag = "operations", security(("key" = [])),
    params(("queue" = String, Path), ("region" = String, Path)), responses(
    (status = 204, description = "Not closed"),
    (status = 409, body = Problem, description = "Staff keep it closed", content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn open_queue(
    State(gateway): State<Gateway>,
    LimitedProgram(key): LimitedProgram,
    PathIds(queue, region): PathIds<String, String>,
) -> Result<StatusCode, ApiError> {
    gateway.open_region(key, Some(queue), region).await.map(|()| StatusCode::NO_CONTENT)
}
