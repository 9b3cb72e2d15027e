//! Servers of games that register themselves: for those servers.

use axum::Json;
use axum::extract::State;
use muster_core::id::ServerId;
use muster_core::wire::{Heartbeat, Problem, RegisterServer, ServerOrders, ServerView};

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{Body, PathId, Trusted};

/// Say that a server of the game is there, under an id of its own: `srv_` and a UUIDv7, made afresh for every start of its process. It
/// is `starting` until a heartbeat says that it is ready. Safe to send again.
#[utoipa::path(put, path = "/v1/servers/{id}", tag = "servers", security(("key" = [])), params(("id" = ServerId, Path)),
    request_body = RegisterServer, responses(
    (status = 200, body = ServerOrders),
    (status = 409, body = Problem, description = "Registered differently, or over", content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn register_server(
    State(gateway): State<Gateway>,
    Trusted(key): Trusted,
    PathId(server): PathId<ServerId>,
    Body(body): Body<RegisterServer>,
) -> Result<Json<ServerOrders>, ApiError> {
    body.validate()?;
    gateway.register_server(key, server, body).await.map(Json)
}

/// Say that the server is still there, and how it is. The answer has the matches that it was given: send it about every second while
/// matches are expected, and at least every `heartbeat_secs`.
#[utoipa::path(post, path = "/v1/servers/{id}/heartbeat", tag = "servers", security(("key" = [])),
    params(("id" = ServerId, Path)), request_body = Heartbeat, responses(
    (status = 200, body = ServerOrders),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 410, body = Problem, description = "It counts as lost", content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn heartbeat(
    State(gateway): State<Gateway>,
    Trusted(key): Trusted,
    PathId(server): PathId<ServerId>,
    Body(body): Body<Heartbeat>,
) -> Result<Json<ServerOrders>, ApiError> {
    body.validate()?;
    gateway.server_heartbeat(key, server, body).await.map(Json)
}

/// A server as it is; for some days also after it is over.
#[utoipa::path(get, path = "/v1/servers/{id}", tag = "servers", security(("key" = [])), params(("id" = ServerId, Path)), responses(
    (status = 200, body = ServerView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_server(
    State(gateway): State<Gateway>,
    Trusted(key): Trusted,
    PathId(server): PathId<ServerId>,
) -> Result<Json<ServerView>, ApiError> {
    gateway.view_server(key, server).await.map(Json)
}

/// Let the server drain: it gets no new matches, and is `gone` when its last one is over. Go on with heartbeats until then. Safe to
/// send again.
#[utoipa::path(delete, path = "/v1/servers/{id}", tag = "servers", security(("key" = [])), params(("id" = ServerId, Path)), responses(
    (status = 200, body = ServerView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 410, body = Problem, description = "It counts as lost", content_type = "application/problem+json"),
))]
pub(super) async fn drain_server(
    State(gateway): State<Gateway>,
    Trusted(key): Trusted,
    PathId(server): PathId<ServerId>,
) -> Result<Json<ServerView>, ApiError> {
    gateway.drain_server(key, server).await.map(Json)
}
