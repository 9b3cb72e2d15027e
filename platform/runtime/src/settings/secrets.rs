//! `[secrets]`: where secrets come from.

use std::{path::PathBuf, time::Duration};

use garde::Validate;
use serde::{Deserialize, Serialize};
use url::Url;

use super::duration_within;
use crate::Secret;

/// The shortest time between two looks for a new version.
const MIN_POLL: Duration = Duration::from_millis(10);
/// The longest; a rotated secret should be noticed within the hour.
const MAX_POLL: Duration = Duration::from_secs(3600);

/// `[secrets]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsSettings {
    /// Which of the providers is asked.
    #[garde(skip)]
    pub provider: SecretsProvider,
    /// Settings of the provider `files`.
    #[garde(dive)]
    pub files: FilesSettings,
    /// Settings of the provider `vault`.
    #[garde(dive)]
    pub vault: VaultSettings,
}

/// The places a secret can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretsProvider {
    /// Environment variables `MUSTER_SECRET_<KEY>`.
    #[default]
    Env,
    /// A directory with one file per key, as Kubernetes mounts a Secret.
    Files,
    /// HashiCorp Vault or OpenBao, KV version 2.
    Vault,
}

/// `[secrets.files]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct FilesSettings {
    /// The directory.
    #[garde(skip)]
    pub dir: PathBuf,
    /// How often a watched file is read again, 10 ms to 1 h.
    #[serde(with = "humantime_serde")]
    #[garde(custom(duration_within(MIN_POLL, MAX_POLL)))]
    pub poll: Duration,
}

impl Default for FilesSettings {
    fn default() -> Self {
        Self { dir: PathBuf::from("/run/secrets/muster"), poll: Duration::from_secs(2) }
    }
}

/// `[secrets.vault]`. The key `db` is the field `value` of the secret `<mount>/<path>/db`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct VaultSettings {
    /// Base URL of the server.
    #[garde(custom(web_address))]
    pub address: Url,
    /// The token, unless it stands in `token_file`.
    #[garde(skip)]
    pub token: Secret,
    /// A file that holds the token; read again before every request, so an agent may renew it.
    #[garde(skip)]
    pub token_file: Option<PathBuf>,
    /// Where the KV version 2 engine is mounted.
    #[garde(length(min = 1))]
    pub mount: String,
    /// The folder of the secrets in the engine; may be empty.
    #[garde(skip)]
    pub path: String,
    /// How often the version of a watched secret is asked for, 10 ms to 1 h. After failures the time doubles, to 1 min at most.
    #[serde(with = "humantime_serde")]
    #[garde(custom(duration_within(MIN_POLL, MAX_POLL)))]
    pub poll: Duration,
}

impl Default for VaultSettings {
    fn default() -> Self {
        Self {
            address: Url::parse("http://127.0.0.1:8200").expect("the literal is a URL"),
            token: Secret::default(),
            token_file: None,
            mount: "secret".to_owned(),
            path: "muster".to_owned(),
            poll: Duration::from_secs(10),
        }
    }
}

fn web_address(url: &Url, _: &()) -> garde::Result {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(garde::Error::new("must start with http:// or https://"));
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err(garde::Error::new(
            "must not carry credentials; set secrets.vault.token or secrets.vault.token_file",
        ));
    }
    Ok(())
}
