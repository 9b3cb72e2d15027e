//! What keeps pages moving: GraphQL subscriptions over one WebSocket to the dashboard's own origin.
//!
//! `session` decides (pure, tested), `protocol` is the wire (graphql-transport-ws), `backoff` says how long to wait,
//! `socket` is the browser's side of it. Nothing here runs on the server: effects do not.

mod backoff;
mod protocol;
mod session;
mod socket;

use std::rc::Rc;

use graphql_client::GraphQLQuery;
use leptos::prelude::*;

use session::Subscription;

/// How the socket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// The first attempt is under way.
    Connecting,
    /// Subscriptions flow.
    Connected,
    /// The connection was lost; `attempt` counts the tries since. `refused`: the staff API said that it was the session.
    Reconnecting { attempt: u32, refused: bool },
}

/// Opens the socket for as long as the calling component stands, and tells how it is doing.
pub(crate) fn connect() -> ReadSignal<Connection> {
    let (status, set_status) = signal(Connection::Connecting);
    Effect::new(move |_| socket::open(set_status));
    on_cleanup(socket::shut);
    status
}

/// Subscribes for as long as the calling component stands. `variables` is asked again after every reconnect, so that a
/// log can go on from the last line it has.
pub(crate) fn subscribe<Q: GraphQLQuery + 'static>(
    variables: impl Fn() -> Q::Variables + 'static,
    on_data: impl Fn(Q::ResponseData) + 'static,
) {
    let id = StoredValue::new(None::<u64>);
    let mut subscription = Some(Subscription {
        request: Rc::new(move |id| protocol::subscribe(id, Q::build_query(variables()))),
        deliver: Rc::new(move |frame| match protocol::data::<Q::ResponseData>(frame) {
            Some(data) => on_data(data),
            None => leptos::logging::warn!("a subscription's data are not the schema's"),
        }),
    });
    Effect::new(move |_| {
        if let Some(subscription) = subscription.take() {
            id.set_value(Some(socket::subscribe(subscription)));
        }
    });
    on_cleanup(move || {
        if let Some(id) = id.try_get_value().flatten() {
            socket::unsubscribe(id);
        }
    });
}
