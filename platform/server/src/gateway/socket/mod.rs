//! A player's socket: one JSON message a text frame, as `schemas/socket.schema.json` describes.
//!
//! The first message is `hello` with a session token. From then on pushes carry a sequence number of the player's own; a client
//! that comes back says the last one it saw and gets what it missed. Nothing of a socket's memory grows with what a client does or
//! fails to do: one request is worked on at a time, messages are not compressed (a deflate window costs more than all the rest of
//! an idle socket), and a client that does not read is let go: what waits for it is bounded, and what it missed is in its buffer.

mod hello;
mod leave;
mod request;
mod session;
mod silence;
mod transport;

use axum::extract::{State, WebSocketUpgrade};
use axum::response::Response;

use super::Gateway;

/// What is read at once. A longer message takes several reads, and room for them while it lasts.
const READ_BUFFER_BYTES: usize = 1024;

/// Open a socket. Speaks JSON text messages; see schemas/socket.schema.json for all of them.
#[utoipa::path(get, path = "/v1/socket", tag = "socket", responses((status = 101, description = "Switching to the WebSocket protocol")))]
pub(super) async fn open_socket(State(gateway): State<Gateway>, upgrade: WebSocketUpgrade) -> Response {
    let most = gateway.settings.gateway.max_message_bytes;
    upgrade
        .max_message_size(most)
        .max_frame_size(most)
        // The library takes 128 KiB for each socket, and clears it before each read; our clients' messages have a few hundred bytes.
        .read_buffer_size(READ_BUFFER_BYTES)
        // A client that stops reading may hold this much; then writing to it waits, and times out.
        .write_buffer_size(4 * 1024)
        .max_write_buffer_size(256 * 1024)
        .on_upgrade(move |socket| session::run(gateway, socket))
}
