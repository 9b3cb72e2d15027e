//! One HTTP client for a test's own questions.

use std::sync::OnceLock;

/// Plain HTTP over the loopback: no certificates are read, no proxy is asked.
///
/// A client per call, not one for the process: `#[tokio::test]` gives each test its own runtime, and a pooled connection
/// dies with the runtime that opened it.
pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        // Refused only when another is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client without certificates needs nothing from the machine")
}
