//! `[postgres]`, `[redis]`, `[nats]`, `[namespace]`: the stores, and what sets one installation apart in them.

use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::SecretUrl;

/// `[postgres]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database`.
    #[garde(custom(with_scheme(&["postgres", "postgresql"])))]
    pub url: SecretUrl,
    /// The most connections this process opens, 1 to 1000.
    #[garde(range(min = 1, max = 1000))]
    pub max_connections: u32,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self { url: literal("postgres://muster@127.0.0.1:5432/muster"), max_connections: 20 }
    }
}

/// `[redis]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSettings {
    /// `redis://user:password@host:port/database`, `rediss://` for TLS.
    #[garde(custom(with_scheme(&["redis", "rediss"])))]
    pub url: SecretUrl,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self { url: literal("redis://127.0.0.1:6379") }
    }
}

/// `[nats]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct NatsSettings {
    /// `nats://user:password@host:port` or `nats://token@host:port`, `tls://` for TLS.
    #[garde(custom(with_scheme(&["nats", "tls"])))]
    pub url: SecretUrl,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self { url: literal("nats://127.0.0.1:4222") }
    }
}

/// `[namespace]`: lets several installations share Redis and NATS.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct NamespaceSettings {
    /// Put before every Redis key, NATS subject, stream and bucket: lower-case letters, digits and `_`, 32 at most; may be empty.
    #[garde(length(max = 32), custom(plain_name))]
    pub prefix: String,
}

fn literal(url: &str) -> SecretUrl {
    SecretUrl::parse(url).expect("the literal is a URL")
}

fn with_scheme(schemes: &'static [&'static str]) -> impl FnOnce(&SecretUrl, &()) -> garde::Result {
    move |url, ()| {
        if schemes.contains(&url.url().scheme()) {
            return Ok(());
        }
        let choice: Vec<_> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        Err(garde::Error::new(format!("must start with {}", choice.join(" or "))))
    }
}

fn plain_name(prefix: &str, _: &()) -> garde::Result {
    if prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Ok(());
    }
    Err(garde::Error::new("must be made of lower-case letters, digits and `_`"))
}
