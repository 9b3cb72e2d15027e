//! Join tokens: what a player shows to the server of a game that plays their match.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header, encode};
use muster_core::id::{MatchId, PlayerId, ServerId};
use muster_core::wire::{JOIN_TOKEN_TYPE, JoinClaims};

use super::SigningKeys;

/// Whom a join token lets in, and where.
#[derive(Debug, Clone, Copy)]
pub struct Join<'a> {
    /// Who.
    pub player: PlayerId,
    /// To which match.
    pub match_id: MatchId,
    /// On which server.
    pub server: ServerId,
    /// The queue that the match came from.
    pub queue: &'a str,
    /// Into which team, from 0.
    pub team: u8,
    /// To do what.
    pub role: Option<&'a str>,
}

impl SigningKeys {
    /// Issues a join token, valid from `now` for `ttl`, and tells when it expires.
    ///
    /// # Errors
    /// Those of the library that signs.
    pub fn issue_join(
        &self,
        join: Join<'_>,
        issuer: &str,
        now: DateTime<Utc>,
        ttl: Duration,
    ) -> Result<(String, DateTime<Utc>), jsonwebtoken::errors::Error> {
        let expires_at = now + ttl;
        let claims = JoinClaims {
            iss: issuer.to_owned(),
            aud: join.server,
            sub: join.player,
            mid: join.match_id,
            queue: join.queue.to_owned(),
            team: join.team,
            role: join.role.map(str::to_owned),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        let header = Header {
            typ: Some(JOIN_TOKEN_TYPE.to_owned()),
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok((encode(&header, &claims, &self.encoding)?, expires_at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{TokenError, generate_signing_key};
    use super::*;

    #[test]
    fn a_join_token_opens_no_session() {
        let keys = SigningKeys::from_pem(&generate_signing_key(), "").unwrap();
        let join = Join {
            player: muster_store::fresh_id(),
            match_id: muster_store::fresh_id(),
            server: muster_store::fresh_id(),
            queue: "pairs",
            team: 1,
            role: None,
        };
        let (token, _) = keys.issue_join(join, "muster", Utc::now(), Duration::from_secs(60)).unwrap();
        assert_eq!(keys.verify(&token, "muster").unwrap_err(), TokenError::Invalid);
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.typ.as_deref(), Some(JOIN_TOKEN_TYPE));
    }
}
