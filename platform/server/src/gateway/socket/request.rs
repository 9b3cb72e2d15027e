//! One request of a signed-in socket, worked out to its answer.

use std::future::{Future, ready};
use std::pin::Pin;

use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{ClientMessage, CreateTicket, ServerMessage, TicketView};

use super::transport;
use crate::error::{ApiError, Code};
use crate::gateway::Gateway;
use crate::gateway::admission::{Creation, Owner, Pending};
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

/// A request that is worked on: no larger than what it asks for takes.
pub(super) type Work = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// Does what the message asks. `playing` is the match that this socket's player is known to be in: it saves a look-up per move.
pub(super) fn answer(gateway: &Gateway, player: PlayerId, message: ClientMessage, playing: Option<MatchId>) -> Work {
    let owner = Owner::Player(player);
    let gateway = gateway.clone();
    match message {
        ClientMessage::Ping { id } => at_once(ServerMessage::Pong { re: id }),
        ClientMessage::TicketCreate { id, queue, roles, latencies_ms, properties, nonce } => {
            let request = CreateTicket { queue, roles, latencies_ms, properties, nonce, players: Vec::new() };
            // The request id makes a repeated wish the same wish. It goes on at once: crowds queue, and only who asked stays here.
            let pending = gateway.ask_for_ticket(owner, request, Some(id.clone()));
            Box::pin(queued(id, pending))
        }
        ClientMessage::TicketCancel { id, ticket_id } => acknowledged(id, async move {
            let ticket = gateway.cancel_ticket(owner, ticket_id).await?;
            Ok((Some(ticket), Change::None))
        }),
        ClientMessage::TicketAccept { id, ticket_id } => acknowledged(id, async move {
            let ticket = gateway.answer_proposal(owner, ticket_id, true).await?;
            Ok((Some(ticket), Change::None))
        }),
        ClientMessage::TicketDecline { id, ticket_id } => acknowledged(id, async move {
            let ticket = gateway.answer_proposal(owner, ticket_id, false).await?;
            Ok((Some(ticket), Change::None))
        }),
        ClientMessage::MatchCommand { id, match_id, command } => acknowledged(id.clone(), async move {
            if playing != Some(match_id) {
                gateway.check_player(match_id, player).await?;
            }
            gateway.play(player, match_id, &id, command).await?;
            Ok((None, Change::Playing(match_id)))
        }),
        ClientMessage::MatchWatch { id, match_id, after } => acknowledged(id, async move {
            let watcher = gateway.watch(player, match_id, after.unwrap_or_default()).await?;
            Ok((None, Change::Watch(Box::new(watcher))))
        }),
        ClientMessage::MatchUnwatch { id, match_id } => {
            acknowledged(id, async move { Ok((None, Change::Unwatch(match_id))) })
        }
        ClientMessage::Hello { .. } => {
            let error = ApiError::with_detail(Code::UnknownMessage, "This socket has said hello already.");
            at_once(transport::error(&error, None))
        }
    }
}

fn at_once(message: ServerMessage) -> Work {
    Box::pin(ready(Answered { message, change: Change::None }))
}

fn acknowledged(
    id: String,
    doing: impl Future<Output = Result<(Option<TicketView>, Change), ApiError>> + Send + 'static,
) -> Work {
    Box::pin(async move {
        match doing.await {
            Ok((ticket, change)) => Answered { message: ServerMessage::Ack { re: id, ticket }, change },
            Err(error) => Answered { message: transport::error(&error, Some(id)), change: Change::None },
        }
    })
}

async fn queued(id: String, pending: Result<Pending, ApiError>) -> Answered {
    let verdict = match pending {
        Ok(pending) => pending.verdict().await,
        Err(error) => Err(error),
    };
    let message = match verdict {
        Ok(Creation::Created(ticket) | Creation::Repeated(ticket)) => {
            ServerMessage::Ack { re: id, ticket: Some(ticket) }
        }
        Err(error) => transport::error(&error, Some(id)),
    };
    Answered { message, change: Change::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<F>(_: impl Fn(String, Result<Pending, ApiError>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_wish_under_way_takes_little_room() {
        // A thousand players who queue in the same moment each have one.
        let size = size_of_future(queued);
        assert!(size <= 640, "{size} bytes");
    }
}
