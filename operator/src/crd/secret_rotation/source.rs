//! Where the versions of a secret come from.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the versions are kept: exactly one of the fields is set.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[x_kube(
    validation = Rule::new("[has(self.vaultKv), has(self.vaultDatabase), has(self.signingKey)].exists_one(set, set)")
        .message("source needs exactly one of vaultKv, vaultDatabase, signingKey"),
    validation = Rule::new("has(self.vaultKv) == has(oldSelf.vaultKv) && has(self.vaultDatabase) == has(oldSelf.vaultDatabase)")
        .message("the kind of source cannot change: make another SecretRotation"),
)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// A value in Vault's key-value store, version 2 (or OpenBao's, which is the same), made by a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault_kv: Option<VaultKv>,

    /// Sign-in data of a database, made and revoked by Vault's database engine: each version is a role of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault_database: Option<VaultDatabase>,

    /// An Ed25519 key pair (EdDSA) as `muster-server keygen` makes it, kept in Vault's key-value store, version 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<KvEntry>,
}

/// A value in Vault's key-value store, version 2, and the rule by which new ones are made.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("self.mount == oldSelf.mount && self.path == oldSelf.path && self.key == oldSelf.key")
    .message("mount, path and key cannot change: make another SecretRotation"))]
#[serde(rename_all = "camelCase")]
pub struct VaultKv {
    /// Where the store is mounted.
    #[serde(default = "secret")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.endsWith('/')")
        .message("mount must not begin or end with a slash"))]
    pub mount: String,

    /// The secret's path under the mount, without `data/`. No two SecretRotations can share one: a version is of all its entries.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.startsWith('data/') && !self.split('/').exists(p, p == '' || p == '.' || p == '..')")
        .message("path is relative to the mount: leave out the leading slash and data/"))]
    pub path: String,

    /// Which entry of the secret is replaced; the others go from version to version as they are. Old versions are deleted whole.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,

    /// What a new value looks like.
    #[serde(default)]
    pub generate: Generate,
}

/// An entry of a secret in Vault's key-value store, version 2.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("self.mount == oldSelf.mount && self.path == oldSelf.path && self.key == oldSelf.key")
    .message("mount, path and key cannot change: make another SecretRotation"))]
#[serde(rename_all = "camelCase")]
pub struct KvEntry {
    /// Where the store is mounted.
    #[serde(default = "secret")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.endsWith('/')")
        .message("mount must not begin or end with a slash"))]
    pub mount: String,

    /// The secret's path under the mount, without `data/`. No two SecretRotations can share one: a version is of all its entries.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.startsWith('data/') && !self.split('/').exists(p, p == '' || p == '.' || p == '..')")
        .message("path is relative to the mount: leave out the leading slash and data/"))]
    pub path: String,

    /// Which entry of the secret is replaced; the others go from version to version as they are. Old versions are deleted whole.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// What a generated value looks like.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generate {
    /// How many characters.
    #[serde(default = "forty_three")]
    #[schemars(range(min = 32, max = 512))]
    pub length: u16,

    /// Of which characters.
    #[serde(default)]
    pub alphabet: Alphabet,
}

impl Default for Generate {
    fn default() -> Self {
        Self { length: forty_three(), alphabet: Alphabet::default() }
    }
}

/// The characters of a generated value. Every one of them gives at least 128 bits at the shortest length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Alphabet {
    /// Letters and digits.
    #[default]
    Alphanumeric,
    /// Letters, digits, `-` and `_`.
    UrlSafe,
    /// `0` to `9`, `a` to `f`.
    Hex,
}

/// A role of Vault's database engine.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("self.mount == oldSelf.mount && self.role == oldSelf.role")
    .message("mount and role cannot change: make another SecretRotation"))]
#[serde(rename_all = "camelCase")]
pub struct VaultDatabase {
    /// Where the engine is mounted.
    #[serde(default = "database")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.endsWith('/')")
        .message("mount must not begin or end with a slash"))]
    pub mount: String,

    /// The engine's role by which sign-in data is made (a dynamic one: a static role has one password, and the old one
    /// would stop working the moment a new one is made).
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z0-9._-]+$"))]
    pub role: String,

    /// The token role under which a version's own token is made. It needs `orphan` and a period, and a policy that may
    /// read the engine's `creds/` path of the role.
    #[serde(default = "token_role")]
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z0-9._-]+$"))]
    pub token_role: String,
}

fn secret() -> String {
    "secret".into()
}

fn forty_three() -> u16 {
    43
}

fn database() -> String {
    "database".into()
}

fn token_role() -> String {
    "muster-rotation".into()
}
