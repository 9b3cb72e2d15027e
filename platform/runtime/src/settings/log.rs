//! `[log]` and `[loki]`: what is logged, and where to.

use garde::Validate;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::SecretUrl;

/// `[log]`: log lines on standard error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines are written: a level, or directives such as `info,muster_server=debug`.
    #[garde(custom(readable_filter))]
    pub filter: String,
    /// The name of the installation, for example `production`: label `env` in Loki, `deployment.environment.name` in traces.
    #[garde(length(min = 1, max = 64))]
    pub environment: String,
}

/// The look of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person at a terminal.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: "info".to_owned(), environment: "local".to_owned() }
    }
}

fn readable_filter(filter: &str, _: &()) -> garde::Result {
    EnvFilter::builder().parse(filter).map(drop).map_err(|error| {
        garde::Error::new(format!(
            "is not a log filter ({error}); write a level or directives such as info,muster_server=debug"
        ))
    })
}

/// `[loki]`: the same lines pushed to Loki.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct LokiSettings {
    /// Base URL, such as `http://loki:3100`; `/loki/api/v1/push` is added. Not set: nothing is pushed.
    #[garde(inner(custom(web_address)))]
    pub url: Option<SecretUrl>,
}

fn web_address(url: &SecretUrl, _: &()) -> garde::Result {
    match url.url().scheme() {
        "http" | "https" => Ok(()),
        _ => Err(garde::Error::new("must start with http:// or https://")),
    }
}
