//! Logs, traces and their ways out of the process.
//!
//! One registry, three layers, each with its own filter: lines on standard error, the same lines pushed to Loki, and spans.
//! Spans are made whatever the log filter says, so that every request has a trace id even where only warnings are logged.

mod json;
mod loki;
mod traces;

use std::{io::IsTerminal, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing_subscriber::{EnvFilter, Layer, Registry, filter::LevelFilter, layer::SubscriberExt};

use crate::settings::{LogFormat, LogSettings, LokiSettings, TracesSettings};

/// Never logged, whatever the filter says, unless it names them: the Vault client logs addresses of secrets and logs every
/// error before its caller can decide that it is none.
const QUIET: &str = "vaultrs=off,rustify=off";

/// Why telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.filter` cannot be read.
    #[error("log.filter is not a log filter ({0}); write a level or directives such as info,muster_server=debug")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The trace exporter cannot be made.
    #[error("traces.otlp_endpoint cannot be used: {0}")]
    Traces(String),
    /// The Loki client cannot be made.
    #[error("loki.url cannot be used: {0}")]
    Loki(String),
    /// Something in this process has set up logging before.
    #[error("this process logs already; telemetry can be installed once only")]
    Installed,
}

/// The telemetry of a process. Dropping it stops nothing; [`Telemetry::shutdown`] flushes and stops.
pub struct Telemetry {
    provider: SdkTracerProvider,
    loki: Option<loki::Pusher>,
}

impl Telemetry {
    /// Sets up telemetry without making it the process's own: code under `tracing::dispatcher::with_default` uses it.
    /// Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub async fn build(
        process: &'static str,
        log: &LogSettings,
        traces: &TracesSettings,
        loki: &LokiSettings,
    ) -> Result<(Dispatch, Self), TelemetryError> {
        crate::install_crypto();
        let filter = || EnvFilter::builder().parse(format!("{QUIET},{}", log.filter));
        let provider = traces::provider(process, &log.environment, traces).await?;
        opentelemetry::global::set_text_map_propagator(opentelemetry_sdk::propagation::TraceContextPropagator::new());

        let (push, pusher) = match &loki.url {
            Some(url) => {
                let (layer, pusher) = loki::start(process, &log.environment, url)?;
                (Some(layer.with_filter(filter()?)), Some(pusher))
            }
            None => (None, None),
        };
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("muster"))
            .with_location(false)
            .with_threads(false)
            .with_filter(LevelFilter::INFO);
        let lines = match log.format {
            LogFormat::Json => json::layer().with_filter(filter()?).boxed(),
            LogFormat::Pretty => tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal())
                .with_filter(filter()?)
                .boxed(),
        };
        let dispatch = Dispatch::new(Registry::default().with(spans).with(lines).with(push));
        Ok((dispatch, Self { provider, loki: pusher }))
    }

    /// As [`Telemetry::build`], for the whole process.
    ///
    /// # Errors
    /// When the settings cannot be used, or the process has telemetry already.
    pub async fn install(
        process: &'static str,
        log: &LogSettings,
        traces: &TracesSettings,
        loki: &LokiSettings,
    ) -> Result<Self, TelemetryError> {
        use tracing_subscriber::util::SubscriberInitExt;
        let (dispatch, telemetry) = Self::build(process, log, traces, loki).await?;
        dispatch.try_init().map_err(|_| TelemetryError::Installed)?;
        Ok(telemetry)
    }

    /// Sends what has not been sent, for `limit` at most, and stops.
    pub async fn shutdown(self, limit: Duration) {
        let provider = self.provider;
        let spans = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(limit));
        let lines = async {
            if let Some(pusher) = self.loki {
                pusher.shutdown().await;
            }
        };
        // Logs and traces are best effort: a collector that is down must not keep the process from ending.
        let _ = tokio::time::timeout(limit, async { tokio::join!(spans, lines) }).await;
    }
}
