//! Signing in, and the public keys that session tokens are checked with.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::header;
use axum::response::IntoResponse;
use muster_core::telemetry::kind;
use muster_core::wire::{DeviceSignIn, Problem, SignedIn};
use muster_store::{GameClient, TelemetryEvent, TelemetrySource};

use crate::auth::device_hash;
use crate::error::{ApiError, Code};
use crate::events;
use crate::gateway::Gateway;
use crate::gateway::extract::Body;
use crate::gateway::limits;

/// Sign in with a device's own secret. The account is made on first sight.
#[utoipa::path(post, path = "/v1/auth/device", tag = "auth", request_body = DeviceSignIn, responses(
    (status = 200, body = SignedIn),
    (status = 422, body = Problem, description = "A field is not allowed", content_type = "application/problem+json"),
    (status = 429, body = Problem, description = "Too many sign-ins from this address", content_type = "application/problem+json"),
))]
pub(super) async fn sign_in_device(
    State(gateway): State<Gateway>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Body(body): Body<DeviceSignIn>,
) -> Result<Json<SignedIn>, ApiError> {
    limits::check(&gateway.sign_in_limit, &address.ip())?;
    body.validate().map_err(ApiError::from)?;

    let now = muster_store::now();
    let name = body.display_name.as_deref().map(str::trim);
    let signed_in = gateway.store.accounts.sign_in(&device_hash(&body.device_id), name, now).await?;
    let account = signed_in.account;
    let client = GameClient { platform: body.platform, build: body.build };
    gateway.store.clients.tell(account.player_id, &client, now).await?;
    let session = muster_store::fresh_id();
    let (token, expires_at) = gateway
        .keys
        .issue(account.player_id, session, &gateway.settings.auth.issuer, now, gateway.settings.auth.token_ttl)
        .map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a session token could not be signed");
            Code::Internal
        })?;

    events::signed_in(account.player_id, signed_in.new_account);
    gateway.telemetry.offer(TelemetryEvent {
        subject_id: Some(account.subject_id),
        session_id: Some(session),
        platform: client.platform,
        build: client.build,
        ..TelemetryEvent::new(muster_store::fresh_id(), TelemetrySource::Server, kind::PLAYER_SIGNED_IN, now, now)
    });
    Ok(Json(SignedIn {
        player_id: account.player_id,
        display_name: account.display_name,
        token,
        expires_at,
        new_account: signed_in.new_account,
    }))
}

/// The public keys (JWKS, RFC 7517): whoever is shown a session token checks it with these, offline.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", responses((status = 200, description = "A JSON Web Key Set")))]
pub(super) async fn key_set(State(gateway): State<Gateway>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(gateway.keys.published().clone()))
}
