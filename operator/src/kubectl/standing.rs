//! Whether a resource is as it should be, by what its conditions say.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::{Resource, ResourceExt};
use serde::Serialize;

use super::{exit::Exit, screen::Mood};
use crate::reconcile::{
    conditions::{DEGRADED, READY},
    is_paused,
};

/// What to do about a resource that cannot be read.
pub const UNREADABLE_TODO: &str = "It was stored before a rule was tightened, or this command is older than the definitions: \
                                   apply it once more as its definition wants it, and compare `kubectl muster --version` with the operator's image.";

/// Whether it is as it should be. In the order in which one outweighs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Verdict {
    /// It is.
    Ready,
    /// Nobody has said so of the newest spec.
    Unknown,
    /// It is not.
    NotReady,
    /// It was stored before a rule was tightened, and nobody can read it.
    Unreadable,
}

impl Verdict {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "yes",
            Self::Unknown => "unknown",
            Self::NotReady => "no",
            Self::Unreadable => "unreadable",
        }
    }

    /// Its colour.
    pub fn mood(self) -> Mood {
        match self {
            Self::Ready => Mood::Good,
            Self::Unknown => Mood::Doubtful,
            Self::NotReady | Self::Unreadable => Mood::Bad,
        }
    }

    /// How a command ends over it.
    pub fn exit(self) -> Exit {
        match self {
            Self::Ready => Exit::Done,
            Self::Unknown => Exit::Unknown,
            Self::NotReady => Exit::NotDone,
            Self::Unreadable => Exit::Unreadable,
        }
    }
}

/// What a resource says of itself.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether it is as it should be.
    pub ready: Verdict,
    /// One word for it.
    pub reason: String,
    /// One sentence for it.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What is wrong although it may be Ready: a reason and a sentence.
    pub degraded: Option<Remark>,
    /// The operator leaves it alone.
    pub paused: bool,
    /// It is being deleted.
    pub deleting: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// A reason and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// One word for programs.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
}

impl Standing {
    /// Of a resource, the conditions in its status, and the generation that they speak of.
    pub fn of<K>(resource: &K, conditions: &[Condition], observed: Option<i64>) -> Self
    where
        K: Resource<DynamicType = ()>,
    {
        let find = |type_: &str| conditions.iter().find(|condition| condition.type_ == type_);
        let paused = is_paused(resource);
        let generation = resource.meta().generation;
        let (ready, reason, message) = match find(READY) {
            None if paused => {
                (Verdict::Unknown, "Paused".to_owned(), "It was paused before anybody looked at it.".into())
            }
            None => {
                let message = "The operator has not looked at it yet. Does muster-operator run, and does it watch this namespace?";
                (Verdict::Unknown, "NotSeenYet".to_owned(), message.to_owned())
            }
            Some(_) if observed < generation && paused => {
                let message = "It was changed after it was paused; what it says speaks of the spec before.";
                (Verdict::Unknown, "Paused".to_owned(), message.to_owned())
            }
            Some(_) if observed < generation => {
                let message = "It was changed, and the operator has not spoken of the change yet.";
                (Verdict::Unknown, "NotSeenYet".to_owned(), message.to_owned())
            }
            Some(condition) => {
                let ready = match condition.status.as_str() {
                    "True" => Verdict::Ready,
                    "False" => Verdict::NotReady,
                    _ => Verdict::Unknown,
                };
                (ready, condition.reason.clone(), condition.message.clone())
            }
        };
        let remark =
            |condition: &Condition| Remark { reason: condition.reason.clone(), message: condition.message.clone() };
        Self {
            kind: K::kind(&()).into_owned(),
            namespace: resource.namespace().unwrap_or_default(),
            name: resource.name_any(),
            ready,
            reason,
            message,
            since: find(READY).map(|condition| condition.last_transition_time.0),
            degraded: find(DEGRADED).filter(|condition| condition.status == "True").map(remark),
            paused,
            deleting: resource.meta().deletion_timestamp.is_some(),
            created: resource.meta().creation_timestamp.as_ref().map(|time| time.0),
        }
    }

    /// Of a resource that cannot be read, and why.
    pub fn unreadable<K: Resource<DynamicType = ()>>(metadata: &ObjectMeta, cause: &str) -> Self {
        let kind = K::kind(&()).into_owned();
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            ready: Verdict::Unreadable,
            reason: "Unreadable".to_owned(),
            message: format!("This {kind} cannot be read: {}. {UNREADABLE_TODO}", cause.trim_end_matches('.')),
            since: None,
            degraded: None,
            // Paused or not, nothing is done about it.
            paused: false,
            deleting: metadata.deletion_timestamp.is_some(),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            kind,
        }
    }

    /// How it is called in a command: `region/eu-west`.
    pub fn called(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crd::Region;

    fn standing(annotations: serde_json::Value, status: serde_json::Value) -> Standing {
        let region: Region = serde_json::from_value(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region",
            "metadata": { "name": "eu", "namespace": "default", "generation": 2, "annotations": annotations },
            "spec": { "image": "a:1", "roles": [{ "name": "gateway" }] }, "status": status,
        }))
        .unwrap();
        let status = region.status.clone().unwrap_or_default();
        Standing::of(&region, &status.conditions, status.observed_generation)
    }

    fn condition(type_: &str, status: &str) -> serde_json::Value {
        json!({ "type": type_, "status": status, "reason": "Because", "message": "It is so.", "lastTransitionTime": "2026-01-01T00:00:00Z" })
    }

    #[test]
    fn only_what_speaks_of_the_newest_spec_counts() {
        let says = |observed| json!({ "observedGeneration": observed, "conditions": [condition("Ready", "True")] });
        assert_eq!(standing(json!({}), says(2)).ready, Verdict::Ready);
        let old = standing(json!({}), says(1));
        assert_eq!((old.ready, old.reason.as_str()), (Verdict::Unknown, "NotSeenYet"));
        let paused = standing(json!({ "muster.dev/paused": "" }), says(1));
        assert_eq!((paused.ready, paused.reason.as_str(), paused.paused), (Verdict::Unknown, "Paused", true));
        assert_eq!(standing(json!({}), json!({})).reason, "NotSeenYet");
    }

    #[test]
    fn what_is_wrong_is_told_even_of_what_is_ready() {
        let conditions = [condition("Ready", "True"), condition("Degraded", "True")];
        let told = standing(json!({}), json!({ "observedGeneration": 2, "conditions": conditions }));
        assert_eq!((told.ready, told.degraded.unwrap().reason.as_str()), (Verdict::Ready, "Because"));
    }

    #[test]
    fn the_worse_verdict_outweighs() {
        assert_eq!([Verdict::Ready, Verdict::NotReady, Verdict::Unknown].into_iter().max(), Some(Verdict::NotReady));
    }
}
