//! Checking the join tokens of players, without asking the platform.

use std::{collections::HashMap, fmt};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind, jwk::JwkSet};
use muster_core::{
    id::{MatchId, ServerId},
    wire::{JOIN_TOKEN_TYPE, JoinClaims},
};

/// How far the clocks of the platform and of the server may be apart, in seconds.
const LEEWAY_SECS: u64 = 5;

/// Longer than any token.
const MAX_TOKEN: usize = 2_048;

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// It is no join token of the platform: malformed, of another kind, tampered with, or signed by somebody else.
    #[error("this is no join token of the platform")]
    Invalid,
    /// It is signed with a key that was not among the platform's when they were fetched: fetch them anew, and check again.
    #[error("the token is signed with a key that is not known here; fetch the platform's keys again")]
    UnknownKey,
    /// It was one: the player has to ask for another.
    #[error("the join token has expired; ask for another")]
    Expired,
    /// It is for another server.
    #[error("the join token is for another server")]
    OtherServer,
    /// It is for another match of this server.
    #[error("the join token is for {0}, another match")]
    OtherMatch(MatchId),
    /// The key set is none.
    #[error("the platform's keys cannot be read: {0}")]
    Keys(String),
}

/// Checks join tokens for one server, with the keys that the platform had when they were fetched: see
/// [`GameServer::join_check`](crate::GameServer::join_check). Nothing is asked of the platform.
///
/// A token says who plays where and is good for about a minute. It does not wear out: who has connected with it is the server's to
/// remember, and a second line of the same player replaces the first or is refused, as the game likes.
#[derive(Clone)]
pub struct JoinCheck {
    server_id: ServerId,
    issuer: String,
    keys: HashMap<String, DecodingKey>,
}

impl fmt::Debug for JoinCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinCheck").field("server_id", &self.server_id).field("keys", &self.keys.len()).finish()
    }
}

impl JoinCheck {
    /// For a server, by the platform's key set (JWKS, RFC 7517) and the issuer of its tokens. Keys of other kinds are passed over.
    ///
    /// # Errors
    /// [`JoinError::Keys`] when this is no key set, or one without a key for tokens.
    pub fn new(server_id: ServerId, issuer: &str, key_set: &serde_json::Value) -> Result<Self, JoinError> {
        let set: JwkSet =
            serde_json::from_value(key_set.clone()).map_err(|error| JoinError::Keys(error.to_string()))?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            if let (Some(id), Ok(key)) = (&jwk.common.key_id, DecodingKey::from_jwk(jwk)) {
                keys.insert(id.clone(), key);
            }
        }
        if keys.is_empty() {
            return Err(JoinError::Keys("there is none among them".to_owned()));
        }
        Ok(Self { server_id, issuer: issuer.to_owned(), keys })
    }

    /// Who shows this token, and for what: signature, kind, issuer, server and time are checked.
    ///
    /// # Errors
    /// Why nobody is let in by it.
    pub fn check(&self, token: &str) -> Result<JoinClaims, JoinError> {
        if token.len() > MAX_TOKEN {
            return Err(JoinError::Invalid);
        }
        let header = decode_header(token).map_err(|_| JoinError::Invalid)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(JOIN_TOKEN_TYPE) {
            return Err(JoinError::Invalid);
        }
        let key = header.kid.and_then(|id| self.keys.get(&id)).ok_or(JoinError::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECS;
        validation.set_audience(&[self.server_id.to_string()]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let claims = decode::<JoinClaims>(token, key, &validation).map(|data| data.claims);
        claims.map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => JoinError::Expired,
            ErrorKind::InvalidAudience => JoinError::OtherServer,
            _ => JoinError::Invalid,
        })
    }

    /// The same for one match.
    ///
    /// # Errors
    /// As [`JoinCheck::check`]; [`JoinError::OtherMatch`].
    pub fn check_for(&self, token: &str, match_id: MatchId) -> Result<JoinClaims, JoinError> {
        let claims = self.check(token)?;
        if claims.mid == match_id { Ok(claims) } else { Err(JoinError::OtherMatch(claims.mid)) }
    }
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
