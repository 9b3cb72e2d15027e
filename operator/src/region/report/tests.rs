use serde_json::json;

use super::*;

fn region() -> Region {
    let mut region: Region = serde_json::from_value(json!({
        "apiVersion": "muster.dev/v1alpha1", "kind": "Region",
        "metadata": { "name": "eu-west", "namespace": "games", "uid": "u", "generation": 3 },
        "spec": { "image": "muster-server:1", "replicas": 2, "roles": [{ "name": "gateway" }, { "name": "referee" }] },
    }))
    .unwrap();
    region.status = Some(RegionStatus::default());
    region
}

fn rollout(wanted: i32, ready: i32) -> Rollout {
    Rollout { wanted, replicas: wanted, updated: wanted, ready, current: true, stuck: None }
}

fn seen(phase: Phase, rollouts: [Option<Rollout>; 2]) -> Seen {
    let [gateway, referee] = rollouts;
    let rollouts = vec![(ServerRole::Gateway, gateway), (ServerRole::Referee, referee)];
    Seen { phase, drain: None, queues: Queues::default(), rollouts, held_until: None, left: 0 }
}

fn said(seen: &Seen) -> Vec<(String, String, String)> {
    let status = status(&region(), seen, Timestamp::from_second(1000).unwrap());
    assert_eq!(status.observed_generation, Some(3));
    status.conditions.into_iter().map(|c| (c.type_, c.status, c.reason)).collect()
}

fn is(type_: &str, status: &str, reason: &str) -> (String, String, String) {
    (type_.to_owned(), status.to_owned(), reason.to_owned())
}

#[test]
fn ready_when_every_process_is() {
    let all = said(&seen(Phase::Serving, [Some(rollout(2, 2)), Some(rollout(2, 2))]));
    assert_eq!(
        all,
        [is("Ready", "True", "AllReady"), is("Progressing", "False", "Settled"), is("Degraded", "False", "AsExpected")]
    );
    let some = said(&seen(Phase::Serving, [Some(rollout(2, 2)), Some(rollout(2, 1))]));
    assert_eq!(some[..2], [is("Ready", "False", "RollingOut"), is("Progressing", "True", "RollingOut")]);
    let unseen = said(&seen(Phase::Serving, [Some(rollout(2, 2)), None]));
    assert_eq!(unseen[0], is("Ready", "False", "RollingOut"));
}

#[test]
fn a_rollout_that_gets_no_further_is_told() {
    let stuck = Rollout { stuck: Some("it timed out".to_owned()), ..rollout(2, 1) };
    let all = said(&seen(Phase::Serving, [Some(stuck), Some(rollout(2, 2))]));
    assert_eq!(all[2], is("Degraded", "True", "RolloutStuck"));
    assert_eq!(all[1], is("Progressing", "False", "RolloutStuck"));
}

#[test]
fn a_stopped_region_is_ready_when_nothing_runs() {
    let stopping = said(&seen(Phase::Stopped, [Some(rollout(0, 0)), Some(Rollout { replicas: 1, ..rollout(0, 0) })]));
    assert_eq!(stopping[0], is("Ready", "False", "Stopping"));
    let mut stopped = seen(Phase::Stopped, [Some(rollout(0, 0)), Some(rollout(0, 0))]);
    assert_eq!(said(&stopped)[0], is("Ready", "True", "Stopped"));
    // Those that are ending are counted by nobody else.
    stopped.left = 3;
    let status = status(&region(), &stopped, Timestamp::from_second(1000).unwrap());
    let ready = &status.conditions[0];
    assert_eq!((ready.reason.as_str(), ready.message.as_str()), ("Stopping", "3 processes are still stopping."));
}

#[test]
fn a_draining_region_says_how_many_are_left() {
    let mut seen = seen(Phase::Closing, [Some(rollout(2, 2)), Some(rollout(2, 2))]);
    let moment = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::from_second(2000).unwrap());
    let drain = DrainStatus {
        started_at: moment.clone(),
        deadline: moment,
        empty_since: None,
        stopped_at: None,
        matches_left: Some(3),
    };
    seen.drain = Some(drain);
    let status = status(&region(), &seen, Timestamp::from_second(1000).unwrap());
    let message = &status.conditions[0].message;
    assert!(message.starts_with("No player comes in, and 3 matches still run; at 1970-01-01T00:33:20Z"), "{message}");
}
