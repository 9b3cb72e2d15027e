//! The platform's API for programs, as far as the operator calls it: it remembers what it was asked, and answers as it is told.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::put,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The key that it takes.
pub const KEY: &str = "msk_0123456789abcdef";

/// It ends with the test's runtime.
pub struct StandIn {
    /// Its base URL.
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// What was asked of it, in order: `PUT eu-west`.
    calls: Vec<String>,
    /// Regions that are closed.
    closed: Vec<String>,
    /// What it answers instead of doing it.
    refusal: Option<(u16, &'static str)>,
}

impl StandIn {
    /// With all regions open.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let router =
            Router::new().route("/v1/regions/{region}/closure", put(answer).delete(answer)).with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    /// From now on: a status and a code, or what it is there for.
    pub fn refuses(&self, refusal: Option<(u16, &'static str)>) {
        self.seen.lock().expect("what was seen").refusal = refusal;
    }

    /// What was asked of it, in order.
    pub fn calls(&self) -> Vec<String> {
        self.seen.lock().expect("what was seen").calls.clone()
    }

    /// The same, with what was asked several times in a row once: the operator may ask again before it sees what it has written.
    pub fn turns(&self) -> Vec<String> {
        let mut calls = self.calls();
        calls.dedup();
        calls
    }

    /// Which regions are closed.
    pub fn closed(&self) -> Vec<String> {
        self.seen.lock().expect("what was seen").closed.clone()
    }
}

async fn answer(
    State(seen): State<Arc<Mutex<Seen>>>,
    method: Method,
    Path(region): Path<String>,
    headers: HeaderMap,
    body: Option<Json<Value>>,
) -> Response {
    let problem = |status: u16, code: &str| {
        let body = Json(json!({ "code": code, "detail": "Do something else.", "status": status }));
        (StatusCode::from_u16(status).expect("a status"), body).into_response()
    };
    let mut seen = seen.lock().expect("what was seen");
    seen.calls.push(format!("{method} {region}"));
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some(&format!("Bearer {KEY}")) {
        return problem(401, "key_invalid");
    }
    if let Some((status, code)) = seen.refusal {
        return problem(status, code);
    }
    seen.closed.retain(|closed| *closed != region);
    if method == Method::DELETE {
        return StatusCode::NO_CONTENT.into_response();
    }
    match body.and_then(|Json(body)| body["reason"].as_str().map(str::to_owned)) {
        Some(reason) if !reason.is_empty() => {
            seen.closed.push(region.clone());
            Json(json!({ "region": region, "reason": reason })).into_response()
        }
        _ => problem(422, "invalid_field"),
    }
}
