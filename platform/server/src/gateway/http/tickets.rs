//! Tickets: waiting in a queue. For players, and for trusted servers on behalf of players.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use muster_core::id::TicketId;
use muster_core::wire::{CreateTicket, Problem, TicketView};

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::admission::Creation;
use crate::gateway::extract::{Asker, Body, PathId};

/// Join a queue: a player alone, a trusted server with the players it names. A player has one live ticket; with the same
/// `Idempotency-Key` the same ticket is given again, until 10 minutes after it is over.
#[utoipa::path(post, path = "/v1/tickets", tag = "matchmaking", security(("token" = []), ("key" = [])), request_body = CreateTicket,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 64 visible ASCII characters, new for every new wish")),
    responses(
    (status = 201, body = TicketView),
    (status = 200, body = TicketView, description = "This request had been made before"),
    (status = 409, body = Problem, description = "Already waiting, or in a match", content_type = "application/problem+json"),
    (status = 422, body = Problem, description = "No such queue, or not as its rules want it", content_type = "application/problem+json"),
    (status = 429, body = Problem, description = "Too many at once", content_type = "application/problem+json"),
))]
pub(super) async fn create_ticket(
    State(gateway): State<Gateway>,
    Asker(owner): Asker,
    headers: HeaderMap,
    Body(body): Body<CreateTicket>,
) -> Result<(StatusCode, Json<TicketView>), ApiError> {
    let key = idempotency_key(&headers)?;
    Ok(match gateway.create_ticket(owner, body, key).await? {
        Creation::Created(ticket) => (StatusCode::CREATED, Json(ticket)),
        Creation::Repeated(ticket) => (StatusCode::OK, Json(ticket)),
    })
}

/// Read one of one's own tickets, a trusted server any; readable for ten minutes after it is over.
#[utoipa::path(get, path = "/v1/tickets/{id}", tag = "matchmaking", security(("token" = []), ("key" = [])), params(("id" = TicketId, Path)), responses(
    (status = 200, body = TicketView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_ticket(
    State(gateway): State<Gateway>,
    Asker(owner): Asker,
    PathId(ticket): PathId<TicketId>,
) -> Result<Json<TicketView>, ApiError> {
    gateway.read_ticket(owner, ticket).await.map(Json)
}

/// Leave the queue, with the whole party. While a match is proposed, this declines it.
#[utoipa::path(delete, path = "/v1/tickets/{id}", tag = "matchmaking", security(("token" = []), ("key" = [])), params(("id" = TicketId, Path)), responses(
    (status = 200, body = TicketView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "No longer waiting", content_type = "application/problem+json"),
))]
pub(super) async fn cancel_ticket(
    State(gateway): State<Gateway>,
    Asker(owner): Asker,
    PathId(ticket): PathId<TicketId>,
) -> Result<Json<TicketView>, ApiError> {
    gateway.cancel_ticket(owner, ticket).await.map(Json)
}

/// Play the match that is proposed. It is made when all its players have accepted. A trusted server accepts for all of the ticket's
/// players.
#[utoipa::path(post, path = "/v1/tickets/{id}/accept", tag = "matchmaking", security(("token" = []), ("key" = [])), params(("id" = TicketId, Path)), responses(
    (status = 200, body = TicketView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "No match is proposed to it", content_type = "application/problem+json"),
))]
pub(super) async fn accept_match(
    State(gateway): State<Gateway>,
    Asker(owner): Asker,
    PathId(ticket): PathId<TicketId>,
) -> Result<Json<TicketView>, ApiError> {
    gateway.answer_proposal(owner, ticket, true).await.map(Json)
}

/// Do not play the match that is proposed: the ticket, with its party, leaves the queue; the others return to its head.
#[utoipa::path(post, path = "/v1/tickets/{id}/decline", tag = "matchmaking", security(("token" = []), ("key" = [])), params(("id" = TicketId, Path)), responses(
    (status = 200, body = TicketView),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, description = "No match is proposed to it", content_type = "application/problem+json"),
))]
pub(super) async fn decline_match(
    State(gateway): State<Gateway>,
    Asker(owner): Asker,
    PathId(ticket): PathId<TicketId>,
) -> Result<Json<TicketView>, ApiError> {
    gateway.answer_proposal(owner, ticket, false).await.map(Json)
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
