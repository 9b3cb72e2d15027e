//! Where secrets come from, and how a new version of one is noticed.

mod env;
mod error;
mod files;
mod vault;

pub use error::SecretError;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use secrecy::SecretString;
use tokio::sync::watch;

use crate::settings::{SecretsProvider, SecretsSettings};

/// The secrets of a process. Clones share everything.
#[derive(Clone)]
pub struct SecretSource {
    provider: Arc<Provider>,
    /// One sender per watched key; it lives as long as the source, so a receiver never sees its channel closed before.
    watched: Arc<Mutex<HashMap<String, Arc<watch::Sender<SecretString>>>>>,
}

enum Provider {
    Env,
    Files(files::Files),
    Vault(vault::Vault),
}

/// A value and the version it belongs to.
struct Versioned {
    value: SecretString,
    /// 0 where the provider does not count versions.
    version: u64,
}

impl SecretSource {
    /// The source these settings describe. Nothing is read or connected to yet.
    ///
    /// # Errors
    /// When the settings lack what the provider needs, such as a token for Vault.
    pub fn new(settings: &SecretsSettings) -> Result<Self, SecretError> {
        crate::install_crypto();
        let provider = match settings.provider {
            SecretsProvider::Env => Provider::Env,
            SecretsProvider::Files => Provider::Files(files::Files::new(&settings.files)),
            SecretsProvider::Vault => Provider::Vault(vault::Vault::new(&settings.vault)?),
        };
        Ok(Self { provider: Arc::new(provider), watched: Arc::default() })
    }

    /// The current value of a secret, read afresh.
    ///
    /// # Errors
    /// When the key is not one, the secret does not exist, or the provider cannot be asked.
    pub async fn get(&self, key: &str) -> Result<SecretString, SecretError> {
        Ok(self.read(key).await?.value)
    }

    /// The current value of a secret and, as they appear, its new versions. Must be called inside a Tokio runtime.
    ///
    /// A provider that cannot be reached later on is asked again and again; the last value stays. The environment never
    /// changes.
    ///
    /// # Errors
    /// As [`SecretSource::get`], for the first value.
    pub async fn watch(&self, key: &str) -> Result<watch::Receiver<SecretString>, SecretError> {
        if let Some(sender) = self.watched().get(key) {
            return Ok(sender.subscribe());
        }
        let first = self.read(key).await?;
        // Another caller may have been faster; one poller a key is enough.
        let mut watched = self.watched();
        if let Some(sender) = watched.get(key) {
            return Ok(sender.subscribe());
        }
        let (sender, receiver) = watch::channel(first.value);
        let sender = Arc::new(sender);
        watched.insert(key.to_owned(), sender.clone());
        drop(watched);
        self.follow(key.to_owned(), first.version, sender);
        Ok(receiver)
    }

    async fn read(&self, key: &str) -> Result<Versioned, SecretError> {
        check_key(key)?;
        match &*self.provider {
            Provider::Env => env::read(key).map(|value| Versioned { value, version: 0 }),
            Provider::Files(files) => files.read(key).await.map(|value| Versioned { value, version: 0 }),
            Provider::Vault(vault) => vault.read(key).await,
        }
    }

    /// Starts the poller of a key.
    fn follow(&self, key: String, version: u64, sender: Arc<watch::Sender<SecretString>>) {
        let provider = self.provider.clone();
        match &*self.provider {
            Provider::Env => {}
            Provider::Files(_) | Provider::Vault(_) => {
                tokio::spawn(async move {
                    match &*provider {
                        Provider::Env => {}
                        Provider::Files(files) => files.follow(&key, &sender).await,
                        Provider::Vault(vault) => vault.follow(&key, version, &sender).await,
                    }
                });
            }
        }
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<watch::Sender<SecretString>>>> {
        // The map is only ever inserted into, so it is whole even if a holder panicked.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &*self.provider {
            Provider::Env => "SecretSource(env)",
            Provider::Files(_) => "SecretSource(files)",
            Provider::Vault(_) => "SecretSource(vault)",
        })
    }
}

/// Keys become file names and URL paths, so they are plain: letters, digits, `_`, `.`, `-`, no leading dot, 1 to 128 long.
fn check_key(key: &str) -> Result<(), SecretError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if (1..=128).contains(&key.len()) && key.bytes().all(plain) && !key.starts_with('.') {
        return Ok(());
    }
    Err(SecretError::BadKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_leave_their_folder() {
        for key in ["", "..", ".hidden", "a/b", "a b", "ä", &"k".repeat(129)] {
            assert!(check_key(key).is_err(), "{key}");
        }
        for key in ["db", "db-password", "tls.key", "POSTGRES_URL"] {
            assert!(check_key(key).is_ok(), "{key}");
        }
    }
}
