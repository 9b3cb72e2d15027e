//! Versions made by the database engine: each a user of its own, so that two are valid at once.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::{
    crd::secret_rotation::{RotationState, VaultDatabase, Version},
    reconcile::Error,
    rotation::{keeper::Keeper, state::seconds, step::Validity},
    vault::{Owner, Vault},
};

pub(super) async fn prepare(database: &VaultDatabase, vault: &Vault, number: i64) -> Result<Owner, Error> {
    Ok(vault.new_owner(&database.token_role, &format!("rotation-{}-{number}", database.role)).await?)
}

pub(super) async fn make(
    database: &VaultDatabase,
    vault: &Vault,
    keeper: &Keeper,
    state: &RotationState,
    owner: Option<&Owner>,
    now: Timestamp,
) -> Result<Version, Error> {
    let (Some(owner), Some(next)) = (owner, state.next.clone()) else {
        return Err(Error::dependency("OwnerMissing", "the token that was to own the new version is not at hand"));
    };
    let user = vault.sign_in_data(&database.mount, &database.role, owner).await?;
    keeper.keep(next.number, &user).await?;
    Ok(Version { lease_id: Some(user.lease_id), made_at: Some(seconds(now)), ..next })
}

pub(super) async fn keep_alive(vault: &Vault, version: &Version) -> Result<(Validity, Option<Duration>), Error> {
    let (Some(accessor), Some(lease_id)) = (&version.accessor, &version.lease_id) else {
        return Ok((Validity::Valid, None));
    };
    Ok(match vault.keep_alive(accessor, lease_id).await? {
        None => (Validity::Lost, None),
        Some(lease) if lease.exhausted => (Validity::Lapsing, Some(lease.remaining / 3)),
        Some(lease) => (Validity::Valid, Some(lease.remaining / 3)),
    })
}

/// The lease first: the database's own refusal is heard only there.
pub(super) async fn end(vault: &Vault, keeper: &Keeper, version: &Version) -> Result<(), Error> {
    if let Some(lease_id) = &version.lease_id {
        vault.revoke_lease(lease_id).await?;
    }
    if let Some(accessor) = &version.accessor {
        vault.revoke_owner(accessor).await?;
    }
    keeper.forget(version.number).await
}
