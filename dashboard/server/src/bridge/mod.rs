//! The WebSocket bridge: a browser speaks graphql-transport-ws to its own origin, and the dashboard carries every frame
//! to the staff API and back, over a socket that bears the session of the browser's cookie.
//!
//! `handshake` decides who may open one, `pump` carries frames within bounds, `events` logs and counts.

mod events;
mod handshake;
mod pump;

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{BridgeSettings, Graphql};

pub(crate) use handshake::open;

/// The WebSocket subprotocol on both sides.
const PROTOCOL: &str = "graphql-transport-ws";

/// What every socket of the bridge shares.
#[derive(Debug, Clone)]
pub(crate) struct Bridge {
    graphql: Graphql,
    places: Arc<Semaphore>,
    bounds: Bounds,
    drain: CancellationToken,
}

/// What one socket may take.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    idle: Duration,
    browser_message_bytes: usize,
    graphql_message_bytes: usize,
}

impl Bridge {
    pub(crate) fn new(settings: &BridgeSettings, graphql: Graphql, drain: CancellationToken) -> Self {
        events::describe();
        Self {
            graphql,
            places: Arc::new(Semaphore::new(settings.connections)),
            bounds: Bounds {
                idle: settings.idle,
                browser_message_bytes: settings.browser_message_bytes,
                graphql_message_bytes: settings.graphql_message_bytes,
            },
            drain,
        }
    }
}
