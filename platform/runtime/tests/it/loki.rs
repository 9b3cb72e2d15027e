//! Log lines reach Loki.

use muster_runtime::{SecretUrl, Telemetry, settings::*};

use crate::{
    listener::listen,
    wait::{DEADLINE, within},
};

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_pushed_with_labels_for_service_and_environment() {
    let (address, mut received) = listen().await;
    let url = SecretUrl::parse(&format!("http://writer:hunter2@{address}/behind/a/proxy")).unwrap();
    let log = LogSettings { environment: "test-hall".to_owned(), ..LogSettings::default() };
    let loki = LokiSettings { url: Some(url) };
    let (dispatch, telemetry) =
        Telemetry::build("muster-loki-test", &log, &TracesSettings::default(), &loki).await.unwrap();

    tracing::dispatcher::with_default(&dispatch, || {
        tracing::debug!("below the filter");
        tracing::info!(match_id = "mch_42", "a line for Loki");
    });
    telemetry.shutdown(DEADLINE).await;

    let push = within("the push", received.recv()).await.unwrap();
    assert_eq!((push.method.as_str(), push.path.as_str()), ("POST", "/behind/a/proxy/loki/api/v1/push"));
    assert_eq!(push.header("content-type"), "application/x-protobuf");
    assert_eq!(push.header("content-encoding"), "snappy");
    assert!(push.header("authorization").starts_with("Basic "));
    // Snappy leaves what occurs once as it is.
    for text in ["service=\"muster-loki-test\"", "test-hall", "a line for Loki", "mch_42"] {
        assert!(push.holds(text), "{text} is not in {:?}", String::from_utf8_lossy(&push.body));
    }
    assert!(!push.holds("below the filter"));
}
