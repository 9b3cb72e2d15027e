//! The processes of a role.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    Kind, OPS_PORT, Object, PLAYERS_PORT, REGION, ROLE, base_labels, config_map, object, process_name, replicas,
    short_digest,
};
use crate::{
    crd::{
        Region,
        region::{RegionRole, RegionSpec, SecretKey},
    },
    region::phase::Phase,
};

/// Before SIGTERM: the time in which the cluster learns to send nobody here any more.
const LEAVING: u32 = 5;
/// What a process takes at most to drain.
const DRAIN: u32 = 25;
/// What is left before the kernel ends it.
const MARGIN: u32 = 5;
/// A rollout that gets no further for so long is stuck.
const STUCK_AFTER: u32 = 300;

/// One Deployment a role. A process is replaced only when its successor is ready, and has time to drain.
pub fn of(region: &Region, role: &RegionRole, phase: Phase) -> Object {
    let mut labels = base_labels(region);
    labels.insert(ROLE.to_owned(), role.name.as_str().to_owned());
    let selector = json!({ REGION: region.name_any(), ROLE: role.name.as_str() });
    let rest = json!({ "spec": {
        "replicas": replicas(&region.spec, role, phase),
        "progressDeadlineSeconds": STUCK_AFTER,
        "revisionHistoryLimit": 3,
        "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
        "selector": { "matchLabels": selector },
        "template": {
            "metadata": {
                "labels": labels,
                "annotations": { "muster.dev/settings": short_digest(config_map::settings(region).as_bytes()) },
            },
            "spec": pod(region, role),
        },
    }});
    object(region, Kind::Deployment, process_name(region, role.name), &[(ROLE, role.name.as_str())], rest)
}

fn pod(region: &Region, role: &RegionRole) -> Value {
    json!({
        "serviceAccountName": region.name_any(),
        "automountServiceAccountToken": false,
        "terminationGracePeriodSeconds": LEAVING + DRAIN + MARGIN,
        "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        "topologySpreadConstraints": [{
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": { REGION: region.name_any(), ROLE: role.name.as_str() } },
        }],
        "containers": [container(&region.spec, role)],
        "volumes": [{ "name": "settings", "configMap": { "name": region.name_any() } }],
    })
}

fn container(spec: &RegionSpec, role: &RegionRole) -> Value {
    let probe = |path: &str, period: u32, failures: u32| {
        json!({
            "httpGet": { "path": path, "port": "ops" },
            "periodSeconds": period,
            "failureThreshold": failures,
            "timeoutSeconds": 3,
        })
    };
    let mut container = json!({
        "name": "muster-server",
        "image": spec.image,
        "env": environment(spec, role),
        "ports": [
            { "name": "http", "containerPort": PLAYERS_PORT, "protocol": "TCP" },
            { "name": "ops", "containerPort": OPS_PORT, "protocol": "TCP" },
        ],
        "resources": role.resources,
        "startupProbe": probe("/livez", 1, 60),
        "livenessProbe": probe("/livez", 10, 3),
        "readinessProbe": probe("/readyz", 2, 2),
        "lifecycle": { "preStop": { "sleep": { "seconds": LEAVING } } },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": [{ "name": "settings", "mountPath": "/etc/muster", "readOnly": true }],
    });
    if let Some(secret) = &spec.settings_secret {
        container["envFrom"] = json!([{ "secretRef": { "name": secret } }]);
    }
    container
}

fn environment(spec: &RegionSpec, role: &RegionRole) -> Vec<Value> {
    let secret = |name: &str, from: &SecretKey| json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": from.secret, "key": from.key } } });
    let mut environment = vec![
        json!({ "name": "MUSTER_CONFIG", "value": format!("/etc/muster/{}", config_map::SETTINGS) }),
        json!({ "name": "MUSTER__SERVER__ROLES", "value": format!("[\"{}\"]", role.name.as_str()) }),
    ];
    let urls = [
        ("MUSTER__POSTGRES__URL", &spec.database),
        ("MUSTER__REDIS__URL", &spec.redis),
        ("MUSTER__NATS__URL", &spec.nats),
    ];
    environment.extend(urls.into_iter().filter_map(|(name, from)| Some(secret(name, from.as_ref()?))));
    environment
}
