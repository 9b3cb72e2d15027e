//! What is told of each resource: a pure function of what is there, and what `-o json` prints.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    crd::{
        Region, RegionAutoscaler, SecretRotation, ServerRole,
        region::{DrainStatus, RegionState, RoleStatus},
        secret_rotation::{Failure, Phase},
    },
    kubectl::{
        exit::Exit,
        standing::{Standing, Verdict},
        subject::{autoscaler_standing, region_standing, rotation_standing},
    },
};

/// Everything at a glance.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The worst of all.
    pub verdict: Verdict,
    /// How many resources are Ready.
    pub ready: usize,
    /// How many there are.
    pub total: usize,
    /// The Regions, by namespace and name.
    pub regions: Vec<RegionRow>,
    /// The RegionAutoscalers, by namespace and name.
    pub autoscalers: Vec<AutoscalerRow>,
    /// The SecretRotations, by namespace and name.
    pub rotations: Vec<RotationRow>,
    /// Those that cannot be read, of whatever kind.
    pub unreadable: Vec<Standing>,
}

/// A Region.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionRow {
    /// Whether it is as it should be.
    #[serde(flatten)]
    pub standing: Standing,
    /// Whether it takes players.
    pub state: RegionState,
    /// Which image it should run.
    pub image: String,
    /// Processes that are ready.
    pub processes_ready: i32,
    /// Processes that there should be.
    pub processes_wanted: i32,
    /// The same, role by role.
    pub roles: Vec<RoleStatus>,
    /// How far a drain has come.
    pub drain: Option<DrainStatus>,
    /// Matches that a draining region still has; nothing while it does not drain, or nobody could tell.
    pub matches_left: Option<i64>,
}

/// A RegionAutoscaler.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerRow {
    /// Whether it is as it should be.
    #[serde(flatten)]
    pub standing: Standing,
    /// The Region that it scales.
    pub region: String,
    /// The role that it scales.
    pub role: ServerRole,
    /// How many processes run.
    pub current: Option<i32>,
    /// How many should.
    pub desired: Option<i32>,
    /// Never fewer.
    pub min: i32,
    /// Never more.
    pub max: i32,
    /// Which policy decided.
    pub policy: Option<String>,
    /// Why it is this number.
    pub why: Option<String>,
    /// It only says what it would do.
    pub dry_run: bool,
}

/// A SecretRotation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationRow {
    /// Whether it is as it should be.
    #[serde(flatten)]
    pub standing: Standing,
    /// What it is at.
    pub phase: Phase,
    /// The version in use.
    pub version: Option<i64>,
    /// When the next one is due.
    pub next_rotation_at: Option<Timestamp>,
    /// Until when the old one is valid.
    pub overlap_until: Option<Timestamp>,
    /// No new versions are made.
    pub suspended: bool,
    /// The step that failed.
    pub failure: Option<Failure>,
}

impl Overview {
    /// Of these resources.
    pub fn of(
        regions: &[Region],
        autoscalers: &[RegionAutoscaler],
        rotations: &[SecretRotation],
        mut unreadable: Vec<Standing>,
    ) -> Self {
        let mut regions: Vec<_> = regions.iter().map(region).collect();
        let mut autoscalers: Vec<_> = autoscalers.iter().map(autoscaler).collect();
        let mut rotations: Vec<_> = rotations.iter().map(rotation).collect();
        regions.sort_by_key(|row| place(&row.standing));
        autoscalers.sort_by_key(|row| place(&row.standing));
        rotations.sort_by_key(|row| place(&row.standing));
        unreadable.sort_by_key(place);
        let mut overview =
            Self { verdict: Verdict::Unknown, ready: 0, total: 0, regions, autoscalers, rotations, unreadable };
        let verdicts: Vec<_> = overview.standings().map(|standing| standing.ready).collect();
        overview.total = verdicts.len();
        overview.ready = verdicts.iter().filter(|verdict| **verdict == Verdict::Ready).count();
        // Of nothing nobody can say that it is Ready: the namespace may well be the wrong one.
        overview.verdict = verdicts.into_iter().max().unwrap_or(Verdict::Unknown);
        overview
    }

    /// How a command ends over it.
    pub fn exit(&self) -> Exit {
        self.verdict.exit()
    }

    /// What each resource says of itself.
    pub fn standings(&self) -> impl Iterator<Item = &Standing> {
        let regions = self.regions.iter().map(|row| &row.standing);
        let autoscalers = self.autoscalers.iter().map(|row| &row.standing);
        let rotations = self.rotations.iter().map(|row| &row.standing);
        regions.chain(autoscalers).chain(rotations).chain(&self.unreadable)
    }

    /// What is waited for, in one line.
    pub fn waits_for(&self) -> String {
        let waiting: Vec<_> = self
            .standings()
            .filter(|standing| standing.ready != Verdict::Ready)
            .map(|standing| format!("{} ({})", standing.called(), standing.reason))
            .collect();
        match waiting.len() {
            0 if self.total == 0 => "There is nothing yet.".to_owned(),
            0 => format!("{} of {} are Ready.", self.ready, self.total),
            1..=5 => format!("{} of {} are Ready; not yet: {}", self.ready, self.total, waiting.join(", ")),
            more => {
                let first = waiting[..5].join(", ");
                format!("{} of {} are Ready; not yet: {first} and {} more", self.ready, self.total, more - 5)
            }
        }
    }
}

fn place(standing: &Standing) -> (String, String) {
    (standing.namespace.clone(), standing.name.clone())
}

fn region(region: &Region) -> RegionRow {
    let status = region.status.clone().unwrap_or_default();
    RegionRow {
        standing: region_standing(region),
        state: region.spec.state,
        image: region.spec.image.clone(),
        processes_ready: status.ready_replicas.unwrap_or(0),
        processes_wanted: status.roles.iter().map(|role| role.desired).sum(),
        roles: status.roles,
        matches_left: status.drain.as_ref().and_then(|drain| drain.matches_left),
        drain: status.drain,
    }
}

fn autoscaler(autoscaler: &RegionAutoscaler) -> AutoscalerRow {
    let (spec, status) = (&autoscaler.spec, autoscaler.status.clone().unwrap_or_default());
    AutoscalerRow {
        standing: autoscaler_standing(autoscaler),
        region: spec.region_ref.name.clone(),
        role: spec.role,
        current: status.current_replicas,
        desired: status.desired_replicas,
        min: spec.min,
        max: spec.max,
        policy: status.decided_by,
        why: status.why,
        dry_run: spec.dry_run,
    }
}

fn rotation(rotation: &SecretRotation) -> RotationRow {
    let status = rotation.status.clone().unwrap_or_default();
    let state = status.rotation.unwrap_or_default();
    RotationRow {
        standing: rotation_standing(rotation),
        phase: state.phase,
        version: status.current_version,
        next_rotation_at: status.next_rotation_at.map(|time| time.0),
        overlap_until: state.overlap_until.map(|time| time.0),
        suspended: rotation.spec.suspended,
        failure: state.failure,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn region_that_is(name: &str, ready: &str) -> Region {
        serde_json::from_value(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region",
            "metadata": { "name": name, "namespace": "default", "generation": 1 },
            "spec": { "image": "a:1", "roles": [{ "name": "gateway" }] },
            "status": {
                "observedGeneration": 1, "readyReplicas": 3,
                "conditions": [{ "type": "Ready", "status": ready, "reason": "Because", "message": "So.", "lastTransitionTime": "2026-01-01T00:00:00Z" }],
                "roles": [{ "name": "gateway", "desired": 2, "updated": 2, "ready": 2 }, { "name": "writer", "desired": 2, "updated": 2, "ready": 1 }],
            },
        }))
        .unwrap()
    }

    #[test]
    fn the_worst_resource_decides_the_exit_code() {
        let of = |ready: &[&str]| {
            let regions: Vec<_> = ready.iter().map(|ready| region_that_is("eu", ready)).collect();
            Overview::of(&regions, &[], &[], Vec::new()).exit()
        };
        assert_eq!(of(&["True", "True"]), Exit::Done);
        assert_eq!(of(&["True", "Unknown"]), Exit::Unknown);
        assert_eq!(of(&["Unknown", "False", "True"]), Exit::NotDone);
        assert_eq!(of(&[]), Exit::Unknown);
        let old = serde_json::from_value(json!({ "name": "old", "namespace": "default" })).unwrap();
        let unreadable = Standing::unreadable::<Region>(&old, "no such state");
        let overview = Overview::of(&[region_that_is("eu", "False")], &[], &[], vec![unreadable]);
        assert_eq!((overview.exit(), overview.total), (Exit::Unreadable, 2));
    }

    #[test]
    fn processes_are_counted_over_roles() {
        let overview = Overview::of(&[region_that_is("eu", "False")], &[], &[], Vec::new());
        let row = &overview.regions[0];
        assert_eq!((row.processes_ready, row.processes_wanted), (3, 4));
        assert_eq!(overview.waits_for(), "0 of 1 are Ready; not yet: region/eu (Because)");
        let json = serde_json::to_value(&overview).unwrap();
        assert_eq!((&json["regions"][0]["ready"], &json["verdict"]), (&json!("NotReady"), &json!("NotReady")));
    }
}
