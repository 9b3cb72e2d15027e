//! Collects what is in a report, without secrets. What cannot be had is listed, and ends nothing.
//!
//! [`logs`]: the end of what processes have written. [`events`]: a line each.

mod events;
mod logs;

use std::{collections::BTreeSet, fmt::Debug};

use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        autoscaling::v2::HorizontalPodAutoscaler,
        coordination::v1::Lease,
        core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount},
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, Resource, ResourceExt, api::ListParams};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{Arguments, Entry, redact::redact, scrub::Scrubber};
use crate::{
    crd::{Region, RegionAutoscaler, SecretRotation},
    kubectl::{
        cluster::Cluster,
        problem::Problem,
        screen::Screen,
        status::{self, Overview},
    },
    region::objects::REGION,
    rotation::keeper_name,
};

/// Objects of a kind in a namespace.
const MOST: usize = 2_000;
/// What is Muster's beside regions: the operator.
const PART_OF: &str = "app.kubernetes.io/part-of=muster";

/// What is in a report.
pub struct Gathered {
    /// The files, without secrets.
    pub entries: Vec<Entry>,
    /// What could not be had, and why.
    pub missing: Vec<String>,
}

/// Collects in one namespace after the other.
struct Collector<'c> {
    cluster: &'c Cluster,
    scrubber: Scrubber,
    entries: Vec<Entry>,
    missing: Vec<String>,
    logs: usize,
}

/// Collects everything.
///
/// # Errors
/// Muster's own resources cannot be had.
pub async fn gather(
    cluster: &Cluster,
    screen: &Screen,
    arguments: &Arguments,
    now: Timestamp,
) -> Result<Gathered, Problem> {
    let all = arguments.all_namespaces;
    let overview = status::look(cluster, all).await?;
    let regions = cluster.all::<Region>(all).await?.readable;
    let autoscalers = cluster.all::<RegionAutoscaler>(all).await?.readable;
    let rotations = cluster.all::<SecretRotation>(all).await?.readable;
    let mut namespaces: BTreeSet<_> = overview.standings().map(|standing| standing.namespace.clone()).collect();
    if !all {
        namespaces.insert(cluster.namespace.clone());
    }
    let mut collector =
        Collector { cluster, scrubber: Scrubber::default(), entries: Vec::new(), missing: Vec::new(), logs: 0 };

    // Secrets first: what they hold is then taken out of everything else.
    for (namespace, name) in secrets(&regions, &rotations) {
        collector.secret(&namespace, &name).await;
    }
    for unreadable in &overview.unreadable {
        // Nobody knows which Secrets it names, so its text might hold what nothing here would take out.
        let line = format!("{} in {}: {}", unreadable.called(), unreadable.namespace, unreadable.message);
        let line = collector.scrubber.scrub(&line);
        collector.missing.push(line);
    }
    collector.add_all(&regions);
    collector.add_all(&autoscalers);
    collector.add_all(&rotations);
    for namespace in &namespaces {
        screen.progress(&format!("namespace {namespace} …"));
        collector.namespace(namespace, REGION, !arguments.no_logs).await;
    }
    if !namespaces.contains(&arguments.operator_namespace) {
        screen.progress(&format!("namespace {} …", arguments.operator_namespace));
    }
    collector.namespace(&arguments.operator_namespace, PART_OF, !arguments.no_logs).await;
    collector.leases(&arguments.operator_namespace).await;
    collector.versions(&regions, now).await;
    Ok(collector.end(&overview, all, now))
}

/// The Secrets that Muster's resources name, and those that the operator keeps beside them.
fn secrets(regions: &[Region], rotations: &[SecretRotation]) -> BTreeSet<(String, String)> {
    let mut named = BTreeSet::new();
    for region in regions {
        let spec = &region.spec;
        let urls = [&spec.database, &spec.redis, &spec.nats].into_iter().flatten().map(|from| &from.secret);
        let platform = spec.platform.as_ref().map(|platform| &platform.key.secret);
        let namespace = region.namespace().unwrap_or_default();
        named.extend(urls.chain(&spec.settings_secret).chain(platform).map(|name| (namespace.clone(), name.clone())));
    }
    for rotation in rotations {
        let kept = rotation.spec.source.vault_database.is_some().then(|| keeper_name(rotation));
        let names = [Some(rotation.spec.target.secret.clone()), kept].into_iter().flatten();
        named.extend(names.map(|name| (rotation.namespace().unwrap_or_default(), name)));
    }
    named
}

impl Collector<'_> {
    fn add<K: Resource<DynamicType = ()> + Serialize>(&mut self, object: &K) {
        let (kind, name) = (K::kind(&()).into_owned(), object.name_any());
        let place = object.namespace().map_or("cluster".to_owned(), |namespace| format!("namespaces/{namespace}"));
        let path = format!("{place}/{}/{name}.yaml", kind.to_lowercase());
        if self.entries.iter().any(|entry| entry.path == path) {
            return;
        }
        let Ok(mut value) = serde_json::to_value(object) else { return };
        value["kind"] = json!(kind);
        value["apiVersion"] = json!(K::api_version(&()));
        match serde_yaml_ng::to_string(&redact(value, &self.scrubber)) {
            Ok(text) => self.entries.push(Entry { path, text }),
            Err(error) => self.missing.push(format!("{path}: {error}")),
        }
    }

    fn add_all<K: Resource<DynamicType = ()> + Serialize>(&mut self, objects: &[K]) {
        objects.iter().for_each(|object| self.add(object));
    }

    fn add_text(&mut self, path: impl Into<String>, text: &str) {
        let text = self.scrubber.scrub(text);
        self.entries.push(Entry { path: path.into(), text });
    }

    fn lacks(&mut self, what: &str, error: &kube::Error) {
        let problem = Problem::of(error, &self.cluster.server, &format!("read {what}"));
        let line = self.scrubber.scrub(&format!("{what}: {}", problem.what));
        self.missing.push(line);
    }

    async fn secret(&mut self, namespace: &str, name: &str) {
        let secrets: Api<Secret> = self.cluster.in_namespace(namespace).here();
        match secrets.get(name).await {
            Ok(secret) => {
                let values = secret.data.iter().flatten().map(|(_, value)| value.0.as_slice());
                values.for_each(|value| self.scrubber.learn(value));
                self.add(&secret);
            }
            Err(error) => self.lacks(&format!("Secret {name} in {namespace}"), &error),
        }
    }

    /// Everything of Muster's in a namespace that has the label, and all its events.
    async fn namespace(&mut self, namespace: &str, label: &str, logs: bool) {
        let here = self.cluster.in_namespace(namespace);
        let ours = ListParams::default().labels(label);
        self.kind::<Deployment>(&here, &ours).await;
        self.kind::<StatefulSet>(&here, &ours).await;
        self.kind::<ReplicaSet>(&here, &ours).await;
        self.kind::<Service>(&here, &ours).await;
        self.kind::<ConfigMap>(&here, &ours).await;
        self.kind::<ServiceAccount>(&here, &ours).await;
        self.kind::<PodDisruptionBudget>(&here, &ours).await;
        self.kind::<NetworkPolicy>(&here, &ours).await;
        self.kind::<HorizontalPodAutoscaler>(&here, &ListParams::default()).await;
        let pods = self.kind::<Pod>(&here, &ours).await;
        match events::text(&here).await {
            Ok(text) => {
                let path = format!("namespaces/{namespace}/events.txt");
                if !self.entries.iter().any(|entry| entry.path == path) {
                    self.add_text(path, &text);
                }
            }
            Err(error) => self.lacks(&format!("events in {namespace}"), &error),
        }
        if logs {
            for pod in &pods {
                self.log(&here, pod).await;
            }
        }
    }

    async fn kind<K>(&mut self, here: &Cluster, ours: &ListParams) -> Vec<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Serialize + Debug,
    {
        match here.some(&here.here::<K>(), ours.clone(), MOST).await {
            Ok(found) => {
                self.add_all(&found);
                found
            }
            Err(error) => {
                self.lacks(&format!("{} in {}", K::plural(&()), here.namespace), &error);
                Vec::new()
            }
        }
    }

    async fn leases(&mut self, namespace: &str) {
        let here = self.cluster.in_namespace(namespace);
        match here.some(&here.here::<Lease>(), ListParams::default(), MOST).await {
            Ok(leases) => {
                leases.iter().filter(|lease| lease.name_any().contains("muster")).for_each(|lease| self.add(lease))
            }
            Err(error) => self.lacks(&format!("leases in {namespace}"), &error),
        }
    }

    async fn versions(&mut self, regions: &[Region], now: Timestamp) {
        let server = match self.cluster.client.apiserver_version().await {
            Ok(version) => Some(version.git_version),
            Err(error) => {
                self.lacks("the API server's version", &error);
                None
            }
        };
        let definitions: Api<CustomResourceDefinition> = Api::all(self.cluster.client.clone());
        for plural in [Region::plural(&()), RegionAutoscaler::plural(&()), SecretRotation::plural(&())] {
            let name = format!("{plural}.muster.dev");
            match definitions.get(&name).await {
                Ok(definition) => self.add(&definition),
                Err(error) => self.lacks(&format!("the definition {name}"), &error),
            }
        }
        let images: BTreeSet<_> = regions.iter().map(|region| region.spec.image.clone()).collect();
        let versions = json!({
            "kubectl-muster": env!("CARGO_PKG_VERSION"), "kubernetes": server, "images": images, "made": now.to_string(),
        });
        self.add_text("versions.json", &format!("{versions:#}"));
    }

    fn end(mut self, overview: &Overview, all: bool, now: Timestamp) -> Gathered {
        // No colours, whatever the terminal is.
        let text = status::text(overview, Screen::plain(), all, &self.cluster.namespace, now);
        self.add_text("status.txt", &text);
        if let Ok(value) = serde_json::to_value(overview) {
            let text = format!("{:#}", redact(value, &self.scrubber));
            self.entries.push(Entry { path: "status.json".to_owned(), text });
        }
        let missing = self.missing.join("\n");
        self.add_text("missing.txt", if missing.is_empty() { "Nothing is missing." } else { &missing });
        Gathered { entries: self.entries, missing: self.missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_known_that_muster_reads_or_keeps() {
        let from = |name: &str| json!({ "secret": name, "key": "k" });
        let region: Region = serde_json::from_value(json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "Region", "metadata": { "name": "eu-west", "namespace": "games" },
            "spec": {
                "image": "muster-server:1", "roles": [{ "name": "gateway" }], "database": from("db"), "redis": from("cache"),
                "nats": from("bus"), "settingsSecret": "settings",
                "platform": { "url": "https://play.example.com", "key": from("platform") },
            },
        }))
        .unwrap();
        let rotation = |name: &str, source: serde_json::Value| -> SecretRotation {
            serde_json::from_value(json!({
                "apiVersion": "muster.dev/v1alpha1", "kind": "SecretRotation", "metadata": { "name": name, "namespace": "games" },
                "spec": { "source": source, "target": { "secret": format!("{name}-target"), "key": "k" } },
            }))
            .unwrap()
        };
        let users = rotation("users", json!({ "vaultDatabase": { "role": "app" } }));
        let pepper = rotation("pepper", json!({ "vaultKv": { "path": "app", "key": "pepper" } }));
        let named: Vec<_> = secrets(&[region], &[users, pepper]).into_iter().map(|(_, name)| name).collect();
        // Of sources that keep nothing beside the target there is no second Secret to be missed.
        assert_eq!(
            named,
            ["bus", "cache", "db", "pepper-target", "platform", "settings", "users-target", "users-versions"]
        );
    }
}
