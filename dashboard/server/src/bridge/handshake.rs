//! Who may open a socket.

use std::time::Duration;

use axum::{
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use muster_dashboard_app::session_token;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{self, ClientRequestBuilder, protocol::WebSocketConfig},
};

use super::{Bridge, PROTOCOL, events, pump};
use crate::{
    graphql::bearer,
    problem::Problem,
    security::{FOREIGN_ORIGIN, Origin, origin},
};

/// How long the staff API may take to greet.
const DIAL_WITHIN: Duration = Duration::from_secs(5);

const NO_SESSION: Problem =
    Problem { status: StatusCode::UNAUTHORIZED, code: "unauthenticated", detail: "Sign in to the dashboard first." };
const WRONG_PROTOCOL: Problem = Problem {
    status: StatusCode::BAD_REQUEST,
    code: "wrong_protocol",
    detail: "Ask for the WebSocket subprotocol graphql-transport-ws.",
};
const NO_PLACE: Problem = Problem {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "too_many_sockets",
    detail: "This dashboard has as many live pages as it may; close some, or raise bridge.connections.",
};
const UPSTREAM_DOWN: Problem = Problem {
    status: StatusCode::BAD_GATEWAY,
    code: "staff_api_unreachable",
    detail: "The staff API does not take sockets; check that muster-graphql is ready.",
};

/// `GET /graphql/ws`: only from a page of this dashboard, only with a session that the staff API accepts.
pub(crate) async fn open(
    State(bridge): State<Bridge>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match admit(bridge, &headers, upgrade).await {
        Ok(response) => response,
        Err(Refusal::Problem(problem)) => {
            events::refused(problem.code);
            problem.into_response()
        }
        Err(Refusal::NoUpgrade(rejection)) => {
            events::refused("no_upgrade");
            rejection.into_response()
        }
    }
}

enum Refusal {
    Problem(Problem),
    NoUpgrade(WebSocketUpgradeRejection),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

async fn admit(
    bridge: Bridge,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    // A browser always names the origin of a socket, and cookies go along whatever it is: so this check is the one
    // that keeps other sites' pages out.
    if origin(headers) != Origin::Own {
        return Err(FOREIGN_ORIGIN.into());
    }
    let authorization = session_token(headers).and_then(bearer).ok_or(NO_SESSION)?;
    let upgrade = upgrade.map_err(Refusal::NoUpgrade)?;
    if !asks_for_protocol(headers) {
        return Err(WRONG_PROTOCOL.into());
    }
    let place = bridge.places.clone().try_acquire_owned().map_err(|_| NO_PLACE)?;
    let upstream = dial(&bridge, authorization).await?;
    let (bounds, drain) = (bridge.bounds, bridge.drain);
    Ok(upgrade
        .protocols([PROTOCOL])
        .max_message_size(bounds.browser_message_bytes)
        .max_frame_size(bounds.browser_message_bytes)
        .on_upgrade(async move |browser| {
            pump::run(browser, upstream, bounds, drain).await;
            drop(place);
        }))
}

fn asks_for_protocol(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|asked| asked.trim() == PROTOCOL)
}

async fn dial(
    bridge: &Bridge,
    authorization: HeaderValue,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Problem> {
    let address: Uri = bridge.graphql.socket_url().parse().map_err(|_| UPSTREAM_DOWN)?;
    let authorization = authorization.to_str().map_err(|_| NO_SESSION)?;
    let request = ClientRequestBuilder::new(address)
        .with_header(header::AUTHORIZATION.as_str(), authorization)
        .with_sub_protocol(PROTOCOL);
    let config = WebSocketConfig::default()
        .max_message_size(Some(bridge.bounds.graphql_message_bytes))
        .max_frame_size(Some(bridge.bounds.graphql_message_bytes));
    match tokio::time::timeout(DIAL_WITHIN, connect_async_with_config(request, Some(config), true)).await {
        Ok(Ok((upstream, _))) => Ok(upstream),
        Ok(Err(tungstenite::Error::Http(response))) if response.status() == StatusCode::UNAUTHORIZED => Err(NO_SESSION),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the staff API does not take a socket");
            Err(UPSTREAM_DOWN)
        }
        Err(_) => {
            tracing::warn!("the staff API does not greet in time");
            Err(UPSTREAM_DOWN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_may_stand_among_others() {
        let asked = |text: &'static str| {
            asks_for_protocol(&HeaderMap::from_iter([(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(text))]))
        };
        assert!(asked("graphql-ws, graphql-transport-ws"));
        assert!(!asked("graphql-ws"));
        assert!(!asks_for_protocol(&HeaderMap::new()));
    }
}
