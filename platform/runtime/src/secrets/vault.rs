//! Secrets from Vault or OpenBao, KV version 2.
//!
//! The key `db` is the field `value` of the secret `<mount>/<path>/db`. Its token needs `read` on
//! `<mount>/data/<path>/*` and, to notice new versions, on `<mount>/metadata/<path>/*`.

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use backon::{BackoffBuilder, ExponentialBuilder};
use secrecy::SecretString;
use tokio::sync::watch;
use vaultrs::{
    api::{self, kv2::requests::ReadSecretRequest},
    client::{Client, VaultClient, VaultClientSettingsBuilder},
    error::ClientError,
    kv2,
};

use super::{SecretError, Versioned};
use crate::{Secret, settings::VaultSettings};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// The field of a secret that holds the value.
const FIELD: &str = "value";

pub(super) struct Vault {
    address: url::Url,
    token: Token,
    mount: String,
    path: String,
    poll: Duration,
    /// Made for one token; made anew when the token file holds another.
    client: ArcSwapOption<VaultClient>,
}

enum Token {
    Fixed(Secret),
    File(PathBuf),
}

impl Vault {
    pub(super) fn new(settings: &VaultSettings) -> Result<Self, SecretError> {
        let token = match &settings.token_file {
            Some(file) => Token::File(file.clone()),
            None if settings.token.is_empty() => return Err(SecretError::NoToken),
            None => Token::Fixed(settings.token.clone()),
        };
        Ok(Self {
            address: settings.address.clone(),
            token,
            mount: settings.mount.trim_matches('/').to_owned(),
            path: settings.path.trim_matches('/').to_owned(),
            poll: settings.poll,
            client: ArcSwapOption::empty(),
        })
    }

    /// The newest version of a secret.
    pub(super) async fn read(&self, key: &str) -> Result<Versioned, SecretError> {
        let place = self.place(key);
        let client = self.client().await?;
        // The plain `kv2::read` keeps the version to itself, and value and version must come from one answer.
        let endpoint = ReadSecretRequest::builder().mount(&self.mount).path(&place).build();
        let endpoint =
            endpoint.map_err(|error| SecretError::Vault(format!("the request for {place} cannot be made: {error}")))?;
        let secret =
            api::exec_with_result(&*client, endpoint).await.map_err(|error| self.sentence(key, "data", &error))?;
        let version = secret.metadata.version;
        let value = secret.data.get(FIELD).and_then(serde_json::Value::as_str).ok_or_else(|| {
            let mount = &self.mount;
            SecretError::Vault(format!(
                "the secret {mount}/{place} in Vault, version {version}, has no text field `{FIELD}`; \
                 write it with `vault kv put -mount={mount} {place} {FIELD}=...`"
            ))
        })?;
        Ok(Versioned { value: SecretString::from(value), version })
    }

    /// Sends each new version, for ever.
    pub(super) async fn follow(&self, key: &str, mut version: u64, sender: &watch::Sender<SecretString>) {
        let mut pauses = self.pauses();
        let mut pause = self.poll;
        loop {
            tokio::time::sleep(pause).await;
            match self.newer(key, version).await {
                Ok(newer) => {
                    if let Some(newer) = newer {
                        version = newer.version;
                        sender.send_replace(newer.value);
                        tracing::info!(secret = key, version, "the secret has a new version");
                    }
                    pauses = self.pauses();
                    pause = self.poll;
                }
                Err(error) => {
                    pause = pauses.next().unwrap_or(MAX_PAUSE);
                    tracing::warn!(secret = key, version, %error, retry_in = ?pause, "cannot look for a new version; the last value stays");
                }
            }
        }
    }

    fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let first = (self.poll * 2).min(MAX_PAUSE);
        ExponentialBuilder::default()
            .with_min_delay(first)
            .with_max_delay(MAX_PAUSE.max(first))
            .without_max_times()
            .with_jitter()
            .build()
    }

    async fn newer(&self, key: &str, than: u64) -> Result<Option<Versioned>, SecretError> {
        let client = self.client().await?;
        let metadata = kv2::read_metadata(&*client, &self.mount, &self.place(key)).await;
        let metadata = metadata.map_err(|error| self.sentence(key, "metadata", &error))?;
        if metadata.current_version == than { Ok(None) } else { self.read(key).await.map(Some) }
    }

    fn place(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}/{key}", self.path) }
    }

    /// The client for the token as it is now.
    async fn client(&self) -> Result<Arc<VaultClient>, SecretError> {
        let token = match &self.token {
            Token::Fixed(token) => token.clone(),
            Token::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                let text = text.map_err(|reason| SecretError::TokenFile { path: path.clone(), reason })?;
                Secret::new(text.trim())
            }
        };
        if let Some(client) = self.client.load_full().filter(|client| client.settings().token == token.expose()) {
            return Ok(client);
        }
        let settings = VaultClientSettingsBuilder::default()
            .address(self.address.as_str())
            .token(token.expose())
            .timeout(Some(REQUEST_TIMEOUT))
            .verify(true)
            .build()
            .map_err(|error| {
                SecretError::Vault(format!("secrets.vault.address {} cannot be used: {error}", self.address))
            })?;
        let client = VaultClient::new(settings)
            .map_err(|error| SecretError::Vault(format!("the Vault client cannot be made: {}", innermost(&error))))?;
        let client = Arc::new(client);
        self.client.store(Some(client.clone()));
        Ok(client)
    }

    /// One sentence: what happened, and what to do.
    fn sentence(&self, key: &str, part: &str, error: &ClientError) -> SecretError {
        let (mount, place, address) = (&self.mount, self.place(key), &self.address);
        SecretError::Vault(match error {
            ClientError::APIError { code: 403, .. } => format!(
                "Vault at {address} refuses the token for {mount}/{part}/{place} (403); \
                 check the token and that its policy allows `read` there"
            ),
            ClientError::APIError { code: 404, .. } => format!(
                "Vault at {address} has no secret {mount}/{place}, or its newest version is deleted; \
                 write it with `vault kv put -mount={mount} {place} {FIELD}=...`"
            ),
            ClientError::APIError { code: 503, .. } => {
                format!("Vault at {address} is sealed or in maintenance (503); unseal it")
            }
            ClientError::APIError { code, errors } => {
                format!("Vault at {address} answers {code} for {mount}/{part}/{place}: {}", errors.join("; "))
            }
            // The client gives up on answers without a list of errors, which is how Vault answers for a deleted version.
            ClientError::RestClientError { source } if source.source().is_none() => format!(
                "Vault at {address} does not give out {mount}/{place}: its newest version is deleted, or something else answers there; \
                 write it again with `vault kv put -mount={mount} {place} {FIELD}=...` or check secrets.vault.address"
            ),
            other => format!(
                "Vault at {address} cannot be asked: {}; check secrets.vault.address and that it is up",
                innermost(other)
            ),
        })
    }
}

/// The cause at the bottom of an error, which is the one that tells something.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
