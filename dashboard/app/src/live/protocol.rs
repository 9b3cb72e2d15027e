//! The frames of graphql-transport-ws, as far as a client of subscriptions needs them.
//! <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The WebSocket subprotocol's name.
pub(crate) const NAME: &str = "graphql-transport-ws";

/// From the browser.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ClientFrame {
    ConnectionInit,
    Ping,
    Pong,
    Subscribe { id: String, payload: Value },
    Complete { id: String },
}

impl ClientFrame {
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("strings and JSON values always serialise")
    }
}

/// To the browser.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerFrame {
    ConnectionAck,
    Ping,
    Pong,
    Next { id: String, payload: Next },
    Error { id: String },
    Complete { id: String },
}

/// One answer of a subscription.
#[derive(Debug, Deserialize)]
pub(crate) struct Next {
    pub data: Option<Value>,
}
