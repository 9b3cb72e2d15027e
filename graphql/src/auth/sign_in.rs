//! The way from an e-mail address and a password to a session.

use std::{net::IpAddr, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use muster_store::{StaffMember, Store};
use secrecy::SecretString;

use super::{
    attempts::{Attempts, Verdict},
    password::{PasswordError, Passwords},
    session::SessionToken,
};
use crate::{events, schema::ApiError, settings::AuthSettings};

/// Longest e-mail address that is looked at, in bytes (RFC 5321, section 4.5.3.1).
const LONGEST_EMAIL: usize = 254;

/// Where staff sign in.
#[derive(Clone)]
pub struct SignInDesk {
    store: Store,
    passwords: Passwords,
    attempts: Arc<Attempts>,
    session_ttl: Duration,
}

/// A session that was just opened.
pub struct OpenedSession {
    /// Its secret; this is the only time it is known.
    pub token: SessionToken,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// Whose it is.
    pub member: StaffMember,
}

impl SignInDesk {
    /// A desk with the given limits.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn new(store: Store, settings: &AuthSettings) -> Result<Self, PasswordError> {
        Ok(Self {
            store,
            passwords: Passwords::new()?,
            attempts: Arc::new(Attempts::new(settings.attempts_per_minute, settings.attempts_per_minute_total)),
            session_ttl: settings.session_ttl,
        })
    }

    /// Opens a session. Every outcome but "too many attempts" is in the audit log; those are only counted, because
    /// whoever hammers the door must not fill the log as well.
    ///
    /// # Errors
    /// `too_many_attempts`, `bad_input`, or `unauthenticated` with the same words whatever was wrong.
    pub async fn sign_in(&self, email: &str, password: SecretString, from: IpAddr) -> Result<OpenedSession, ApiError> {
        let email = email.trim();
        if email.is_empty() || email.len() > LONGEST_EMAIL {
            return Err(ApiError::bad_input("email must be 1 to 254 bytes long"));
        }
        self.admit(email, from)?;

        let known = self.store.staff.credentials(email).await.map_err(ApiError::internal("sign_in"))?;
        let (member, hash) = match known {
            Some(known) => (Some(known.member), Some(known.password_hash)),
            None => (None, None),
        };
        let right = self.passwords.verify(password, hash).await.map_err(ApiError::internal("sign_in"))?;

        match member {
            Some(member) if right && !member.disabled => self.open(member).await,
            Some(member) if right && member.disabled => self.refuse(email, "disabled_account").await,
            Some(_) => self.refuse(email, "wrong_password").await,
            None => self.refuse(email, "unknown_account").await,
        }
    }

    /// Forgets accounts whose limit is whole again.
    pub fn forget_idle(&self) {
        self.attempts.forget_idle();
    }

    fn admit(&self, email: &str, from: IpAddr) -> Result<(), ApiError> {
        let limit = match self.attempts.admit(email, from) {
            Verdict::Allowed => return Ok(()),
            Verdict::AccountLimited => "account",
            Verdict::TotalLimited => "total",
        };
        events::sign_in_limited(limit);
        Err(ApiError::TooManyAttempts)
    }

    async fn open(&self, member: StaffMember) -> Result<OpenedSession, ApiError> {
        let token = SessionToken::fresh();
        let now = muster_store::now();
        let expires_at = now + TimeDelta::from_std(self.session_ttl).unwrap_or(TimeDelta::hours(12));
        self.store
            .staff
            .open_session(member.staff_id, &token.hash().0, expires_at, now)
            .await
            .map_err(ApiError::internal("sign_in"))?;
        events::signed_in(member.staff_id);
        Ok(OpenedSession { token, expires_at, member })
    }

    async fn refuse(&self, email: &str, reason: &'static str) -> Result<OpenedSession, ApiError> {
        self.store
            .staff
            .failed_sign_in(email, reason, muster_store::now())
            .await
            .map_err(ApiError::internal("sign_in"))?;
        events::sign_in_refused(reason);
        Err(ApiError::WrongCredentials)
    }
}
