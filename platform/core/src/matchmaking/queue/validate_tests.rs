use serde_json::{Value, json};

use super::super::{Acceptance, ExpansionStep, Filter, PropertyKind, Role, SizeRange, WindowStep, shipped_queues};
use super::*;

fn duel() -> QueueDefinition {
    shipped_queues().into_iter().find(|queue| queue.name == "classic-ranked").unwrap()
}

/// Everything that a queue can say.
fn raid() -> Value {
    json!({
        "name": "raid", "version": 3, "ranked": false,
        "teams": { "count": 2, "size": { "min": 5, "max": 5 } },
        "roles": [{ "name": "tank", "count": 1 }, { "name": "healer", "count": 1 }, { "name": "damage", "count": 3 }],
        "rating_window": { "start": 100, "steps": [{ "after_secs": 10, "window": 200 }, { "after_secs": 20, "window": null }] },
        "regions": [
            { "name": "us-east", "group": "america", "latency": { "start_ms": 60, "steps": [{ "after_secs": 5, "max_ms": 90 }] } },
            { "name": "us-west", "group": "america" },
            { "name": "asia" }
        ],
        "party": { "max_size": 3, "rating": "max", "alike_first_secs": 15 },
        "properties": { "build": "string", "level": "number" },
        "filters": [
            { "name": "same-build", "rule": "self.build == other.build" },
            { "name": "level", "rule": "abs(self.level - other.level) <= 10" }
        ],
        "avoid_recent_opponents_secs": 600,
        "expansion": [
            { "after_secs": 20, "drop_filters": ["level"] },
            { "after_secs": 40, "recent_opponents": true }
        ],
        "acceptance": { "within_secs": 20 },
        "backfill": true,
        "max_wait_secs": 300,
        "servers": { "pick": "emptiest", "build": "1.4.2", "labels": { "class": "large" } }
    })
}

fn with(change: impl FnOnce(&mut Value)) -> Result<QueueDefinition, InvalidQueue> {
    let mut value = raid();
    change(&mut value);
    QueueDefinition::from_json(&value)
}

fn faults(result: Result<impl fmt::Debug, InvalidQueue>) -> Vec<(String, String)> {
    result.unwrap_err().0.into_iter().map(|fault| (fault.path, fault.message)).collect()
}

fn paths(change: impl FnOnce(&mut Value)) -> Vec<String> {
    faults(with(change)).into_iter().map(|(path, _)| path).collect()
}

#[test]
fn everything_that_a_queue_can_say_is_kept() {
    let queue = with(|_| ()).unwrap();
    assert_eq!(serde_json::to_value(&queue).unwrap()["expansion"][0]["drop_filters"], json!(["level"]));
    let again = QueueDefinition::from_json(&serde_json::to_value(&queue).unwrap()).unwrap();
    assert_eq!(again, queue);
    assert_eq!((queue.groups(), queue.max_party()), (vec!["america", "all"], 3));
    for queue in shipped_queues() {
        assert_eq!(QueueDefinition::from_json(&serde_json::to_value(&queue).unwrap()), Ok(queue));
    }
}

#[test]
fn definitions_of_the_first_version_still_read() {
    let queue = QueueDefinition::from_json(&json!({
        "name": "classic-ranked", "version": 2, "mode": "classic", "ranked": true,
        "rating_window": { "start": 50, "steps": [{ "after_secs": 10, "window": null }] },
        "max_wait_secs": 90
    }))
    .unwrap();
    assert_eq!(queue.rating_window.steps, [WindowStep { after_secs: 10, window: None }]);
    assert_eq!((queue.teams, queue.max_party(), queue.groups()), (Default::default(), 1, vec!["all"]));
    assert!(queue.regions.is_empty() && queue.filters.is_empty() && queue.acceptance.is_none() && !queue.backfill);
    let casual = json!({
        "name": "classic-casual", "version": 1, "mode": "classic", "ranked": false,
        "rating_window": { "start": null, "steps": [] }
    });
    let casual: QueueDefinition = serde_json::from_value(casual).unwrap();
    assert_eq!((casual.rating_window, casual.max_wait_secs), (RatingWindow::any(), None));
}

#[test]
fn a_field_that_cannot_be_read_is_told_by_its_path() {
    let one = |change: fn(&mut Value)| faults(with(change)).remove(0);
    assert_eq!(one(|queue| queue["teams"]["size"]["max"] = json!("five")).0, "teams.size.max");
    assert_eq!(
        one(|queue| queue["teams"]["size"]["max"] = json!(300)).1,
        "invalid value: integer `300`, expected a whole number from 0 to 255"
    );
    assert_eq!(
        one(|queue| queue["regions"][0]["latency"]["steps"][0]["max_ms"] = json!(-1)),
        (
            "regions[0].latency.steps[0].max_ms".into(),
            "invalid value: integer `-1`, expected a whole number from 0 to 65535".into()
        )
    );
    assert_eq!(
        one(|queue| drop(queue["teams"].as_object_mut().unwrap().remove("count"))),
        ("teams.count".into(), "is required".into())
    );
    assert_eq!(one(|queue| drop(queue.as_object_mut().unwrap().remove("name"))), ("name".into(), "is required".into()));
    let (path, message) = one(|queue| queue["max_wait"] = json!(3));
    assert!(path == "max_wait" && message.starts_with("is not known; known are `name`"), "{path}: {message}");
    let (path, message) = one(|queue| queue["regions"][1]["lag"] = json!(3));
    assert_eq!(
        (path.as_str(), message.as_str()),
        ("regions[1].lag", "is not known; known are `name`, `group`, `latency`")
    );
    let (path, message) = one(|queue| queue["mode"] = json!("chess"));
    assert!(path == "mode" && message.contains("`quickfire`"), "{path}: {message}");
    assert_eq!(one(|queue| queue["properties"]["level"] = json!("float")).0, "properties.level");
    assert_eq!(faults(QueueDefinition::from_json(&json!([]))).len(), 1);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let mut queue = duel();
    queue.name = "Classic".into();
    queue.version = 0;
    queue.max_wait_secs = Some(0);
    queue.rating_window.steps[1].after_secs = 10;
    queue.rating_window.steps[0].window = Some(99);
    queue.acceptance = Some(Acceptance { within_secs: 2 });
    let invalid = queue.validate().unwrap_err();
    assert_eq!(
        invalid.to_string(),
        "name: has to be 1 to 64 of a-z, 0-9 and `-`; version: has to be at least 1; \
         rating_window.steps[0].window: has to be at least 100, as before it, or null for any; \
         rating_window.steps[1].after_secs: has to be later than the step before it; \
         acceptance.within_secs: has to be 3 to 120; max_wait_secs: has to be at least 1, or absent"
    );
}

#[test]
fn names_are_short_plain_and_single() {
    assert_eq!(paths(|queue| queue["name"] = json!("")), ["name"]);
    assert_eq!(paths(|queue| queue["name"] = json!("x".repeat(65))), ["name"]);
    assert_eq!(paths(|queue| queue["roles"][1]["name"] = json!("tank")), ["roles[1].name"]);
    assert_eq!(paths(|queue| queue["roles"][1]["name"] = json!("Healer")), ["roles[1].name"]);
    assert_eq!(paths(|queue| queue["regions"][2]["name"] = json!("us-east")), ["regions[2].name"]);
    assert_eq!(paths(|queue| queue["regions"][2]["name"] = json!("x".repeat(33))), ["regions[2].name"]);
    assert_eq!(paths(|queue| queue["regions"][0]["group"] = json!("")), ["regions[0].group"]);
    assert_eq!(
        paths(|queue| queue["filters"][1]["name"] = json!("same-build")),
        ["filters[1].name", "expansion[0].drop_filters[0]"]
    );
    for name in ["", "Level", "my-level", "9lives", "é"] {
        assert_eq!(paths(|queue| queue["properties"][name] = json!("number")), [format!("properties.{name}")]);
    }
}

#[test]
fn teams_and_roles_add_up() {
    let teams = |count, min, max| {
        paths(move |queue| {
            queue["teams"] = json!({ "count": count, "size": { "min": min, "max": max } });
            queue["roles"] = json!([]);
            queue["party"] = json!({});
        })
    };
    assert_eq!(teams(0, 1, 1), ["teams.count"]);
    assert_eq!(teams(17, 1, 1), ["teams.count"]);
    assert_eq!(teams(2, 0, 1), ["teams.size.min"]);
    assert_eq!(teams(2, 1, 17), ["teams.size.max"]);
    assert_eq!(teams(2, 3, 2), ["teams.size.max"]);
    assert_eq!(teams(9, 15, 15), ["teams"]);
    assert_eq!(teams(1, 1, 4), ["teams.size.min"]);
    assert_eq!(paths(|queue| queue["roles"][2]["count"] = json!(2)), ["roles"]);
    assert_eq!(paths(|queue| queue["teams"]["size"]["min"] = json!(4)), ["teams.size.min"]);
    assert_eq!(paths(|queue| queue["roles"][0]["count"] = json!(0)), ["roles[0].count", "roles"]);
    let many: Vec<Value> = (0..9).map(|index| json!({ "name": format!("role-{index}"), "count": 1 })).collect();
    assert_eq!(
        paths(|queue| {
            queue["teams"]["size"] = json!({ "min": 9, "max": 9 });
            queue["roles"] = json!(many);
        }),
        ["roles"]
    );
    assert_eq!(paths(|queue| queue["party"]["max_size"] = json!(6)), ["party.max_size"]);
    assert_eq!(paths(|queue| queue["party"]["max_size"] = json!(0)), ["party.max_size"]);
    assert_eq!(paths(|queue| queue["party"]["alike_first_secs"] = json!(0)), ["party.alike_first_secs"]);
    let largest = with(|queue| {
        queue["teams"] = json!({ "count": 8, "size": { "min": 1, "max": 16 } });
        queue["roles"] = json!([]);
    });
    assert!(largest.is_ok());
}

#[test]
fn steps_are_later_and_no_narrower() {
    let steps = |steps: Value| paths(|queue| queue["rating_window"] = json!({ "start": 100, "steps": steps }));
    assert_eq!(steps(json!([{ "after_secs": 5, "window": 99 }])), ["rating_window.steps[0].window"]);
    assert_eq!(
        steps(json!([{ "after_secs": 5, "window": null }, { "after_secs": 9, "window": 100 }])),
        ["rating_window.steps[1].window"]
    );
    assert_eq!(
        steps(json!([{ "after_secs": 5, "window": 100 }, { "after_secs": 5, "window": 100 }])),
        ["rating_window.steps[1].after_secs"]
    );
    let many: Vec<Value> = (0..17).map(|after| json!({ "after_secs": after, "window": null })).collect();
    assert_eq!(steps(json!(many)), ["rating_window.steps"]);
    assert_eq!(
        paths(|queue| queue["rating_window"] = json!({ "start": null, "steps": [{ "after_secs": 5, "window": 5 }] })),
        ["rating_window.steps[0].window"]
    );
    assert_eq!(
        paths(|queue| queue["regions"][0]["latency"]["steps"][0]["max_ms"] = json!(59)),
        ["regions[0].latency.steps[0].max_ms"]
    );
    assert_eq!(paths(|queue| queue["avoid_recent_opponents_secs"] = json!(86_401)), ["avoid_recent_opponents_secs"]);
    assert_eq!(paths(|queue| queue["acceptance"]["within_secs"] = json!(121)), ["acceptance.within_secs"]);
}

#[test]
fn lists_are_bounded() {
    let regions: Vec<Value> = (0..17).map(|index| json!({ "name": format!("region-{index}") })).collect();
    assert_eq!(paths(|queue| queue["regions"] = json!(regions)), ["regions"]);
    let filters: Vec<Value> =
        (0..9).map(|index| json!({ "name": format!("filter-{index}"), "rule": "1 == 1" })).collect();
    assert_eq!(
        paths(|queue| {
            queue["filters"] = json!(filters);
            queue["expansion"] = json!([]);
        }),
        ["filters"]
    );
    let mut queue = duel();
    queue.properties = (0..17).map(|index| (format!("p{index}"), PropertyKind::Number)).collect();
    assert_eq!(faults(queue.validate())[0].0, "properties");
}

#[test]
fn rules_are_read_at_once() {
    let faults = faults(with(|queue| {
        queue["filters"][0]["rule"] = json!("self.build = other.build");
        queue["filters"][1]["rule"] = json!("abs(self.lvl - other.lvl) <= 10");
    }));
    let told: Vec<(&str, &str)> = faults.iter().map(|(path, message)| (path.as_str(), message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("filters[0].rule", "at character 12: expected an operator or the end, found `=`"),
            ("filters[1].rule", "at character 5: `self.lvl` is not declared: `properties` has `build`, `level`"),
            ("filters[1].rule", "at character 16: `other.lvl` is not declared: `properties` has `build`, `level`"),
        ]
    );
}

#[test]
fn an_expansion_gives_up_what_is_there() {
    let step = |step: Value| paths(|queue| queue["expansion"] = json!([step]));
    assert_eq!(step(json!({ "after_secs": 5 })), ["expansion[0]"]);
    assert_eq!(step(json!({ "after_secs": 5, "drop_filters": ["level", "luck"] })), ["expansion[0].drop_filters[1]"]);
    assert_eq!(step(json!({ "after_secs": 5, "drop_filters": ["level", "level"] })), ["expansion[0].drop_filters[1]"]);
    assert_eq!(step(json!({ "after_secs": 5, "min_team_size": 4 })), ["expansion[0].min_team_size"]);
    assert_eq!(paths(|queue| queue["expansion"][1]["after_secs"] = json!(20)), ["expansion[1].after_secs"]);
    assert_eq!(
        paths(|queue| drop(queue.as_object_mut().unwrap().remove("avoid_recent_opponents_secs"))),
        ["expansion[1].recent_opponents"]
    );
    let many: Vec<Value> = (0..17).map(|after| json!({ "after_secs": after, "recent_opponents": true })).collect();
    assert_eq!(paths(|queue| queue["expansion"] = json!(many)), ["expansion"]);

    let mut queue = with(|queue| queue["roles"] = json!([])).unwrap();
    queue.teams.size = SizeRange { min: 4, max: 5 };
    let sizes = |sizes: [u8; 2]| {
        let mut queue = queue.clone();
        queue.expansion = sizes
            .into_iter()
            .zip([10, 20])
            .map(|(min, after_secs)| ExpansionStep { after_secs, min_team_size: Some(min), ..ExpansionStep::default() })
            .collect();
        queue.validate().map_err(|invalid| invalid.0[0].path.clone())
    };
    assert_eq!(sizes([3, 2]), Ok(()));
    assert_eq!(sizes([4, 2]), Err("expansion[0].min_team_size".into()));
    assert_eq!(sizes([3, 3]), Err("expansion[1].min_team_size".into()));
    assert_eq!(sizes([3, 0]), Err("expansion[1].min_team_size".into()));
}

#[test]
fn the_built_in_game_is_a_duel() {
    let mut queue = duel();
    queue.teams.count = 4;
    queue.backfill = true;
    queue.servers = Some(Default::default());
    queue.roles = vec![Role { name: "roller".into(), count: 1 }];
    queue.filters = vec![Filter { name: "any".into(), rule: "1 == 1".into() }];
    let told: Vec<String> = faults(queue.validate()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(told, ["teams", "roles", "backfill", "servers"]);
    queue.mode = None;
    assert_eq!(queue.validate(), Ok(()));
}

#[test]
fn what_a_queue_asks_of_servers_is_short_and_printable() {
    for (servers, path) in [
        (json!({ "build": "" }), "servers.build"),
        (json!({ "build": "x".repeat(65) }), "servers.build"),
        (json!({ "labels": { "": "large" } }), "servers.labels"),
        (json!({ "labels": { "class": "a\nb" } }), "servers.labels"),
        (
            json!({ "labels": (0..17).map(|n| (n.to_string(), json!("v"))).collect::<serde_json::Map<_, _>>() }),
            "servers.labels",
        ),
        (json!({ "pick": "any" }), "servers.pick"),
        (json!({ "zone": "a" }), "servers.zone"),
    ] {
        let faults = with(|queue| queue["servers"] = servers.clone()).unwrap_err().0;
        assert!(faults[0].path.starts_with(path), "{servers}: {faults:?}");
    }
    assert!(with(|queue| queue["servers"] = json!({})).is_ok());
}
