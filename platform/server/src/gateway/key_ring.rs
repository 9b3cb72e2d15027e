//! The service keys of trusted servers, as this gateway has seen them lately.
//!
//! A trusted server may make thousands of tickets a second; PostgreSQL is not asked for each. What is found is believed for two
//! seconds, so a revoked key is good for nothing after that. What is not found is not kept: nobody fills this by guessing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use muster_core::id::ServiceKeyId;
use muster_store::{KeyPurpose, Store, StoreError};
use sha2::{Digest, Sha256};

use crate::error::{ApiError, Code};

/// What every service key begins with.
pub const KEY_PREFIX: &str = "msk_";

/// How long a key that was found is believed.
const BELIEVED: Duration = Duration::from_secs(2);
/// Keys at hand; a platform has a handful.
const AT_HAND: usize = 256;

/// A key, and what it opens.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    pub key: ServiceKeyId,
    pub purpose: KeyPurpose,
}

/// Nobody's fault that the caller could mend, and soon over: the same request is good then.
fn away(error: StoreError) -> ApiError {
    if !error.is_transient() {
        return error.into();
    }
    tracing::warn!(error = &error as &dyn std::error::Error, "a service key could not be looked up");
    ApiError::from(Code::Busy).retry_after(2)
}

type Known = HashMap<[u8; 32], (Holder, Instant)>;

/// Keys that were found lately, by the hash of their secret.
#[derive(Default)]
pub struct KeyRing {
    known: Mutex<Known>,
    looking: tokio::sync::Mutex<()>,
}

impl KeyRing {
    /// Whose key a secret is. `may_look` is asked before PostgreSQL is.
    ///
    /// # Errors
    /// `key_invalid` when it is nobody's; what `may_look` says.
    pub async fn identify(
        &self,
        store: &Store,
        secret: &str,
        may_look: impl FnOnce() -> Result<(), ApiError>,
    ) -> Result<Holder, ApiError> {
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        if let Some(key) = self.at_hand(&hash) {
            return Ok(key);
        }
        // One looks, the others find it at hand: a busy server's key runs out under hundreds of requests at once.
        let _looking = self.looking.lock().await;
        if let Some(key) = self.at_hand(&hash) {
            return Ok(key);
        }
        may_look()?;
        let asked_at = Instant::now();
        let found = store.service_keys.find(secret).await.map_err(away)?;
        let found = found.map(|key| Holder { key: key.service_key_id, purpose: key.purpose });
        let mut known = self.lock();
        known.retain(|_, (_, at)| at.elapsed() < BELIEVED);
        let key = found.ok_or(Code::KeyInvalid)?;
        if known.len() < AT_HAND {
            known.insert(hash, (key, asked_at));
        }
        Ok(key)
    }

    fn at_hand(&self, hash: &[u8; 32]) -> Option<Holder> {
        self.lock().get(hash).filter(|(_, at)| at.elapsed() < BELIEVED).map(|(key, _)| *key)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
