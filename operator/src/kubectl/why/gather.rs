//! Asks for everything that may be a cause.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{Event, Pod},
};
use kube::{Api, Resource, ResourceExt, api::ListParams};

use super::{
    chain::{Depth, Facts, Link},
    pods,
};
use crate::{
    crd::{Region, RegionAutoscaler, SecretRotation, secret_rotation::WorkloadKind},
    kubectl::{
        cluster::Cluster,
        find::look,
        problem::Problem,
        standing::Verdict,
        subject::{Subject, region_standing},
    },
    region::objects::{process_name, selector},
};

/// Pods and events that are looked at.
const MOST: usize = 5_000;

/// Asks for what a resource owns or needs, and for events.
///
/// # Errors
/// The API server cannot be asked for what it owns. Whoever may not see events is told so in the chain.
pub async fn gather(cluster: &Cluster, subject: &Subject) -> Result<Facts, Problem> {
    let mut facts = Facts::default();
    match subject {
        Subject::Region(region) => self::region(cluster, region, &mut facts).await?,
        Subject::Autoscaler(autoscaler) => self::autoscaler(cluster, autoscaler, &mut facts).await?,
        Subject::Rotation(rotation) => self::rotation(cluster, rotation, &mut facts).await?,
    }
    match cluster.some(&cluster.here::<Event>(), ListParams::default(), MOST).await {
        Ok(events) => facts.events = events.iter().filter_map(event).collect(),
        Err(error) => {
            let problem = Problem::of(&error, &cluster.server, "list events");
            let about = "events".to_owned();
            facts.wrong.push(Link::new(Depth::Event, about, "NotAllowed", problem.what, None));
        }
    }
    Ok(facts)
}

async fn region(cluster: &Cluster, region: &Region, facts: &mut Facts) -> Result<(), Problem> {
    let ours = ListParams::default().labels(&selector(region));
    for deployment in list(cluster, &cluster.here::<Deployment>(), ours.clone()).await? {
        let (owned, wrong) = pods::deployment(&deployment);
        facts.owned.push(owned);
        facts.wrong.extend(wrong);
    }
    if facts.wrong.is_empty() {
        return Ok(());
    }
    let pods = list(cluster, &cluster.here::<Pod>(), ours).await?;
    facts.wrong.extend(pods.iter().flat_map(pods::pod));
    Ok(())
}

async fn autoscaler(cluster: &Cluster, autoscaler: &RegionAutoscaler, facts: &mut Facts) -> Result<(), Problem> {
    let name = &autoscaler.spec.region_ref.name;
    let Some(region) = look::<Region>(cluster, name).await? else {
        let message = "It is not in this namespace.";
        facts.wrong.push(Link::new(Depth::Owned, format!("Region/{name}"), "RegionMissing", message, None));
        return Ok(());
    };
    let standing = region_standing(&region);
    if standing.ready != Verdict::Ready {
        let about = format!("Region/{name}");
        facts.wrong.push(Link::new(Depth::Owned, about, standing.reason, standing.message, standing.since));
    }
    workload(cluster, WorkloadKind::Deployment, &process_name(&region, autoscaler.spec.role), facts).await
}

async fn rotation(cluster: &Cluster, rotation: &SecretRotation, facts: &mut Facts) -> Result<(), Problem> {
    for restarted in &rotation.spec.restart {
        workload(cluster, restarted.kind, &restarted.name, facts).await?;
    }
    Ok(())
}

/// A workload by name, and its pods when something is wrong with it.
async fn workload(cluster: &Cluster, kind: WorkloadKind, name: &str, facts: &mut Facts) -> Result<(), Problem> {
    let found = match kind {
        WorkloadKind::Deployment => look::<Deployment>(cluster, name).await?.map(|deployment| {
            let labels = deployment.spec.selector.match_labels.clone();
            (pods::deployment(&deployment), labels)
        }),
        WorkloadKind::StatefulSet => look::<StatefulSet>(cluster, name).await?.map(|set| {
            let labels = set.spec.selector.match_labels.clone();
            (pods::stateful_set(&set), labels)
        }),
    };
    let Some(((owned, wrong), labels)) = found else {
        let link = Link::new(Depth::Owned, format!("{kind:?}/{name}"), "Missing", "It is not in this namespace.", None);
        facts.wrong.push(link);
        return Ok(());
    };
    facts.owned.push(owned);
    if !wrong.is_empty() {
        facts.wrong.extend(wrong);
        let labels: Vec<_> =
            labels.unwrap_or_default().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        let theirs = ListParams::default().labels(&labels.join(","));
        let pods = list(cluster, &cluster.here::<Pod>(), theirs).await?;
        facts.wrong.extend(pods.iter().flat_map(pods::pod));
    }
    Ok(())
}

async fn list<K>(cluster: &Cluster, api: &Api<K>, parameters: ListParams) -> Result<Vec<K>, Problem>
where
    K: Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let doing = || format!("list {} in namespace {}", K::plural(&()), cluster.namespace);
    let listed = cluster.some(api, parameters, MOST).await;
    listed.map_err(|error| Problem::of(&error, &cluster.server, &doing()))
}

/// A warning.
fn event(event: &Event) -> Option<Link> {
    if event.type_.as_deref() != Some("Warning") {
        return None;
    }
    let object = &event.involved_object;
    let about = format!("{}/{}", object.kind.clone().unwrap_or_default(), object.name.clone().unwrap_or_default());
    let series = event.series.as_ref();
    let last = series.and_then(|series| Some(series.last_observed_time.as_ref()?.0));
    let since = last
        .or(event.last_timestamp.as_ref().map(|time| time.0))
        .or(event.event_time.as_ref().map(|time| time.0))
        .or(event.creation_timestamp().map(|time| time.0));
    let (reason, message) = (event.reason.clone().unwrap_or_default(), event.message.clone().unwrap_or_default());
    let count = series.and_then(|series| series.count).or(event.count).unwrap_or(1);
    Some(Link { count, ..Link::new(Depth::Event, about, reason, message, since) })
}
