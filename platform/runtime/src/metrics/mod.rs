//! Metrics, and their text for Prometheus.

mod process;

use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Buckets of `*_seconds`: half a millisecond (a move in a match) to a minute (a wait in a queue).
const SECONDS: [f64; 17] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0];
/// Buckets of `*_ratio`: shares and qualities from 0 to 1.
const RATIO: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
/// Buckets of `*_bytes` and `*_size`: powers of four.
const SIZES: [f64; 13] =
    [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0];

/// The recorder is the process's, not the runtime's: `metrics` allows one.
static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// The metrics of this process.
#[derive(Clone)]
pub(crate) struct Metrics {
    handle: PrometheusHandle,
}

/// Why metrics cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MetricsError {
    #[error("the metrics recorder cannot be built: {0}")]
    Build(#[from] BuildError),
    #[error("something else in this process records metrics already")]
    Installed,
}

impl Metrics {
    /// Installs the recorder of the process, or finds the one installed before.
    pub(crate) fn install(process: &'static str) -> Result<Self, MetricsError> {
        // Held until the recorder is installed, so that of two callers at once the second finds the first one's.
        let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = match &*recorder {
            Some(handle) => handle.clone(),
            None => recorder.insert(record()?).clone(),
        };
        drop(recorder);
        ::metrics::describe_gauge!("muster_build_info", "1; the labels tell which process of which version this is.");
        ::metrics::gauge!("muster_build_info", "process" => process, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(Self { handle })
    }

    /// All metrics in Prometheus' text format, those about the process as they are now.
    pub(crate) fn render(&self) -> String {
        let mut text = self.handle.render();
        text.push_str(&process::render());
        text
    }

    /// Moves recorded samples into their buckets, so that memory stays bounded where nobody scrapes.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Installs the recorder.
fn record() -> Result<PrometheusHandle, MetricsError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_ratio".to_owned()), &RATIO)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &SIZES)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)?
        .build_recorder();
    let handle = recorder.handle();
    ::metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Installed)?;
    Ok(handle)
}
