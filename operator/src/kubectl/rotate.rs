//! `rotate`: asks for a new version of a secret now, or for the one before, and follows the operator's steps.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use serde_json::json;

use super::{
    cluster::Cluster,
    exit::Exit,
    find::find,
    follow::{Waited, length, until},
    problem::Problem,
    screen::Screen,
    subject::rotation_standing,
    time::ahead,
};
use crate::{
    crd::{
        SecretRotation,
        secret_rotation::{Phase, RotationState},
    },
    reconcile::conditions::PROGRESSING,
    rotation::{ROLLBACK, ROTATE},
};

/// What `rotate` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl muster rotate signing-key                 a new version now; follows until it is in use
  kubectl muster rotate signing-key --no-wait
  kubectl muster rotate database --rollback         back to the version before, while that is valid

It sets the annotation muster.dev/rotate (or muster.dev/rollback), which the operator takes away when it acts on it. The time to the \
next version by interval or cron counts from the moment the new one is in use. While the old version of an earlier rotation is \
still valid, the new one is made after that overlap. Ctrl-C ends only the following.

Exit codes: 0 the new version is in use, or asked for (--no-wait, an overlap); 1 refused, turned back, or not in time; 2 it cannot \
be told.")]
pub struct Arguments {
    /// The SecretRotation
    #[arg(value_name = "NAME")]
    name: String,
    /// Go back to the version before
    #[arg(long)]
    rollback: bool,
    /// Do not follow it
    #[arg(long)]
    no_wait: bool,
    /// Follow it no longer than this
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = length)]
    timeout: Duration,
}

/// How it went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    namespace: &'a str,
    name: &'a str,
    /// `Asked`, `InUse`, `TurnedBack`, `NotInTime`, `Interrupted`.
    outcome: &'static str,
    phase: Phase,
    version: Option<i64>,
    previous_version: Option<i64>,
    overlap_until: Option<Timestamp>,
    next_rotation_at: Option<Timestamp>,
    message: String,
}

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// A version newer than this one is in use.
    NewerThan(i64),
    /// Processes have gone back.
    Back,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Reached,
    TurnedBack,
}

/// Asks for it, and follows.
pub async fn run(cluster: &Cluster, screen: &Screen, arguments: &Arguments) -> Result<Exit, Problem> {
    let name = arguments.name.as_str();
    let mut rotation: SecretRotation = find(cluster, name).await?;
    refuse(&rotation, arguments.rollback)?;
    let state = state(&rotation);
    let goal = if arguments.rollback { Goal::Back } else { Goal::NewerThan(number(&state)) };
    let under_way =
        !arguments.rollback && matches!(state.phase, Phase::Make | Phase::Announce | Phase::Switch | Phase::Back);
    if under_way {
        screen.progress(&format!(
            "A rotation of {name} is under way already; it is followed, and no other one asked for."
        ));
    } else {
        let annotation = if arguments.rollback { ROLLBACK } else { ROTATE };
        let asked = json!({ "metadata": { "annotations": { annotation: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string() } } });
        rotation = cluster.change(name, &asked).await?;
        screen.progress(&format!("{name} is asked to {}.", if arguments.rollback { "go back" } else { "rotate" }));
    }
    let follow = format!("kubectl muster status -n {}", cluster.namespace);
    let waits = !arguments.rollback && matches!(state.phase, Phase::Overlap | Phase::Forget | Phase::Retire);
    if waits {
        let until = state.overlap_until.as_ref().map(|time| ahead(time.0, Timestamp::now()));
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        let message = format!("The version before is still valid{until}; the new one is made after that.");
        return end(cluster, screen, &rotation, Exit::Done, "Asked", message);
    }
    if arguments.no_wait {
        let message = format!("{name} is asked. How far it is: {follow}");
        return end(cluster, screen, &rotation, Exit::Done, "Asked", message);
    }

    let mut told = String::new();
    let waited = until(Some(arguments.timeout), async || {
        rotation = find(cluster, name).await?;
        if let Some(end) = reached(&rotation, goal) {
            return Ok(Some(end));
        }
        let now = step(&rotation);
        if now != told {
            screen.progress(&format!("{name}: {now}"));
            told = now;
        }
        Ok(None)
    });
    let (exit, outcome, message) = match waited.await? {
        Waited::So(End::Reached) => (Exit::Done, "InUse", in_use(&rotation)),
        Waited::So(End::TurnedBack) => {
            (Exit::NotDone, "TurnedBack", format!("Somebody has turned {name} back. {}", in_use(&rotation)))
        }
        Waited::TimedOut => {
            let message = format!(
                "{name} is not done yet, and goes on: {} Why: kubectl muster why srot/{name} -n {}",
                step(&rotation),
                cluster.namespace
            );
            (Exit::NotDone, "NotInTime", message)
        }
        Waited::Interrupted => (
            Exit::Interrupted,
            "Interrupted",
            format!(
                "{name} goes on. How far it is: {follow}. To go back: kubectl muster rotate {name} --rollback -n {}",
                cluster.namespace
            ),
        ),
    };
    end(cluster, screen, &rotation, exit, outcome, message)
}

fn end(
    cluster: &Cluster,
    screen: &Screen,
    rotation: &SecretRotation,
    exit: Exit,
    outcome: &'static str,
    message: String,
) -> Result<Exit, Problem> {
    let (state, status) = (state(rotation), rotation.status.clone().unwrap_or_default());
    let told = Outcome {
        namespace: &cluster.namespace,
        name: &rotation.name_any(),
        outcome,
        phase: state.phase,
        version: state.current.map(|version| version.number),
        previous_version: state.previous.map(|version| version.number),
        overlap_until: state.overlap_until.map(|time| time.0),
        next_rotation_at: status.next_rotation_at.map(|time| time.0),
        message: message.clone(),
    };
    screen.outcome(&told, &message);
    Ok(exit)
}

/// What the operator would not act on is not asked.
fn refuse(rotation: &SecretRotation, rollback: bool) -> Result<(), Problem> {
    let (name, namespace) = (rotation.name_any(), rotation.namespace().unwrap_or_default());
    let state = state(rotation);
    if rotation_standing(rotation).paused {
        let todo = format!("Let it go on first: kubectl annotate srot {name} -n {namespace} muster.dev/paused-");
        return Err(Problem::refused(format!("{name} is paused: the operator would not act on it."), todo));
    }
    if rollback && !state.can_turn_back() {
        let what = format!("There is no other valid version of {name} to go back to.");
        return Err(Problem::refused(
            what,
            "That is possible from the moment a new version is told to processes until the old one is forgotten.",
        ));
    }
    if !rollback && rotation.spec.suspended && state.phase == Phase::Idle {
        let todo = format!(
            "Let it make new versions first: kubectl patch srot {name} -n {namespace} --type merge -p '{{\"spec\":{{\"suspended\":false}}}}'"
        );
        return Err(Problem::refused(format!("{name} is suspended: no new versions are made."), todo));
    }
    Ok(())
}

fn state(rotation: &SecretRotation) -> RotationState {
    rotation.status.as_ref().and_then(|status| status.rotation.clone()).unwrap_or_default()
}

/// The version in use; 0 when there is none.
fn number(state: &RotationState) -> i64 {
    state.current.as_ref().map_or(0, |version| version.number)
}

fn reached(rotation: &SecretRotation, goal: Goal) -> Option<End> {
    let state = state(rotation);
    let at_rest = matches!(state.phase, Phase::Idle | Phase::Overlap | Phase::Forget | Phase::Retire);
    let asked = |annotation: &str| rotation.annotations().contains_key(annotation);
    if !at_rest {
        return None;
    }
    match goal {
        Goal::NewerThan(before) if number(&state) > before && !state.turned_back => Some(End::Reached),
        Goal::NewerThan(_) if state.turned_back && !asked(ROTATE) && !asked(ROLLBACK) => Some(End::TurnedBack),
        Goal::NewerThan(_) => None,
        Goal::Back => (!asked(ROLLBACK) && state.answered.is_none()).then_some(End::Reached),
    }
}

/// What the operator is at, in its own words.
fn step(rotation: &SecretRotation) -> String {
    let state = state(rotation);
    if let Some(failure) = &state.failure {
        return format!("{} (tried {} times)", failure.message, failure.attempts);
    }
    if state.phase == Phase::Idle {
        return "waits for the operator.".to_owned();
    }
    let conditions = rotation.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let progress = conditions.iter().find(|condition| condition.type_ == PROGRESSING);
    progress.map_or_else(|| format!("{:?}", state.phase), |condition| condition.message.clone())
}

fn in_use(rotation: &SecretRotation) -> String {
    let state = state(rotation);
    let mut told = format!("Version {} of {} is in use.", number(&state), rotation.name_any());
    if let Some((previous, until)) = state.previous.as_ref().zip(state.overlap_until.as_ref()) {
        let until = ahead(until.0, Timestamp::now());
        told = format!("{told} Version {} stays valid until {until}.", previous.number);
    }
    if let Some(next) = rotation.status.as_ref().and_then(|status| status.next_rotation_at.as_ref()) {
        told = format!("{told} The next one is due {}.", ahead(next.0, Timestamp::now()));
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn rotation(annotations: Value, suspended: bool, state: Value) -> SecretRotation {
        serde_json::from_value(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "SecretRotation",
            "metadata": { "name": "key", "namespace": "play", "annotations": annotations },
            "spec": {
                "source": { "vaultKv": { "path": "a", "key": "b", "generate": {} } },
                "target": { "secret": "s", "key": "k" }, "suspended": suspended,
            },
            "status": { "rotation": state },
        }))
        .unwrap()
    }

    #[test]
    fn it_is_done_when_a_newer_version_is_in_use() {
        let of = |phase: &str, current: i64, turned: bool| {
            let state =
                json!({ "phase": phase, "versions": 2, "current": { "number": current }, "turnedBack": turned });
            reached(&rotation(json!({}), false, state), Goal::NewerThan(1))
        };
        assert_eq!(of("Switch", 1, false), None);
        assert_eq!(of("Overlap", 2, false), Some(End::Reached));
        assert_eq!(of("Idle", 1, false), None);
        assert_eq!(of("Forget", 1, true), Some(End::TurnedBack));
    }

    #[test]
    fn what_would_not_be_acted_on_is_refused() {
        let idle = json!({ "phase": "Idle", "versions": 1, "current": { "number": 1 } });
        assert!(refuse(&rotation(json!({}), false, idle.clone()), false).is_ok());
        let suspended = refuse(&rotation(json!({}), true, idle.clone()), false).unwrap_err();
        assert!(suspended.what.contains("suspended") && suspended.exit == Exit::NotDone);
        assert!(refuse(&rotation(json!({ "muster.dev/paused": "" }), false, idle.clone()), false).is_err());
        assert!(refuse(&rotation(json!({}), false, idle), true).unwrap_err().what.contains("no other valid version"));
    }
}
