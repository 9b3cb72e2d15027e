//! Sign-in data made by the database engine.
//!
//! Sign-in data lives as long as its lease, and a lease ends with the token that asked for it. The operator's own token ends
//! every hour or so; so each version has a token of its own, without a parent, which the operator keeps alive by its
//! accessor. The accessor is known before the sign-in data exist: whatever was made under it can be revoked, also when the
//! operator died in between.

use std::time::Duration;

use rustify_derive::Endpoint;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use vaultrs::{
    api::{self, token::requests::CreateRoleTokenRequest},
    token,
};

use super::{Trouble, Vault, VaultError};

/// The token that owns a version.
pub struct Owner {
    /// By which it is kept alive and revoked; it opens nothing.
    pub accessor: String,
    /// By which sign-in data is asked for.
    pub token: SecretString,
}

/// What a process signs in with.
pub struct SignInData {
    /// The database user.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// By which it is prolonged.
    pub lease_id: String,
}

/// How long something is still valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// From now on.
    pub remaining: Duration,
    /// Asking again would not make it longer.
    pub exhausted: bool,
}

impl Vault {
    /// Makes the token that will own a version. `role` must make orphans.
    ///
    /// # Errors
    /// Vault cannot be asked, or the role makes children, which would end with the operator's own token.
    pub async fn new_owner(&self, role: &str, name: &str) -> Result<Owner, VaultError> {
        let place = format!("auth/token/create/{role}");
        let made = self
            .ask(&place, |client| {
                Box::pin(async move {
                    let mut request = CreateRoleTokenRequest::builder();
                    request.display_name(name);
                    token::new_role(&*client, role, Some(&mut request)).await
                })
            })
            .await?;
        let owner = Owner { accessor: made.accessor, token: made.client_token.into() };
        if !made.orphan {
            self.revoke_owner(&owner.accessor).await?;
            return Err(VaultError::new(
                Trouble::Refused,
                format!(
                    "the token role {role} makes children of the operator's token, which end with it: set orphan=true and a token_period"
                ),
            ));
        }
        Ok(owner)
    }

    /// New sign-in data of a role of the engine, owned by `owner`.
    ///
    /// # Errors
    /// Vault cannot be asked, or the database refuses.
    pub async fn sign_in_data(&self, mount: &str, role: &str, owner: &Owner) -> Result<SignInData, VaultError> {
        let place = format!("{mount}/creds/{role}");
        let client = self.acting_for(owner.token.expose_secret())?;
        let endpoint = NewSignInData { mount: mount.to_owned(), role: role.to_owned() };
        let made = api::exec_with_no_result(&client, endpoint).await.map_err(|error| VaultError::of(&error, &place))?;
        Ok(SignInData { username: made.data.username, password: made.data.password.into(), lease_id: made.lease_id })
    }

    /// Prolongs sign-in data and the token that owns it, when half of the time is over. `None`: it is not valid any more.
    ///
    /// # Errors
    /// Vault cannot be asked.
    pub async fn keep_alive(&self, accessor: &str, lease_id: &str) -> Result<Option<Lease>, VaultError> {
        let (Some(owner), Some(lease)) = (self.keep_owner(accessor).await?, self.keep_lease(lease_id).await?) else {
            return Ok(None);
        };
        Ok(Some(Lease {
            remaining: owner.remaining.min(lease.remaining),
            exhausted: owner.exhausted || lease.exhausted,
        }))
    }

    /// Ends the validity of sign-in data at once.
    ///
    /// # Errors
    /// Vault cannot be asked, or the database refuses: for instance because the user owns something.
    pub async fn revoke_lease(&self, lease_id: &str) -> Result<(), VaultError> {
        let revoked = self.ask("sys/leases/revoke", |client| {
            Box::pin(async move {
                api::exec_with_empty(&*client, RevokeLease { lease_id: lease_id.to_owned(), sync: true }).await
            })
        });
        gone_is_done(revoked.await)
    }

    /// Ends the validity of everything that the token owns.
    ///
    /// # Errors
    /// Vault cannot be asked.
    pub async fn revoke_owner(&self, accessor: &str) -> Result<(), VaultError> {
        let revoked = self
            .ask("auth/token/revoke-accessor", |client| {
                Box::pin(async move { token::revoke_accessor(&*client, accessor).await })
            })
            .await;
        gone_is_done(revoked)
    }

    async fn keep_owner(&self, accessor: &str) -> Result<Option<Lease>, VaultError> {
        let known = self
            .ask("auth/token/lookup-accessor", |client| {
                Box::pin(async move { token::lookup_accessor(&*client, accessor).await })
            })
            .await;
        let Some(known) = unknown_is_none(known)? else { return Ok(None) };
        let remaining = Duration::from_secs(known.ttl);
        if remaining > Duration::from_secs(known.creation_ttl) / 2 {
            return Ok(Some(Lease { remaining, exhausted: false }));
        }
        let renewed = self.ask("auth/token/renew-accessor", |client| {
            Box::pin(async move { token::renew_accessor(&*client, accessor, None).await })
        });
        Ok(unknown_is_none(renewed.await)?
            .map(|renewed| longer(remaining, Duration::from_secs(known.creation_ttl), renewed.lease_duration)))
    }

    async fn keep_lease(&self, lease_id: &str) -> Result<Option<Lease>, VaultError> {
        let known = self
            .ask("sys/leases/lookup", |client| {
                Box::pin(
                    async move { api::exec_with_result(&*client, LookUpLease { lease_id: lease_id.to_owned() }).await },
                )
            })
            .await;
        let Some(known) = unknown_is_none(known)? else { return Ok(None) };
        let remaining = Duration::from_secs(u64::try_from(known.ttl).unwrap_or(0));
        if remaining > known.granted() / 2 {
            return Ok(Some(Lease { remaining, exhausted: false }));
        }
        let renewed = self
            .ask("sys/leases/renew", |client| {
                Box::pin(async move {
                    api::exec_with_no_result(&*client, RenewLease { lease_id: lease_id.to_owned() }).await
                })
            })
            .await;
        Ok(unknown_is_none(renewed)?.map(|renewed| longer(remaining, known.granted(), renewed.lease_duration)))
    }
}

/// Something of which `before` was left, which was granted for `usual` the last time, and has `seconds` now. Less than usual is the rest
/// of what its role allows: it is replaced while that lasts.
fn longer(before: Duration, usual: Duration, seconds: u64) -> Lease {
    let remaining = Duration::from_secs(seconds);
    let shortened = remaining + Duration::from_millis(500) < usual;
    Lease { remaining, exhausted: shortened || remaining <= before }
}

/// Vault says 400 or 404 for a lease and 403 or 404 for an accessor that it does not know.
fn unknown_is_none<T>(answer: Result<T, VaultError>) -> Result<Option<T>, VaultError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_unknown(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn gone_is_done(answer: Result<(), VaultError>) -> Result<(), VaultError> {
    match answer {
        Err(error) if is_unknown(&error) => Ok(()),
        answer => answer,
    }
}

fn is_unknown(error: &VaultError) -> bool {
    match error.trouble {
        Trouble::NotFound => true,
        Trouble::Refused => error.message.contains("invalid lease") || error.message.contains("invalid accessor"),
        _ => error.message.contains("invalid accessor"),
    }
}

#[derive(Debug, Endpoint)]
#[endpoint(path = "{self.mount}/creds/{self.role}", response = "NewSignInDataAnswer")]
struct NewSignInData {
    #[endpoint(skip)]
    mount: String,
    #[endpoint(skip)]
    role: String,
}

// No `Debug`: it holds a password.
#[derive(Deserialize)]
struct NewSignInDataAnswer {
    lease_id: String,
    data: NewUser,
}

#[derive(Deserialize)]
struct NewUser {
    username: String,
    password: String,
}

#[derive(Debug, Endpoint)]
#[endpoint(path = "/sys/leases/lookup", method = "POST", response = "KnownLease")]
struct LookUpLease {
    lease_id: String,
}

#[derive(Debug, Deserialize)]
struct KnownLease {
    /// Seconds; negative when it has ended and was not taken away yet.
    ttl: i64,
    issue_time: jiff::Timestamp,
    last_renewal: Option<jiff::Timestamp>,
    expire_time: Option<jiff::Timestamp>,
}

impl KnownLease {
    /// For how long it was granted the last time.
    fn granted(&self) -> Duration {
        let from = self.last_renewal.unwrap_or(self.issue_time);
        let granted = self.expire_time.map(|until| until.duration_since(from));
        granted.and_then(|granted| Duration::try_from(granted).ok()).unwrap_or_default()
    }
}

#[derive(Debug, Endpoint)]
#[endpoint(path = "/sys/leases/renew", method = "POST", response = "RenewedLease")]
struct RenewLease {
    lease_id: String,
}

#[derive(Debug, Deserialize)]
struct RenewedLease {
    /// Seconds from now on.
    lease_duration: u64,
}

#[derive(Debug, Endpoint)]
#[endpoint(path = "/sys/leases/revoke", method = "POST")]
struct RevokeLease {
    lease_id: String,
    /// Not before the database has done it.
    sync: bool,
}
