//! Takes secrets out of a Kubernetes object by its structure; what is left of its text is scrubbed.

use serde_json::{Map, Value};

use super::scrub::{REDACTED, Scrubber};

/// Annotations that hold nothing but what Muster and Kubernetes have written themselves.
const KEPT_ANNOTATIONS: [&str; 4] =
    ["muster.dev/wanted", "muster.dev/template", "muster.dev/settings", "deployment.kubernetes.io/revision"];
/// The same, by how they begin.
const KEPT_PREFIX: &str = "rotation.muster.dev/";
/// Fields whose text is secret, or opens something, by name in lower case.
const SECRET_FIELDS: [&str; 9] =
    ["password", "passwd", "token", "accessor", "leaseid", "apikey", "credential", "credentials", "clientsecret"];
/// Under this name Kubernetes keeps who owns which field: large, and of no use to a reader.
const MANAGED: &str = "managedFields";

/// An object without secrets.
pub fn redact(mut object: Value, scrubber: &Scrubber) -> Value {
    if object["kind"] == "Secret" {
        for part in ["data", "stringData"] {
            if let Some(entries) = object.get_mut(part).and_then(Value::as_object_mut) {
                entries.values_mut().for_each(|value| *value = REDACTED.into());
            }
        }
    }
    walk(&mut object, scrubber);
    object
}

fn walk(value: &mut Value, scrubber: &Scrubber) {
    match value {
        Value::String(text) => *text = scrubber.scrub(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, scrubber)),
        Value::Object(fields) => {
            fields.remove(MANAGED);
            for (name, field) in fields.iter_mut() {
                match name.as_str() {
                    "annotations" => annotations(field),
                    "env" => environment(field),
                    // What a person has written into an annotation.
                    "answered" => hide(field.get_mut("value")),
                    name if SECRET_FIELDS.contains(&name.to_lowercase().as_str()) => hide(Some(&mut *field)),
                    _ => {}
                }
                walk(field, scrubber);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Anybody may write annotations, and `kubectl apply` keeps whole manifests in one.
fn annotations(field: &mut Value) {
    let known = |name: &str| KEPT_ANNOTATIONS.contains(&name) || name.starts_with(KEPT_PREFIX);
    let unknown = field.as_object_mut().into_iter().flat_map(Map::iter_mut).filter(|(name, _)| !known(name));
    unknown.for_each(|(_, value)| *value = REDACTED.into());
}

/// Values that a manifest holds itself; where others come from stays.
fn environment(field: &mut Value) {
    let variables = field.as_array_mut().into_iter().flatten();
    variables.for_each(|variable| hide(variable.get_mut("value")));
}

/// Text goes; what has a structure is walked through.
fn hide(field: Option<&mut Value>) {
    if let Some(field @ Value::String(_)) = field {
        *field = REDACTED.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_planted_secret_is_nowhere() {
        let planted = "hunter2-hunter2";
        let mut scrubber = Scrubber::default();
        scrubber.learn(b"learned-elsewhere");
        let objects = [
            json!({ "kind": "Secret", "data": { "url": "aHVudGVyMi1odW50ZXIy" }, "stringData": { "url": planted } }),
            json!({ "kind": "Region", "metadata": {
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": planted, "muster.dev/paused": planted },
                "managedFields": [{ "manager": planted }],
            }}),
            json!({ "kind": "Pod", "spec": { "containers": [{ "env": [
                { "name": "PASSWORD", "value": planted },
            ], "args": [format!("--password={planted}"), "learned-elsewhere"] }] } }),
            json!({ "kind": "RegionAutoscaler", "spec": { "metrics": { "url": format!("https://u:{planted}@host/metrics") } } }),
            json!({ "kind": "SecretRotation", "status": { "rotation": {
                "answered": { "kind": "Rotate", "value": planted }, "current": { "number": 1, "accessor": planted, "leaseId": planted },
            } } }),
            json!({ "kind": "ConfigMap", "data": { "muster.toml": format!("[postgres]\nurl = \"postgres://u:{planted}@db/x\"") } }),
        ];
        for object in objects {
            let clean = redact(object, &scrubber).to_string();
            assert!(!clean.contains("hunter2") && !clean.contains("aHVudGVy") && !clean.contains("learned"), "{clean}");
        }
    }

    #[test]
    fn what_helps_stays() {
        let pod = json!({
            "kind": "Pod",
            "metadata": { "name": "eu", "annotations": { "rotation.muster.dev/db": "2", "muster.dev/settings": "abc" } },
            "spec": { "containers": [{ "image": "muster-server:1", "env": [
                { "name": "MUSTER__POSTGRES__URL", "valueFrom": { "secretKeyRef": { "name": "services", "key": "postgres-url" } } },
            ] }] },
        });
        assert_eq!(redact(pod.clone(), &Scrubber::default()), pod);
        let region =
            json!({ "kind": "Region", "spec": { "database": { "secret": "services", "key": "postgres-url" } } });
        assert_eq!(redact(region.clone(), &Scrubber::default()), region);
        let secret = redact(json!({ "kind": "Secret", "data": { "url": "eA==" } }), &Scrubber::default());
        assert_eq!(secret["data"], json!({ "url": REDACTED }));
    }
}
