//! The ops port: `/livez`, `/readyz`, `/metrics`.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use crate::{Health, metrics::Metrics, runtime::StartError};

/// The content type of Prometheus' text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The routes of the ops port. A [`Runtime`](crate::Runtime) serves them by itself.
///
/// # Errors
/// When something other than this crate records the metrics of the process.
pub fn ops_router(process: &'static str, health: Health) -> Result<Router, StartError> {
    let metrics = Metrics::install(process).map_err(|error| StartError::Metrics(error.to_string()))?;
    Ok(router(health, metrics))
}

pub(crate) fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .with_state(health.clone())
        .route("/metrics", get(render))
        .with_state((health, metrics))
}

/// Answers as long as the process turns its wheels; says nothing about dependencies, whose failure no restart mends.
async fn live() -> Json<serde_json::Value> {
    Json(json!({ "status": "alive" }))
}

async fn ready(State(health): State<Health>) -> Response {
    let report = health.report().await;
    let code = if report.status.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

async fn render(State((health, metrics)): State<(Health, Metrics)>) -> impl IntoResponse {
    // A scrape asks the dependencies too (at most once a second), so that their gauges are as fresh as the rest.
    health.report().await;
    ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render())
}
