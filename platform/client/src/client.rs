//! A platform and how to reach it.

use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use muster_core::wire::{DeviceSignIn, Problem, SignedIn};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{error::ClientError, session::Session, trusted::TrustedServer};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// A platform by its address. Cheap to clone; clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    base: Url,
    http: reqwest::Client,
    /// What players' clients tell at sign-in.
    platform: Option<String>,
    build: Option<String>,
}

impl Client {
    /// A platform at `base_url`, e.g. `https://play.example.com`. Nothing is sent yet.
    ///
    /// Installs rustls' ring provider for the process, unless the game has installed another.
    ///
    /// # Errors
    /// [`ClientError::Address`] when it is not an `http(s)` URL, [`ClientError::Transport`] when the machine's trusted
    /// certificates cannot be read.
    pub fn new(base_url: &str) -> Result<Self, ClientError> {
        let address = || ClientError::Address { url: base_url.to_owned() };
        let base = Url::parse(base_url).map_err(|_| address())?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(address());
        }
        // Refused only when another is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("muster-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT);
        if base.scheme() == "http" {
            // Reading the machine's certificates takes longer than a sign-in, for nothing.
            http = http.tls_certs_only([]);
        }
        if is_loopback(&base) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(ClientError::Transport)?;
        Ok(Self { inner: Arc::new(Inner { base, http, platform: None, build: None }) })
    }

    /// The same client, whose players tell on what platform they play, and with which build of the game, when they sign in: their
    /// tickets and matches can then be told apart by it. Each is 1 to 64 of `a-z`, `A-Z`, `0-9`, `.`, `_`, `+` and `-`.
    #[must_use]
    pub fn playing_on(&self, platform: &str, build: &str) -> Self {
        let Inner { base, http, .. } = &*self.inner;
        let (platform, build) = (Some(platform.to_owned()), Some(build.to_owned()));
        Self { inner: Arc::new(Inner { base: base.clone(), http: http.clone(), platform, build }) }
    }

    /// The address, as given.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.inner.base
    }

    /// Signs in with a device of 16 to 128 characters that only this player has; the first time makes the account.
    ///
    /// The session keeps the device's id and signs in again by itself when its token runs out.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when the platform refuses, [`ClientError::Transport`] when it is not there.
    pub async fn sign_in_device(&self, device_id: &str, display_name: Option<&str>) -> Result<Session, ClientError> {
        let device = DeviceSignIn {
            device_id: device_id.to_owned(),
            display_name: display_name.map(str::to_owned),
            platform: self.inner.platform.clone(),
            build: self.inner.build.clone(),
        };
        let signed_in = self.sign_in(&device).await?;
        Ok(Session::new(self.clone(), device, signed_in))
    }

    pub(crate) async fn sign_in(&self, device: &DeviceSignIn) -> Result<SignedIn, ClientError> {
        self.send("sign-in", || self.request(Method::POST, &["v1", "auth", "device"]).json(device)).await
    }

    /// The platform as a trusted server sees it: a game's back end, with a key of `muster-server service-key add`. Never for
    /// programs in players' hands. Nothing is sent yet.
    #[must_use]
    pub fn trusted(&self, service_key: &str) -> TrustedServer {
        TrustedServer::new(self.clone(), service_key.to_owned())
    }

    /// A request to a path of the platform; segments are escaped.
    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.request_with(method, segments, &[])
    }

    /// The same with a query.
    pub(crate) fn request_with(&self, method: Method, segments: &[&str], query: &[(&str, String)]) -> RequestBuilder {
        let mut url = self.inner.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.inner.http.request(method, url)
    }

    /// The socket's address: the same host, `ws` for `http`, `wss` for `https`.
    pub(crate) fn socket_url(&self) -> String {
        let base = self.inner.base.as_str().trim_end_matches('/');
        // `http` becomes `ws` and `https` becomes `wss`: what follows the first four letters stays.
        format!("ws{}/v1/socket", &base["http".len()..])
    }

    /// Sends a request that may be repeated, up to three times more where the way or the platform is at fault.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        what: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, ClientError> {
        let attempt = || async { read(what, request().send().await.map_err(ClientError::Transport)?).await };
        let patience = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(3)
            .with_jitter();
        attempt.retry(patience).when(ClientError::is_transient).await
    }
}

/// The answer, or the problem that came instead of it.
async fn read<T: DeserializeOwned>(what: &str, response: Response) -> Result<T, ClientError> {
    let status = response.status();
    let body = response.bytes().await.map_err(ClientError::Transport)?;
    if status.is_success() {
        // 204: nothing is to be read, and that is what the caller wants to read.
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        return serde_json::from_slice(body)
            .map_err(|error| ClientError::Answer { what: what.to_owned(), reason: error.to_string() });
    }
    Err(ClientError::Problem(Box::new(problem(status, &body))))
}

/// What is between a client and the platform (a proxy, a load balancer) answers no problem documents: its status becomes one.
fn problem(status: StatusCode, body: &[u8]) -> Problem {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let title = status.canonical_reason().unwrap_or("error").to_owned();
        let code = title.to_ascii_lowercase().replace(' ', "_");
        Problem {
            r#type: format!("urn:muster:error:{code}"),
            title,
            status: status.as_u16(),
            detail: format!("the answer was {status} and no explanation; try again later"),
            code,
            trace_id: None,
            errors: Vec::new(),
        }
    })
}

fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(url::Host::Domain(domain)) => domain == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_http_and_a_host() {
        for url in ["", "play.example.com", "ftp://play.example.com", "http://"] {
            assert!(matches!(Client::new(url), Err(ClientError::Address { .. })), "{url:?}");
        }
    }

    #[test]
    fn the_socket_is_on_the_same_host() {
        assert_eq!(Client::new("http://127.0.0.1:7400").unwrap().socket_url(), "ws://127.0.0.1:7400/v1/socket");
        assert_eq!(Client::new("http://localhost/a/").unwrap().socket_url(), "ws://localhost/a/v1/socket");
    }

    #[test]
    fn a_path_is_appended_to_the_address() {
        let client = Client::new("http://localhost/muster/").unwrap();
        let request =
            client.request_with(Method::GET, &["v1", "matches", "a/b"], &[("after", "7".to_owned())]).build().unwrap();
        assert_eq!(request.url().as_str(), "http://localhost/muster/v1/matches/a%2Fb?after=7");
    }

    #[test]
    fn a_status_without_a_document_becomes_a_problem() {
        let problem = problem(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!((problem.status, problem.code.as_str()), (502, "bad_gateway"));
        assert!(ClientError::Problem(Box::new(problem)).is_transient());
    }
}
