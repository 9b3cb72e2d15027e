//! Vault or OpenBao, as far as secrets are rotated in it: the key-value store (version 2) and the database engine.
//!
//! A [`Vault`] signs in by itself: by token, read anew from its file at every call, or by the Kubernetes service account, and again
//! when it is refused.

mod database;
mod error;
mod kv;
mod session;
mod settings;

pub use database::{Lease, Owner, SignInData};
pub use error::{Trouble, VaultError};
pub use kv::Entry;
pub use session::Vault;
pub use settings::VaultSettings;
