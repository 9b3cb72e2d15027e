//! Tickets: waiting in a queue.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use muster_core::id::TicketId;
use muster_core::wire::{CreateTicket, Problem, TicketView};

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::actions::Creation;
use crate::gateway::extract::{Body, Caller, PathId};

/// Join a queue. A player has one live ticket; with the same `Idempotency-Key` the same ticket is given again.
#[utoipa::path(post, path = "/v1/tickets", tag = "matchmaking", security(("token" = [])), request_body = CreateTicket,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 64 visible ASCII characters, new for every new wish")),
    responses(
    (status = 201, body = TicketView),
    (status = 200, body = TicketView, description = "This request had been made before"),
    (status = 409, body = Problem, description = "Already waiting, or in a match", content_type = "application/problem+json"),
    (status = 422, body = Problem, description = "No such queue", content_type = "application/problem+json"),
))]
pub(super) async fn create_ticket(
    State(gateway): State<Gateway>,
    Caller(player): Caller,
    headers: HeaderMap,
    Body(body): Body<CreateTicket>,
) -> Result<(StatusCode, Json<TicketView>), ApiError> {
    let key = idempotency_key(&headers)?;
    Ok(match gateway.create_ticket(player, &body.queue, key).await? {
        Creation::Created(ticket) => (StatusCode::CREATED, Json(ticket)),
        Creation::Repeated(ticket) => (StatusCode::OK, Json(ticket)),
    })
}

/// Read one of one's own tickets; readable for ten minutes after it is over.
#[utoipa::path(get, path = "/v1/tickets/{id}", tag = "matchmaking", security(("token" = [])), params(("id" = TicketId, Path)), responses(
    (status = 200, body = TicketView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_ticket(
    State(gateway): State<Gateway>,
    Caller(player): Caller,
    PathId(ticket): PathId<TicketId>,
) -> Result<Json<TicketView>, ApiError> {
    gateway.read_ticket(player, ticket).await.map(Json)
}

/// Leave the queue.
#[utoipa::path(delete, path = "/v1/tickets/{id}", tag = "matchmaking", security(("token" = [])), params(("id" = TicketId, Path)), responses(
    (status = 200, body = TicketView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "No longer waiting", content_type = "application/problem+json"),
))]
pub(super) async fn cancel_ticket(
    State(gateway): State<Gateway>,
    Caller(player): Caller,
    PathId(ticket): PathId<TicketId>,
) -> Result<Json<TicketView>, ApiError> {
    gateway.cancel_ticket(player, ticket).await.map(Json)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(ApiError::field("Idempotency-Key", "must be 1 to 64 visible ASCII characters")),
    }
}
