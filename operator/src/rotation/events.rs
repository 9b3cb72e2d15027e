//! What is worth telling of a rotation: each event is one function that logs, counts and tells Kubernetes together. None
//! holds a value.

use metrics::counter;

use crate::{
    context::Notices,
    crd::{
        SecretRotation,
        secret_rotation::{Cause, Failure, RequestKind, RotationState, Version},
    },
};

/// A rotation began.
pub(super) async fn began(notices: &Notices, rotation: &SecretRotation, cause: Cause) {
    counter!("muster_rotations_begun_total", "cause" => format!("{cause:?}").to_lowercase()).increment(1);
    tracing::info!(?cause, "a rotation begins");
    let why = match cause {
        Cause::First => "There is no version yet.",
        Cause::Due => "It is time for a new version.",
        Cause::Asked => "A person asked for a new version.",
        Cause::Found => "The source holds a newer version.",
        Cause::Lapsing => "The version in use cannot be prolonged any further.",
        Cause::Lost => "The version in use is not valid any more.",
    };
    notices.normal(rotation, "RotationStarted", "Rotate", why).await;
}

/// A new version exists.
pub(super) async fn made(notices: &Notices, rotation: &SecretRotation, version: &Version) {
    tracing::info!(version = version.number, "a new version was made");
    notices.normal(rotation, "VersionMade", "Rotate", format!("Version {} was made.", version.number)).await;
}

/// A half-made or lost version was given up.
pub(super) async fn abandoned(notices: &Notices, rotation: &SecretRotation, version: i64) {
    counter!("muster_rotation_versions_abandoned_total").increment(1);
    tracing::warn!(version, "a version was given up");
    let note = format!("Version {version} was given up before anybody relied on it; another one is made.");
    notices.warning(rotation, "VersionAbandoned", "Rotate", note).await;
}

/// Processes were seen to use a version.
pub(super) async fn verified(notices: &Notices, rotation: &SecretRotation, state: &RotationState) {
    let Some(current) = &state.current else { return };
    counter!("muster_rotations_switched_total").increment(1);
    tracing::info!(version = current.number, "the version is in use");
    let note = match &state.previous {
        Some(previous) => {
            format!("Version {} is in use; version {} stays valid for the overlap.", current.number, previous.number)
        }
        None => format!("Version {} is in use.", current.number),
    };
    notices.normal(rotation, "VersionInUse", "Rotate", note).await;
}

/// The old version is not valid any more.
pub(super) async fn retired(notices: &Notices, rotation: &SecretRotation, version: i64) {
    counter!("muster_rotations_retired_total").increment(1);
    tracing::info!(version, "the version was retired");
    notices.normal(rotation, "VersionRetired", "Rotate", format!("Version {version} is not valid any more.")).await;
}

/// The overlap ends early, because the version in use does not last as long.
pub(super) async fn overlap_cut(notices: &Notices, rotation: &SecretRotation, state: &RotationState) {
    counter!("muster_rotation_overlaps_cut_total").increment(1);
    let number = |version: &Option<Version>| version.as_ref().map_or(0, |version| version.number);
    let (current, previous) = (number(&state.current), number(&state.previous));
    tracing::warn!(version = current, previous, "the overlap ends early: the version in use does not last as long");
    let note = format!(
        "Vault does not prolong version {current}, which is in use, until the overlap is over: version {previous} is retired now and a \
         new one is made. Give the role in Vault a longer max_ttl, or this a shorter overlap."
    );
    notices.warning(rotation, "OverlapCut", "Rotate", note).await;
}

/// The old version could not be ended and is left to end by itself.
pub(super) async fn left(notices: &Notices, rotation: &SecretRotation, version: i64) {
    counter!("muster_rotation_versions_left_total").increment(1);
    tracing::warn!(version, "the version could not be ended and is left to end with its lease");
    let note =
        format!("Version {version} could not be ended, and another is needed now: it ends with its lease in Vault.");
    notices.warning(rotation, "VersionLeft", "Rotate", note).await;
}

/// A version that is being introduced does not last until workloads have it.
pub(super) async fn superseded(notices: &Notices, rotation: &SecretRotation, version: i64) {
    counter!("muster_rotation_versions_superseded_total").increment(1);
    tracing::warn!(version, "the version ends before all workloads have it; another one is made");
    let note =
        format!("Version {version} ends before all workloads have it, because they are held up: another one is made.");
    notices.warning(rotation, "VersionSuperseded", "Rotate", note).await;
}

/// A roll-back is given up.
pub(super) async fn gone_on(notices: &Notices, rotation: &SecretRotation) {
    tracing::warn!("the version that was to be gone back to ends; the rotation goes on to the other one");
    let note = "The version that was to be gone back to ends in Vault: workloads get the other one after all.";
    notices.warning(rotation, "RollbackGivenUp", "Rollback", note).await;
}

/// Workloads are held up while the version that some of them use ends.
pub(super) async fn lapsing(notices: &Notices, rotation: &SecretRotation, state: &RotationState) {
    let version = state.current.as_ref().map_or(0, |version| version.number);
    tracing::warn!(version, "workloads are held up while the version that some of them use ends");
    let note = format!(
        "Version {version} ends by itself before long, and workloads that still use it are held up: they lose it unless they restart."
    );
    notices.warning(rotation, "VersionLapsing", "Rotate", note).await;
}

/// The rotation goes back.
pub(super) async fn turned_back(notices: &Notices, rotation: &SecretRotation) {
    counter!("muster_rotations_turned_back_total").increment(1);
    tracing::warn!("the rotation goes back to the other version, as was asked");
    notices.warning(rotation, "RollingBack", "Rollback", "Going back to the other version, as was asked.").await;
}

/// What was asked cannot be done.
pub(super) async fn refused(notices: &Notices, rotation: &SecretRotation, kind: RequestKind) {
    tracing::warn!(?kind, "a request was refused");
    let note = "There is no other valid version to go back to: the old one is retired, or the rotation has not begun.";
    notices.warning(rotation, "RollbackRefused", "Rollback", note).await;
}

/// A step failed.
pub(super) async fn failed(notices: &Notices, rotation: &SecretRotation, failure: &Failure, news: bool) {
    counter!("muster_rotation_failures_total", "reason" => failure.reason.clone()).increment(1);
    tracing::warn!(reason = failure.reason, attempts = failure.attempts, "a step failed: {}", failure.message);
    if news {
        notices.warning(rotation, &failure.reason, "Rotate", failure.message.clone()).await;
    }
}

/// Vault could not be asked about versions that are in use; nothing is changed over it.
pub(super) fn unattended(error: &(dyn std::error::Error + 'static)) {
    counter!("muster_rotation_unattended_total").increment(1);
    tracing::warn!(error, "the versions could not be looked after");
}
