//! Spans, and their export over OTLP.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};

use super::TelemetryError;
use crate::settings::TracesSettings;

/// How long one export may take, retries included.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// A provider of spans. Without an endpoint nothing is exported, but spans still get their ids.
pub(super) async fn provider(
    process: &'static str,
    environment: &str,
    settings: &TracesSettings,
) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder()
        .with_service_name(process)
        .with_attribute(KeyValue::new("service.namespace", "muster"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("deployment.environment.name", environment.to_owned()))
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio)));
    let builder = SdkTracerProvider::builder().with_resource(resource).with_sampler(sampler);
    match &settings.otlp_endpoint {
        Some(endpoint) => {
            let endpoint = endpoint.clone();
            // The client that the exporter's own thread uses blocks, and may not be made on an async thread.
            let exporter = tokio::task::spawn_blocking(move || exporter(&endpoint)).await;
            let exporter = exporter.map_err(|error| TelemetryError::Traces(error.to_string()))??;
            Ok(builder.with_batch_exporter(exporter).build())
        }
        None => Ok(builder.build()),
    }
}

fn exporter(endpoint: &url::Url) -> Result<SpanExporter, TelemetryError> {
    let mut client = reqwest::blocking::Client::builder().timeout(EXPORT_TIMEOUT);
    if endpoint.scheme() == "http" {
        // Otherwise making the client fails on machines without a certificate store.
        client = client.tls_certs_only([]);
    }
    let client = client.build().map_err(|error| TelemetryError::Traces(error.to_string()))?;
    SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_TIMEOUT)
        .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
        .build()
        .map_err(|error| TelemetryError::Traces(error.to_string()))
}
