use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn chart() -> Chart {
    Chart::load(&workspace().join(super::super::CHART)).unwrap()
}

/// The manifests of a release `blue` in the namespace `games`.
fn rendered(values: &str) -> Result<Vec<Value>> {
    let values: Value = serde_yaml_ng::from_str(values)?;
    documents(&chart().render(&values, "blue", "games")?)
}

fn refusal(values: &str) -> String {
    format!("{:#}", rendered(values).expect_err(values))
}

fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    manifests.iter().filter(|manifest| manifest["kind"] == kind).collect()
}

fn named<'a>(manifests: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = of_kind(manifests, kind).into_iter().find(|manifest| manifest["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// The chart's own values, and every file of `ci/`.
fn every_rendering() -> BTreeMap<String, Vec<Value>> {
    let renderings = super::super::renderings(workspace(), &super::super::copies::of(workspace()).unwrap()).unwrap();
    renderings.into_iter().map(|(name, text)| (name, documents(&text).unwrap())).collect()
}

fn pods(manifests: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    manifests.iter().filter(|manifest| manifest["spec"]["template"].is_object()).map(|m| (m, &m["spec"]["template"]))
}

#[test]
fn every_manifest_has_a_name_of_its_own_and_no_hole() {
    for (rendering, manifests) in every_rendering() {
        let mut seen = BTreeSet::new();
        for manifest in &manifests {
            let metadata = &manifest["metadata"];
            let key =
                [&manifest["kind"], &metadata["namespace"], &metadata["name"]].map(|part| part.as_str().unwrap_or(""));
            assert!(!key[0].is_empty() && !key[2].is_empty(), "{rendering}: {manifest}");
            assert!(seen.insert(key), "{rendering}: {key:?} is there twice");
            assert!(!manifest.to_string().contains("<no value>"), "{rendering}: {manifest}");
        }
    }
    assert_eq!(every_rendering()["nothing"].len(), 2, "a namespace and an account");
}

#[test]
fn the_chart_has_the_version_of_the_workspace() {
    let chart = chart();
    assert_eq!(chart.about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart.about["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn processes_may_do_what_the_standard_restricted_allows() {
    let mut seen = 0;
    for (rendering, manifests) in every_rendering() {
        for (manifest, template) in pods(&manifests) {
            let (pod, name) = (&template["spec"], &manifest["metadata"]["name"]);
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{rendering} {name}");
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{rendering} {name}");
            for container in pod["containers"].as_array().unwrap() {
                let security = &container["securityContext"];
                assert_eq!(security["allowPrivilegeEscalation"], false, "{rendering} {name}");
                assert_eq!(security["readOnlyRootFilesystem"], true, "{rendering} {name}");
                assert_eq!(security["capabilities"]["drop"][0], "ALL", "{rendering} {name}");
                assert!(container["resources"]["limits"]["memory"].is_string(), "{rendering} {name}");
                seen += 1;
            }
            let operator = template["metadata"]["labels"]["app.kubernetes.io/component"] == "operator";
            assert_eq!(
                pod["automountServiceAccountToken"], operator,
                "{rendering} {name}: only the operator has a token"
            );
        }
    }
    assert!(seen > 15, "{seen}");
}

/// What one object says of another by labels or names is so.
#[test]
fn selectors_and_names_find_what_they_mean() {
    for (rendering, manifests) in every_rendering() {
        let finds = |selector: &Value| {
            let selector = selector.as_object().expect("a selector");
            let fits = |labels: &Value| selector.iter().all(|(key, value)| labels[key] == *value);
            pods(&manifests).any(|(_, template)| fits(&template["metadata"]["labels"]))
        };
        for manifest in &manifests {
            let (kind, name, spec) =
                (manifest["kind"].as_str().unwrap(), &manifest["metadata"]["name"], &manifest["spec"]);
            let selector = match kind {
                "Service" => &spec["selector"],
                "Deployment" | "PodDisruptionBudget" => &spec["selector"]["matchLabels"],
                "NetworkPolicy" => &spec["podSelector"]["matchLabels"],
                "PodMonitor" => &spec["selector"]["matchLabels"],
                _ => continue,
            };
            assert!(finds(selector), "{rendering}: {kind} {name} chooses nothing");
            if kind == "Deployment" {
                named(&manifests, "ServiceAccount", spec["template"]["spec"]["serviceAccountName"].as_str().unwrap());
            }
        }
    }
    let manifests = rendered("{}").unwrap();
    let url = env(named(&manifests, "Deployment", "blue-muster-dashboard"), "MUSTER__GRAPHQL__URL").to_string();
    named(&manifests, "Service", "blue-muster-graphql");
    assert_eq!(url, "\"http://blue-muster-graphql:7410/graphql\"");
}

fn env<'a>(deployment: &'a Value, name: &str) -> &'a Value {
    let env = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    env.iter().find(|variable| variable["name"] == name).map_or(&Value::Null, |variable| &variable["value"])
}

#[test]
fn a_process_gets_time_to_drain_and_its_settings() {
    let manifests = rendered(
        "drain: { leaving: 7, grace: 100 }\n\
         server: { env: { A__B: all, A__C: all }, roles: { gateway: { env: { A__B: own }, replicas: null } } }",
    );
    let manifests = manifests.unwrap();
    let gateway = named(&manifests, "Deployment", "blue-muster-gateway");
    assert_eq!(gateway["spec"].get("replicas"), None, "somebody else counts");
    assert_eq!(gateway["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], 112);
    let wanted = [
        ("A__B", "own"),
        ("A__C", "all"),
        ("MUSTER__SHUTDOWN__GRACE", "100s"),
        ("MUSTER__SERVER__ROLES", "[\"gateway\"]"),
    ];
    for (name, value) in wanted {
        assert_eq!(env(gateway, name), value, "{name}");
    }
    assert_eq!(env(named(&manifests, "Deployment", "blue-muster-writer"), "A__B"), "all");
    assert_eq!(env(named(&manifests, "Deployment", "blue-muster-graphql"), "A__B"), &Value::Null);
}

#[test]
fn only_those_who_sign_get_the_signing_key() {
    for (rendering, manifests) in every_rendering() {
        for (manifest, template) in pods(&manifests) {
            let component = template["metadata"]["labels"]["app.kubernetes.io/component"].as_str().unwrap();
            let has = template.to_string().contains("MUSTER__AUTH__SIGNING_KEY");
            assert_eq!(
                has,
                ["gateway", "matchmaker"].contains(&component),
                "{rendering} {}",
                manifest["metadata"]["name"]
            );
        }
    }
}

/// The parts of the operator's role that bindings of a kind give, and in which namespaces.
fn given(manifests: &[Value], kind: &str) -> BTreeSet<(String, String)> {
    let bindings = of_kind(manifests, kind).into_iter().map(|binding| {
        let role = binding["roleRef"]["name"].as_str().unwrap().rsplit("operator-").next().unwrap();
        (role.to_owned(), binding["metadata"]["namespace"].as_str().unwrap_or("everywhere").to_owned())
    });
    bindings.collect()
}

#[test]
fn the_operator_may_do_what_the_shipped_roles_say_and_where() {
    let shipped = fs::read_to_string(workspace().join("ops/deploy/operator/rbac.yaml")).unwrap();
    let shipped: Vec<Value> = documents(&shipped).unwrap();
    let rules = |manifests: &[Value]| -> Vec<String> {
        let roles = manifests.iter().filter(|m| m["kind"] == "ClusterRole" || m["kind"] == "Role");
        // Whatever order keys are in.
        let sorted = |rules| functions::json(&functions::value(rules)).unwrap();
        let mut rules: Vec<_> = roles.map(|role| format!("{} {}", role["kind"], sorted(&role["rules"]))).collect();
        rules.sort();
        rules
    };
    let set = |given: &[(&str, &str)]| -> BTreeSet<(String, String)> {
        given.iter().map(|(part, at)| ((*part).to_owned(), (*at).to_owned())).collect()
    };
    let everywhere = rendered("{}").unwrap();
    assert_eq!(rules(&everywhere), rules(&shipped));
    assert_eq!(given(&everywhere, "ClusterRoleBinding"), given(&shipped, "ClusterRoleBinding"));
    assert_eq!(given(&everywhere, "RoleBinding"), set(&[("lease", "games")]));

    let there = rendered("operator: { watchNamespace: eu, secretNamespaces: [eu, us] }").unwrap();
    assert_eq!(rules(&there), rules(&shipped));
    assert_eq!(given(&there, "ClusterRoleBinding"), BTreeSet::new());
    let mut wanted = set(&[("lease", "games"), ("secrets", "eu"), ("secrets", "us")]);
    wanted.extend(given(&shipped, "ClusterRoleBinding").into_iter().map(|(part, _)| (part, "eu".to_owned())));
    assert_eq!(given(&there, "RoleBinding"), wanted);
}

#[test]
fn alerts_name_their_runbooks_where_they_are() {
    let manifests = rendered("monitoring: { rules: { enabled: true, runbooks: 'https://example.com/r/' } }").unwrap();
    let alerts = &of_kind(&manifests, "PrometheusRule")[0]["spec"]["groups"][0]["rules"];
    assert!(alerts.as_array().unwrap().len() > 10);
    for alert in alerts.as_array().unwrap() {
        let name = alert["alert"].as_str().unwrap();
        assert_eq!(alert["annotations"]["runbook_url"], format!("https://example.com/r/{name}.md"));
    }
}

#[test]
fn wrong_values_are_refused_with_their_path() {
    for (values, path) in [
        ("server: { roles: { gateway: { replicas: many } } }", "server.roles.gateway.replicas: "),
        ("server: { roles: { gateway: { replica: 2 } } }", "server.roles.gateway: "),
        ("server: { roles: { notifier: { replicas: 1 } } }", "server.roles: "),
        (
            "server: { env: { MUSTER__POSTGRES__MAX_CONNECTIONS: 40 } }",
            "server.env.MUSTER__POSTGRES__MAX_CONNECTIONS: ",
        ),
        ("server: { env: { spectators: 'no' } }", "server.env"),
        ("image: { tag: latest }", "image.tag: "),
        ("services: { postgres: { secret: Muster } }", "services.postgres.secret: "),
        ("services: { postgres: { key: null } }", "services.postgres: "),
        ("auth: { secondSigningKey: { secret: a } }", "auth.secondSigningKey: "),
        ("drain: { grace: 601 }", "drain.grace: "),
        ("operator: { watchNamespace: Games }", "operator.watchNamespace: "),
        ("operator: { vault: { address: 'https://root:token@vault' } }", "operator.vault.address: "),
        ("networkPolicies: { players: [{ cidr: 10.0.0.0/8 }] }", "networkPolicies.players.0: "),
        ("dashboards: {}", "(top): "),
    ] {
        let told = refusal(values);
        assert!(told.contains(&format!("  {path}")), "{values} was refused with: {told}");
    }
    rendered("global: { anything: 1 }").expect("what a chart around this one hands down");
}

#[test]
fn what_does_not_go_together_is_told() {
    let told = refusal("operator: { vault: { address: 'https://vault:8200' } }");
    assert!(told.contains("set operator.vault.kubernetesRole or operator.vault.token too"), "{told}");
    let told = refusal("graphql: { env: { A__B: text }, secretEnv: { A__B: { secret: a, key: b } } }");
    assert!(told.contains("A__B is set twice, in env and in secretEnv"), "{told}");
    let by_token = "operator: { vault: { address: 'https://vault:8200', token: { secret: v, key: t } } }";
    assert!(
        named(&rendered(by_token).unwrap(), "Deployment", "blue-muster-operator").to_string().contains("VAULT__TOKEN")
    );
}

#[test]
fn notes_say_what_comes_next() {
    let notes =
        |values: Value| chart().render_each(&values, "muster", "games").unwrap()["muster/templates/NOTES.txt"].clone();
    let all = notes(json!({}));
    assert!(
        all.contains("muster-gateway, port 7400") && all.contains("deploy/muster-graphql -- muster-graphql staff add"),
        "{all}"
    );
    assert!(notes(json!({ "server": { "enabled": false } })).contains("Make a Region"));
}

/// Whoever opens either file finds everything.
#[test]
fn every_value_is_described() {
    let chart = chart();
    undescribed(&chart.schema, &chart.schema, &chart.values, "");
}

fn undescribed(whole: &Value, schema: &Value, value: &Value, path: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(to) => whole.pointer(to.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    assert!(schema["description"].is_string(), "{path} is not described");
    let (Some(known), Some(values)) = (schema["properties"].as_object(), value.as_object()) else { return };
    for (key, schema) in known.iter().filter(|(key, _)| *key != "global") {
        // What is null by default has parts without defaults.
        let default = values.get(key).unwrap_or_else(|| panic!("{path}.{key} has no default"));
        undescribed(whole, schema, default, &format!("{path}.{key}"));
    }
}

#[test]
fn methods_become_functions() {
    let text = "{{ .Files.Get $path }}{{- $root.Files.Get \"a\" | trim }}{{ range .Files.Glob \"a/*\" }}";
    assert_eq!(without_methods(text), "{{ filesGet $path }}{{- filesGet \"a\" | trim }}{{ range filesGlob \"a/*\" }}");
}
