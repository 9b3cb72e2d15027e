//! The HTTP surface: one noun a file. `/v1` grows, never breaks; `schemas/openapi.json` is its committed description.

mod assignments;
mod auth;
mod backfills;
mod blocks;
mod closures;
mod events;
mod leaderboards;
mod matches;
mod me;
mod queues;
mod server_matches;
mod servers;
mod tickets;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Gateway, socket};
use crate::error::{ApiError, Code};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "What players' clients and trusted servers call. Errors are RFC 9457 problems; see docs/errors.md for every code.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Identities)
)]
struct Description;

/// Who may call: players with a token, trusted servers with a key.
struct Identities;

impl utoipa::Modify for Identities {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The token of POST /v1/auth/device."))
            .build();
        let key = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A service key of `muster-server service-key add`: `msk_…`. For trusted servers, never for clients.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        components.add_security_scheme("key", SecurityScheme::Http(key));
    }
}

fn described() -> (Router<Gateway>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(auth::sign_in_device))
        .routes(routes!(auth::key_set))
        .routes(routes!(me::read_me))
        .routes(routes!(queues::list_queues))
        .routes(routes!(closures::close_region, closures::open_region))
        .routes(routes!(closures::close_queue, closures::open_queue))
        .routes(routes!(tickets::create_ticket))
        .routes(routes!(tickets::read_ticket, tickets::cancel_ticket))
        .routes(routes!(tickets::accept_match))
        .routes(routes!(tickets::decline_match))
        .routes(routes!(blocks::list_blocks))
        .routes(routes!(blocks::block, blocks::unblock))
        .routes(routes!(assignments::list_assignments))
        .routes(routes!(assignments::assign, assignments::refuse_assignment))
        .routes(routes!(servers::register_server, servers::read_server, servers::drain_server))
        .routes(routes!(servers::heartbeat))
        .routes(routes!(server_matches::start_match))
        .routes(routes!(server_matches::report_players))
        .routes(routes!(server_matches::report_result))
        .routes(routes!(server_matches::read_server_match))
        .routes(routes!(server_matches::make_join_token))
        .routes(routes!(backfills::request_backfill, backfills::withdraw_backfill))
        .routes(routes!(leaderboards::read_leaderboard))
        .routes(routes!(leaderboards::read_standing))
        .routes(routes!(matches::read_match))
        .routes(routes!(matches::read_match_events))
        .routes(routes!(events::accept_events))
        .routes(routes!(socket::open_socket))
        .split_for_parts()
}

/// The OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().1
}

/// All routes, with the limits and last resorts that hold for each.
pub(super) fn router(gateway: Gateway) -> Router {
    let (router, document) = described();
    let max_body = gateway.settings.gateway.max_body_bytes;
    router
        .route("/v1/openapi.json", get(move || async move { Json(document) }))
        .fallback(|| async { ApiError::from(Code::NotFound) })
        .method_not_allowed_fallback(|| async { ApiError::from(Code::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(max_body))
        .layer(axum::middleware::map_response(guard_headers))
        .layer(CatchPanicLayer::custom(|_| ApiError::from(Code::Internal).into_response()))
        .with_state(gateway)
}

/// Nothing here is for a cache, and nothing is to be sniffed.
async fn guard_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
