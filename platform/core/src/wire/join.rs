//! Join tokens: what a player shows to a server of the game, and what the server reads there without asking the platform.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{MatchId, PlayerId, ServerId};
use crate::time::millis;

/// The `typ` in the header of a join token (RFC 8725, section 3.11): a session token is none, and a join token opens no session.
pub const JOIN_TOKEN_TYPE: &str = "muster-join+jwt";

/// What a join token says: an EdDSA JWT (RFC 7519, RFC 8037), signed with a key of `GET /.well-known/jwks.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinClaims {
    /// Who issued it.
    pub iss: String,
    /// The server that it is for: no other may take it.
    pub aud: ServerId,
    /// The player.
    pub sub: PlayerId,
    /// The match.
    pub mid: MatchId,
    /// The queue it came from.
    pub queue: String,
    /// The player's team, from 0.
    pub team: u8,
    /// What the player does, where the queue has roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Issued at, seconds since the epoch.
    pub iat: i64,
    /// Expires at, seconds since the epoch.
    pub exp: i64,
}

/// `POST /v1/matches/{id}/join-token`: where the player's match is, and a fresh token for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct JoinPass {
    /// The match.
    pub match_id: MatchId,
    /// The server that it is played on.
    pub server_id: ServerId,
    /// Where to connect to, as the game understands it.
    pub connection: String,
    /// The player's team, from 0.
    pub team: u8,
    /// What the player does; absent when the queue has no roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// To be shown to the server.
    pub join_token: String,
    /// Until when the token is good; a connection that stands is not ended by it.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub expires_at: DateTime<Utc>,
}
