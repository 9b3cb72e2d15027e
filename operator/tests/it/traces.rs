//! Each reconcile is a span, and is exported where the settings say.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, routing::post};
use muster_testkit::eventually;
use tokio::net::TcpListener;

use crate::{
    cluster::{Cluster, SOON},
    region,
};

fn has(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_is_a_span_with_the_resource_that_it_is_about() {
    let Some(cluster) = Cluster::own().await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let collector = format!("http://{}", listener.local_addr().expect("an address"));
    let received = Arc::new(Mutex::new(Vec::<Bytes>::new()));
    let kept = received.clone();
    let router = Router::new()
        .route("/v1/traces", post(async move |body: Bytes| kept.lock().expect("what was received").push(body)));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let operator = cluster.operator("traces", &[&format!("traces.otlp_endpoint={collector}")]);
    let space = cluster.namespace("traces").await;
    region::create(&space, "eu-west-traced", region::small()).await;
    region::wait_ready(&space, "eu-west-traced").await;
    // Protocol buffers hold text as it is.
    let parts = ["reconcile", "Region", "eu-west-traced", "traces", "muster-operator"];
    eventually(SOON, "the span of a reconcile", async || {
        let received = received.lock().expect("what was received");
        received.iter().any(|body| parts.iter().all(|part| has(body, part))).then_some(())
    })
    .await;
    // What is logged meanwhile names the trace.
    let log = operator.log();
    let applied = log.lines().find(|line| line.contains("\"message\":\"applied\"")).expect("a line");
    assert!(applied.contains("\"trace_id\":\"") && applied.contains("\"span_id\":\""), "{applied}");
}
