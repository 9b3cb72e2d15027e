//! Where the real services are: `cargo xtask test` starts them and says so in the environment.

use std::env;

/// Addresses of the running services, each a whole URL.
#[derive(Debug, Clone)]
pub struct Services {
    /// A superuser's URL to the database `postgres`.
    pub postgres_url: String,
    /// Redis, database 0.
    pub redis_url: String,
    /// NATS with JetStream.
    pub nats_url: String,
    /// Vault (OpenBao in development), where it was started.
    pub vault: Option<VaultService>,
}

/// A Vault with KV v2 at `secret/`.
#[derive(Debug, Clone)]
pub struct VaultService {
    /// Its HTTP address.
    pub url: String,
    /// A root token.
    pub token: String,
}

/// Reads the `MUSTER_TEST_*` variables.
///
/// # Panics
/// When one of PostgreSQL, Redis and NATS is absent: a test that needs services must not pass without them.
#[must_use]
pub fn services() -> Services {
    Services {
        postgres_url: required("MUSTER_TEST_POSTGRES_URL"),
        redis_url: required("MUSTER_TEST_REDIS_URL"),
        nats_url: required("MUSTER_TEST_NATS_URL"),
        vault: env::var("MUSTER_TEST_VAULT_URL")
            .ok()
            .zip(env::var("MUSTER_TEST_VAULT_TOKEN").ok())
            .map(|(url, token)| VaultService { url, token }),
    }
}

fn required(name: &str) -> String {
    match env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => panic!("services are not running: run `cargo xtask test` ({name} is not set)"),
    }
}
