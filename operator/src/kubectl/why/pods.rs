//! What is wrong with a workload or a pod, in Kubernetes' own words. Pure.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{ContainerStatus, Pod},
};
use kube::ResourceExt;

use super::chain::{Depth, Link, Owned};

/// Reasons of a container that has only just begun.
const BEGINNING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// How far a Deployment is, and what is wrong with it.
pub fn deployment(deployment: &Deployment) -> (Owned, Vec<Link>) {
    let (name, status) = (deployment.name_any(), deployment.status.clone().unwrap_or_default());
    let spec = &deployment.spec;
    let conditions = status.conditions.unwrap_or_default();
    let owned = Owned {
        kind: "Deployment".into(),
        image: spec.template.spec.as_ref().and_then(image).unwrap_or_default(),
        ready: status.ready_replicas.unwrap_or(0),
        wanted: spec.replicas.unwrap_or(1),
        conditions: conditions
            .iter()
            .map(|c| format!("{}={} ({})", text(&c.type_), text(&c.status), text(&c.reason)))
            .collect(),
        name,
    };
    let about = format!("Deployment/{}", owned.name);
    let updated = status.updated_replicas.unwrap_or(0);
    let mut wrong = Vec::new();
    let stuck = |condition: &&k8s_openapi::api::apps::v1::DeploymentCondition| match text(&condition.type_) {
        "ReplicaFailure" => text(&condition.status) == "True",
        "Progressing" => text(&condition.status) == "False",
        _ => false,
    };
    for condition in conditions.iter().filter(stuck) {
        wrong.push(Link::new(
            Depth::Owned,
            &about,
            condition.reason.clone().unwrap_or_default(),
            condition.message.clone().unwrap_or_default(),
            condition.last_transition_time.as_ref().map(|time| time.0),
        ));
    }
    if owned.ready < owned.wanted || updated < owned.wanted {
        let since = conditions.iter().find(|c| text(&c.type_) == "Available" && text(&c.status) == "False");
        let message = format!("{} of {} are ready, {updated} of the newest revision.", owned.ready, owned.wanted);
        let since = since.and_then(|condition| Some(condition.last_transition_time.as_ref()?.0));
        wrong.push(Link::new(Depth::Owned, &about, "NotReady", message, since));
    }
    (owned, wrong)
}

/// How far a StatefulSet is, and what is wrong with it.
pub fn stateful_set(set: &StatefulSet) -> (Owned, Vec<Link>) {
    let (spec, status) = (&set.spec, set.status.clone().unwrap_or_default());
    let owned = Owned {
        kind: "StatefulSet".into(),
        name: set.name_any(),
        image: spec.template.spec.as_ref().and_then(image).unwrap_or_default(),
        ready: status.ready_replicas.unwrap_or(0),
        wanted: spec.replicas.unwrap_or(1),
        conditions: Vec::new(),
    };
    let mut wrong = Vec::new();
    if owned.ready < owned.wanted {
        let message = format!("{} of {} are ready.", owned.ready, owned.wanted);
        wrong.push(Link::new(Depth::Owned, format!("StatefulSet/{}", owned.name), "NotReady", message, None));
    }
    (owned, wrong)
}

fn text(said: &Option<String>) -> &str {
    said.as_deref().unwrap_or_default()
}

fn image(pod: &k8s_openapi::api::core::v1::PodSpec) -> Option<String> {
    pod.containers.first()?.image.clone()
}

/// What is wrong with a pod; nothing when it is ready, done, or about to go.
pub fn pod(pod: &Pod) -> Vec<Link> {
    let status = pod.status.clone().unwrap_or_default();
    let phase = status.phase.as_deref().unwrap_or("Pending");
    let conditions = status.conditions.unwrap_or_default();
    let holds = |type_: &str| conditions.iter().find(|condition| condition.type_ == type_);
    let ready = holds("Ready").is_some_and(|condition| condition.status == "True");
    if ready || phase == "Succeeded" || pod.metadata.deletion_timestamp.is_some() {
        return Vec::new();
    }
    let about = format!("Pod/{}", pod.name_any());
    let mut wrong = Vec::new();
    match holds("PodScheduled").filter(|condition| condition.status == "False").or(holds("Ready")) {
        Some(condition) => {
            let reason = condition.reason.clone().filter(|reason| !reason.is_empty());
            let message = condition.message.clone().unwrap_or_else(|| format!("It is {phase} and not ready."));
            let since = condition.last_transition_time.as_ref().map(|time| time.0);
            wrong.push(Link::new(Depth::Pod, &about, reason.unwrap_or_else(|| "NotReady".into()), message, since));
        }
        None => wrong.push(Link::new(Depth::Pod, &about, phase, format!("It is {phase}."), None)),
    }
    let init = status.init_container_statuses.unwrap_or_default();
    for container in init.iter().chain(&status.container_statuses.unwrap_or_default()) {
        wrong.extend(self::container(&about, container));
    }
    wrong
}

fn container(about: &str, container: &ContainerStatus) -> Vec<Link> {
    let mut wrong = Vec::new();
    let about = format!("{about} container {}", container.name);
    let waiting = container.state.as_ref().and_then(|state| state.waiting.clone());
    if let Some(waiting) = waiting
        && let Some(reason) = waiting.reason.filter(|reason| !BEGINNING.contains(&reason.as_str()))
    {
        wrong.push(Link::new(Depth::Container, &about, reason, waiting.message.unwrap_or_default(), None));
    }
    let ended =
        [&container.state, &container.last_state].into_iter().flatten().find_map(|state| state.terminated.clone());
    if let Some(ended) = ended
        && ended.exit_code != 0
    {
        let mut message =
            format!("It ended with code {}, and was started {} times again.", ended.exit_code, container.restart_count);
        if let Some(last) = ended.message.filter(|last| !last.is_empty()) {
            message = format!("{message} Its last words: {last}");
        }
        let since = ended.finished_at.map(|time| time.0);
        wrong.push(Link::new(Depth::Container, &about, ended.reason.unwrap_or_else(|| "Error".into()), message, since));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: serde_json::Value) -> Vec<(String, String)> {
        let pod: Pod = serde_json::from_value(json!({ "metadata": { "name": "p" }, "status": status })).unwrap();
        super::pod(&pod).into_iter().map(|link| (link.about, link.reason)).collect()
    }

    #[test]
    fn a_pod_tells_its_containers_reasons() {
        let not_ready = json!([{ "type": "Ready", "status": "False", "reason": "ContainersNotReady" }]);
        let pull = json!({ "phase": "Pending", "conditions": not_ready, "containerStatuses": [{
            "name": "muster-server", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } },
        }]});
        let container = "Pod/p container muster-server".to_owned();
        let pod = ("Pod/p".to_owned(), "ContainersNotReady".to_owned());
        assert_eq!(told(pull), [pod.clone(), (container.clone(), "ImagePullBackOff".into())]);
        let crash = json!({ "phase": "Running", "conditions": not_ready, "containerStatuses": [{
            "name": "muster-server", "image": "", "imageID": "", "ready": false, "restartCount": 4,
            "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } },
        }]});
        assert_eq!(told(crash), [pod, (container.clone(), "CrashLoopBackOff".into()), (container, "OOMKilled".into())]);
    }

    #[test]
    fn a_pod_that_fits_nowhere_says_so_and_one_that_is_well_says_nothing() {
        let nowhere =
            json!([{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes" }]);
        assert_eq!(
            told(json!({ "phase": "Pending", "conditions": nowhere })),
            [("Pod/p".into(), "Unschedulable".into())]
        );
        assert!(told(json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] })).is_empty());
        let beginning = json!({ "phase": "Pending", "containerStatuses": [{
            "name": "a", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ContainerCreating" } },
        }]});
        assert_eq!(told(beginning), [("Pod/p".to_owned(), "Pending".to_owned())]);
    }
}
