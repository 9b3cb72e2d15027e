//! A span and two metrics for every HTTP request.

use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tracing::{Instrument, field::Empty};

use crate::trace_context;

/// Makes every request of the router a span and counts it. Put it on last, over all routes and other layers.
///
/// The span continues the caller's trace (`traceparent`) and knows the method, the template of the route and the status;
/// never the path itself, a query or a header, which may hold ids and personal data. The metrics are
/// `muster_http_requests_total{process,route,method,status}` and the histogram `muster_http_request_duration_seconds` with
/// the same labels, up to the response's head: a socket counts when it is opened.
pub fn http_trace<S>(router: Router<S>, process: &'static str) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    metrics::describe_counter!("muster_http_requests_total", "HTTP requests answered.");
    metrics::describe_histogram!(
        "muster_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "Time from the head of a request to the head of its answer."
    );
    router.layer(from_fn_with_state(process, observe))
}

async fn observe(State(process): State<&'static str>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let method = name(request.method());

    let span = tracing::info_span!(
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = %route,
        http.response.status_code = Empty,
        trace_id = Empty,
    );
    let headers = request.headers();
    trace_context::extract(|name| headers.get(name)?.to_str().ok().map(str::to_owned)).adopt(&span);

    let response = next.run(request).instrument(span.clone()).await;

    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let labels = [
        ("process", process.to_owned()),
        ("route", route),
        ("method", method.to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("muster_http_requests_total", &labels).increment(1);
    metrics::histogram!("muster_http_request_duration_seconds", &labels).record(began.elapsed().as_secs_f64());
    response
}

/// The method as a label: clients may invent methods, and a label must stay bounded.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
