//! Whether what is on the page is live.

use leptos::prelude::*;

use crate::live::Connection;

/// A dot and a word; screen readers are told of changes when they have a moment.
#[component]
pub(crate) fn ConnectionState(connection: ReadSignal<Connection>) -> impl IntoView {
    let class = move || match connection.get() {
        Connection::Connecting => "connection",
        Connection::Connected => "connection connection-up",
        Connection::Reconnecting { .. } => "connection connection-down",
    };
    let text = move || match connection.get() {
        Connection::Connecting => "Connecting",
        Connection::Connected => "Connected",
        Connection::Reconnecting { .. } => "Reconnecting",
    };
    view! {
        <p class=class role="status" aria-live="polite">
            <span class="connection-dot" aria-hidden="true"></span>
            <span class="visually-hidden">"Live updates: "</span>
            {text}
        </p>
    }
}
