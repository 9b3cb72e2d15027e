//! What to do, by the reasons in a chain. Pure.

use super::chain::{Depth, Link};
use crate::kubectl::standing::{Standing, Verdict};

/// Sentences that are given.
const MOST: usize = 3;

/// What to do, the deepest cause first; nothing when all is well.
pub fn advice(standing: &Standing, chain: &[Link]) -> Vec<String> {
    if chain.len() == 1 && standing.ready == Verdict::Ready {
        return Vec::new();
    }
    let mut todo: Vec<String> = Vec::new();
    for link in chain.iter().rev() {
        if let Some(sentence) = of(standing, link)
            && !todo.contains(&sentence)
        {
            todo.push(sentence);
        }
    }
    todo.truncate(MOST);
    if todo.is_empty() {
        let (kind, name, namespace) = (standing.kind.to_lowercase(), &standing.name, &standing.namespace);
        todo.push(format!(
            "Nothing known is wrong; it may only need time. Everything there is to see: kubectl describe {kind} {name} -n {namespace}"
        ));
    }
    todo
}

fn of(standing: &Standing, link: &Link) -> Option<String> {
    let (kind, name, namespace) = (standing.kind.to_lowercase(), &standing.name, &standing.namespace);
    let pod = link.about.strip_prefix("Pod/").map(|pod| pod.split(' ').next().unwrap_or(pod));
    let log = |more: &str| pod.map_or_else(String::new, |pod| format!(": kubectl logs {pod} -n {namespace}{more}"));
    let edit = format!("kubectl edit {kind} {name} -n {namespace}");
    let sentence = match link.reason.as_str() {
        // Pods and containers.
        "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" | "ErrImageNeverPull" => {
            format!("The image cannot be pulled: see that it exists and that the cluster may pull it, then set the image right: {edit}")
        }
        "OOMKilled" => format!("The process needs more memory than it may have: raise resources.limits.memory of its role: {edit}"),
        "CrashLoopBackOff" | "Error" | "BackOff" if pod.is_some() => {
            format!("The process ends by itself; read its last words{}", log(" --previous"))
        }
        "CreateContainerConfigError" => {
            "The pod refers to a Secret or ConfigMap entry that is missing; its words say which: create it.".to_owned()
        }
        "Unschedulable" | "FailedScheduling" => {
            "No node has room for the pod: add nodes, or ask for less in resources.requests of the role.".to_owned()
        }
        "FailedCreate" | "FailedQuota" => {
            "The cluster does not let the pods be made (a quota, or an admission rule): its words say which.".to_owned()
        }
        "Unhealthy" => format!("The process does not answer its probe as it should; read what it writes{}", log("")),
        "ContainersNotReady" | "NotReady" if link.depth == Depth::Pod => {
            format!("The process runs and does not say that it is ready; it writes which of its dependencies is down{}", log(""))
        }
        "ProgressDeadlineExceeded" | "RolloutStuck" => {
            format!("The new processes do not come up: set right what is wrong with them, or go back to the image before: {edit}")
        }
        // Whom a resource needs.
        "SecretMissing" | "SecretKeyMissing" => {
            "Create the Secret or the entry that is named; the operator looks again by itself within two minutes.".to_owned()
        }
        "QueuesNotClosed" | "QueuesNotOpened" => {
            format!("See that spec.platform names a gateway that answers and a valid service key; it is tried again by itself: {edit}")
        }
        "RegionMissing" => format!("Make the Region, or delete the autoscaler: kubectl delete {kind} {name} -n {namespace}"),
        "NotRunning" => "Add the role to spec.roles of the Region, or delete the autoscaler.".to_owned(),
        "RegionNotActive" => "Nothing, if that is meant; else `kubectl muster undrain` the Region.".to_owned(),
        "Missing" => format!("Create the workload, or take it out of spec.restart: {edit}"),
        "OwnedByOthers" => {
            "Somebody else sets the number of processes: delete that autoscaler, or hand the number back with `kubectl muster scale`.".to_owned()
        }
        "AnotherAutoscaler" => {
            format!("Two autoscalers are meant for one role: delete this one (kubectl delete {kind} {name} -n {namespace}), or the other.")
        }
        "PathShared" => "Give each SecretRotation a path of its own in Vault: make another one with another path, and delete this.".to_owned(),
        "VersionLapsing" => {
            format!("Let the operator make a new version before the one in use ends: kubectl annotate {kind} {name} -n {namespace} muster.dev/paused-")
        }
        "MeasureUnknown" => "See that the processes, or the page in spec.metrics, answer, and tell the metric that is named.".to_owned(),
        // Vault.
        "VaultSealed" => "Unseal Vault; the step is tried again by itself.".to_owned(),
        "VaultUnavailable" => "See that Vault runs and that the operator reaches it (operator.vault.address, a NetworkPolicy).".to_owned(),
        "VaultNotConfigured" => "Tell the operator which Vault to ask: operator.vault.address and how it signs in there.".to_owned(),
        "VaultForbidden" => "Give the operator's policy in Vault what the message names; the README lists what each source needs.".to_owned(),
        "VaultNotFound" | "VaultRefused" => format!("See that mount, path and role in spec.source are those of Vault: {edit}"),
        "NotInUse" => "See that the named workloads read the target Secret, and that spec.verify asks the right address.".to_owned(),
        "VersionLost" | "PreviousLost" | "OwnerMissing" | "VersionMissing" => {
            format!("Somebody has ended a version in Vault. A new one: kubectl muster rotate {name} -n {namespace}")
        }
        "NotASigningKey" => "Take the entry out of Vault, or put an Ed25519 key in PKCS#8 PEM there; it is tried again by itself.".to_owned(),
        // What a person has set.
        "Paused" => format!("Let the operator go on: kubectl annotate {kind} {name} -n {namespace} muster.dev/paused-"),
        "WaitingForMaintenance" => format!("Wait for the window, or change spec.maintenance: {edit}"),
        "Draining" => format!("Wait for the matches (kubectl muster drain {name} -n {namespace}), or take it back: kubectl muster undrain {name} -n {namespace}"),
        "CronInvalid" | "TimeZoneInvalid" | "DurationInvalid" | "MaintenanceInvalid" | "PolicyInvalid" | "SelectorInvalid" | "Rejected" => {
            format!("Set right what the message names: {edit}")
        }
        // The operator itself.
        "NotSeenYet" => "See that the operator runs, watches this namespace, and is not failing: kubectl logs -n muster-system deploy/muster-operator".to_owned(),
        "Forbidden" if kind == "secretrotation" => {
            format!("Let the operator read and write Secrets there: kubectl -n {namespace} create rolebinding muster-operator-secrets --clusterrole=muster-operator-secrets --serviceaccount=muster-system:muster-operator")
        }
        "Forbidden" => {
            "The operator's role lacks a right, or an admission rule refuses: apply the shipped role (ops/deploy/operator/rbac.yaml).".to_owned()
        }
        "FoughtOver" => "Somebody else keeps changing what the operator owns: see who in managedFields, and stop them.".to_owned(),
        "ObjectNotOurs" => "Delete or rename the object that is named, or let the Region take it over, where its message says how; the operator looks again by itself within two minutes.".to_owned(),
        "Unreadable" => format!("It was stored before a rule was tightened; set right what the message names: {edit}"),
        "ApiServerFailed" => "The API server does not answer the operator as it should; it is tried again by itself.".to_owned(),
        _ => return None,
    };
    Some(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubectl::standing::Remark;

    fn standing(ready: Verdict, reason: &str) -> Standing {
        Standing {
            kind: "Region".into(),
            namespace: "play".into(),
            name: "eu".into(),
            ready,
            reason: reason.into(),
            message: String::new(),
            since: None,
            degraded: None::<Remark>,
            paused: false,
            deleting: false,
            created: None,
        }
    }

    fn link(depth: Depth, about: &str, reason: &str) -> Link {
        Link::new(depth, about, reason, "", None)
    }

    #[test]
    fn the_deepest_cause_is_answered_first() {
        let chain = [
            link(Depth::Resource, "Region/eu", "RolloutStuck"),
            link(Depth::Pod, "Pod/p", "ContainersNotReady"),
            link(Depth::Container, "Pod/p container muster-server", "OOMKilled"),
        ];
        let todo = advice(&standing(Verdict::NotReady, "RolloutStuck"), &chain);
        assert!(todo[0].contains("more memory") && todo[1].contains("kubectl logs p -n play"), "{todo:?}");
    }

    #[test]
    fn there_is_always_something_to_do_unless_all_is_well() {
        let head = [link(Depth::Resource, "Region/eu", "Whatever")];
        assert!(advice(&standing(Verdict::Ready, "Whatever"), &head).is_empty());
        let todo = advice(&standing(Verdict::NotReady, "Whatever"), &head);
        assert!(todo[0].contains("kubectl describe region eu -n play"), "{todo:?}");
    }
}
