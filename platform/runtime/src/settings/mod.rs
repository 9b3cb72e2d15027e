//! The sections of settings that processes share.
//!
//! A binary's own settings are a struct of such sections. Every struct, shared or own, is
//! `#[serde(default, deny_unknown_fields)]`, so that a file names only what differs and a misspelt key is refused.

mod listen;
mod log;
mod secrets;
mod shutdown;
mod stores;
mod traces;

pub use listen::{HttpSettings, OpsSettings};
pub use log::{LogFormat, LogSettings, LokiSettings};
pub use secrets::{FilesSettings, SecretsProvider, SecretsSettings, VaultSettings};
pub use shutdown::ShutdownSettings;
pub use stores::{NamespaceSettings, NatsSettings, PostgresSettings, RedisSettings};
pub use traces::TracesSettings;

use std::time::Duration;

/// A garde rule: the duration lies within bounds, which the message names.
pub(crate) fn duration_within(min: Duration, max: Duration) -> impl FnOnce(&Duration, &()) -> garde::Result {
    move |value, ()| {
        if (min..=max).contains(value) {
            return Ok(());
        }
        Err(garde::Error::new(format!("must be between {min:?} and {max:?}")))
    }
}
