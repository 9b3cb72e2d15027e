//! What a Region consists of, as manifests: pure functions of the Region and the phase it is in.

mod config_map;
mod deployment;
mod disruption_budget;
mod kind;
mod network_policy;
mod pod_monitor;
mod service;
mod service_account;

use std::collections::BTreeMap;

use kube::{Resource, ResourceExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use kind::Kind;

use super::phase::Phase;
use crate::crd::{
    Region, ServerRole,
    region::{RegionRole, RegionSpec},
};

/// The label of the Region that an object belongs to.
pub const REGION: &str = "muster.dev/region";
/// The label of the role that a process has.
pub const ROLE: &str = "muster.dev/role";
/// The label and the value by which the operator knows what is its own.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "muster-operator");
/// The annotation with a digest of what the operator wants of an object, so that what it no longer wants is noticed too.
pub const WANTED: &str = "muster.dev/wanted";
/// The annotation of a Deployment with a digest of what its processes are started with.
const TEMPLATE: &str = "muster.dev/template";
/// Where players reach a process.
const PLAYERS_PORT: u16 = 7400;
/// Health and metrics of a process.
pub const OPS_PORT: u16 = 7401;

/// An object as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// Its name; its namespace is the Region's.
    pub name: String,
    /// All that the operator wants of it.
    pub manifest: Value,
}

/// All objects of a Region. `monitors`: whether the cluster knows PodMonitors.
pub fn wanted(region: &Region, phase: Phase, monitors: bool) -> Vec<Object> {
    let mut objects =
        vec![service_account::of(region), config_map::of(region), network_policy::of(region), service::ops(region)];
    if has_role(&region.spec, ServerRole::Gateway) {
        objects.push(service::players(region, phase));
    }
    for role in &region.spec.roles {
        objects.push(disruption_budget::of(region, role));
        objects.push(deployment::of(region, role, phase));
    }
    if monitors {
        objects.push(pod_monitor::of(region));
    }
    objects.iter_mut().for_each(sign);
    objects
}

/// Puts the digests on an object.
fn sign(object: &mut Object) {
    if object.kind == Kind::Deployment && object.manifest["metadata"]["annotations"][TEMPLATE].is_null() {
        let template = short_digest(object.manifest["spec"]["template"].to_string().as_bytes());
        object.manifest["metadata"]["annotations"][TEMPLATE] = json!(template);
    }
    object.manifest["metadata"]["annotations"][WANTED] = Value::Null;
    let digest = digest(&object.manifest);
    object.manifest["metadata"]["annotations"][WANTED] = json!(digest);
}

/// Leaves the processes of a Deployment as they are in `there`; whether they would have been replaced.
pub fn keep_template(object: &mut Object, there: &Value) -> bool {
    let known = &there["metadata"]["annotations"][TEMPLATE];
    if known.is_null() || *known == object.manifest["metadata"]["annotations"][TEMPLATE] {
        return false;
    }
    object.manifest["spec"]["template"] = there["spec"]["template"].clone();
    object.manifest["metadata"]["annotations"][TEMPLATE] = known.clone();
    sign(object);
    true
}

/// Names of objects that the Region no longer wants, and may have wanted before.
pub fn unwanted(region: &Region, wanted: &[Object]) -> Vec<(Kind, String)> {
    let name = region.name_any();
    let players = std::iter::once((Kind::Service, name.clone()));
    let of_roles = ServerRole::ALL.into_iter().flat_map(|role| {
        let name = process_name(region, role);
        [(Kind::Deployment, name.clone()), (Kind::PodDisruptionBudget, name)]
    });
    let wanted = |kind: Kind, name: &str| wanted.iter().any(|object| object.kind == kind && object.name == name);
    players.chain(of_roles).filter(|(kind, name)| !wanted(*kind, name)).collect()
}

/// The name of a role's Deployment.
pub fn process_name(region: &Region, role: ServerRole) -> String {
    format!("{}-{}", region.name_any(), role.as_str())
}

/// The name of the Service with the addresses of all the Region's processes.
pub fn ops_name(region: &Region) -> String {
    format!("{}-ops", region.name_any())
}

/// How many processes a role should have when nobody else decides it.
pub fn replicas(spec: &RegionSpec, role: &RegionRole, phase: Phase) -> i32 {
    match phase {
        Phase::Stopped => 0,
        // No new matches are made; those that run go on.
        Phase::Closing if role.name == ServerRole::Matchmaker => 0,
        Phase::Closing | Phase::Serving => role.replicas.unwrap_or(spec.replicas),
    }
}

/// Which pods are the Region's.
pub fn selector(region: &Region) -> String {
    format!("{REGION}={}", region.name_any())
}

fn has_role(spec: &RegionSpec, role: ServerRole) -> bool {
    spec.roles.iter().any(|known| known.name == role)
}

/// The object `kind/name` of a Region, with labels and owner; `rest` is everything but its metadata.
fn object(region: &Region, kind: Kind, name: String, labels: &[(&str, &str)], mut rest: Value) -> Object {
    let mut all: BTreeMap<_, _> = base_labels(region);
    all.extend(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let resource = kind.resource();
    rest["apiVersion"] = json!(resource.api_version);
    rest["kind"] = json!(resource.kind);
    rest["metadata"] = json!({
        "name": name,
        "namespace": region.namespace(),
        "labels": all,
        "annotations": {},
        "ownerReferences": [{
            "apiVersion": Region::api_version(&()),
            "kind": Region::kind(&()),
            "name": region.name_any(),
            "uid": region.uid(),
            "controller": true,
        }],
    });
    Object { kind, name, manifest: rest }
}

fn base_labels(region: &Region) -> BTreeMap<String, String> {
    [
        ("app.kubernetes.io/name", "muster-server"),
        ("app.kubernetes.io/part-of", "muster"),
        (MANAGED_BY.0, MANAGED_BY.1),
        (REGION, &region.name_any()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// A digest of a manifest. How many processes there are is left out: somebody else may decide that.
fn digest(manifest: &Value) -> String {
    let mut manifest = manifest.clone();
    if let Some(spec) = manifest["spec"].as_object_mut() {
        spec.remove("replicas");
    }
    short_digest(manifest.to_string().as_bytes())
}

/// The first 64 bits of SHA-256, in hex.
fn short_digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}

#[cfg(test)]
mod tests;
