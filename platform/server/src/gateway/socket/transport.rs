//! Reading and writing frames: text in, text out, each within its time.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use muster_core::wire::{ClientMessage, ServerMessage};

use crate::error::{ApiError, Code};
use crate::events;

/// A client that has not taken a message for so long is too slow.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client that was said goodbye to may go on sending.
const LINGER: Duration = Duration::from_secs(1);

/// Why a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed it or is gone.
    Left,
    /// The client was silent for two heartbeats.
    Silent,
    /// We close it, with this code.
    Refused(Code),
}

impl End {
    /// For metrics and logs.
    pub(super) fn reason(self) -> &'static str {
        match self {
            End::Left => "left",
            End::Silent => "silent",
            End::Refused(code) => code.as_str(),
        }
    }

    /// WebSocket close codes: 1001 going away, 1008 policy, 1009 too big, 4401 for identity, 4409 for a newer socket (RFC 6455
    /// §7.4.2 leaves 4000–4999 to applications).
    fn close_code(self) -> u16 {
        match self {
            End::Left => 1000,
            End::Silent => 1001,
            End::Refused(Code::Draining) => 1001,
            End::Refused(Code::MessageTooLarge) => 1009,
            End::Refused(Code::TokenInvalid | Code::TokenExpired | Code::HelloExpected) => 4401,
            End::Refused(Code::Replaced) => 4409,
            End::Refused(_) => 1008,
        }
    }
}

/// Decides what a frame means; `Ok(None)` is one that needs no answer (a ping is answered by the library).
pub(super) fn read(frame: Option<Result<Message, axum::Error>>) -> Result<Option<Utf8Bytes>, End> {
    match frame {
        Some(Ok(Message::Text(text))) => Ok(Some(text)),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(End::Refused(Code::UnknownMessage)),
        Some(Ok(Message::Close(_))) | None => Err(End::Left),
        Some(Err(error)) if is_too_large(&error) => Err(End::Refused(Code::MessageTooLarge)),
        // Not UTF-8, not a frame at all, or the connection broke.
        Some(Err(_)) => Err(End::Left),
    }
}

/// Whether a message was longer than is allowed. The library's own error type is not axum's to show, so its words tell; a test holds
/// them to it.
fn is_too_large(error: &axum::Error) -> bool {
    error.to_string().starts_with("Space limit exceeded")
}

/// Reads a message of the schema.
pub(super) fn parse(text: &str) -> Result<ClientMessage, ApiError> {
    let message: ClientMessage =
        serde_json::from_str(text).map_err(|error| ApiError::with_detail(Code::UnknownMessage, format!("{error}.")))?;
    message.validate()?;
    Ok(message)
}

/// A message as it goes over the socket.
fn text(message: &ServerMessage) -> Utf8Bytes {
    serde_json::to_string(message).expect("server messages hold only what JSON can").into()
}

/// Sends one message.
pub(super) async fn send(socket: &mut WebSocket, message: &ServerMessage) -> Result<(), End> {
    write(socket, Message::Text(text(message))).await
}

/// Sends one frame.
pub(super) async fn write(socket: &mut WebSocket, frame: Message) -> Result<(), End> {
    match tokio::time::timeout(WRITE_TIMEOUT, socket.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Left),
        Err(_) => Err(End::Refused(Code::TooSlow)),
    }
}

/// Says an error; the socket stays open.
pub(super) fn error(error: &ApiError, re: Option<String>) -> ServerMessage {
    events::refused("socket", error.code());
    ServerMessage::Error { code: error.code().as_str().to_owned(), message: error.detail(), re }
}

/// Says goodbye and closes; best effort, since the client may be gone.
pub(super) async fn close(mut socket: WebSocket, end: End) {
    let goodbye = async {
        if let End::Refused(code) = end {
            events::refused("socket", code);
            let message = ServerMessage::Goodbye { code: code.as_str().to_owned(), message: code.advice().to_owned() };
            send(&mut socket, &message).await?;
        }
        let frame = CloseFrame { code: end.close_code(), reason: end.reason().into() };
        socket.send(Message::Close(Some(frame))).await.map_err(|_| End::Left)
    };
    // The answer changes nothing: the socket ends either way.
    let _ = tokio::time::timeout(WRITE_TIMEOUT, goodbye).await;
    // What the client had on its way is still read: unread, it would be answered by a reset that overtakes the goodbye.
    let _ = tokio::time::timeout(LINGER, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
}
