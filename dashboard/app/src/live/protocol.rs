//! The frames of graphql-transport-ws, as far as a client of subscriptions needs them.
//! <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>
//!
//! Data are read straight from a frame into the operation's own types, and as bytes, as all JSON here is: a generic JSON value
//! in between, or text, would each be one more parser in the WebAssembly.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The WebSocket subprotocol's name.
pub(crate) const NAME: &str = "graphql-transport-ws";

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    ConnectionInit,
    ConnectionAck,
    Ping,
    Pong,
    Subscribe,
    Next,
    Error,
    Complete,
}

#[derive(Serialize)]
struct Outgoing<P> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

/// A frame without content.
pub(crate) fn bare(kind: Kind) -> String {
    write(&Outgoing::<()> { kind, id: None, payload: None })
}

/// Asks for what `payload` describes; answers come under `id`.
pub(crate) fn subscribe<P: Serialize>(id: u64, payload: P) -> String {
    write(&Outgoing { kind: Kind::Subscribe, id: Some(id.to_string()), payload: Some(payload) })
}

/// Wants no more answers under `id`.
pub(crate) fn complete(id: u64) -> String {
    write(&Outgoing::<()> { kind: Kind::Complete, id: Some(id.to_string()), payload: None })
}

fn write<P: Serialize>(frame: &Outgoing<P>) -> String {
    serde_json::to_string(frame).expect("strings and an operation's variables always serialise")
}

/// What a frame is and what it belongs to; its payload is left for [`data`].
#[derive(Debug, Deserialize)]
pub(crate) struct Head {
    #[serde(rename = "type")]
    pub kind: Kind,
    pub id: Option<String>,
}

impl Head {
    /// None when the text is not a frame of the protocol.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_slice(text.as_bytes()).ok()
    }

    /// The subscription's id, if it is one of ours.
    pub(crate) fn subscription(&self) -> Option<u64> {
        self.id.as_ref()?.parse().ok()
    }
}

#[derive(Deserialize)]
struct Next<D> {
    payload: Payload<D>,
}

#[derive(Deserialize)]
struct Payload<D> {
    data: Option<D>,
}

/// The data of a `next` frame. None when it has none, or other than the schema's.
pub(crate) fn data<D: DeserializeOwned>(text: &str) -> Option<D> {
    serde_json::from_slice::<Next<D>>(text.as_bytes()).ok()?.payload.data
}
