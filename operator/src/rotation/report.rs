//! What the status says of a state.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use super::step::Validity;
use crate::{
    crd::{
        SecretRotation,
        secret_rotation::{Phase, RotationState, SecretRotationStatus},
    },
    reconcile::conditions::{self, DEGRADED, PROGRESSING, READY, Says},
};

/// What was noticed beside the state.
#[derive(Debug, Default, Clone)]
pub struct Remarks {
    /// What the operator waits for at this very moment.
    pub waits_for: Option<String>,
    /// Something wants attention although no step failed: its reason and a sentence.
    pub trouble: Option<(&'static str, String)>,
    /// Whether the version in use is valid.
    pub current: Validity,
    /// A person has paused it.
    pub paused: bool,
    /// When the next version is due.
    pub due: Option<Timestamp>,
}

/// The whole status.
pub fn status(
    rotation: &SecretRotation,
    state: &RotationState,
    remarks: &Remarks,
    now: Timestamp,
) -> SecretRotationStatus {
    let mut conditions = rotation.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
    let suspended = rotation.spec.suspended;
    let says = [ready(state, remarks), progressing(state, remarks, suspended), degraded(state, remarks)];
    conditions::set(&mut conditions, rotation.metadata.generation, now, says);
    SecretRotationStatus {
        observed_generation: rotation.metadata.generation,
        conditions,
        current_version: state.current.as_ref().map(|version| version.number),
        previous_version: state.previous.as_ref().map(|version| version.number),
        last_rotated_at: state.in_use_since.clone(),
        next_rotation_at: remarks.due.filter(|_| !suspended).map(Time),
        rotation: Some(state.clone()),
    }
}

/// What is said of the versions, whatever is being done.
pub fn validity(state: &RotationState, remarks: &Remarks) -> [Says; 2] {
    [ready(state, remarks), degraded(state, remarks)]
}

fn ready(state: &RotationState, remarks: &Remarks) -> Says {
    match &state.current {
        Some(version) if remarks.current == Validity::Lost => Says::no(
            READY,
            "VersionLost",
            format!("Version {} is in use and not valid any more: Vault has ended it.", version.number),
        ),
        Some(version) => Says::yes(READY, "InUse", format!("Version {} is in use.", version.number)),
        None => Says::no(READY, "NoVersion", "No version is in use yet."),
    }
}

fn progressing(state: &RotationState, remarks: &Remarks, suspended: bool) -> Says {
    let number = |version: &Option<crate::crd::secret_rotation::Version>| {
        version.as_ref().map_or_else(|| "the new version".to_owned(), |version| format!("version {}", version.number))
    };
    let waits = remarks.waits_for.clone().map(|what| format!(" {what}")).unwrap_or_default();
    let until = |time: &Option<Time>| time.as_ref().map(|time| format!(" until {}", time.0)).unwrap_or_default();
    match state.phase {
        Phase::Idle if suspended => {
            Says::no(PROGRESSING, "Suspended", "No new versions are made while suspended is set.")
        }
        Phase::Idle => {
            let due = remarks.due.map_or_else(
                || "No further version is due.".to_owned(),
                |due| format!("The next version is due at {due}."),
            );
            Says::no(PROGRESSING, "Idle", due)
        }
        Phase::Make => Says::yes(PROGRESSING, "Making", "A new version is being made."),
        Phase::Announce => Says::yes(
            PROGRESSING,
            "Announcing",
            format!("Workloads learn {} beside the one they use.{waits}", number(&state.next)),
        ),
        Phase::Back => Says::yes(
            PROGRESSING,
            "RollingBack",
            format!("Workloads go back to {}, as was asked.{waits}", number(&state.current)),
        ),
        Phase::Switch => {
            Says::yes(PROGRESSING, "Switching", format!("Workloads begin to use {}.{waits}", number(&state.next)))
        }
        Phase::Overlap => Says::no(
            PROGRESSING,
            "Overlap",
            format!("The old one, {}, stays valid{}.", number(&state.previous), until(&state.overlap_until)),
        ),
        Phase::Forget => Says::yes(
            PROGRESSING,
            "Forgetting",
            format!("Workloads forget the old {}.{waits}", number(&state.previous)),
        ),
        Phase::Retire => {
            Says::yes(PROGRESSING, "Retiring", format!("The old {} is being retired.", number(&state.previous)))
        }
    }
}

fn degraded(state: &RotationState, remarks: &Remarks) -> Says {
    if let Some(failure) = &state.failure {
        let told = failure.message.trim_end_matches('.');
        let kept = match remarks.current {
            _ if state.current.is_none() => "",
            Validity::Valid => " The version in use stays valid.",
            Validity::Lapsing => " The version in use ends before long: Vault does not prolong it any further.",
            Validity::Lost => " The version in use is not valid any more.",
        };
        return Says::yes(DEGRADED, known(&failure.reason), format!("{told}.{kept}"));
    }
    match &remarks.trouble {
        Some((reason, message)) => Says::yes(DEGRADED, reason, message.clone()),
        // Otherwise another one is being made already.
        None if remarks.paused && remarks.current == Validity::Lapsing => Says::yes(
            DEGRADED,
            "VersionLapsing",
            "The version in use ends before long, and no other one is made while this is paused.",
        ),
        None => Says::no(DEGRADED, "AsExpected", "No step has failed."),
    }
}

/// Reasons are stable words; the status keeps them as text.
fn known(reason: &str) -> &'static str {
    const REASONS: [&str; 15] = [
        "VaultNotConfigured",
        "VaultUnavailable",
        "VaultSealed",
        "VaultForbidden",
        "VaultNotFound",
        "VaultConflict",
        "VaultRefused",
        "NotASigningKey",
        "VersionMissing",
        "OwnerMissing",
        "RolloutStuck",
        "NotInUse",
        "Forbidden",
        "Rejected",
        "SelectorInvalid",
    ];
    REASONS.into_iter().find(|known| *known == reason).unwrap_or("StepFailed")
}
