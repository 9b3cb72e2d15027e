//! What a Region's status says: a pure function of what was seen.

use k8s_openapi::jiff::Timestamp;

use super::{objects::selector, owned::Rollout, phase::Phase, queues::Queues};
use crate::{
    crd::{
        Region, ServerRole,
        region::{DrainStatus, RegionState, RegionStatus, RoleStatus},
    },
    reconcile::conditions::{self, DEGRADED, PROGRESSING, READY, Says},
};

/// Why a Region is degraded whose queues do not do what it says: they were not closed, or not opened.
pub const QUEUES_REASONS: [&str; 2] = ["QueuesNotClosed", "QueuesNotOpened"];

/// What was seen of a Region.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What it is doing.
    pub phase: Phase,
    /// How far it has been left.
    pub drain: Option<DrainStatus>,
    /// Whether the platform's queues take players for it.
    pub queues: Queues,
    /// How far the processes of each role are; nothing for one whose Deployment has not been seen yet.
    pub rollouts: Vec<(ServerRole, Option<Rollout>)>,
    /// When a change may be rolled out that is held back.
    pub held_until: Option<Timestamp>,
    /// Of a stopped one, how many processes there still are, those that are ending too.
    pub left: usize,
}

/// The status of a Region. What it said before decides only when a condition began.
pub fn status(region: &Region, seen: &Seen, now: Timestamp) -> RegionStatus {
    let known = || seen.rollouts.iter().filter_map(|(_, rollout)| rollout.as_ref());
    let mut status = RegionStatus {
        conditions: region.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default(),
        replicas: Some(known().map(|rollout| rollout.replicas).sum()),
        ready_replicas: Some(known().map(|rollout| rollout.ready).sum()),
        selector: Some(selector(region)),
        roles: seen.rollouts.iter().filter_map(|(name, rollout)| Some(role(*name, rollout.as_ref()?))).collect(),
        queues: seen.queues.status.clone(),
        drain: seen.drain.clone(),
        observed_generation: region.metadata.generation,
    };
    let mut says = match seen.phase {
        Phase::Serving => serving(seen, status.ready_replicas.unwrap_or(0)),
        Phase::Closing => closing(region, seen),
        Phase::Stopped => stopped(region, seen),
    };
    if let (Some(trouble), Some(degraded)) = (&seen.queues.trouble, says.last_mut())
        && degraded.holds == Some(false)
    {
        let [closed, opened] = QUEUES_REASONS;
        // One that is deleted opens what it closed when it has stopped.
        let opens = match seen.phase {
            Phase::Serving => true,
            Phase::Closing => false,
            Phase::Stopped => region.metadata.deletion_timestamp.is_some(),
        };
        let reason = if opens { opened } else { closed };
        *degraded = Says::yes(DEGRADED, reason, trouble.clone());
    }
    conditions::set(&mut status.conditions, region.metadata.generation, now, says);
    status
}

fn role(name: ServerRole, rollout: &Rollout) -> RoleStatus {
    RoleStatus { name, desired: rollout.wanted, updated: rollout.updated, ready: rollout.ready }
}

fn serving(seen: &Seen, ready: i32) -> [Says; 3] {
    let wanted: i32 = seen.rollouts.iter().filter_map(|(_, rollout)| Some(rollout.as_ref()?.wanted)).sum();
    let stuck = seen.rollouts.iter().find_map(|(role, rollout)| Some((role, rollout.as_ref()?.stuck.as_ref()?)));
    let done = seen.rollouts.iter().all(|(_, rollout)| rollout.as_ref().is_some_and(Rollout::is_done));
    let counted = format!("{ready} of {wanted} processes are ready.");
    if let Some((role, why)) = stuck {
        let message = format!("The processes of the role {} get no further: {why}", role.as_str());
        return [
            Says::no(READY, "RolloutStuck", message.clone()),
            Says::no(PROGRESSING, "RolloutStuck", counted),
            Says::yes(DEGRADED, "RolloutStuck", message),
        ];
    }
    let progressing = match (done, seen.held_until) {
        (false, _) => Says::yes(PROGRESSING, "RollingOut", counted.clone()),
        (true, Some(at)) => Says::yes(
            PROGRESSING,
            "WaitingForMaintenance",
            format!("A change is rolled out from {at} on, in the maintenance window."),
        ),
        (true, None) => Says::no(PROGRESSING, "Settled", "Nothing is under way."),
    };
    let ready = if done { Says::yes(READY, "AllReady", counted) } else { Says::no(READY, "RollingOut", counted) };
    [ready, progressing, nothing_wrong()]
}

fn closing(region: &Region, seen: &Seen) -> [Says; 3] {
    let left = match seen.drain.as_ref().and_then(|drain| drain.matches_left) {
        // A single look may have been in between.
        Some(0) if seen.drain.as_ref().is_some_and(|drain| drain.empty_since.is_some()) => {
            "no match runs any more, which is looked at once more".to_owned()
        }
        Some(1) => "1 match still runs".to_owned(),
        Some(matches) => format!("{matches} matches still run"),
        None => "how many matches still run is not known".to_owned(),
    };
    let deadline = seen.drain.as_ref().map(|drain| format!("; at {} the processes stop anyway", drain.deadline.0));
    let deadline = deadline.unwrap_or_default();
    let message = match (&seen.queues.trouble, &region.spec.platform) {
        (Some(_), _) => format!("The queues are not closed yet, so nothing is stopped, and {left}{deadline}."),
        (None, Some(_)) => format!("No player comes in, and {left}{deadline}."),
        (None, None) => {
            format!(
                "No player comes in, and {left}{deadline}. The queues stay open: spec.platform does not say how to close them."
            )
        }
    };
    [Says::no(READY, "Draining", message.clone()), Says::yes(PROGRESSING, "Draining", message), nothing_wrong()]
}

fn stopped(region: &Region, seen: &Seen) -> [Says; 3] {
    let running: i32 = seen.rollouts.iter().filter_map(|(_, rollout)| Some(rollout.as_ref()?.replicas)).sum();
    let left = seen.left.max(usize::try_from(running).unwrap_or(0));
    let none_left = seen.left == 0
        && seen.rollouts.iter().all(|(_, rollout)| {
            rollout.as_ref().is_some_and(|rollout| rollout.current && rollout.wanted == 0 && rollout.replicas == 0)
        });
    if !none_left {
        let message = match left {
            1 => "1 process is still stopping.".to_owned(),
            left => format!("{left} processes are still stopping."),
        };
        return [
            Says::no(READY, "Stopping", message.clone()),
            Says::yes(PROGRESSING, "Stopping", message),
            nothing_wrong(),
        ];
    }
    let (reason, message) = match (&seen.drain, region.spec.state) {
        (Some(DrainStatus { matches_left: Some(0), .. }), _) => {
            ("Drained", "Every match came to its end; nothing runs.".to_owned())
        }
        (Some(DrainStatus { matches_left: Some(matches), .. }), _) => {
            ("Drained", format!("Nothing runs. At the deadline {matches} matches were left."))
        }
        (Some(_), _) => {
            ("Drained", "Nothing runs. How many matches were left at the deadline is not known.".to_owned())
        }
        (None, RegionState::Disabled) => ("Disabled", "Nothing runs, as the region is disabled.".to_owned()),
        (None, _) => ("Stopped", "Nothing runs.".to_owned()),
    };
    [Says::yes(READY, reason, message), Says::no(PROGRESSING, "Settled", "Nothing is under way."), nothing_wrong()]
}

fn nothing_wrong() -> Says {
    Says::no(DEGRADED, "AsExpected", "Nothing is wrong.")
}

#[cfg(test)]
mod tests;
