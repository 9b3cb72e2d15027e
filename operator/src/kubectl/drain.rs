//! `drain`: lets no player into a region, and follows until its matches are over and nothing runs.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{
    cluster::Cluster,
    exit::Exit,
    find::{find, look},
    follow::{Waited, length, until},
    problem::Problem,
    screen::Screen,
    standing::Verdict,
    subject::region_standing,
    time::short,
};
use crate::crd::{Region, region::RegionState};

/// What `drain` is told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl muster drain eu-west                   follows until nothing runs
  kubectl muster drain eu-west --timeout 30m     follows no longer; it goes on draining
  kubectl muster drain eu-west --no-wait         only tells it to drain
  kubectl muster undrain eu-west                 takes it back, at any time

It sets `spec.state: Draining`. No player comes in and no match begins; matches that run are played to their end, at most for \
`spec.drain.matchTimeout`; then every process stops. Ctrl-C ends only the following.

Exit codes: 0 every match came to its end and nothing runs (with --no-wait: it was told); 1 matches were left when matchTimeout \
was over, or it was not done within --timeout, or somebody took it back; 2 it cannot be told.")]
pub struct Arguments {
    /// The Region
    #[arg(value_name = "REGION")]
    region: String,
    /// Do not follow it
    #[arg(long)]
    no_wait: bool,
    /// Follow it no longer than this; without it, as long as it takes
    #[arg(long, value_name = "TIME", value_parser = length, conflicts_with = "no_wait")]
    timeout: Option<Duration>,
}

/// How it went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    namespace: &'a str,
    region: &'a str,
    /// `Asked`, `Drained`, `MatchesLeft`, `TakenBack`, `Deleted`, `NotInTime`, `Interrupted`.
    outcome: &'static str,
    matches_left: Option<i64>,
    message: String,
}

/// What was seen of a region that should drain.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// It goes on; how far it is.
    Draining(String),
    /// Nothing runs; how many matches were left.
    Stopped(Option<i64>),
    /// Somebody has set another state.
    TakenBack,
}

/// Tells it to drain, and follows.
pub async fn run(cluster: &Cluster, screen: &Screen, arguments: &Arguments) -> Result<Exit, Problem> {
    let name = arguments.region.as_str();
    let region: Region = find(cluster, name).await?;
    let namespace = cluster.namespace.as_str();
    let undo = format!("kubectl muster undrain {name} -n {namespace}");
    match region.spec.state {
        RegionState::Disabled => {
            return Err(Problem::refused(
                format!("The Region {name} is Disabled: it takes no players, and nothing runs there."),
                format!("To let it take players: {undo} --force"),
            ));
        }
        RegionState::Draining => screen.progress(&format!("{name} drains already.")),
        RegionState::Active => {
            let _: Region = cluster.change(name, &json!({ "spec": { "state": "Draining" } })).await?;
            screen.progress(&format!("{name} drains: no player comes in any more. To take it back: {undo}"));
        }
    }
    if region_standing(&region).paused {
        screen.progress(&format!(
            "{name} is paused: the operator does nothing until the annotation is gone. kubectl annotate region {name} -n {namespace} muster.dev/paused-"
        ));
    }
    let end = |exit: Exit, outcome: &'static str, matches_left: Option<i64>, message: String| {
        screen.outcome(&Outcome { namespace, region: name, outcome, matches_left, message: message.clone() }, &message);
        Ok(exit)
    };
    if arguments.no_wait {
        let message = format!("{name} drains. To follow it: kubectl muster drain {name} -n {namespace}");
        return end(Exit::Done, "Asked", None, message);
    }

    let mut told = String::new();
    let waited = until(arguments.timeout, async || {
        let Some(region) = look::<Region>(cluster, name).await? else { return Ok(Some(None)) };
        match seen(&region, Timestamp::now()) {
            Seen::Draining(now) => {
                // The time that is left changes with every look; only what happens is worth a line.
                let what = now.split(';').next().unwrap_or_default().to_owned();
                if what != told {
                    screen.progress(&format!("{name}: {now}"));
                    told = what;
                }
                Ok(None)
            }
            other => Ok(Some(Some(other))),
        }
    });
    match waited.await? {
        Waited::So(Some(Seen::Stopped(Some(0)))) => end(
            Exit::Done,
            "Drained",
            Some(0),
            format!("{name} is drained: every match came to its end, and nothing runs."),
        ),
        Waited::So(Some(Seen::Stopped(left))) => {
            let left_over = left.map_or("an unknown number of".to_owned(), |left| left.to_string());
            let message =
                format!("{name} is stopped, with {left_over} matches left when spec.drain.matchTimeout was over.");
            end(Exit::NotDone, "MatchesLeft", left, message)
        }
        Waited::So(Some(_)) => end(
            Exit::NotDone,
            "TakenBack",
            None,
            format!("{name} does not drain any more: somebody has set another state."),
        ),
        Waited::So(None) => end(
            Exit::Done,
            "Deleted",
            None,
            format!("{name} was deleted meanwhile; the operator drains a region before it lets it go."),
        ),
        Waited::TimedOut => {
            let message = format!("{name} is not done yet, and goes on draining. To take it back: {undo}");
            end(Exit::NotDone, "NotInTime", None, message)
        }
        Waited::Interrupted => {
            let message = format!(
                "{name} goes on draining. To take it back: {undo}. To follow it again: kubectl muster drain {name} -n {namespace}"
            );
            end(Exit::Interrupted, "Interrupted", None, message)
        }
    }
}

fn seen(region: &Region, now: Timestamp) -> Seen {
    let deleted = region.metadata.deletion_timestamp.is_some();
    if region.spec.state != RegionState::Draining && !deleted {
        return Seen::TakenBack;
    }
    let standing = region_standing(region);
    let drain = region.status.as_ref().and_then(|status| status.drain.as_ref());
    // A status of the spec before may tell of an earlier drain.
    let Some(drain) = drain.filter(|_| standing.reason != "NotSeenYet") else {
        return Seen::Draining("waits for the operator".to_owned());
    };
    if drain.stopped_at.is_some() {
        return if standing.ready == Verdict::Ready {
            Seen::Stopped(drain.matches_left)
        } else {
            Seen::Draining("the processes are stopping".to_owned())
        };
    }
    let left = match drain.matches_left {
        Some(1) => "1 match left".to_owned(),
        Some(left) => format!("{left} matches left"),
        None => "how many matches are left is not known".to_owned(),
    };
    Seen::Draining(format!(
        "{left}; the processes stop in {} at the latest",
        short(drain.deadline.0.duration_since(now))
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn region(state: &str, observed: i64, ready: &str, drain: Value) -> Region {
        serde_json::from_value(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region",
            "metadata": { "name": "eu", "namespace": "default", "generation": 2 },
            "spec": { "image": "a:1", "state": state, "roles": [{ "name": "gateway" }] },
            "status": {
                "observedGeneration": observed, "drain": drain,
                "conditions": [{ "type": "Ready", "status": ready, "reason": "Because", "message": "So.", "lastTransitionTime": "2026-01-01T00:00:00Z" }],
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_drain_is_over_when_the_operator_says_so_of_this_spec() {
        let now = "2026-01-01T00:00:20Z".parse().unwrap();
        let drain = |stopped: Value, left: Value| json!({ "startedAt": "2026-01-01T00:00:00Z", "deadline": "2026-01-01T00:10:00Z", "stoppedAt": stopped, "matchesLeft": left });
        let told = seen(&region("Draining", 2, "False", drain(Value::Null, json!(7))), now);
        assert_eq!(told, Seen::Draining("7 matches left; the processes stop in 9m40s at the latest".into()));
        let stopped = drain(json!("2026-01-01T00:00:10Z"), json!(0));
        assert_eq!(seen(&region("Draining", 2, "True", stopped.clone()), now), Seen::Stopped(Some(0)));
        assert!(matches!(seen(&region("Draining", 2, "False", stopped.clone()), now), Seen::Draining(_)));
        assert!(matches!(seen(&region("Draining", 1, "True", stopped.clone()), now), Seen::Draining(_)));
        assert_eq!(seen(&region("Active", 2, "True", stopped), now), Seen::TakenBack);
    }
}
