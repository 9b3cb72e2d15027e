//! An API server with the definitions and the shipped role, shared by the tests that run at the same time.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Config, Resource,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::GroupVersionKind,
};
use muster_operator::crd::Region;
use muster_testkit::eventually;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    api_server::{ApiServer, TOKEN},
    operator::Operator,
    snapshot::printed,
};

/// How long anything in a test may take.
pub const SOON: Duration = Duration::from_secs(30);

/// An API server, and an operator that acts in all its namespaces.
pub struct Cluster {
    // First, so that it ends before the server.
    _operator: Option<Operator>,
    /// The API server.
    pub server: ApiServer,
    token: String,
}

static SHARED: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

impl Cluster {
    /// The cluster that other tests use too, with an operator; nothing, and a line that says so, where there are no programs for it.
    pub async fn shared() -> Option<Arc<Self>> {
        let assets = assets()?;
        let mut shared = SHARED.lock().await;
        if let Some(cluster) = shared.upgrade() {
            return Some(cluster);
        }
        let mut cluster = Self::start(&assets).await;
        cluster._operator = Some(cluster.operator("shared", &[]));
        let cluster = Arc::new(cluster);
        *shared = Arc::downgrade(&cluster);
        Some(cluster)
    }

    /// A cluster of one's own, without an operator.
    pub async fn own() -> Option<Self> {
        Some(Self::start(&assets()?).await)
    }

    async fn start(assets: &Path) -> Self {
        let server = ApiServer::start(assets).await;
        let mut cluster = Self { _operator: None, server, token: String::new() };
        let rbac = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/deploy/operator/rbac.yaml");
        let rbac = std::fs::read_to_string(rbac).expect("the shipped role");
        for yaml in [printed(), rbac] {
            for document in serde_yaml_ng::Deserializer::from_str(&yaml) {
                cluster.apply(serde::Deserialize::deserialize(document).expect("each document is YAML")).await;
            }
        }
        let client = cluster.client().await;
        let regions: Api<Region> = Api::all(client);
        eventually(SOON, "the definitions to be served", async || regions.list(&Default::default()).await.ok()).await;
        cluster.token = cluster.operator_token().await;
        cluster
    }

    /// The token that a pod of the operator would have.
    async fn operator_token(&self) -> String {
        self.service_account_token("muster-system", "muster-operator").await
    }

    /// The token that a pod with this service account would have.
    pub async fn service_account_token(&self, namespace: &str, name: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
        let (status, answer) =
            self.server.call(reqwest::Method::POST, &path, "application/json", request.to_string()).await;
        assert!(status.is_success(), "no token for {name}: {status} {answer}");
        answer["status"]["token"].as_str().expect("a token").to_owned()
    }

    /// Starts an operator with the shipped role and nothing else. `settings` are `section.key=value`.
    pub fn operator(&self, label: &str, settings: &[&str]) -> Operator {
        self.operator_through(self.server.url(), label, settings)
    }

    /// The same, which takes `url` for the API server's.
    pub fn operator_through(&self, url: &str, label: &str, settings: &[&str]) -> Operator {
        Operator::start(label, &self.kubeconfig(url, &format!("operator-{label}"), &self.token), settings)
    }

    /// The same, with variables in its environment.
    #[allow(dead_code, reason = "the tests', not the benchmark's")]
    pub fn operator_in(&self, environment: &[(&str, &str)], label: &str) -> Operator {
        let kubeconfig = self.kubeconfig(self.server.url(), &format!("operator-{label}"), &self.token);
        Operator::start_in(environment, label, &kubeconfig, &[])
    }

    /// The file with the token that a pod of the operator would have.
    #[allow(dead_code, reason = "the tests', not the benchmark's")]
    pub fn operator_token_file(&self) -> PathBuf {
        let path = self.server.home().join("operator.token");
        std::fs::write(&path, &self.token).expect("a token file");
        path
    }

    /// The same on one core, with settings as shipped.
    #[allow(dead_code, reason = "the benchmark's")]
    pub fn operator_on_one_core(&self, label: &str) -> Operator {
        let kubeconfig = self.kubeconfig(self.server.url(), &format!("operator-{label}"), &self.token);
        Operator::start_on_one_core(label, &kubeconfig, &["operator.poll=5s"])
    }

    /// Writes that the API server has served, by whomever, but for Leases.
    pub async fn writes(&self) -> u64 {
        const WRITES: [&str; 6] = ["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"];
        let http =
            reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build().expect("a client");
        let answer = http.get(format!("{}/metrics", self.server.url())).bearer_auth(TOKEN).send().await;
        let metrics = answer.expect("the API server answers").text().await.expect("text");
        let written = metrics.lines().filter(|line| {
            line.starts_with("apiserver_request_total{")
                && !line.contains("resource=\"leases\"")
                && WRITES.iter().any(|verb| line.contains(&format!("verb=\"{verb}\"")))
        });
        let counts: Vec<f64> = written.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        assert!(!counts.is_empty(), "the API server does not count its requests");
        counts.iter().sum::<f64>() as u64
    }

    /// Waits at most `patience` until nobody has written for five seconds, and gives the writes until then.
    pub async fn wait_quiet(&self, patience: Duration) -> u64 {
        let began = Instant::now();
        let mut last = (self.writes().await, Instant::now());
        while last.1.elapsed() < Duration::from_secs(5) {
            assert!(began.elapsed() < patience, "the cluster does not come to rest");
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = self.writes().await;
            if now != last.0 {
                last = (now, Instant::now());
            }
        }
        last.0
    }

    /// The file with which `kubectl` may do everything.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.kubeconfig(self.server.url(), "admin", TOKEN)
    }

    fn kubeconfig(&self, url: &str, name: &str, token: &str) -> PathBuf {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "test", "cluster": {
                "server": url,
                "certificate-authority": self.server.home().join("apiserver.crt"),
            }}],
            "users": [{ "name": "test", "user": { "token": token } }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test", "namespace": "default" } }],
        });
        let path = self.server.home().join(format!("{name}.kubeconfig"));
        // Whole at once: others read it at the same time.
        let part = path.with_extension(format!("{:?}", std::thread::current().id()));
        std::fs::write(&part, config.to_string()).expect("a kubeconfig");
        std::fs::rename(part, &path).expect("a kubeconfig");
        path
    }

    /// A client that may do everything. One a test: its connections belong to the test's runtime.
    pub async fn client(&self) -> Client {
        let config = Kubeconfig::read_from(self.admin_kubeconfig()).expect("our own kubeconfig");
        let config =
            Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.expect("a configuration");
        Client::try_from(config).expect("a client")
    }

    /// Applies any manifest as `test`.
    pub async fn apply(&self, manifest: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let version = text(&manifest["apiVersion"]);
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        let kind = GroupVersionKind::gvk(group, version, &text(&manifest["kind"]));
        let resource = ApiResource::from_gvk(&kind);
        let client = self.client().await;
        let api: Api<DynamicObject> = match manifest["metadata"]["namespace"].as_str() {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let name = text(&manifest["metadata"]["name"]);
        let parameters = PatchParams::apply("test").force();
        // A kind that was defined a moment ago is not served yet.
        eventually(SOON, &format!("{} {name} to be applied", text(&manifest["kind"])), async || {
            api.patch(&name, &parameters, &Patch::Apply(&manifest)).await.inspect_err(|error| eprintln!("{error}")).ok()
        })
        .await;
    }

    /// A namespace of one's own.
    pub async fn namespace(&self, name: &str) -> Space {
        let manifest = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.apply(manifest).await;
        self.apply(may_read_secrets(name)).await;
        Space { client: self.client().await, name: name.to_owned() }
    }
}

/// What an administrator binds in a namespace whose Secrets the operator rotates.
fn may_read_secrets(namespace: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": { "name": "muster-operator-secrets", "namespace": namespace },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "muster-operator-secrets" },
        "subjects": [{ "kind": "ServiceAccount", "name": "muster-operator", "namespace": "muster-system" }],
    })
}

/// A namespace in which a test works.
pub struct Space {
    /// A client that may do everything.
    pub client: Client,
    /// Its name.
    pub name: String,
}

impl Space {
    /// The objects of a kind in it.
    pub fn all<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.name)
    }
}

fn assets() -> Option<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    if assets.is_none() {
        // Past the test harness's capture: a skipped test should be seen.
        let _ =
            writeln!(std::io::stderr(), "skipped: KUBEBUILDER_ASSETS does not say where etcd and kube-apiserver are");
    }
    assets
}
