//! How it is shown to a person.

use jiff::Timestamp;

use super::overview::{AutoscalerRow, Overview, RegionRow, RotationRow};
use crate::{
    crd::{region::RegionState, secret_rotation::Phase},
    kubectl::{
        screen::{Mood, Screen, clean},
        standing::{Standing, Verdict},
        table::{Cell, Table},
        time::{ago, ahead},
    },
};

/// Tables, then what is not as it should be, then how many are.
pub fn text(overview: &Overview, screen: Screen, all: bool, namespace: &str, now: Timestamp) -> String {
    if overview.total == 0 {
        return if all {
            "There are no regions, autoscalers or secret rotations in this cluster.".to_owned()
        } else {
            format!(
                "There are no regions, autoscalers or secret rotations in namespace {namespace}; -A looks into all."
            )
        };
    }
    let mut lines = Vec::new();
    let mut section = |title: &str, table: Table, rows: usize| {
        if rows > 0 {
            lines.push(screen.paint(title, Mood::Strong));
            lines.extend(table.lines(screen));
            lines.push(String::new());
        }
    };
    section("Regions", regions(&overview.regions, all, now), overview.regions.len());
    section("Autoscalers", autoscalers(&overview.autoscalers, all, now), overview.autoscalers.len());
    section("Secret rotations", rotations(&overview.rotations, all, now), overview.rotations.len());
    section("Cannot be read", unreadable(&overview.unreadable, all, now), overview.unreadable.len());

    let troubles: Vec<_> = overview.standings().flat_map(|standing| troubles(standing, screen)).collect();
    if !troubles.is_empty() {
        lines.extend(troubles);
        lines.push(String::new());
    }
    let counted = format!("{} of {} are Ready.", overview.ready, overview.total);
    let asks = overview.standings().find(|standing| standing.ready != Verdict::Ready || standing.degraded.is_some());
    let hint =
        asks.map(|standing| format!(" What to do: kubectl muster why {} -n {}", standing.called(), standing.namespace));
    lines.push(format!("{}{}", screen.paint(&counted, overview.verdict.mood()), hint.unwrap_or_default()));
    lines.join("\n")
}

fn table(all: bool, headings: &[&'static str]) -> Table {
    let namespace = all.then_some("NAMESPACE");
    Table::new(namespace.into_iter().chain(headings.iter().copied()).collect())
}

fn row(all: bool, standing: &Standing, cells: Vec<Cell>, now: Timestamp) -> Vec<Cell> {
    let namespace = all.then(|| Cell::plain(&standing.namespace));
    let mut reason = standing.reason.clone();
    for (so, word) in [(standing.paused && reason != "Paused", "paused"), (standing.deleting, "being deleted")] {
        if so {
            reason = format!("{reason}, {word}");
        }
    }
    let own = [Cell::plain(&standing.name), Cell::new(standing.ready.as_str(), standing.ready.mood())];
    let age = Cell::plain(standing.created.map(|created| ago(created, now)).unwrap_or_default());
    namespace.into_iter().chain(own).chain(cells).chain([age, Cell::plain(reason)]).collect()
}

fn regions(rows: &[RegionRow], all: bool, now: Timestamp) -> Table {
    let mut table = table(all, &["NAME", "READY", "STATE", "PROCESSES", "MATCHES LEFT", "AGE", "REASON"]);
    for region in rows {
        let state = match region.state {
            RegionState::Active => Cell::plain("Active"),
            RegionState::Draining => Cell::new("Draining", Mood::Doubtful),
            RegionState::Disabled => Cell::new("Disabled", Mood::Doubtful),
        };
        let (ready, wanted) = (region.processes_ready, region.processes_wanted);
        let processes =
            Cell::new(format!("{ready}/{wanted}"), if ready < wanted { Mood::Doubtful } else { Mood::Plain });
        let left = match (&region.drain, region.matches_left) {
            (None, _) => String::new(),
            (Some(_), Some(left)) => left.to_string(),
            (Some(_), None) => "unknown".to_owned(),
        };
        table.row(row(all, &region.standing, vec![state, processes, Cell::plain(left)], now));
    }
    table
}

fn autoscalers(rows: &[AutoscalerRow], all: bool, now: Timestamp) -> Table {
    let headings = ["NAME", "READY", "REGION", "ROLE", "NOW", "WANTED", "BOUNDS", "POLICY", "AGE", "REASON"];
    let mut table = table(all, &headings);
    let count = |count: Option<i32>| Cell::plain(count.map(|count| count.to_string()).unwrap_or_default());
    for autoscaler in rows {
        let cells = vec![
            Cell::plain(&autoscaler.region),
            Cell::plain(autoscaler.role.as_str()),
            count(autoscaler.current),
            count(autoscaler.desired),
            Cell::plain(format!("{}-{}", autoscaler.min, autoscaler.max)),
            Cell::plain(autoscaler.policy.clone().unwrap_or_default()),
        ];
        table.row(row(all, &autoscaler.standing, cells, now));
    }
    table
}

fn rotations(rows: &[RotationRow], all: bool, now: Timestamp) -> Table {
    let mut table = table(all, &["NAME", "READY", "PHASE", "VERSION", "NEXT", "AGE", "REASON"]);
    for rotation in rows {
        let phase = if rotation.failure.is_some() {
            Cell::new(format!("{:?} (failing)", rotation.phase), Mood::Bad)
        } else if rotation.phase == Phase::Idle {
            Cell::plain("Idle")
        } else {
            Cell::new(format!("{:?}", rotation.phase), Mood::Doubtful)
        };
        let next = match rotation.next_rotation_at {
            _ if rotation.suspended => Cell::new("suspended", Mood::Doubtful),
            Some(next) => Cell::plain(ahead(next, now)),
            None => Cell::plain(""),
        };
        let version = Cell::plain(rotation.version.map(|version| version.to_string()).unwrap_or_default());
        table.row(row(all, &rotation.standing, vec![phase, version, next], now));
    }
    table
}

fn unreadable(resources: &[Standing], all: bool, now: Timestamp) -> Table {
    let mut table = table(all, &["NAME", "READY", "KIND", "AGE", "REASON"]);
    for standing in resources {
        table.row(row(all, standing, vec![Cell::plain(&standing.kind)], now));
    }
    table
}

/// What of a resource is not as it should be, in its own words.
fn troubles(standing: &Standing, screen: Screen) -> Vec<String> {
    let mut said = Vec::new();
    if standing.ready != Verdict::Ready {
        said.push((standing.ready.mood(), &standing.message));
    }
    if let Some(degraded) = standing.degraded.as_ref().filter(|degraded| degraded.message != standing.message) {
        said.push((Mood::Bad, &degraded.message));
    }
    let named = format!("{} in {}", standing.called(), standing.namespace);
    said.into_iter().map(|(mood, message)| format!("{}: {}", screen.paint(&named, mood), clean(message))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crd::{Region, SecretRotation};

    #[test]
    fn a_region_and_a_rotation_are_told_in_columns() {
        let condition = |status: &str| json!([{ "type": "Ready", "status": status, "reason": "Because", "message": "It is so.", "lastTransitionTime": "2026-01-01T00:00:00Z" }]);
        let region: Region = serde_json::from_value(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region",
            "metadata": { "name": "eu-west", "namespace": "play", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "image": "a:1", "state": "Draining", "roles": [{ "name": "gateway" }] },
            "status": {
                "observedGeneration": 1, "readyReplicas": 1, "conditions": condition("False"),
                "roles": [{ "name": "gateway", "desired": 2, "updated": 2, "ready": 1 }],
                "drain": { "startedAt": "2026-01-01T00:00:00Z", "deadline": "2026-01-01T00:10:00Z", "matchesLeft": 7 },
            },
        }))
        .unwrap();
        let rotation: SecretRotation = serde_json::from_value(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "SecretRotation",
            "metadata": { "name": "key", "namespace": "play", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "source": { "signingKey": { "path": "a", "key": "b" } }, "target": { "secret": "s", "key": "k", "secondKey": "l" } },
            "status": { "observedGeneration": 1, "currentVersion": 3, "conditions": condition("True"), "nextRotationAt": "2026-01-01T04:00:00Z" },
        }))
        .unwrap();
        let overview = Overview::of(&[region], &[], &[rotation], Vec::new());
        let now = "2026-01-01T00:01:30Z".parse().unwrap();
        let told = text(&overview, Screen::new(false), true, "default", now);
        let lines: Vec<_> = told.lines().collect();
        let expected = [
            "Regions",
            "NAMESPACE   NAME      READY   STATE      PROCESSES   MATCHES LEFT   AGE   REASON",
            "play        eu-west   no      Draining   1/2         7              90s   Because",
            "",
            "Secret rotations",
            "NAMESPACE   NAME   READY   PHASE   VERSION   NEXT                           AGE   REASON",
            "play        key    yes     Idle    3         2026-01-01 04:00 UTC (in 3h)   90s   Because",
            "",
            "region/eu-west in play: It is so.",
            "",
            "1 of 2 are Ready. What to do: kubectl muster why region/eu-west -n play",
        ];
        assert_eq!(lines, expected);
    }
}
