//! The first message of a socket: who this is.

use axum::extract::ws::WebSocket;
use muster_core::id::PlayerId;
use muster_core::wire::ClientMessage;

use super::transport::{self, End};
use crate::error::{ApiError, Code};
use crate::gateway::{Gateway, limits};

/// Frames before the hello that are no messages, as a proxy's pings: more is no client of ours.
const OTHER_FRAMES: usize = 4;

/// Who opened a socket, and what they saw last.
pub(super) struct Hello {
    pub player: PlayerId,
    pub last_seq: Option<u64>,
}

/// Waits for the hello, which must be the first message and have a good token. A refusal is told before this returns.
pub(super) async fn hear(gateway: &Gateway, socket: &mut WebSocket) -> Result<Hello, End> {
    for _ in 0..=OTHER_FRAMES {
        let Some(text) = transport::read(socket.recv().await)? else { continue };
        let refused = match transport::parse(&text) {
            Ok(ClientMessage::Hello { token, last_seq }) => match admit(gateway, &token) {
                Ok(player) => return Ok(Hello { player, last_seq }),
                Err(refused) => refused,
            },
            Ok(_) => Code::HelloExpected.into(),
            Err(error) => error,
        };
        transport::send(socket, &transport::error(&refused, None)).await?;
        return Err(End::Refused(refused.code()));
    }
    Err(End::Refused(Code::HelloExpected))
}

/// The token's player, who may not open sockets faster than they may ask for anything else.
fn admit(gateway: &Gateway, token: &str) -> Result<PlayerId, ApiError> {
    let player = gateway.authenticate(token)?;
    limits::count(&gateway.player_limit, &player)?;
    Ok(player)
}
