//! Manifests to try on an API server: one good one of each kind, and changes to it.

use serde_json::{Value, json};

/// A resource as a person would write it, without its name.
#[derive(Clone)]
pub struct Manifest {
    /// Its kind, such as `Region`.
    pub kind: &'static str,
    /// The last part of its path.
    pub plural: &'static str,
    /// What it says.
    pub spec: Value,
}

impl Manifest {
    /// With `change` laid over the spec, as a JSON merge patch does.
    pub fn with(mut self, change: Value) -> Self {
        merge(&mut self.spec, change);
        self
    }
}

/// The shortest useful Region.
pub fn region() -> Manifest {
    Manifest {
        kind: "Region",
        plural: "regions",
        spec: json!({
            "image": "muster-server:0.1.0",
            "roles": [{ "name": "gateway", "replicas": 2 }, { "name": "referee" }],
        }),
    }
}

/// The shortest useful RegionAutoscaler.
pub fn autoscaler() -> Manifest {
    Manifest {
        kind: "RegionAutoscaler",
        plural: "regionautoscalers",
        spec: json!({
            "regionRef": { "name": "eu-west" },
            "role": "gateway",
            "max": 10,
            "policy": { "buffer": { "playersPerReplica": 2000 } },
        }),
    }
}

/// The shortest useful SecretRotation.
pub fn rotation() -> Manifest {
    Manifest {
        kind: "SecretRotation",
        plural: "secretrotations",
        spec: json!({
            "source": { "vaultKv": { "path": "muster/auth", "key": "signing_key" } },
            "target": { "secret": "muster-auth", "key": "signing_key" },
        }),
    }
}

/// Manifests that must be accepted.
pub fn good() -> Vec<Manifest> {
    let digest = format!("muster-server@sha256:{}", "0a".repeat(32));
    vec![
        region().with(json!({ "image": digest, "queues": ["classic-ranked"] })),
        region().with(json!({ "state": "Disabled", "roles": [{ "name": "gateway", "replicas": 0 }] })),
        region().with(json!({ "state": "Draining", "roles": [{ "name": "referee" }] })),
        region().with(json!({ "platform": { "url": "https://play.example.com", "key": { "secret": "p", "key": "k" }, "region": "eu" } })),
        by_queue_depth(),
        by_schedule(json!({ "start": "0 18 * * 1-5", "length": "5h30m" })),
        rotation().with(json!({ "restart": [{ "kind": "Deployment", "name": "muster-server" }] })),
        rotation().with(json!({ "schedule": { "cron": "0 4 1 * *", "timeZone": "Europe/Berlin" } })),
        signing_key(json!({ "secondKey": "second" })),
        database_user(json!({ "template": "postgres://{username}:{password}@db/muster" })),
        autoscaler().with(json!({ "policy": { "buffer": null, "chain": [
            { "buffer": { "playersPerReplica": 2000, "sparePercent": 20 } },
            { "queueDepth": { "ticketsPerReplica": 500, "timeToMatch": "20s" } },
            { "predictive": { "playersPerReplica": 2000, "query": "sum(muster_sockets)" } },
        ] }, "metrics": { "prometheus": "http://prometheus:9090" } })),
    ]
}

/// A Region that tells a platform about a region of its queues.
fn platform(url: &str, name: &str) -> Manifest {
    region().with(json!({ "platform": { "url": url, "key": { "secret": "p", "key": "k" }, "region": name } }))
}

/// Manifests that must be refused, each with a part of the sentence that says why.
pub fn bad() -> Vec<(Manifest, &'static str)> {
    vec![
        (region().with(json!({ "image": "muster-server:latest" })), "image must be pinned"),
        (region().with(json!({ "image": "host:5000/muster-server" })), "image must be pinned"),
        (
            region().with(json!({ "roles": [{ "name": "referee" }] })),
            "needs the role gateway with at least one replica",
        ),
        (region().with(json!({ "roles": [{ "name": "gateway" }, { "name": "gateway" }] })), "Duplicate value"),
        (region().with(json!({ "drain": { "matchTimeout": "25h" } })), "matchTimeout must not be longer than 24h"),
        (region().with(json!({ "drain": { "matchTimeout": "soon" } })), "should match"),
        (platform("https://key@play.example.com", "eu"), "url must be http:// or https://, without a user"),
        (platform("ftp://play.example.com", "eu"), "url must be http:// or https://"),
        (platform("https://play.example.com?q=1", "eu"), "without a user, a query or a fragment"),
        (platform("https://play.example.com", "EU"), "should match"),
        (region().with(json!({ "platform": { "url": "https://play.example.com" } })), "Required value"),
        (region().with(json!({ "state": "Sleeping" })), "Unsupported value"),
        (autoscaler().with(json!({ "min": 11 })), "min must not be larger than max"),
        (
            autoscaler().with(json!({ "policy": { "queueDepth": { "ticketsPerReplica": 500 } } })),
            "policy needs exactly one of buffer, queueDepth, schedule",
        ),
        (
            autoscaler().with(json!({ "policy": { "buffer": null } })),
            "policy needs exactly one of buffer, queueDepth, schedule",
        ),
        (by_schedule(json!({ "replicas": 20 })), "the replicas of every window must lie between min and max"),
        (by_schedule(json!({ "start": "18:00" })), "start must be a cron line of five fields"),
        (rotation().with(json!({ "interval": "24h" })), "overlap must be shorter than interval"),
        (rotation().with(json!({ "interval": "30m", "overlap": "1m" })), "interval must be at least 1h"),
        (rotation().with(json!({ "overlap": "30s" })), "overlap must be at least 1m"),
        (
            rotation().with(json!({ "source": { "vaultKv": { "path": "data/muster/auth" } } })),
            "path is relative to the mount",
        ),
        (signing_key(json!({})), "signingKey needs target.secondKey"),
        (database_user(json!({ "secondKey": "second" })), "secondKey is not for vaultDatabase"),
        (database_user(json!({ "template": "postgres://db/muster" })), "template must contain {password}"),
        (
            rotation().with(json!({ "target": { "usernameKey": "user" } })),
            "usernameKey and template are for vaultDatabase",
        ),
        (
            rotation().with(json!({ "source": { "signingKey": { "path": "muster/auth", "key": "signing_key" } } })),
            "source needs exactly one of vaultKv, vaultDatabase, signingKey",
        ),
        (rotation().with(json!({ "schedule": { "cron": "daily" } })), "cron must be a line of five fields"),
        (rotation().with(json!({ "verify": { "jwks": { "url": "http://keys/" } } })), "verify.jwks is for signingKey"),
        (
            autoscaler()
                .with(json!({ "policy": { "buffer": null, "predictive": { "playersPerReplica": 1, "query": "q" } } })),
            "predictive needs metrics.prometheus",
        ),
        (autoscaler().with(json!({ "scaleDownAfter": "7h" })), "scaleDownAfter must not be longer than 6h"),
    ]
}

fn signing_key(target: Value) -> Manifest {
    let source = json!({ "vaultKv": null, "signingKey": { "path": "muster/auth", "key": "signing_key" } });
    rotation().with(json!({ "source": source, "target": target }))
}

fn database_user(target: Value) -> Manifest {
    rotation().with(json!({ "source": { "vaultKv": null, "vaultDatabase": { "role": "app" } }, "target": target }))
}

fn by_queue_depth() -> Manifest {
    autoscaler().with(json!({ "policy": { "buffer": null, "queueDepth": { "ticketsPerReplica": 500 } } }))
}

fn by_schedule(change: Value) -> Manifest {
    let mut window = json!({ "name": "evenings", "start": "0 18 * * *", "length": "5h", "replicas": 8 });
    merge(&mut window, change);
    autoscaler().with(json!({ "policy": { "buffer": null, "schedule": { "windows": [window] } } }))
}

fn merge(base: &mut Value, change: Value) {
    match (base, change) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (key, change) in changes {
                if change.is_null() {
                    fields.remove(&key);
                } else {
                    merge(fields.entry(key).or_insert(Value::Null), change);
                }
            }
        }
        (base, change) => *base = change,
    }
}
