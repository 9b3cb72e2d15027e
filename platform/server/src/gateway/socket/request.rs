//! One request of a signed-in socket, worked out to its answer.

use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{ClientMessage, CreateTicket, ServerMessage, TicketView};

use super::transport;
use crate::error::{ApiError, Code};
use crate::gateway::Gateway;
use crate::gateway::admission::{Creation, Owner};

/// The answer to a request, and the match that the player is now known to be in.
pub(super) struct Answered {
    pub message: ServerMessage,
    pub playing: Option<MatchId>,
}

/// Does what the message asks. `playing` is the match that this socket's player is known to be in: it saves a look-up per move.
pub(super) async fn answer(
    gateway: Gateway,
    player: PlayerId,
    message: ClientMessage,
    playing: Option<MatchId>,
) -> Answered {
    let re = message.id().map(str::to_owned);
    match act(&gateway, player, message, playing).await {
        Ok((message, playing)) => Answered { message, playing },
        Err(error) => Answered { message: transport::error(&error, re), playing },
    }
}

async fn act(
    gateway: &Gateway,
    player: PlayerId,
    message: ClientMessage,
    playing: Option<MatchId>,
) -> Result<(ServerMessage, Option<MatchId>), ApiError> {
    let owner = Owner::Player(player);
    match message {
        ClientMessage::Ping { id } => Ok((ServerMessage::Pong { re: id }, playing)),
        ClientMessage::TicketCreate { id, queue, roles, latencies_ms, properties } => {
            let request = CreateTicket { queue, roles, latencies_ms, properties, players: Vec::new() };
            // The request id makes a repeated wish the same wish.
            let ticket = match gateway.create_ticket(owner, request, Some(id.clone())).await? {
                Creation::Created(ticket) | Creation::Repeated(ticket) => ticket,
            };
            Ok((ack(id, Some(ticket)), playing))
        }
        ClientMessage::TicketCancel { id, ticket_id } => {
            let ticket = gateway.cancel_ticket(owner, ticket_id).await?;
            Ok((ack(id, Some(ticket)), playing))
        }
        ClientMessage::TicketAccept { id, ticket_id } => {
            let ticket = gateway.answer_proposal(owner, ticket_id, true).await?;
            Ok((ack(id, Some(ticket)), playing))
        }
        ClientMessage::TicketDecline { id, ticket_id } => {
            let ticket = gateway.answer_proposal(owner, ticket_id, false).await?;
            Ok((ack(id, Some(ticket)), playing))
        }
        ClientMessage::MatchCommand { id, match_id, command } => {
            if playing != Some(match_id) {
                gateway.check_player(match_id, player).await?;
            }
            gateway.play(player, match_id, &id, command).await?;
            Ok((ack(id, None), Some(match_id)))
        }
        ClientMessage::Hello { .. } => {
            Err(ApiError::with_detail(Code::UnknownMessage, "This socket has said hello already."))
        }
    }
}

fn ack(re: String, ticket: Option<TicketView>) -> ServerMessage {
    ServerMessage::Ack { re, ticket }
}
