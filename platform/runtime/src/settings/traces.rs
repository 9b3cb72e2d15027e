//! `[traces]`: where spans go.

use garde::Validate;
use serde::{Deserialize, Serialize};
use url::Url;

/// `[traces]`: export over OTLP/HTTP with protobuf bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct TracesSettings {
    /// Base URL of the collector, such as `http://collector:4318`; `/v1/traces` is added. Not set: spans are not exported,
    /// trace ids exist all the same.
    #[garde(inner(custom(web_address)))]
    pub otlp_endpoint: Option<Url>,
    /// The share of new traces that is recorded, from 0 to 1. A trace that began elsewhere keeps its caller's decision.
    #[garde(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
}

impl Default for TracesSettings {
    fn default() -> Self {
        Self { otlp_endpoint: None, sample_ratio: 1.0 }
    }
}

fn web_address(url: &Url, _: &()) -> garde::Result {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(garde::Error::new("must start with http:// or https://"));
    }
    Ok(())
}
