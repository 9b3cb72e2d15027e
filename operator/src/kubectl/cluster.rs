//! Which API server, and which namespace: as kubectl chooses them.

use std::{fmt::Debug, path::PathBuf, time::Duration};

use clap::Args;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Config, Resource,
    api::{ListParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
    core::DeserializeGuard,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{FIELD_MANAGER, problem::Problem, standing::Standing};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Objects that one answer has at most.
const PAGE: u32 = 500;

/// The objects of a kind.
#[derive(Debug)]
pub struct Listed<K> {
    /// Those that can be read.
    pub readable: Vec<K>,
    /// What there is to say of the others.
    pub unreadable: Vec<Standing>,
}

/// Which cluster, and where in it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub struct Connection {
    /// The namespace; that of the context without it
    #[arg(long, short, global = true, value_name = "NAME")]
    namespace: Option<String>,
    /// The context of the kubeconfig; the current one without it
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig; $KUBECONFIG or ~/.kube/config without it
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// A cluster, and where in it.
#[derive(Clone)]
pub struct Cluster {
    /// Its API server.
    pub client: Client,
    /// Where named resources are.
    pub namespace: String,
    /// The API server's address, to name it.
    pub server: String,
}

impl Connection {
    /// Connects; nothing is asked yet.
    ///
    /// # Errors
    /// Which part of the configuration is missing or cannot be used.
    pub async fn open(&self) -> Result<Cluster, Problem> {
        self.connect(Some(PATIENCE)).await
    }

    /// The same, for answers that have no end.
    ///
    /// # Errors
    /// The same.
    pub async fn open_patiently(&self) -> Result<Cluster, Problem> {
        self.connect(None).await
    }

    async fn connect(&self, patience: Option<Duration>) -> Result<Cluster, Problem> {
        let mut config = self.config().await?;
        config.connect_timeout = Some(PATIENCE / 2);
        config.read_timeout = patience;
        // What fails is told at once; what is waited for is tried again here.
        config.default_retry = false;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| {
            let todo = "Look at it with `kubectl config view`.";
            Problem::new(format!("The configuration of the cluster cannot be used: {error}"), todo)
        })?;
        Ok(Cluster { client, namespace, server })
    }

    async fn config(&self) -> Result<Config, Problem> {
        let read = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let kubeconfig = match read {
            Ok(kubeconfig) => kubeconfig,
            Err(error) if self.kubeconfig.is_none() && self.context.is_none() => {
                return Config::incluster().map_err(|_| no_cluster(&error));
            }
            Err(error) => return Err(no_cluster(&error)),
        };
        let contexts: Vec<_> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| unusable(&error, &contexts))
    }
}

fn no_cluster(error: &KubeconfigError) -> Problem {
    Problem::new(
        format!("No cluster is configured: {error}."),
        "Name a file with --kubeconfig, or set KUBECONFIG, or run this in a pod.",
    )
}

fn unusable(error: &KubeconfigError, contexts: &[String]) -> Problem {
    let there = if contexts.is_empty() { "It has none.".into() } else { format!("It has: {}.", contexts.join(", ")) };
    match error {
        KubeconfigError::CurrentContextNotSet => Problem::new(
            format!("The kubeconfig does not say which context is the current one. {there}"),
            "Choose one with --context, or `kubectl config use-context NAME`.",
        ),
        KubeconfigError::LoadContext(name) => Problem::new(
            format!("The kubeconfig has no context {name}. {there}"),
            "Choose one of these with --context, or another file with --kubeconfig.",
        ),
        error => Problem::new(
            format!("The kubeconfig cannot be used: {error}"),
            "Look at it with `kubectl config view`, or name another file with --kubeconfig.",
        ),
    }
}

/// Whether it is not there. An API server that does not know a kind says so without a reason, in plain text.
pub fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

impl Cluster {
    /// The objects of a kind in the namespace.
    pub fn here<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The objects of a kind in all namespaces or in this one.
    pub fn within<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(&self, all: bool) -> Api<K> {
        if all { Api::all(self.client.clone()) } else { self.here() }
    }

    /// The same cluster, elsewhere in it.
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// The objects of one of Muster's kinds, in this namespace or in all. One that cannot be read hides none of the others.
    ///
    /// # Errors
    /// The API server cannot be asked, or does not know the kind.
    pub async fn all<K>(&self, everywhere: bool) -> Result<Listed<K>, Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        let api = self.within::<DeserializeGuard<K>>(everywhere);
        let all = self.some(&api, ListParams::default(), usize::MAX).await.map_err(|error| {
            let kind = K::plural(&()).into_owned();
            if is_missing(&error) {
                return self.not_installed(&kind);
            }
            Problem::of(&error, &self.server, &format!("list {kind}"))
        })?;
        let mut listed = Listed { readable: Vec::new(), unreadable: Vec::new() };
        for DeserializeGuard(read) in all {
            match read {
                Ok(resource) => listed.readable.push(resource),
                Err(not) => listed.unreadable.push(Standing::unreadable::<K>(&not.metadata, &not.error)),
            }
        }
        Ok(listed)
    }

    /// The objects of a kind that `parameters` choose, page by page, and no more than about `most`.
    ///
    /// # Errors
    /// The API server did not answer, or not with them.
    pub async fn some<K>(&self, api: &Api<K>, parameters: ListParams, most: usize) -> Result<Vec<K>, kube::Error>
    where
        K: Clone + DeserializeOwned + Debug,
    {
        let mut parameters = parameters.limit(PAGE);
        let mut all = Vec::new();
        loop {
            let page = api.list(&parameters).await?;
            all.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) if all.len() < most => parameters = parameters.continue_token(&token),
                _ => return Ok(all),
            }
        }
    }

    /// Changes an object by a merge patch, in the name of these commands.
    ///
    /// # Errors
    /// The API server refused it.
    pub async fn change<K>(&self, name: &str, patch: &Value) -> Result<K, Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        self.patch(name, patch, false).await
    }

    /// Whether an object could be changed now; nothing is.
    ///
    /// # Errors
    /// The API server would refuse it.
    pub async fn may_change<K>(&self, name: &str) -> Result<(), Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        self.patch::<K>(name, &json!({}), true).await.map(|_| ())
    }

    async fn patch<K>(&self, name: &str, patch: &Value, dry_run: bool) -> Result<K, Problem>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run, ..PatchParams::default() };
        let doing = || format!("change {} {name} in namespace {}", K::kind(&()), self.namespace);
        let changed = self.here::<K>().patch(name, &parameters, &Patch::Merge(patch)).await;
        changed.map_err(|error| Problem::of(&error, &self.server, &doing()))
    }

    /// The API server does not know a kind of Muster's.
    pub fn not_installed(&self, kind: &str) -> Problem {
        Problem::new(
            format!("The cluster {} does not know {kind}.muster.dev: Muster is not installed there.", self.server),
            "Install the definitions (`muster-operator crds | kubectl apply -f -`) and the operator, or choose another --context.",
        )
    }
}
