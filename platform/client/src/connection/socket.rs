//! One WebSocket: JSON text out, JSON text in.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use muster_core::wire::{ClientMessage, Push, ServerMessage};
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

/// A peer that does not take our bytes for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Games hold one socket, bots and tests hold thousands: small buffers keep them cheap.
const BUFFER_BYTES: usize = 8 * 1024;
/// A replay after a long absence is many messages, none of them long.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// A connected socket.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// Something that came.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message that this version knows.
    Message(ServerMessage),
    /// A push of a kind that came to be after this version: only its number matters.
    UnknownPush(u64),
    /// A sign of life without content for us.
    Life,
}

/// Why a socket is of no use any more, in words for a log.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl Socket {
    /// Connects and upgrades; no message is sent yet.
    pub(super) async fn connect(url: &str) -> Result<Self, Broken> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let (stream, _response) = connect_async_with_config(url, Some(config), true).await?;
        Ok(Self { stream })
    }

    /// Sends one message and flushes it.
    pub(super) async fn send(&mut self, message: &ClientMessage) -> Result<(), Broken> {
        let text = serde_json::to_string(message).map_err(|error| Broken(error.to_string()))?;
        match timeout(SEND_TIMEOUT, self.stream.send(Message::text(text))).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Broken("the platform does not take any more bytes".to_owned())),
        }
    }

    /// The next thing that comes. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Heard, Broken> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Ok(read(&text)),
            Some(Ok(Message::Close(frame))) => Err(Broken(match frame {
                Some(frame) => format!("closed by the platform ({}) {}", frame.code, frame.reason),
                None => "closed by the platform".to_owned(),
            })),
            Some(Ok(_)) => Ok(Heard::Life),
            Some(Err(error)) => Err(error.into()),
            None => Err(Broken("closed".to_owned())),
        }
    }

    /// Says goodbye in the way of WebSockets, as far as the peer still listens.
    pub(super) async fn close(mut self) {
        let _ = timeout(Duration::from_secs(1), self.stream.close(None)).await;
    }
}

/// The number of a push whose content cannot be read.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

/// `/v1` grows: a message of a kind that is not known yet must not cost the connection.
fn read(text: &str) -> Heard {
    match serde_json::from_str::<ServerMessage>(text) {
        Ok(message) => Heard::Message(message),
        Err(error) => {
            tracing::debug!(%error, "a message of the platform that this version does not know");
            serde_json::from_str::<Numbered>(text).map_or(Heard::Life, |push| Heard::UnknownPush(push.seq))
        }
    }
}

impl Heard {
    /// The push in it, if it is one: number and, where it is known, content.
    pub(super) fn into_push(self) -> Result<(u64, Option<Push>), Self> {
        match self {
            Self::Message(ServerMessage::Push { seq, push }) => Ok((seq, Some(push))),
            Self::UnknownPush(seq) => Ok((seq, None)),
            other => Err(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_yet_does_no_harm() {
        let unknown_push = r#"{"type":"push","seq":7,"push":{"type":"party.invited","by":"x"}}"#;
        assert!(matches!(read(unknown_push).into_push(), Ok((7, None))));
        assert!(matches!(read(r#"{"type":"weather","of":"tomorrow"}"#), Heard::Life));
        assert!(matches!(read("not json"), Heard::Life));
    }
}
