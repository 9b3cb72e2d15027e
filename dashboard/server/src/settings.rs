//! What `muster-dashboard` can be told.

use std::{path::PathBuf, time::Duration};

use garde::Validate;
use muster_runtime::settings::{
    HttpSettings, LogSettings, LokiSettings, OpsSettings, SecretsSettings, ShutdownSettings, TracesSettings,
};
use serde::{Deserialize, Serialize};
use url::Url;

/// Everything, by section.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Logs.
    #[garde(dive)]
    pub log: LogSettings,
    /// Traces.
    #[garde(dive)]
    pub traces: TracesSettings,
    /// Logs to Loki.
    #[garde(dive)]
    pub loki: LokiSettings,
    /// Health and metrics.
    #[garde(dive)]
    pub ops: OpsSettings,
    /// The end.
    #[garde(dive)]
    pub shutdown: ShutdownSettings,
    /// Where secrets come from; the dashboard has none of its own.
    #[garde(dive)]
    pub secrets: SecretsSettings,
    /// Where browsers connect.
    #[garde(dive)]
    pub http: HttpSettings,
    /// The staff API.
    #[garde(dive)]
    pub graphql: GraphqlSettings,
    /// The built files, and how browsers reach them.
    #[garde(dive)]
    pub site: SiteSettings,
    /// The WebSocket bridge.
    #[garde(dive)]
    pub bridge: BridgeSettings,
}

/// The staff API.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct GraphqlSettings {
    /// Where it takes `POST`; `/graphql` where only a host is given. Its WebSocket is the same address with `/ws` behind it.
    #[garde(custom(is_http))]
    pub url: Url,
    /// How long a page waits for it.
    #[serde(with = "humantime_serde")]
    #[garde(custom(is_wait))]
    pub timeout: Duration,
}

/// The built files, and how browsers reach them.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct SiteSettings {
    /// The folder that holds `pkg/`, as `cargo xtask wasm` makes it.
    #[garde(skip)]
    pub root: PathBuf,
    /// Browsers come over https (TLS ends here or at a proxy): the session cookie is `Secure` and HSTS is sent.
    #[garde(skip)]
    pub https: bool,
}

/// Bounds of the WebSocket bridge.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct BridgeSettings {
    /// Sockets open at once.
    #[garde(range(min = 1, max = 100_000))]
    pub connections: usize,
    /// A socket that hears nothing from its browser for this long is closed. Pages ping every 15 s, once a minute when
    /// they are in the background.
    #[serde(with = "humantime_serde")]
    #[garde(custom(is_wait))]
    pub idle: Duration,
    /// The greatest message a browser may send, in bytes.
    #[garde(range(min = 1_024, max = 1_048_576))]
    pub browser_message_bytes: usize,
    /// The greatest message the staff API may send, in bytes.
    #[garde(range(min = 65_536, max = 16_777_216))]
    pub graphql_message_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log: LogSettings::default(),
            traces: TracesSettings::default(),
            loki: LokiSettings::default(),
            ops: OpsSettings::on_port(7421),
            shutdown: ShutdownSettings::default(),
            secrets: SecretsSettings::default(),
            http: HttpSettings::on_port(7420),
            graphql: GraphqlSettings::default(),
            site: SiteSettings::default(),
            bridge: BridgeSettings::default(),
        }
    }
}

impl Default for GraphqlSettings {
    fn default() -> Self {
        Self {
            url: Url::parse("http://127.0.0.1:7410/graphql").expect("a constant that parses"),
            timeout: Duration::from_secs(10),
        }
    }
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self { root: PathBuf::from(".muster/site/debug"), https: false }
    }
}

impl Default for BridgeSettings {
    fn default() -> Self {
        Self {
            connections: 1_000,
            idle: Duration::from_secs(150),
            browser_message_bytes: 16 * 1024,
            graphql_message_bytes: 1024 * 1024,
        }
    }
}

fn is_http(url: &Url, _context: &()) -> garde::Result {
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(()),
        _ => Err(garde::Error::new("must be an http:// or https:// address, such as http://127.0.0.1:7410/graphql")),
    }
}

fn is_wait(wait: &Duration, _context: &()) -> garde::Result {
    if (Duration::from_millis(100)..=Duration::from_secs(3_600)).contains(wait) {
        Ok(())
    } else {
        Err(garde::Error::new("must be between 100ms and 1h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        Settings::default().validate().expect("valid");
    }

    #[test]
    fn an_address_that_is_not_http_is_refused() {
        let graphql = GraphqlSettings {
            url: Url::parse("ftp://127.0.0.1/graphql").expect("an URL"),
            ..GraphqlSettings::default()
        };
        assert!(graphql.validate().is_err());
    }
}
