//! The staff API as the dashboard's server reaches it.

use std::time::Duration;

use http::HeaderValue;
use muster_dashboard_app::Upstream;
use url::Url;

use crate::GraphqlSettings;

/// How long a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// A client of the staff API; cheap to clone.
#[derive(Debug, Clone)]
pub struct Graphql {
    http: reqwest::Client,
    url: Url,
}

impl Graphql {
    /// # Errors
    /// When the TLS roots of the machine cannot be read.
    pub fn new(settings: &GraphqlSettings) -> Result<Self, reqwest::Error> {
        // The staff API stands beside the dashboard: whatever proxy the machine has for the world is not for it.
        let http =
            reqwest::Client::builder().no_proxy().connect_timeout(CONNECT_WITHIN).timeout(settings.timeout).build()?;
        let mut url = settings.url.clone();
        if url.path() == "/" {
            url.set_path("/graphql");
        }
        Ok(Self { http, url })
    }

    /// Whether GraphQL answers there. That it refuses somebody who is not signed in is an answer too.
    ///
    /// # Errors
    /// A sentence for the health report.
    pub async fn check(&self) -> Result<(), String> {
        let probe = self.http.post(self.url.clone()).json(&serde_json::json!({ "query": "{ __typename }" }));
        let broken = |error: reqwest::Error| format!("{} does not answer: {}", self.url, root_cause(&error));
        let response = probe.send().await.map_err(broken)?;
        let status = response.status();
        let answer = response.bytes().await.map_err(broken)?;
        match serde_json::from_slice::<serde_json::Value>(&answer) {
            Ok(answer) if answer.get("data").or(answer.get("errors")).is_some() => Ok(()),
            _ => Err(format!("{} answers {status}, but not as GraphQL does", self.url)),
        }
    }

    /// For the pages' context.
    pub(crate) fn upstream(&self) -> Upstream {
        Upstream::new(self.http.clone(), self.url.as_str())
    }

    /// Where the staff API takes WebSockets.
    pub(crate) fn socket_url(&self) -> String {
        let address = format!("{}/ws", self.url.as_str().trim_end_matches('/'));
        address.replacen("http", "ws", 1)
    }
}

/// The last error of the chain: the one that names the reason ("connection refused").
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// `Bearer <token>`; none when the token cannot stand in a header.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Graphql {
        muster_runtime::install_crypto();
        let url = Url::parse(url).expect("an URL");
        Graphql::new(&GraphqlSettings { url, ..GraphqlSettings::default() }).expect("a client")
    }

    #[test]
    fn the_socket_is_beside_the_queries() {
        assert_eq!(at("http://127.0.0.1:7410/graphql").socket_url(), "ws://127.0.0.1:7410/graphql/ws");
        assert_eq!(at("https://staff.example/graphql/").socket_url(), "wss://staff.example/graphql/ws");
    }

    #[test]
    fn a_bare_host_is_enough() {
        assert_eq!(at("http://127.0.0.1:7410").url.as_str(), "http://127.0.0.1:7410/graphql");
    }
}
