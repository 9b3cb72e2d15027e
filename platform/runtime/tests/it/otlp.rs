//! Spans reach a collector.

use muster_runtime::{Telemetry, settings::*, trace_context};

use crate::{
    listener::listen,
    wait::{DEADLINE, within},
};

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_posted_as_protobuf() {
    let (address, mut received) = listen().await;
    let traces = TracesSettings {
        otlp_endpoint: Some(format!("http://{address}").parse().unwrap()),
        ..TracesSettings::default()
    };
    let log = LogSettings { environment: "test".to_owned(), ..LogSettings::default() };
    let (dispatch, telemetry) =
        Telemetry::build("muster-otlp-test", &log, &traces, &LokiSettings::default()).await.unwrap();

    let trace_id = tracing::dispatcher::with_default(&dispatch, || {
        tracing::info_span!("a_span_to_export", queue = "classic-ranked").in_scope(trace_context::current_trace_id)
    });
    telemetry.shutdown(DEADLINE).await;

    let request = within("the export", received.recv()).await.unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/traces"));
    assert_eq!(request.header("content-type"), "application/x-protobuf");
    for text in ["a_span_to_export", "classic-ranked", "muster-otlp-test", "deployment.environment.name"] {
        assert!(request.holds(text), "{text} is not in the export");
    }
    let trace_id: Vec<u8> = trace_id
        .unwrap()
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    assert!(request.body.windows(16).any(|window| window == trace_id), "the trace id is not in the export");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_there_are_trace_ids_all_the_same() {
    let (log, traces, loki) = (
        LogSettings { filter: "off".to_owned(), ..LogSettings::default() },
        TracesSettings::default(),
        LokiSettings::default(),
    );
    let (dispatch, telemetry) = Telemetry::build("muster-otlp-test", &log, &traces, &loki).await.unwrap();
    let trace_id = tracing::dispatcher::with_default(&dispatch, || {
        tracing::info_span!("request").in_scope(trace_context::current_trace_id)
    });
    assert_eq!(trace_id.map(|id| id.len()), Some(32));
    within("the shutdown", telemetry.shutdown(DEADLINE)).await;
}
