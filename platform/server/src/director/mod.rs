//! The director: servers of games, and the matches they are given. It goes with the matchmaker role, in any number of processes:
//! PostgreSQL sees to it that a place is given once and an end is counted once.
//!
//! - allocation: the leader of a shard has its open assignments given to servers ([`Director::allocate`]), and tells their players
//!   where to connect, with a token to show there ([`Director::token`])
//! - `sweep`: servers that fell silent, matches that run out of time
//! - `tell`: the end of a match, to its players and to telemetry; also right after a result has come in at a gateway

mod sweep;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use muster_core::matchmaking::QueueDefinition;
use muster_runtime::Tasks;
use muster_store::{Allocation, AllocationRequest, Shard, Store, StoreError};

use crate::auth::{Join, KeyError, SigningKeys};
use crate::events;
use crate::settings::{DirectorSettings, Settings};

pub(crate) use tell::tell;

/// What allocations need. Cheap to clone.
#[derive(Clone)]
pub struct Director(Arc<Inner>);

struct Inner {
    store: Store,
    settings: DirectorSettings,
    /// None in a matchmaker that was given no key.
    keys: Option<SigningKeys>,
    issuer: String,
    token_ttl: Duration,
}

impl Director {
    /// Starts the sweeps and the telling of ends.
    ///
    /// # Errors
    /// When the signing key is set, and is none.
    pub fn start(store: Store, settings: &Settings, tasks: &Tasks) -> Result<Self, KeyError> {
        let auth = &settings.auth;
        let keys = if auth.signing_key.is_empty() {
            tracing::warn!(
                "auth.signing_key is empty: players of servers are told where to connect, without a join token"
            );
            None
        } else {
            Some(SigningKeys::from_pem(auth.signing_key.expose(), auth.second_signing_key.expose())?)
        };
        tasks.spawn("director-sweep", sweep::run(store.clone(), settings.director.clone(), tasks.drain()));
        tasks.spawn("director-tell", tell::run(store.clone(), tasks.drain()));
        Ok(Self(Arc::new(Inner {
            store,
            settings: settings.director.clone(),
            keys,
            issuer: auth.issuer.clone(),
            token_ttl: auth.join_token_ttl,
        })))
    }

    /// Has a shard's open assignments given to servers that fit and have a place.
    ///
    /// # Errors
    /// Of the store; then some may be given.
    pub(crate) async fn allocate(&self, shard: &Shard, queue: &QueueDefinition) -> Result<Allocation, StoreError> {
        let Inner { store, settings, .. } = &*self.0;
        let any = Default::default();
        let request = AllocationRequest {
            shard,
            choice: queue.servers.as_ref().unwrap_or(&any),
            ranked: queue.ranked,
            patience: settings.patience,
        };
        let done = store.servers.allocate(request, muster_store::now()).await?;
        events::matches_allocated(shard, done);
        Ok(done)
    }

    /// What lets a player in at a server. None without a key: the player asks a gateway for it.
    pub(crate) fn token(&self, join: Join<'_>) -> Option<String> {
        let keys = self.0.keys.as_ref()?;
        match keys.issue_join(join, &self.0.issuer, muster_store::now(), self.0.token_ttl) {
            Ok((token, _)) => Some(token),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a join token could not be signed");
                None
            }
        }
    }
}
