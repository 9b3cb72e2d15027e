//! Telemetry from clients and trusted servers: judged one by one, kept before it is acknowledged.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use muster_core::wire::{EventVerdicts, EventsBody, Problem};

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::Teller;

/// Send 1 to 500 events, each with properties of 16 KiB at most: a JSON array, an object with the array as `events`, or (as
/// `application/x-ndjson`) an event a line. The body has 1 MiB at most; packed with gzip or zstd, 4 MiB before it was packed.
///
/// Each event gets its verdict. 202 means that every event that is told as accepted, duplicate or quarantined is on disk; an event
/// sent twice with the same id and time counts once, so whoever hears nothing sends the same again. Of what is `rate_limited`,
/// `retry-after` says when to send it again. Players tell of themselves; trusted servers tell of anybody, by `player_id`.
#[utoipa::path(
    post, path = "/v1/events", tag = "telemetry", security(("token" = []), ("key" = [])),
    params(
        ("content-encoding" = Option<String>, Header, description = "`gzip` or `zstd`"),
        ("muster-sent-at" = Option<String>, Header,
            description = "When this was sent, by the sender's clock (RFC 3339): how far it is off is kept beside each event"),
    ),
    request_body(content((EventsBody = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 202, body = EventVerdicts),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 408, body = Problem, content_type = "application/problem+json"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 415, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, description = "The sender sends too much, or the platform cannot take more right now",
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn accept_events(
    State(gateway): State<Gateway>,
    teller: Teller,
    request: Request,
) -> Result<(StatusCode, HeaderMap, Json<EventVerdicts>), ApiError> {
    let accepted = gateway.accept_events(teller, request).await?;
    let mut headers = HeaderMap::new();
    if let Some(seconds) = accepted.retry_after_secs {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok((StatusCode::ACCEPTED, headers, Json(accepted.verdicts)))
}
