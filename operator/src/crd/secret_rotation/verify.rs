//! How it is proved that a version is in use.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Proof that a version is in use.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verify {
    /// The platform publishes the public halves of the keys it should know, and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwksProbe>,

    /// The database lets the new user in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresProbe>,
}

/// A look at a JSON Web Key Set.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JwksProbe {
    /// Its address, such as `http://eu-west-gateway:7400/.well-known/jwks.json`.
    #[schemars(length(min = 1, max = 2048), regex(pattern = "^https?://"))]
    pub url: String,
}

/// A sign-in to PostgreSQL.
#[derive(KubeSchema, Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostgresProbe {
    /// The server's name or address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,

    /// Its port.
    #[serde(default = "postgres_port")]
    #[schemars(range(min = 1))]
    pub port: u16,

    /// The database.
    #[schemars(length(min = 1, max = 63))]
    pub database: String,

    /// Whether the connection is encrypted.
    #[serde(default)]
    pub tls: PostgresTls,
}

/// Whether a connection to PostgreSQL is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PostgresTls {
    /// Encrypted, and the server's certificate is checked.
    #[default]
    Verify,
    /// Encrypted, with any certificate.
    Require,
    /// Not encrypted.
    Disable,
}

fn postgres_port() -> u16 {
    5432
}
