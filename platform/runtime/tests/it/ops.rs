//! The ops port: alive, ready, measured.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, routing::get};
use muster_runtime::{Condition, Health, http_trace, install_crypto, ops_router};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::wait::until;

/// Serves a router until the test ends; gives its base URL.
async fn serve(router: Router) -> String {
    install_crypto();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

async fn get_json(url: &str) -> (u16, Value) {
    let answer = reqwest::get(url).await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn status_of<'a>(body: &'a Value, dependency: &str) -> &'a str {
    let dependencies = body["dependencies"].as_array().unwrap();
    dependencies.iter().find(|found| found["name"] == dependency).and_then(|found| found["status"].as_str()).unwrap()
}

#[tokio::test]
async fn readiness_follows_the_checks_and_ends_with_the_drain() {
    let health = Health::new();
    let (postgres_up, loki_up) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
    let up = postgres_up.clone();
    health.register("postgres", move || {
        let up = up.load(Ordering::Relaxed);
        async move { if up { Ok(()) } else { Err("connection refused") } }
    });
    let up = loki_up.clone();
    health.register_optional("loki", move || {
        let up = up.load(Ordering::Relaxed);
        async move { if up { Condition::Healthy } else { Condition::Down("no route".to_owned()) } }
    });
    let base = serve(ops_router("muster-ops-test", health.clone()).unwrap()).await;
    let ready = format!("{base}/readyz");

    let (code, body) = get_json(&ready).await;
    assert_eq!((code, body["status"].as_str()), (503, Some("starting")));
    health.running();
    let (code, body) = get_json(&ready).await;
    assert_eq!((code, body["status"].as_str(), status_of(&body, "postgres")), (200, Some("healthy"), "healthy"));

    loki_up.store(false, Ordering::Relaxed);
    let (code, body) = until("a degraded process", || async {
        Some(get_json(&ready).await).filter(|(_, body)| body["status"] == "degraded")
    })
    .await;
    assert_eq!((code, status_of(&body, "loki"), status_of(&body, "postgres")), (200, "down", "healthy"));

    postgres_up.store(false, Ordering::Relaxed);
    let (_, body) = until("a process that is not ready", || async {
        Some(get_json(&ready).await).filter(|(code, _)| *code == 503)
    })
    .await;
    assert_eq!((body["status"].as_str(), status_of(&body, "postgres")), (Some("down"), "down"));
    assert!(
        body["dependencies"].as_array().unwrap().iter().any(|dependency| dependency["detail"] == "connection refused")
    );

    postgres_up.store(true, Ordering::Relaxed);
    until("a ready process", || async { Some(get_json(&ready).await).filter(|(code, _)| *code == 200) }).await;

    health.draining();
    let (code, body) = get_json(&ready).await;
    assert_eq!((code, body["status"].as_str()), (503, Some("draining")));
    assert_eq!(get_json(&format!("{base}/livez")).await.0, 200);
}

#[tokio::test]
async fn metrics_tell_about_build_process_and_requests() {
    let ops = serve(ops_router("muster-ops-test", Health::new()).unwrap()).await;
    let app = Router::new().route("/v1/players/{id}", get(|| async { "fine" }));
    let app = serve(http_trace(app, "muster-app-test")).await;
    for path in ["/v1/players/ply_1?token=hunter2", "/v1/players/ply_2", "/no/such/path"] {
        reqwest::get(format!("{app}{path}")).await.unwrap();
    }

    let answer = reqwest::get(format!("{ops}/metrics")).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    let has = |parts: &[&str]| text.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(has(&["muster_build_info{", "process=\"muster-ops-test\"", "version=\"", "} 1"]), "{text}");
    assert!(
        has(&["process_resident_memory_bytes "]) && has(&["process_open_fds "]) && has(&["process_cpu_seconds_total "]),
        "{text}"
    );
    let request = ["process=\"muster-app-test\"", "route=\"/v1/players/{id}\"", "method=\"GET\"", "status=\"200\""];
    assert!(has(&[&["muster_http_requests_total{", "} 2"], &request[..]].concat()), "{text}");
    assert!(has(&[&["muster_http_request_duration_seconds_bucket{", "le=\"0.005\""], &request[..]].concat()), "{text}");
    assert!(has(&["muster_http_requests_total{", "route=\"unmatched\"", "status=\"404\""]), "{text}");
    for private in ["ply_1", "hunter2", "no/such"] {
        assert!(!text.contains(private), "{private}");
    }
}
