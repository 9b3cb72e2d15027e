//! Resources by name; one that is not there is answered by those that are.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::{
    cluster::{Cluster, is_missing},
    problem::Problem,
};

/// Names that are told.
const MOST_NAMES: usize = 20;

/// One of Muster's resources in the namespace.
///
/// # Errors
/// It is not there, and which are; the API server cannot be asked, or does not know the kind.
pub async fn find<K>(cluster: &Cluster, name: &str) -> Result<K, Problem>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    match look(cluster, name).await? {
        Some(found) => Ok(found),
        None => Err(missing::<K>(cluster, name).await?),
    }
}

/// The same, when it may well not be there.
///
/// # Errors
/// The API server cannot be asked.
pub async fn look<K>(cluster: &Cluster, name: &str) -> Result<Option<K>, Problem>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let doing = || format!("read {} {name} in namespace {}", K::kind(&()), cluster.namespace);
    match cluster.here::<K>().get(name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(kube::Error::SerdeError(cause)) => Err(Problem::unreadable(&doing(), &cause)),
        Err(error) => Err(Problem::of(&error, &cluster.server, &doing())),
    }
}

async fn missing<K>(cluster: &Cluster, name: &str) -> Result<Problem, Problem>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let (kind, namespace) = (K::kind(&()), &cluster.namespace);
    let here = cluster.all::<K>(false).await?;
    let what = format!("There is no {kind} {name} in namespace {namespace}.");
    let unreadable = here.unreadable.into_iter().map(|standing| standing.name);
    let here: Vec<_> = here.readable.iter().map(ResourceExt::name_any).chain(unreadable).collect();
    if !here.is_empty() {
        return Ok(Problem::new(what, format!("There are: {}.", names(here.into_iter()))));
    }
    // Whoever may not look into all namespaces is told of this one only.
    let everywhere = cluster.all::<K>(true).await.map(|listed| listed.readable).unwrap_or_default();
    let place = |found: &K| format!("{}/{}", found.namespace().unwrap_or_default(), found.name_any());
    let namesakes: Vec<_> = everywhere.iter().filter(|found| found.name_any() == name).map(place).collect();
    let elsewhere = if namesakes.is_empty() { everywhere.iter().map(place).collect() } else { namesakes };
    Ok(match elsewhere.len() {
        0 => Problem::new(what, "There is none at all."),
        _ => {
            let elsewhere = names(elsewhere.into_iter());
            Problem::new(what, format!("In other namespaces (choose one with -n) there are: {elsewhere}."))
        }
    })
}

/// Names in order, and how many more there are.
fn names(all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<_> = all.collect();
    all.sort();
    let more = all.len().saturating_sub(MOST_NAMES);
    all.truncate(MOST_NAMES);
    let names = all.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_cut() {
        let all = (0..25).map(|n| format!("r{n:02}"));
        let told = names(all);
        assert!(told.starts_with("r00, r01") && told.ends_with("r19 and 5 more"), "{told}");
    }
}
