//! `POST /graphql`: one JSON operation in, one JSON answer out. `GET /graphql/ws` is the `socket` module's.

use std::{net::SocketAddr, time::Duration};

use async_graphql::{Request, Response as Answer};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::timeout::TimeoutLayer;

use crate::{
    auth::{Knock, SessionToken, Sessions},
    gate::Gate,
    schema::ApiError,
    socket,
};

/// Longest operation, with its variables, in bytes; over HTTP and on a socket.
pub const MAX_BODY: usize = 256 * 1024;

/// Longest time from the first byte of a request to the last of its answer.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(30);

/// What the handlers share.
#[derive(Clone)]
pub struct Http {
    pub(crate) gate: Gate,
    pub(crate) sessions: Sessions,
    pub(crate) session_recheck: Duration,
    pub(crate) drain: CancellationToken,
    /// The open sockets: each is told of the drain before the process ends.
    pub(crate) sockets: TaskTracker,
}

/// The routes that staff and the dashboard use. Serve it with `ConnectInfo<SocketAddr>`.
pub fn router(http: Http) -> Router {
    Router::new()
        .route("/graphql", post(answer))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIME))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .route("/graphql/ws", get(socket::upgrade))
        .with_state(http)
}

async fn answer(
    State(http): State<Http>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let request = match read(&headers, body) {
        Ok(request) => request,
        Err((status, message)) => return respond(status, ApiError::bad_input(message).into_response()),
    };
    let answer = http.gate.answer(request, knock(&headers, peer)).await;
    respond(StatusCode::OK, answer)
}

fn read(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Request, (StatusCode, String)> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the operation as application/json".to_owned()));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            (StatusCode::PAYLOAD_TOO_LARGE, format!("the operation is longer than {MAX_BODY} bytes: make it shorter"))
        }
        status => (status, "the body could not be read: send it again".to_owned()),
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        (
            StatusCode::BAD_REQUEST,
            format!("the body is not one GraphQL request {{query, variables, operationName}}: {error}"),
        )
    })
}

fn respond(status: StatusCode, answer: Answer) -> Response {
    const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (status, [NO_STORE], Json(answer)).into_response()
}

/// Who knocks, by what their request says.
pub(crate) fn knock(headers: &HeaderMap, peer: SocketAddr) -> Knock {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(SessionToken::from_authorization)
        .map(|token| token.hash());
    Knock { address: peer.ip(), token }
}
