//! What is to be done next. A pure function of the state and of what was just seen: it may be asked again after any crash.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::layout::Layout;
use crate::crd::secret_rotation::{Cause, Phase, Request, RequestKind, RotationState};

/// What of the spec decides the steps.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Processes can honour a second version beside the one they use.
    pub two: bool,
    /// A version has an owner in Vault that must exist, and be written down, before it.
    pub owned: bool,
    /// How long the old version stays valid.
    pub overlap: SignedDuration,
    /// How long workloads may take to restart.
    pub rollout_timeout: SignedDuration,
    /// No new versions are made.
    pub suspended: bool,
}

/// What was just seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What a person asks for by annotation.
    pub asked: Vec<Request>,
    /// When the next version is due.
    pub due: Option<Timestamp>,
    /// The source holds a newer version of somebody else's making.
    pub found: bool,
    /// The version in use is still valid, as far as the source says.
    pub current: Validity,
    /// The version that is being introduced is still valid.
    pub next: Validity,
    /// The version before it is still valid.
    pub previous: Validity,
    /// The owner of the version that is being made was made by this very call, so it can still be used.
    pub owner_at_hand: bool,
    /// The target Secret is as the state wants it.
    pub secret_matches: bool,
    /// Every workload was told to run with what the state wants.
    pub marked: bool,
    /// How far the workloads are with that.
    pub rollout: Rollout,
}

/// Whether a version is valid, as far as its source says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Validity {
    /// It is, or there is none, or the source does not say.
    #[default]
    Valid,
    /// It is, but cannot be prolonged for much longer.
    Lapsing,
    /// It is not.
    Lost,
}

/// How far workloads are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rollout {
    /// Every pod has it and is ready.
    #[default]
    Done,
    /// Pods are being replaced: which, in one sentence.
    Pending(String),
    /// It does not go on: why, in one sentence.
    Stuck(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, until something changes or this moment has come.
    Wait(Option<Timestamp>),
    /// Nothing, but look again soon: workloads are restarting.
    Watch(String),
    /// The workloads do not come up; told once, and watched on.
    Stuck(String),
    /// A rotation begins.
    Begin(Cause, Option<Request>),
    /// Make what will own the new version.
    Prepare,
    /// Make the new version.
    Make,
    /// Give up a version that is half made or lost, and make another.
    Abandon,
    /// Write the target Secret.
    Sync(Layout),
    /// Tell the workloads to restart with it.
    Roll(Layout),
    /// Prove that the workloads have it.
    Verify(Layout),
    /// The old version has been valid for long enough.
    EndOverlap,
    /// End the validity of the old version.
    Retire,
    /// The old version cannot be ended, and another one is needed now: it is left to end with its lease.
    Leave,
    /// The version that is being introduced ends soon, and workloads are held up: make another, while some use this one.
    Supersede,
    /// The version that was gone back to ends: on to the other one after all.
    GoOn,
    /// Go back to the other version, as was asked.
    TurnBack(Request),
    /// What was asked cannot be done.
    Refuse(Request),
    /// Take the annotation of an answered request away.
    ClearRequest(Request),
    /// The annotation is gone.
    ForgetRequest,
}

/// The next step.
pub fn next(plan: &Plan, state: &RotationState, seen: &Seen, now: Timestamp) -> Step {
    // Answered first, then acted on: else a crash in between would act on the same request twice.
    if let Some(answered) = &state.answered {
        return if seen.asked.contains(answered) { Step::ClearRequest(answered.clone()) } else { Step::ForgetRequest };
    }
    if let Some(asked) = seen.asked.iter().find(|asked| asked.kind == RequestKind::Rollback) {
        if state.can_turn_back() && way_back(state, seen) != Validity::Lost {
            return Step::TurnBack(asked.clone());
        }
        // While a version is being made there is soon something to go back from.
        if state.phase != Phase::Make {
            return Step::Refuse(asked.clone());
        }
    }
    if let Some(retry_at) = state.failure.as_ref().and_then(|failure| failure.retry_at.as_ref())
        && now < retry_at.0
    {
        return Step::Wait(Some(retry_at.0));
    }
    match state.phase {
        Phase::Idle => idle(plan, state, seen, now),
        Phase::Make => make(plan, state, seen),
        Phase::Announce | Phase::Switch | Phase::Back | Phase::Forget => introduce(plan, state, seen, now),
        Phase::Overlap => match &state.overlap_until {
            // The next version cannot be made before the old one is gone, and the one in use does not last until then.
            _ if seen.current != Validity::Valid => Step::EndOverlap,
            Some(until) if now < until.0 => settle(plan, state, seen).unwrap_or(Step::Wait(Some(until.0))),
            _ => Step::EndOverlap,
        },
        Phase::Retire => retire(state, seen),
    }
}

/// Whether the version that a roll-back would bring is still valid.
fn way_back(state: &RotationState, seen: &Seen) -> Validity {
    match state.phase {
        Phase::Back => seen.next,
        Phase::Overlap => seen.previous,
        _ => seen.current,
    }
}

fn retire(state: &RotationState, seen: &Seen) -> Step {
    // An old version that cannot be ended must not cost the one in use.
    if seen.current != Validity::Valid && state.failure.is_some() { Step::Leave } else { Step::Retire }
}

fn idle(plan: &Plan, state: &RotationState, seen: &Seen, now: Timestamp) -> Step {
    let asked = seen.asked.iter().find(|asked| asked.kind == RequestKind::Rotate && !plan.suspended);
    let cause = match (asked, seen.current) {
        (Some(_), _) => Some(Cause::Asked),
        _ if state.current.is_none() => (!plan.suspended).then_some(Cause::First),
        // Also while suspended: nobody means processes to lose their only valid version by it.
        (None, Validity::Lost) => Some(Cause::Lost),
        (None, Validity::Lapsing) => Some(Cause::Lapsing),
        (None, Validity::Valid) if plan.suspended => None,
        (None, Validity::Valid) if seen.found => Some(Cause::Found),
        (None, Validity::Valid) => seen.due.filter(|due| *due <= now).map(|_| Cause::Due),
    };
    if let Some(cause) = cause {
        return Step::Begin(cause, asked.cloned());
    }
    settle(plan, state, seen).unwrap_or(Step::Wait(seen.due.filter(|_| !plan.suspended)))
}

fn make(plan: &Plan, state: &RotationState, seen: &Seen) -> Step {
    match (&state.next, plan.owned) {
        (None, true) => Step::Prepare,
        (Some(_), true) if !seen.owner_at_hand => Step::Abandon,
        _ => Step::Make,
    }
}

fn introduce(plan: &Plan, state: &RotationState, seen: &Seen, now: Timestamp) -> Step {
    if seen.next == Validity::Lost && state.phase != Phase::Back {
        return Step::Abandon;
    }
    if seen.current == Validity::Lost && state.phase == Phase::Back {
        return Step::GoOn;
    }
    let Some(layout) = Layout::of(state, plan.two) else { return Step::Abandon };
    if let Some(step) = settle(plan, state, seen) {
        return step;
    }
    match &seen.rollout {
        // Superseded, and used by nobody any more.
        Rollout::Done if is_superseded(state) => match &state.failure {
            // Not one of the rollout, which is over.
            Some(failure) if failure.retry_at.is_some() => Step::Leave,
            _ => Step::Retire,
        },
        Rollout::Done => Step::Verify(layout),
        Rollout::Stuck(why) => held_up(state, seen, why.clone()),
        Rollout::Pending(what) => {
            let since = state.phase_since.as_ref().map_or(now, |since| since.0);
            if now.duration_since(since) > plan.rollout_timeout {
                held_up(state, seen, format!("{what} It has taken longer than rolloutTimeout."))
            } else {
                Step::Watch(what.clone())
            }
        }
    }
}

/// Beside the version in use and the one that is introduced there is one that was introduced before it.
fn is_superseded(state: &RotationState) -> bool {
    state.previous.is_some() && matches!(state.phase, Phase::Switch | Phase::Back)
}

/// Some pods have the new version and others do not get it: those that have it must not lose it over the others.
fn held_up(state: &RotationState, seen: &Seen, why: String) -> Step {
    match state.phase {
        Phase::Switch if seen.next == Validity::Lapsing => match seen.previous {
            _ if !is_superseded(state) => Step::Supersede,
            Validity::Lost => Step::Leave,
            Validity::Valid | Validity::Lapsing => Step::Stuck(why),
        },
        Phase::Back if seen.current == Validity::Lapsing && seen.next == Validity::Valid => Step::GoOn,
        _ => Step::Stuck(why),
    }
}

/// The Secret and the workloads are brought to what the state wants, also when somebody changed them since.
fn settle(plan: &Plan, state: &RotationState, seen: &Seen) -> Option<Step> {
    let layout = Layout::of(state, plan.two)?;
    if !seen.secret_matches {
        return Some(Step::Sync(layout));
    }
    (!seen.marked).then_some(Step::Roll(layout))
}
