//! What the chart has copies of: Helm reads nothing outside a chart's own folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_yaml_ng::Value;

use super::{CHART, Generated, chart::documents, in_folder};

/// Folders of the chart in which there is nothing else.
pub(super) const FOLDERS: [&str; 3] = ["crds", "files", "files/dashboards"];

/// The role that the tests of the operator run it with.
const ROLES: &str = "ops/deploy/operator/rbac.yaml";
/// What the names of its parts begin with.
const ROLES_PREFIX: &str = "muster-operator-";

/// All copies by their path in the workspace.
pub(super) fn of(workspace: &Path) -> Result<Generated> {
    let read = |file: &Path| {
        fs::read_to_string(workspace.join(file)).with_context(|| format!("cannot read {}", file.display()))
    };
    let mut copies = BTreeMap::new();
    let mut add = |to: &str, text: String| copies.insert(Path::new(CHART).join(to), text);
    add("crds/muster.yaml", read(Path::new("operator/crds.yaml"))?);
    add("files/alerts.yaml", read(Path::new("ops/alerts/muster.rules.yaml"))?);
    add("files/operator-roles.yaml", roles(&read(Path::new(ROLES))?)?);
    for file in in_folder(&workspace.join("ops/grafana"))? {
        let file: PathBuf = file.strip_prefix(workspace).context("a file of the workspace lies in it")?.to_owned();
        if let (Some(name), true) = (file.file_name(), file.extension().is_some_and(|is| is == "json")) {
            add(&format!("files/dashboards/{}", name.to_string_lossy()), read(&file)?);
        }
    }
    Ok(copies)
}

/// The rules of the shipped roles: `cluster` for what the operator watches, `granted` for what is bound to nobody as shipped, `own`
/// for its own namespace.
fn roles(text: &str) -> Result<String> {
    let documents: Vec<Value> = documents(text).with_context(|| format!("{ROLES} is not YAML"))?;
    let bindings = documents.iter().filter(|document| document["kind"] == "ClusterRoleBinding");
    let bound: Vec<&Value> = bindings.map(|binding| &binding["roleRef"]["name"]).collect();
    let mut roles: BTreeMap<&str, BTreeMap<&str, &Value>> =
        ["cluster", "granted", "own"].map(|of| (of, BTreeMap::new())).into();
    for role in &documents {
        let name = &role["metadata"]["name"];
        let of = match role["kind"].as_str() {
            Some("ClusterRole") if bound.contains(&name) => "cluster",
            Some("ClusterRole") => "granted",
            Some("Role") => "own",
            _ => continue,
        };
        let part = name.as_str().and_then(|name| name.strip_prefix(ROLES_PREFIX));
        let part = part.with_context(|| format!("a role in {ROLES} is not called {ROLES_PREFIX}PART"))?;
        roles.entry(of).or_default().insert(part, &role["rules"]);
    }
    let text = serde_yaml_ng::to_string(&roles).context("rules are YAML")?;
    Ok(format!("# A copy of the rules in {ROLES}, by `cargo xtask manifests`.\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_apart_by_who_has_them() {
        let text = "kind: ServiceAccount\nmetadata: { name: muster-operator }\n---\n\
                    kind: ClusterRole\nmetadata: { name: muster-operator-regions }\nrules: [{ verbs: [get] }]\n---\n\
                    kind: ClusterRoleBinding\nroleRef: { name: muster-operator-regions }\n---\n\
                    kind: ClusterRole\nmetadata: { name: muster-operator-secrets }\nrules: [{ verbs: [create] }]\n---\n\
                    kind: Role\nmetadata: { name: muster-operator-lease }\nrules: [{ verbs: [patch] }]\n";
        let roles: Value = serde_yaml_ng::from_str(&roles(text).unwrap()).unwrap();
        for (of, part, verb) in
            [("cluster", "regions", "get"), ("granted", "secrets", "create"), ("own", "lease", "patch")]
        {
            assert_eq!(roles[of].as_mapping().unwrap().len(), 1, "{of}");
            assert_eq!(roles[of][part][0]["verbs"][0], verb);
        }
        assert!(super::roles("kind: Role\nmetadata: { name: other }\n").is_err());
    }
}
