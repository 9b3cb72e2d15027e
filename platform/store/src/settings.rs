//! Where the stores are.

use std::fmt;

use crate::{Result, StoreError};

/// Where the three services are, and which part of them is ours.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `postgres://user:password@host:port/database`.
    pub postgres_url: String,
    /// `redis://host:port`, Redis or Valkey.
    pub redis_url: String,
    /// `nats://host:port`, JetStream enabled.
    pub nats_url: String,
    /// Put before every Redis key, NATS subject, stream and bucket, so that several platforms can share services: letters,
    /// digits and `_` only; empty for none.
    pub prefix: String,
    /// How many connections to PostgreSQL at most; 1 or more.
    pub postgres_connections: u32,
    /// How many bytes of telemetry may wait to be written before publishing is refused. JetStream sets so much of its storage
    /// aside, and an eighth of it for dead letters; it takes effect with [`Store::ensure_streams`](crate::Store::ensure_streams).
    pub telemetry_backlog_bytes: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            postgres_url: String::new(),
            redis_url: String::new(),
            nats_url: String::new(),
            prefix: String::new(),
            postgres_connections: 8,
            telemetry_backlog_bytes: 2 << 30,
        }
    }
}

// URLs may hold passwords.
impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSettings")
            .field("prefix", &self.prefix)
            .field("postgres_connections", &self.postgres_connections)
            .finish_non_exhaustive()
    }
}

impl StoreSettings {
    pub(crate) fn validate(&self) -> Result<()> {
        if !self.prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(StoreError::Settings(format!(
                "the prefix `{}` may hold letters, digits and `_` only",
                self.prefix
            )));
        }
        if self.postgres_connections == 0 {
            return Err(StoreError::Settings("a store needs at least one connection to PostgreSQL".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_must_fit_subjects_streams_and_buckets() {
        let with = |prefix: &str| StoreSettings { prefix: prefix.to_owned(), ..StoreSettings::default() }.validate();
        assert!(with("").is_ok());
        assert!(with("t3f_").is_ok());
        for wrong in ["a.b", "a b", "a-b", "{a}", "*"] {
            assert!(with(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let settings =
            StoreSettings { postgres_url: "postgres://me:hunter2@db/muster".to_owned(), ..StoreSettings::default() };
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
