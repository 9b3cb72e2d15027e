//! From a resource down to the cause: which of what was seen is wrong, in order. Pure.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::kubectl::standing::{Standing, Verdict};

/// Warnings from before it was last Ready are of another time; so much is allowed for what led to it.
const BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// Events that are told.
const MOST_EVENTS: usize = 12;

/// What was seen around a resource.
#[derive(Debug, Default)]
pub struct Facts {
    /// What it runs or restarts.
    pub owned: Vec<Owned>,
    /// What is wrong with what it owns or needs.
    pub wrong: Vec<Link>,
    /// Warnings about anything in the namespace.
    pub events: Vec<Link>,
}

/// A workload of the resource.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owned {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The image of its first container.
    pub image: String,
    /// Pods that are ready.
    pub ready: i32,
    /// Pods that there should be.
    pub wanted: i32,
    /// Its conditions, as `Available=True (MinimumReplicasAvailable)`.
    pub conditions: Vec<String>,
}

/// How far down a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Depth {
    /// The resource itself.
    Resource,
    /// What it owns or needs.
    Owned,
    /// A pod.
    Pod,
    /// A container.
    Container,
    /// An event about one of them.
    Event,
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// How far down.
    pub depth: Depth,
    /// What it is about: `Pod/eu-west-gateway-abc`.
    pub about: String,
    /// One word.
    pub reason: String,
    /// One sentence.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// How often, for an event.
    pub count: i32,
}

impl Link {
    /// Seen once.
    pub fn new(
        depth: Depth,
        about: impl Into<String>,
        reason: impl Into<String>,
        message: impl Into<String>,
        since: Option<Timestamp>,
    ) -> Self {
        Self { depth, about: about.into(), reason: reason.into(), message: message.into(), since, count: 1 }
    }
}

/// The chain: by depth, and within it the newest first, so that the oldest cause is last.
pub fn chain(standing: &Standing, facts: &Facts) -> Vec<Link> {
    let about = format!("{}/{}", standing.kind, standing.name);
    let head = |reason: &str, message: &str, since| Link::new(Depth::Resource, &about, reason, message, since);
    let mut chain = vec![head(&standing.reason, &standing.message, standing.since)];
    if let Some(degraded) = &standing.degraded
        && degraded.reason != standing.reason
    {
        chain.push(head(&degraded.reason, &degraded.message, None));
    }
    if standing.paused && standing.reason != "Paused" {
        chain.push(head(
            "Paused",
            "The operator leaves it alone while the annotation muster.dev/paused is there.",
            None,
        ));
    }
    let mut wrong = facts.wrong.clone();
    wrong.sort_by(|a, b| a.depth.cmp(&b.depth).then(b.since.cmp(&a.since)));
    let mut told: HashSet<_> = chain.iter().chain(&wrong).map(|link| link.about.clone()).collect();
    if standing.ready == Verdict::Ready && standing.degraded.is_none() {
        told.remove(&about);
    }
    chain.extend(wrong);
    chain.extend(events(standing, facts, &told));
    chain
}

/// Warnings about what is wrong now, newest first; of equal ones the last.
fn events(standing: &Standing, facts: &Facts, told: &HashSet<String>) -> Vec<Link> {
    let since = standing.since.filter(|_| standing.ready != Verdict::Ready);
    let mut events: Vec<_> = facts
        .events
        .iter()
        .filter(|event| told.contains(&event.about))
        .filter(|event| match (event.since, since) {
            (Some(event), Some(since)) => event >= since - BEFORE,
            _ => true,
        })
        .cloned()
        .collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.since));
    let mut seen = HashSet::new();
    events.retain(|event| seen.insert((event.about.clone(), event.reason.clone(), event.message.clone())));
    events.truncate(MOST_EVENTS);
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubectl::standing::Remark;

    fn at(second: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(second).unwrap())
    }

    fn standing(ready: Verdict) -> Standing {
        Standing {
            kind: "Region".into(),
            namespace: "play".into(),
            name: "eu".into(),
            ready,
            reason: "RollingOut".into(),
            message: "0 of 1 processes are ready.".into(),
            since: at(10_000),
            degraded: None,
            paused: false,
            deleting: false,
            created: None,
        }
    }

    #[test]
    fn the_oldest_and_deepest_cause_is_last() {
        let facts = Facts {
            wrong: vec![
                Link::new(Depth::Container, "Pod/b", "ImagePullBackOff", "no such image", at(10_050)),
                Link::new(Depth::Owned, "Deployment/eu-gateway", "NotReady", "0 of 1", at(10_000)),
                Link::new(Depth::Pod, "Pod/b", "NotReady", "…", at(10_010)),
            ],
            events: vec![
                Link::new(Depth::Event, "Pod/b", "Failed", "pull: newer", at(10_040)),
                Link::new(Depth::Event, "Pod/b", "Failed", "pull: older", at(10_020)),
                Link::new(Depth::Event, "Pod/b", "Failed", "pull: older", at(10_020)),
                Link::new(Depth::Event, "Pod/b", "Killed", "long ago", at(9_000)),
                Link::new(Depth::Event, "Pod/other", "Failed", "not ours", at(10_040)),
            ],
            ..Facts::default()
        };
        let chain = chain(&standing(Verdict::NotReady), &facts);
        let told: Vec<_> = chain.iter().map(|link| (link.about.as_str(), link.message.as_str())).collect();
        let expected = [
            ("Region/eu", "0 of 1 processes are ready."),
            ("Deployment/eu-gateway", "0 of 1"),
            ("Pod/b", "…"),
            ("Pod/b", "no such image"),
            ("Pod/b", "pull: newer"),
            ("Pod/b", "pull: older"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_well_has_no_chain() {
        let event = Link::new(Depth::Event, "Region/eu", "DrainTimedOut", "7 matches were left", at(10));
        let facts = Facts { events: vec![event], ..Facts::default() };
        assert_eq!(chain(&standing(Verdict::Ready), &facts).len(), 1);
        let degraded = Remark { reason: "VaultSealed".into(), message: "Vault is sealed.".into() };
        let ill = Standing { degraded: Some(degraded), ..standing(Verdict::Ready) };
        let chain = chain(&ill, &facts);
        let told: Vec<_> = chain.iter().map(|link| link.reason.as_str()).collect();
        assert_eq!(told, ["RollingOut", "VaultSealed", "DrainTimedOut"]);
    }
}
