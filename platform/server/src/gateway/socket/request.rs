//! One request of a signed-in socket, worked out to its answer.

use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{ClientMessage, CreateTicket, ServerMessage, TicketView};

use super::transport;
use crate::error::{ApiError, Code};
use crate::gateway::Gateway;
use crate::gateway::admission::{Creation, Owner};
use crate::gateway::watch::Watcher;

/// The answer to a request, and what it changes for the socket.
pub(super) struct Answered {
    pub message: ServerMessage,
    pub change: Change,
}

/// What a request changes for its socket.
pub(super) enum Change {
    /// Nothing.
    None,
    /// The player is now known to be in this match.
    Playing(MatchId),
    /// The socket watches this.
    Watch(Box<Watcher>),
    /// The socket watches this no more.
    Unwatch(MatchId),
}

/// Does what the message asks; what takes much room is boxed, so that a crowd that queues takes little. `playing` is the match that
/// this socket's player is known to be in: it saves a look-up per move.
pub(super) async fn answer(
    gateway: Gateway,
    player: PlayerId,
    message: ClientMessage,
    playing: Option<MatchId>,
) -> Answered {
    let re = message.id().map(str::to_owned);
    match act(&gateway, player, message, playing).await {
        Ok((message, change)) => Answered { message, change },
        Err(error) => Answered { message: transport::error(&error, re), change: Change::None },
    }
}

async fn act(
    gateway: &Gateway,
    player: PlayerId,
    message: ClientMessage,
    playing: Option<MatchId>,
) -> Result<(ServerMessage, Change), ApiError> {
    let owner = Owner::Player(player);
    match message {
        ClientMessage::Ping { id } => Ok((ServerMessage::Pong { re: id }, Change::None)),
        ClientMessage::TicketCreate { id, queue, roles, latencies_ms, properties, nonce } => {
            let request = CreateTicket { queue, roles, latencies_ms, properties, nonce, players: Vec::new() };
            // The request id makes a repeated wish the same wish.
            let ticket = match gateway.create_ticket(owner, request, Some(id.clone())).await? {
                Creation::Created(ticket) | Creation::Repeated(ticket) => ticket,
            };
            Ok((ack(id, Some(ticket)), Change::None))
        }
        ClientMessage::TicketCancel { id, ticket_id } => {
            let ticket = Box::pin(gateway.cancel_ticket(owner, ticket_id)).await?;
            Ok((ack(id, Some(ticket)), Change::None))
        }
        ClientMessage::TicketAccept { id, ticket_id } => {
            let ticket = Box::pin(gateway.answer_proposal(owner, ticket_id, true)).await?;
            Ok((ack(id, Some(ticket)), Change::None))
        }
        ClientMessage::TicketDecline { id, ticket_id } => {
            let ticket = Box::pin(gateway.answer_proposal(owner, ticket_id, false)).await?;
            Ok((ack(id, Some(ticket)), Change::None))
        }
        ClientMessage::MatchCommand { id, match_id, command } => {
            if playing != Some(match_id) {
                Box::pin(gateway.check_player(match_id, player)).await?;
            }
            Box::pin(gateway.play(player, match_id, &id, command)).await?;
            Ok((ack(id, None), Change::Playing(match_id)))
        }
        ClientMessage::MatchWatch { id, match_id, after } => {
            let watcher = Box::pin(gateway.watch(player, match_id, after.unwrap_or_default())).await?;
            Ok((ack(id, None), Change::Watch(Box::new(watcher))))
        }
        ClientMessage::MatchUnwatch { id, match_id } => Ok((ack(id, None), Change::Unwatch(match_id))),
        ClientMessage::Hello { .. } => {
            Err(ApiError::with_detail(Code::UnknownMessage, "This socket has said hello already."))
        }
    }
}

fn ack(re: String, ticket: Option<TicketView>) -> ServerMessage {
    ServerMessage::Ack { re, ticket }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<F>(_: impl Fn(Gateway, PlayerId, ClientMessage, Option<MatchId>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_request_under_way_takes_little_room() {
        // A thousand players who queue in the same moment each have one.
        let size = size_of_future(answer);
        assert!(size <= 3 * 1024, "{size} bytes");
    }
}
