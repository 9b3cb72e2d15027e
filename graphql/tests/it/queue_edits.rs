//! Making queues and changing them: who may, what is refused, and what is kept of it.

use std::time::Duration;

use futures::StreamExt;
use muster_store::{Actor, AuditEntry, AuditOutcome, StaffRole};
use serde_json::{Value, json};

use crate::support::{Api, add_queue, code_of, definition, rules};

const CREATE: &str = "mutation($definition: JSON!, $reason: String!) {
    createQueue(input: { definition: $definition, reason: $reason }) { name version author authorName reason definition } }";

const UPDATE: &str = "mutation($name: String!, $version: Int!, $definition: JSON!, $reason: String!) {
    updateQueue(name: $name, expectedVersion: $version, definition: $definition, reason: $reason) {
        name version author reason definition history { totalCount } } }";

/// A session of somebody who runs the platform.
async fn operator(api: &Api) -> (muster_core::id::StaffId, String) {
    let staff_id = api.add_staff("ops@example.test", StaffRole::Operator).await;
    (staff_id, api.sign_in("ops@example.test").await)
}

async fn audited(api: &Api, action: &str) -> Vec<AuditEntry> {
    let mut entries = api.store().audit.list(None, 50).await.unwrap();
    entries.retain(|entry| entry.entry.action == action);
    entries
}

#[tokio::test]
async fn a_queue_is_made_and_changed_with_reasons_and_audit_entries() {
    let api = Api::start().await;
    let (staff_id, token) = operator(&api).await;
    let mut watch = api.store().queues.watch().await.unwrap();

    let mut wanted = rules("arena");
    wanted.as_object_mut().unwrap().remove("version");
    let data = api.data(&token, CREATE, json!({ "definition": wanted, "reason": "  for the weekend " })).await;
    let made = &data["createQueue"];
    assert_eq!((&made["name"], &made["version"]), (&json!("arena"), &json!(1)));
    assert_eq!((&made["author"], &made["authorName"]), (&json!(staff_id), &json!("The operator")));
    assert_eq!(made["reason"], "for the weekend");
    assert_eq!(definition(&made["definition"]), definition(&rules("arena")));

    // Of a queue that exists, the name and the version may be left out.
    let mut wanted = rules("arena");
    let fields = wanted.as_object_mut().unwrap();
    fields.remove("version");
    fields.remove("name");
    fields.insert("max_wait_secs".to_owned(), json!(90));
    let variables = json!({ "name": "arena", "version": 1, "definition": wanted, "reason": "too few at night" });
    let data = api.data(&token, UPDATE, variables).await;
    let changed = &data["updateQueue"];
    assert_eq!((&changed["version"], &changed["definition"]["max_wait_secs"]), (&json!(2), &json!(90)));
    assert_eq!(changed["history"]["totalCount"], 2);

    for (action, version, reason) in [("queue.create", 1, "for the weekend"), ("queue.change", 2, "too few at night")] {
        let entries = audited(&api, action).await;
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!(entry.entry.actor, Actor::Staff(staff_id));
        assert_eq!(entry.entry.target.as_deref(), Some("arena"));
        assert_eq!(entry.entry.reason.as_deref(), Some(reason));
        assert_eq!(entry.entry.outcome, AuditOutcome::Succeeded);
        assert_eq!(entry.entry.details["version"], version);
    }

    // Every process hears of it.
    let heard = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            let queue = watch.next().await.unwrap();
            if queue.name == "arena" && queue.version == 2 {
                break queue;
            }
        }
    });
    assert_eq!(heard.await.expect("the change is published").max_wait_secs, Some(90));
    api.finish().await;
}

#[tokio::test]
async fn only_who_runs_the_platform_may() {
    let api = Api::start().await;
    add_queue(api.store(), &rules("arena")).await;
    let create = json!({ "definition": rules("brawl"), "reason": "because I can" });
    let update = json!({ "name": "arena", "version": 1, "definition": rules("arena"), "reason": "because I can" });
    for (query, variables) in [(CREATE, &create), (UPDATE, &update)] {
        assert_eq!(api.refusal(None, query, variables.clone()).await, "unauthenticated");
    }
    for role in [StaffRole::Viewer, StaffRole::Support] {
        let email = format!("{role}@example.test");
        let staff_id = api.add_staff(&email, role).await;
        let token = api.sign_in(&email).await;
        for (query, variables) in [(CREATE, &create), (UPDATE, &update)] {
            assert_eq!(api.refusal(Some(&token), query, variables.clone()).await, "forbidden");
        }
        let denied = audited(&api, "queue.change").await;
        let denied: Vec<_> = denied.iter().filter(|entry| entry.entry.actor == Actor::Staff(staff_id)).collect();
        assert_eq!(denied.len(), 2);
        assert!(denied.iter().all(|entry| entry.entry.outcome == AuditOutcome::Denied), "{denied:?}");
        assert_eq!(denied[0].entry.details["permission"], "edit_queues");
    }
    assert_eq!(api.store().queues.list().await.unwrap().len(), 1);

    api.add_staff("admin@example.test", StaffRole::Admin).await;
    let admin = api.sign_in("admin@example.test").await;
    api.data(&admin, CREATE, create).await;
    api.finish().await;
}

#[tokio::test]
async fn a_bad_definition_is_refused_with_the_paths_of_its_fields() {
    let api = Api::start().await;
    let (_, token) = operator(&api).await;
    add_queue(api.store(), &rules("arena")).await;
    let with = |changes: &[(&str, Value)]| {
        let mut rules = rules("arena");
        for (pointer, value) in changes {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            rules.pointer_mut(parent).unwrap()[field] = value.clone();
        }
        rules
    };
    let cases = [
        (with(&[("/max_wait_secs", json!(0))]), vec!["max_wait_secs"]),
        (
            with(&[("/teams/count", json!(0)), ("/regions/1/name", json!("Asia!"))]),
            vec!["teams.count", "regions[1].name"],
        ),
        (with(&[("/teams/size/max", json!("many"))]), vec!["teams.size.max"]),
        (
            with(&[("/regions/0/latency", json!({ "start_ms": 80, "steps": [{ "after_secs": 5, "max_ms": -1 }] }))]),
            vec!["regions[0].latency.steps[0].max_ms"],
        ),
        (with(&[("/name", json!("brawl"))]), vec!["name"]),
    ];
    for (definition, paths) in cases {
        let variables = json!({ "name": "arena", "version": 1, "definition": definition, "reason": "to see" });
        let answer = api.ask(Some(&token), UPDATE, variables).await;
        assert_eq!(code_of(&answer), "invalid_field", "{answer}");
        let errors = answer["errors"][0]["extensions"]["errors"].as_array().unwrap();
        let found: Vec<&str> = errors.iter().map(|error| error["path"].as_str().unwrap()).collect();
        assert_eq!(found, paths, "{answer}");
        assert!(errors.iter().all(|error| !error["message"].as_str().unwrap().is_empty()), "{answer}");
        assert_eq!(answer["data"], Value::Null);
    }
    for definition in [json!("arena"), json!(7), json!(null), json!([]), json!({})] {
        let variables = json!({ "definition": definition, "reason": "to see" });
        let code = api.refusal(Some(&token), CREATE, variables).await;
        assert!(code == "invalid_field" || (code == "bad_input" && definition.is_null()), "{definition}: {code}");
    }
    assert_eq!(api.store().queues.get("arena").await.unwrap().unwrap().version, 1);
    assert!(audited(&api, "queue.change").await.is_empty());
    api.finish().await;
}

#[tokio::test]
async fn a_reason_is_required() {
    let api = Api::start().await;
    let (_, token) = operator(&api).await;
    for reason in ["", "  ", "no", &"x".repeat(501)] {
        let answer = api.ask(Some(&token), CREATE, json!({ "definition": rules("arena"), "reason": reason })).await;
        assert_eq!(code_of(&answer), "invalid_field");
        assert_eq!(answer["errors"][0]["extensions"]["errors"][0]["path"], "reason");
    }
    assert_eq!(api.refusal(Some(&token), CREATE, json!({ "definition": rules("arena") })).await, "bad_input");
    assert!(api.store().queues.list().await.unwrap().is_empty());
    api.finish().await;
}

#[tokio::test]
async fn who_changes_an_older_version_is_told_the_current_one() {
    let api = Api::start().await;
    let (_, token) = operator(&api).await;
    add_queue(api.store(), &rules("arena")).await;
    let update = |version: i32| json!({ "name": "arena", "version": version, "definition": rules("arena"), "reason": "as before" });
    api.data(&token, UPDATE, update(1)).await;
    for stale in [1, 3, i32::MAX] {
        let answer = api.ask(Some(&token), UPDATE, update(stale)).await;
        assert_eq!(code_of(&answer), "version_conflict");
        assert_eq!(answer["errors"][0]["extensions"]["current_version"], 2);
    }
    for nonsense in [0, -1] {
        assert_eq!(api.refusal(Some(&token), UPDATE, update(nonsense)).await, "bad_input");
    }
    let elsewhere = json!({ "name": "brawl", "version": 1, "definition": rules("brawl"), "reason": "as before" });
    assert_eq!(api.refusal(Some(&token), UPDATE, elsewhere).await, "not_found");
    let again = json!({ "definition": rules("arena"), "reason": "as before" });
    assert_eq!(api.refusal(Some(&token), CREATE, again).await, "queue_exists");
    assert_eq!(api.store().queues.history("arena").await.unwrap().len(), 2);
    api.finish().await;
}
