//! Secrets from a directory with one file per key.

use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::watch, time::MissedTickBehavior};

use super::SecretError;
use crate::settings::FilesSettings;

pub(super) struct Files {
    dir: PathBuf,
    poll: Duration,
}

impl Files {
    pub(super) fn new(settings: &FilesSettings) -> Self {
        Self { dir: settings.dir.clone(), poll: settings.poll }
    }

    /// The content of the key's file without the newline an editor puts at its end.
    pub(super) async fn read(&self, key: &str) -> Result<SecretString, SecretError> {
        let path = self.dir.join(key);
        let text = tokio::fs::read_to_string(&path).await.map_err(|reason| SecretError::File { path, reason })?;
        Ok(SecretString::from(
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text)),
        ))
    }

    /// Sends each new content. Files are compared by what they hold: Kubernetes replaces a mounted Secret by swapping
    /// links, which leaves no event on the file itself.
    pub(super) async fn follow(&self, key: &str, sender: &watch::Sender<SecretString>) {
        let mut ticks = tokio::time::interval(self.poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut missing = false;
        loop {
            ticks.tick().await;
            match self.read(key).await {
                Ok(value) => {
                    missing = false;
                    let changed = sender.send_if_modified(|current| {
                        let changed = current.expose_secret() != value.expose_secret();
                        if changed {
                            *current = value;
                        }
                        changed
                    });
                    if changed {
                        tracing::info!(secret = key, "the secret has a new value");
                    }
                }
                Err(error) if !missing => {
                    missing = true;
                    tracing::warn!(secret = key, %error, "the secret cannot be read; its last value stays");
                }
                Err(_) => {}
            }
        }
    }
}
