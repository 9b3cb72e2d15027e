//! The pages and their server functions, rendered by leptos.

use axum::{Router, extract::FromRef};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use leptos::{
    config::LeptosOptions,
    nonce::Nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list, render_app_async_with_context};
use muster_dashboard_app::{App, CookiePolicy, RequestHeaders, shell};

use crate::{Graphql, Settings, Site, security};

/// leptos' own options, most of which only its command line tool reads.
#[derive(Debug, Clone, FromRef)]
struct Options {
    leptos: LeptosOptions,
}

/// All pages, all server functions, and the page for addresses that are neither.
pub(crate) fn router(settings: &Settings, site: &Site, graphql: &Graphql) -> Router {
    let leptos = LeptosOptions::builder().output_name("muster").site_addr(settings.http.listen).build();
    let options = Options { leptos };
    let upstream = graphql.upstream();
    let cookies = CookiePolicy { secure: settings.site.https };
    let assets = site.assets();
    let context = move || {
        provide_context(upstream.clone());
        provide_context(cookies);
        provide_context(assets.clone());
        provide_context(RequestHeaders(trace_headers()));
        allow_own_scripts();
    };
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context.clone(), shell)
        .fallback(render_app_async_with_context(context, shell))
        .with_state(options)
}

/// Ties the page's policy to the nonce that leptos gives its scripts. Server functions have no page and no nonce.
fn allow_own_scripts() {
    if let (Some(nonce), Some(response)) = (use_context::<Nonce>(), use_context::<ResponseOptions>())
        && let Some(policy) = security::page_policy(&nonce)
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// The trace context of the request that is being answered, for the calls it leads to.
fn trace_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    muster_runtime::trace_context::inject(|name, value| {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    });
    headers
}
