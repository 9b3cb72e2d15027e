use super::*;

fn region(spec: Value) -> Region {
    serde_json::from_value(json!({
        "apiVersion": "muster.dev/v1alpha1", "kind": "Region",
        "metadata": { "name": "eu-west", "namespace": "games", "uid": "u" },
        "spec": spec,
    }))
    .unwrap()
}

fn two_roles() -> Region {
    region(json!({
        "image": "muster-server:1", "replicas": 2,
        "roles": [{ "name": "gateway", "replicas": 3 }, { "name": "matchmaker" }],
        "database": { "secret": "db", "key": "url" },
    }))
}

fn find(objects: &[Object], kind: Kind, name: &str) -> Value {
    let found = objects.iter().find(|object| object.kind == kind && object.name == name);
    found.unwrap_or_else(|| panic!("{kind:?} {name} is not among {objects:?}")).manifest.clone()
}

#[test]
fn a_role_has_as_many_processes_as_it_says_or_the_region_does() {
    let objects = wanted(&two_roles(), Phase::Serving, false);
    assert_eq!(find(&objects, Kind::Deployment, "eu-west-gateway")["spec"]["replicas"], 3);
    assert_eq!(find(&objects, Kind::Deployment, "eu-west-matchmaker")["spec"]["replicas"], 2);
}

#[test]
fn a_closing_region_takes_nobody_and_makes_no_matches() {
    let objects = wanted(&two_roles(), Phase::Closing, false);
    assert_eq!(find(&objects, Kind::Deployment, "eu-west-gateway")["spec"]["replicas"], 3);
    assert_eq!(find(&objects, Kind::Deployment, "eu-west-matchmaker")["spec"]["replicas"], 0);
    assert_eq!(find(&objects, Kind::Service, "eu-west")["spec"]["selector"][ROLE], "closed");
}

#[test]
fn a_process_has_time_to_drain() {
    let objects = wanted(&two_roles(), Phase::Serving, false);
    let deployment = find(&objects, Kind::Deployment, "eu-west-gateway");
    assert_eq!(deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let pod = &deployment["spec"]["template"]["spec"];
    let leaving = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap();
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > leaving + 25);
}

#[test]
fn the_digest_changes_with_what_is_wanted_and_not_with_the_count() {
    let digest_of = |region: &Region, phase| {
        find(&wanted(region, phase, false), Kind::Deployment, "eu-west-matchmaker")["metadata"]["annotations"][WANTED]
            .clone()
    };
    let before = two_roles();
    let mut after = two_roles();
    after.spec.image = "muster-server:2".to_owned();
    assert_eq!(digest_of(&before, Phase::Serving), digest_of(&before, Phase::Stopped));
    assert_ne!(digest_of(&before, Phase::Serving), digest_of(&after, Phase::Serving));
}

#[test]
fn processes_are_left_as_they_are_until_the_window_opens() {
    let mut after = two_roles();
    after.spec.image = "muster-server:2".to_owned();
    let there = find(&wanted(&two_roles(), Phase::Serving, false), Kind::Deployment, "eu-west-gateway");
    let mut held: Vec<_> = wanted(&after, Phase::Stopped, false);
    let held =
        held.iter_mut().find(|object| object.name == "eu-west-gateway" && object.kind == Kind::Deployment).unwrap();
    assert!(keep_template(held, &there));
    assert_eq!(held.manifest["spec"]["template"], there["spec"]["template"]);
    assert_eq!(held.manifest["metadata"], there["metadata"], "and so it is as it was, but for the count");
    assert_eq!(held.manifest["spec"]["replicas"], 0);
    assert!(!keep_template(held, &there));
}

#[test]
fn what_a_role_leaves_behind_is_unwanted() {
    let region = two_roles();
    let gone = unwanted(&region, &wanted(&region, Phase::Serving, false));
    assert!(gone.contains(&(Kind::Deployment, "eu-west-writer".to_owned())));
    assert!(!gone.iter().any(|(_, name)| name == "eu-west-gateway" || name == "eu-west"));
}

#[test]
fn monitors_are_wanted_only_where_they_are_known() {
    let kinds =
        |monitors| wanted(&two_roles(), Phase::Serving, monitors).iter().filter(|o| o.kind == Kind::PodMonitor).count();
    assert_eq!((kinds(false), kinds(true)), (0, 1));
}

#[test]
fn processes_are_told_their_region_and_queues_as_the_platform_knows_them() {
    let mut region = two_roles();
    let settings = |region: &Region| {
        let map = find(&wanted(region, Phase::Serving, false), Kind::ConfigMap, "eu-west");
        map["data"]["muster.toml"].as_str().unwrap().to_owned()
    };
    assert!(settings(&region).ends_with("[referee]\nregion = \"eu-west\"\n"), "{}", settings(&region));
    region.spec.queues = vec!["classic-ranked".to_owned(), "siege".to_owned()];
    let platform = json!({ "url": "https://play.example.com", "key": { "secret": "s", "key": "k" }, "region": "eu" });
    region.spec.platform = Some(serde_json::from_value(platform).unwrap());
    let told = "[referee]\nregion = \"eu\"\n\n[matchmaker]\nqueues = [\"classic-ranked\",\"siege\"]\n";
    assert!(settings(&region).ends_with(told), "{}", settings(&region));
}
