//! The Helm chart's generated files: copies of what is kept elsewhere, and plain manifests rendered from it.
//!
//! * [`copies`]: definitions, roles, alerts and dashboards, which a chart has to have in its own folder.
//! * [`chart`]: a chart, and what becomes of it with some values. [`values`]: those, and their schema. [`functions`]: what its
//!   templates may call.
//! * [`settings`]: whether the programs take the settings that the rendered processes have.

mod chart;
mod copies;
mod functions;
mod settings;
mod values;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{files, paths::Paths, schemas::first_difference, steps::Steps};
use chart::Chart;

pub use settings::refused;

/// The chart, in the workspace.
const CHART: &str = "ops/deploy/helm/muster";
/// Where what is rendered from it lies.
const MANIFESTS: &str = "ops/deploy/manifests";
/// Release and namespace of what is rendered.
const RELEASE: &str = "muster";

/// Generated files by their path in the workspace.
type Generated = BTreeMap<PathBuf, String>;

/// Writes what has changed and removes what is not generated any more.
pub fn write(paths: &Paths) -> Result<()> {
    let steps = Steps::new();
    steps.step("manifests", |step| {
        let wanted = generate(&paths.workspace)?;
        let mut changed = 0;
        for (file, text) in &wanted {
            changed += usize::from(files::write_if_changed(&paths.workspace.join(file), text.as_bytes())?);
        }
        for file in left_over(&paths.workspace, &wanted)? {
            files::remove(&paths.workspace.join(file))?;
            changed += 1;
        }
        step.detail(format!("{} files, {changed} changed", wanted.len()));
        Ok(())
    })
}

/// The committed files that differ from what would be written.
pub fn differences(workspace: &Path) -> Result<Vec<String>> {
    let wanted = generate(workspace)?;
    let mut found = Vec::new();
    for (file, fresh) in &wanted {
        let name = file.display();
        match fs::read_to_string(workspace.join(file)) {
            Ok(committed) if committed == *fresh => {}
            Ok(committed) => {
                found.push(format!("{name} is not what it should be: {}", first_difference(&committed, fresh)))
            }
            Err(_) => found.push(format!("{name} is not there")),
        }
    }
    let left_over = left_over(workspace, &wanted)?;
    found.extend(left_over.iter().map(|file| format!("{} should not be there any more", file.display())));
    Ok(found)
}

/// Everything as it should be.
fn generate(workspace: &Path) -> Result<Generated> {
    let mut generated = copies::of(workspace)?;
    for (name, text) in renderings(workspace, &generated)? {
        generated.insert(Path::new(MANIFESTS).join(format!("{name}.yaml")), text);
    }
    Ok(generated)
}

/// The chart with its own values, and with each file of `ci/`.
fn renderings(workspace: &Path, copies: &Generated) -> Result<BTreeMap<String, String>> {
    let folder = workspace.join(CHART);
    let mut chart = Chart::load(&folder)?;
    for (file, text) in copies {
        if let Ok(inside) = file.strip_prefix(CHART) {
            chart.replace_file(inside, text);
        }
    }
    let mut renderings = BTreeMap::new();
    renderings.insert("defaults".to_owned(), with_namespace(&chart.render(&serde_json::json!({}), RELEASE, RELEASE)?));
    for file in in_folder(&folder.join("ci"))? {
        let name = file.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix("-values.yaml"));
        let name = name.with_context(|| format!("{} should be called NAME-values.yaml", file.display()))?;
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let values = serde_yaml_ng::from_str(&text).with_context(|| format!("{} is not YAML", file.display()))?;
        let text = chart.render(&values, RELEASE, RELEASE).with_context(|| format!("with ci/{name}-values.yaml"))?;
        renderings.insert(name.to_owned(), with_namespace(&text));
    }
    Ok(renderings)
}

/// Helm makes the namespace itself; `kubectl apply` does not. Nothing that runs in it needs more than `restricted` allows.
fn with_namespace(text: &str) -> String {
    format!(
        "# Rendered from ops/deploy/helm/muster by `cargo xtask manifests`.\n\
         apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {RELEASE}\n  \
         labels: {{ pod-security.kubernetes.io/enforce: restricted }}\n{text}"
    )
}

/// What lies in the folders that hold generated files only, and is not generated.
fn left_over(workspace: &Path, wanted: &Generated) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in copies::FOLDERS.into_iter().map(|folder| Path::new(CHART).join(folder)).chain([MANIFESTS.into()]) {
        for file in in_folder(&workspace.join(folder))? {
            let file = file.strip_prefix(workspace).context("a file of the workspace lies in it")?.to_owned();
            if !wanted.contains_key(&file) {
                found.push(file);
            }
        }
    }
    Ok(found)
}

/// The files in a folder by name; none when it is not there.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}
