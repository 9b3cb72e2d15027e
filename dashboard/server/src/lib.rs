//! Serves the dashboard: pages rendered here, hydrated in the browser, and a WebSocket bridge by which the browser's
//! subscriptions reach the staff API with a session that the browser itself never sees.
//!
//! [`router`] puts it together; `main` gives it a process.
#![recursion_limit = "256"] // the pages' types are deep

mod bridge;
mod graphql;
mod pages;
mod problem;
mod security;
mod settings;
mod site;

pub use graphql::Graphql;
pub use settings::{BridgeSettings, GraphqlSettings, Settings, SiteSettings};
pub use site::{Site, SiteError};

use axum::{Router, middleware, routing::get};
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;

use bridge::Bridge;

/// The greatest form or server function call; sign-in is the longest.
const BODY_LIMIT: usize = 64 * 1024;

/// Every address of the dashboard. `drain` closes the bridge's sockets when it is cancelled.
pub fn router(settings: &Settings, site: &Site, graphql: &Graphql, drain: CancellationToken) -> Router {
    let bridge = Bridge::new(&settings.bridge, graphql.clone(), drain);
    let protection = security::Protection { https: settings.site.https };
    pages::router(settings, site, graphql)
        .route("/graphql/ws", get(bridge::open).with_state(bridge))
        .nest_service("/pkg", site.files())
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(middleware::from_fn(security::refuse_foreign_writes))
        .layer(middleware::from_fn_with_state(protection, security::protect))
}
