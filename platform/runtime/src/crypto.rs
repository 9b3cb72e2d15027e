//! The one cryptography provider of the process.

/// Makes ring the provider of every TLS client in this process.
///
/// The HTTP clients of the workspace are built without a provider of their own, so this must run before the first one is
/// made. [`Runtime::start`](crate::Runtime::start) and [`SecretSource::new`](crate::SecretSource::new) do; tests and command
/// lines that make a client outside a runtime call it themselves. Calling it again changes nothing.
pub fn install_crypto() {
    // An error says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
