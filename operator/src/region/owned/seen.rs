//! What is kept of an object.

use kube::{ResourceExt, api::DynamicObject};
use serde_json::{Value, json};

use super::{Owner, agrees::agrees, wanted_digest};
use crate::{context::FIELD_MANAGER, region::objects::REGION};

/// What is kept of an object: what the operator may want of it, and how far its processes are.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The Region that its labels name.
    pub region: Box<str>,
    /// Whose it is.
    pub owner: Owner,
    /// Its resourceVersion.
    pub version: u64,
    /// Metadata and content as JSON text: a tenth of the size of a tree.
    content: Box<str>,
    /// Who other than the operator has decided how many processes there are, by name of the field manager.
    pub scaled_by: Box<[Box<str>]>,
    /// How far its processes are, for a Deployment.
    pub rollout: Option<Rollout>,
}

/// How far the processes of a Deployment are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// How many there should be.
    pub wanted: i32,
    /// How many there are.
    pub replicas: i32,
    /// How many there are of the newest revision.
    pub updated: i32,
    /// How many are ready.
    pub ready: i32,
    /// Whether the numbers speak of what was last written.
    pub current: bool,
    /// Why it gets no further, when it has given up.
    pub stuck: Option<String>,
}

impl Rollout {
    /// Everything is as wanted.
    pub fn is_done(&self) -> bool {
        self.current && [self.replicas, self.updated, self.ready].iter().all(|count| *count == self.wanted)
    }
}

impl Seen {
    /// What is worth keeping; nothing when it belongs to no Region.
    pub fn of(mut object: DynamicObject) -> Option<Self> {
        let region = object.labels().get(REGION)?.as_str().into();
        let version = object.resource_version().and_then(|version| version.parse().ok()).unwrap_or(0);
        let owner = Owner::of(&object.metadata);
        let scaled_by = scaled_by(&object);
        let rollout = rollout(&object);
        if let Some(data) = object.data.as_object_mut() {
            data.remove("status");
        }
        let mut content = object.data;
        content["metadata"] = json!({
            "name": object.metadata.name,
            "namespace": object.metadata.namespace,
            "labels": object.metadata.labels,
            "annotations": object.metadata.annotations,
            "ownerReferences": object.metadata.owner_references,
        });
        let content = content.to_string().into_boxed_str();
        Some(Self { region, owner, version, content, scaled_by, rollout })
    }

    /// Whether the object is as `wanted`, and the operator wanted nothing else of it before.
    pub fn agrees_with(&self, wanted: &Value) -> bool {
        let there = self.content();
        wanted_digest(wanted) == wanted_digest(&there) && agrees(wanted, &there)
    }

    /// Whether somebody else has made it other than `wanted`, which the operator has written already.
    pub fn was_changed(&self, wanted: &Value) -> bool {
        wanted_digest(wanted) == wanted_digest(&self.content())
    }

    /// Metadata and content, with what the API server has filled in.
    pub fn content(&self) -> Value {
        serde_json::from_str(&self.content).unwrap_or_default()
    }

    /// The same but for its version.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.content == other.content
            && self.rollout == other.rollout
            && self.scaled_by == other.scaled_by
            && self.owner == other.owner
            && self.region == other.region
    }
}

fn scaled_by(object: &DynamicObject) -> Box<[Box<str>]> {
    let owns_replicas = |fields: &Value| fields["f:spec"].get("f:replicas").is_some();
    let mut others: Vec<Box<str>> = object
        .managed_fields()
        .iter()
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| owns_replicas(&fields.0)))
        .filter_map(|entry| entry.manager.as_deref())
        .filter(|manager| *manager != FIELD_MANAGER)
        .map(Into::into)
        .collect();
    others.sort_unstable();
    others.dedup();
    others.into()
}

fn rollout(object: &DynamicObject) -> Option<Rollout> {
    if object.types.as_ref().is_some_and(|types| types.kind != "Deployment")
        || object.data["spec"]["template"].is_null()
    {
        return None;
    }
    let number = |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
    let status = &object.data["status"];
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stuck = conditions
        .iter()
        .find(|condition| condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded")
        .map(|condition| condition["message"].as_str().unwrap_or_default().to_owned());
    Some(Rollout {
        wanted: number(&object.data["spec"]["replicas"]).unwrap_or(1),
        replicas: number(&status["replicas"]).unwrap_or(0),
        updated: number(&status["updatedReplicas"]).unwrap_or(0),
        ready: number(&status["readyReplicas"]).unwrap_or(0),
        current: status["observedGeneration"].as_i64() >= object.metadata.generation,
        stuck,
    })
}
