//! Staff sessions: a random token that only its holder knows; the store keeps its SHA-256.

use std::{fmt, net::IpAddr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use muster_store::{StaffMember, Store, StoreError};
use sha2::{Digest, Sha256};

/// What a token begins with, so that it is recognised where it should not be.
const PREFIX: &str = "mss_";

/// A session's secret, as its holder sends it: `mss_` and 32 random bytes in base64url.
#[derive(Clone)]
pub struct SessionToken(String);

impl SessionToken {
    /// A new one.
    pub fn fresh() -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(muster_store::fresh_secret())))
    }

    /// From an `Authorization` value, `Bearer mss_…`. Anything else is none.
    pub fn from_authorization(value: &str) -> Option<Self> {
        let (scheme, token) = value.trim().split_once(' ')?;
        let token = token.trim();
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        (scheme.eq_ignore_ascii_case("bearer") && bytes.len() == 32).then(|| Self(token.to_owned()))
    }

    /// What the store knows the session by. The token has 256 random bits, so one round of SHA-256 is enough.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The token itself, to be given to its holder once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken([redacted])")
    }
}

/// SHA-256 of a session's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// What a transport knows of who asks, before anything was looked up.
#[derive(Debug, Clone, Copy)]
pub struct Knock {
    /// Where the connection comes from.
    pub address: IpAddr,
    /// The token that was sent, if any.
    pub token: Option<TokenHash>,
}

/// Who asks, after the session was looked up. It lives as long as one operation.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where the connection comes from.
    pub address: IpAddr,
    /// None for the signed-out.
    pub session: Option<Session>,
}

/// A valid session.
#[derive(Debug, Clone)]
pub struct Session {
    /// What the store knows it by.
    pub token_hash: TokenHash,
    /// Whose it is.
    pub member: StaffMember,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// Looks sessions up.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
}

impl Sessions {
    /// Sessions of this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The session of a token, if it is valid now: known, not closed, not expired, its account not disabled.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn find(&self, token: TokenHash) -> Result<Option<Session>, StoreError> {
        let found = self.store.staff.session(&token.0, muster_store::now()).await?;
        Ok(found.map(|found| Session { token_hash: token, member: found.member, expires_at: found.expires_at }))
    }

    /// Ends a session; false when it was over already.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn close(&self, session: &Session) -> Result<bool, StoreError> {
        self.store.staff.close_session(&session.token_hash.0, muster_store::now()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_an_authorization_value() {
        let token = SessionToken::fresh();
        let found = |value: String| SessionToken::from_authorization(&value).map(|token| token.hash());
        assert_eq!(found(format!("Bearer {}", token.expose())), Some(token.hash()));
        assert_eq!(found(format!("bearer  {} ", token.expose())), Some(token.hash()));
        assert_eq!(found(token.expose().to_owned()), None);
        assert_eq!(found(format!("Basic {}", token.expose())), None);
        assert_eq!(found("Bearer mss_short".to_owned()), None);
        assert_eq!(found("Bearer".to_owned()), None);
    }

    #[test]
    fn a_token_does_not_show_itself() {
        assert_eq!(format!("{:?}", SessionToken::fresh()), "SessionToken([redacted])");
        assert_ne!(SessionToken::fresh().expose(), SessionToken::fresh().expose());
    }
}
