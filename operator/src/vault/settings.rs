//! `[operator.vault]`: which Vault is asked, and who the operator is there.

use std::{path::PathBuf, time::Duration};

use garde::Validate;
use muster_runtime::Secret;
use serde::{Deserialize, Serialize};

/// `[operator.vault]`. One of `token`, `token_file` and `kubernetes_role` says who the operator is.
///
/// It is not for a resource to say which Vault is asked: whoever may write a SecretRotation could have the operator's own
/// token sent anywhere.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct VaultSettings {
    /// Base URL of the server. Empty: there is none, and a SecretRotation says so.
    #[garde(custom(web_address_or_empty))]
    pub address: String,
    /// The token, unless it stands in `token_file` or is had by `kubernetes_role`.
    #[garde(skip)]
    pub token: Secret,
    /// A file that holds the token; read again before every request, so an agent may renew it.
    #[garde(skip)]
    pub token_file: Option<PathBuf>,
    /// The role of Vault's Kubernetes sign-in. Empty: sign in by token.
    #[garde(length(max = 128))]
    pub kubernetes_role: String,
    /// Where the Kubernetes sign-in is mounted.
    #[garde(length(min = 1, max = 128))]
    pub kubernetes_mount: String,
    /// The file with the service account's token.
    #[garde(skip)]
    pub kubernetes_token_file: PathBuf,
    /// Certificates of the authorities that vouch for the server, PEM; beside those of the machine.
    #[garde(skip)]
    pub ca_file: Option<PathBuf>,
    /// How long one request may take.
    #[serde(with = "humantime_serde")]
    #[garde(custom(a_timeout))]
    pub timeout: Duration,
}

impl Default for VaultSettings {
    fn default() -> Self {
        Self {
            address: String::new(),
            token: Secret::default(),
            token_file: None,
            kubernetes_role: String::new(),
            kubernetes_mount: "kubernetes".to_owned(),
            kubernetes_token_file: PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount/token"),
            ca_file: None,
            timeout: Duration::from_secs(10),
        }
    }
}

fn web_address_or_empty(address: &str, (): &()) -> garde::Result {
    if address.is_empty() {
        return Ok(());
    }
    let url = url::Url::parse(address).map_err(|error| garde::Error::new(format!("must be a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(garde::Error::new("must start with http:// or https://"));
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err(garde::Error::new("must not carry credentials; set token, token_file or kubernetes_role"));
    }
    Ok(())
}

fn a_timeout(value: &Duration, (): &()) -> garde::Result {
    if (Duration::from_millis(100)..=Duration::from_secs(60)).contains(value) {
        return Ok(());
    }
    Err(garde::Error::new("must be between 100ms and 1m"))
}
