//! Session tokens: short-lived EdDSA JWTs that name a player and nothing personal.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use muster_core::id::{PlayerId, SessionId};
use serde::{Deserialize, Serialize};

use super::SigningKeys;

/// What a session token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The player.
    pub sub: PlayerId,
    /// This sign-in.
    pub sid: SessionId,
    /// Who issued the token.
    pub iss: String,
    /// Whom it is for: always `muster`.
    pub aud: String,
    /// Issued at, seconds since the epoch.
    pub iat: i64,
    /// Expires at, seconds since the epoch.
    pub exp: i64,
}

/// Why a token is not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Signed by us, but too old.
    #[error("the session token has expired; sign in again")]
    Expired,
    /// Anything else: malformed, foreign, tampered with.
    #[error("the session token is not valid; sign in again")]
    Invalid,
}

const AUDIENCE: &str = "muster";

impl SigningKeys {
    /// Issues a token for a player, valid from `now` for `ttl`.
    pub fn issue(
        &self,
        player: PlayerId,
        session: SessionId,
        issuer: &str,
        now: DateTime<Utc>,
        ttl: Duration,
    ) -> Result<(String, DateTime<Utc>), jsonwebtoken::errors::Error> {
        let expires_at = now + ttl;
        let claims = Claims {
            sub: player,
            sid: session,
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok((encode(&header, &claims, &self.encoding)?, expires_at))
    }

    /// Checks signature, issuer, audience and expiry (no leeway: one clock issues and checks).
    pub fn verify(&self, token: &str, issuer: &str) -> Result<Claims, TokenError> {
        // Longer than any token of ours: not worth a signature check.
        if token.len() > 2048 {
            return Err(TokenError::Invalid);
        }
        let key_id = decode_header(token).ok().and_then(|header| header.kid).ok_or(TokenError::Invalid)?;
        let key = self.decoding.get(&key_id).ok_or(TokenError::Invalid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = 0;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        decode::<Claims>(token, key, &validation).map(|data| data.claims).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => TokenError::Expired,
            _ => TokenError::Invalid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate_signing_key;
    use super::*;

    const ISSUER: &str = "muster-test";

    fn keys() -> SigningKeys {
        SigningKeys::from_pem(&generate_signing_key(), "").unwrap()
    }

    fn ids() -> (PlayerId, SessionId) {
        (muster_store::fresh_id(), muster_store::fresh_id())
    }

    #[test]
    fn round_trip() {
        let (player, session) = ids();
        let keys = keys();
        let (token, expires_at) = keys.issue(player, session, ISSUER, Utc::now(), Duration::from_secs(60)).unwrap();
        let claims = keys.verify(&token, ISSUER).unwrap();
        assert_eq!((claims.sub, claims.sid), (player, session));
        assert_eq!(claims.exp, expires_at.timestamp());
    }

    #[test]
    fn a_key_is_changed_in_two_steps_and_nobody_is_signed_out() {
        let (player, session) = ids();
        let (old, new) = (generate_signing_key(), generate_signing_key());
        let issue =
            |keys: &SigningKeys| keys.issue(player, session, ISSUER, Utc::now(), Duration::from_secs(60)).unwrap().0;
        // First the new one is honoured everywhere; then it signs, and the old one is still honoured.
        let before = SigningKeys::from_pem(&old, "").unwrap();
        let between = SigningKeys::from_pem(&old, &new).unwrap();
        let after = SigningKeys::from_pem(&new, &old).unwrap();
        assert!(before.verify(&issue(&between), ISSUER).is_ok(), "a replica that does not know the new key yet");
        for token in [issue(&before), issue(&between), issue(&after)] {
            assert!(between.verify(&token, ISSUER).is_ok() && after.verify(&token, ISSUER).is_ok());
        }
        assert_eq!([&before, &between, &after].map(|keys| keys.published().keys.len()), [1, 2, 2]);
        let done = SigningKeys::from_pem(&new, &new).unwrap();
        assert_eq!(done.published().keys.len(), 1, "the same key twice is one");
        assert_eq!(done.verify(&issue(&before), ISSUER).unwrap_err(), TokenError::Invalid);
        assert!(SigningKeys::from_pem(&new, "no key").is_err());
    }

    #[test]
    fn expired_foreign_and_tampered_tokens_are_told_apart() {
        let (player, session) = ids();
        let keys = keys();
        let hour_ago = Utc::now() - Duration::from_secs(3600);
        let (stale, _) = keys.issue(player, session, ISSUER, hour_ago, Duration::from_secs(60)).unwrap();
        assert_eq!(keys.verify(&stale, ISSUER).unwrap_err(), TokenError::Expired);

        let (good, _) = keys.issue(player, session, ISSUER, Utc::now(), Duration::from_secs(60)).unwrap();
        assert_eq!(self::keys().verify(&good, ISSUER).unwrap_err(), TokenError::Invalid);
        assert_eq!(keys.verify(&good, "somebody-else").unwrap_err(), TokenError::Invalid);
        // The middle of the payload, not its last character: that one may carry unused bits.
        let mut bytes = good.into_bytes();
        let middle = bytes.len() / 2;
        bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(bytes).unwrap();
        assert_eq!(keys.verify(&tampered, ISSUER).unwrap_err(), TokenError::Invalid);
        assert_eq!(keys.verify("not a token", ISSUER).unwrap_err(), TokenError::Invalid);
    }
}
