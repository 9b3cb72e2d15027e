//! Every alert has its runbook and its tests; alerts and dashboards ask only for metrics that some process exports.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_yaml_ng::Value;

const SECTIONS: [&str; 4] = ["Meaning", "Impact", "Diagnosis", "Mitigation"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the operator lies in the workspace").to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_yaml_ng::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn alerts() -> Vec<Value> {
    let rules = yaml("ops/alerts/muster.rules.yaml");
    let groups = rules["groups"].as_sequence().expect("groups").iter();
    groups.flat_map(|group| group["rules"].as_sequence().expect("rules").clone()).collect()
}

fn name(alert: &Value) -> &str {
    alert["alert"].as_str().expect("each rule is an alert")
}

/// The text below `## heading`, up to the next heading.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let (_, after) = page.split_once(&format!("\n## {heading}\n"))?;
    Some(after.split("\n## ").next().unwrap_or(after).trim())
}

#[test]
fn alerts_say_what_is_wrong_and_what_to_do() {
    for alert in alerts() {
        let name = name(&alert);
        for annotation in ["summary", "description"] {
            assert!(alert["annotations"][annotation].is_string(), "{name} has no {annotation}");
        }
        let severity = alert["labels"]["severity"].as_str().unwrap_or_default();
        assert!(["critical", "warning"].contains(&severity), "{name} has the severity {severity:?}");
        assert_eq!(alert["annotations"]["runbook_url"], format!("runbooks/{name}.md"), "{name}");
    }
}

#[test]
fn every_alert_has_a_whole_runbook() {
    let index = read("runbooks/README.md");
    for alert in alerts() {
        let name = name(&alert);
        let page = read(&format!("runbooks/{name}.md"));
        assert!(page.starts_with(&format!("# {name}\n")), "{name}: the page begins with its name");
        for heading in SECTIONS {
            let text = section(&page, heading).unwrap_or_else(|| panic!("{name}: no section {heading}"));
            assert!(text.split_whitespace().count() >= 15, "{name}: {heading} says too little");
        }
        assert!(
            section(&page, "Diagnosis").is_some_and(|text| text.contains("```")),
            "{name}: no command in Diagnosis"
        );
        assert!(index.contains(&format!("({name}.md)")), "{name} is not in runbooks/README.md");
    }
}

#[test]
fn every_runbook_of_an_alert_has_its_alert() {
    let alerts: BTreeSet<String> = alerts().iter().map(|alert| name(alert).to_owned()).collect();
    for entry in fs::read_dir(root().join("runbooks")).expect("runbooks/") {
        let path = entry.expect("an entry of runbooks/").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert!(!stem.starts_with("Muster") || alerts.contains(stem), "{stem}.md belongs to no alert");
    }
}

#[test]
fn every_alert_is_tested_to_fire_and_to_be_silent() {
    let tests = yaml("ops/alerts/muster.test.yaml");
    let cases: Vec<&Value> = tests["tests"]
        .as_sequence()
        .expect("tests")
        .iter()
        .flat_map(|test| test["alert_rule_test"].as_sequence().expect("alert_rule_test"))
        .collect();
    for alert in alerts() {
        let expected = |fires: bool| {
            cases.iter().any(|case| {
                case["alertname"] == alert["alert"]
                    && case["exp_alerts"].as_sequence().is_some_and(|alerts| alerts.is_empty() != fires)
            })
        };
        assert!(expected(true), "{} is never tested to fire", name(&alert));
        assert!(expected(false), "{} is never tested to be silent", name(&alert));
    }
}

#[test]
fn only_metrics_that_are_exported_are_asked_for() {
    let sources = sources();
    for file in ["ops/alerts/muster.rules.yaml", "ops/grafana/muster-overview.json"] {
        for metric in metrics(&read(file)) {
            assert!(sources.contains(&format!("\"{metric}\"")), "{file} asks for {metric}, which nothing exports");
        }
    }
}

/// The metrics of this house that a file names, without what a histogram appends.
fn metrics(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_lowercase() && c != '_')
        .filter(|word| word.starts_with("muster_"))
        .map(|word| {
            ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
        })
        .collect()
}

/// All of the processes' source in one text.
fn sources() -> String {
    let mut text = String::new();
    let mut folders: Vec<PathBuf> =
        ["platform/runtime/src", "platform/server/src", "graphql/src", "dashboard/server/src", "retention/src"]
            .map(|folder| root().join(folder))
            .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a directory entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(&path).expect("a source file"));
            }
        }
    }
    text
}
