//! Signing in: who gets a session, who does not, and what the audit log says about it.

use chrono::{DateTime, TimeDelta, Utc};
use muster_graphql::settings::AuthSettings;
use muster_store::{Actor, AuditOutcome, StaffRole};
use serde_json::json;

use crate::support::{Api, PASSWORD, code_of};

const ME: &str = "{ me { id email displayName role } }";

#[tokio::test]
async fn the_right_password_opens_a_session() {
    let api = Api::start().await;
    let staff_id = api.add_staff("Ada@example.test", StaffRole::Support).await;

    let answer = api.try_sign_in(" ada@example.test ", PASSWORD).await;
    let opened = &answer["data"]["signIn"];
    let ada = json!({ "id": staff_id.to_string(), "email": "Ada@example.test", "displayName": "The support", "role": "SUPPORT" });
    assert_eq!(opened["staff"], ada);
    let expires_at: DateTime<Utc> = opened["expiresAt"].as_str().unwrap().parse().unwrap();
    let ttl = expires_at - Utc::now();
    assert!(ttl > TimeDelta::hours(11) && ttl <= TimeDelta::hours(12), "{ttl}");

    let token = opened["token"].as_str().unwrap();
    assert_eq!(api.data(token, ME, json!({})).await["me"], ada);

    let entries = api.store().audit.list(None, 10).await.unwrap();
    let entry = entries.iter().map(|entry| &entry.entry).find(|entry| entry.action == "staff.sign_in").unwrap();
    assert_eq!(entry.outcome, AuditOutcome::Succeeded);
    assert_eq!(entry.actor, Actor::Staff(staff_id));
    api.finish().await;
}

#[tokio::test]
async fn the_wrong_password_the_unknown_and_the_disabled_get_the_same_answer() {
    let api = Api::start().await;
    api.add_staff("ada@example.test", StaffRole::Admin).await;
    let gone = api.add_staff("gone@example.test", StaffRole::Admin).await;
    let by = Actor::System("test".to_owned());
    api.store().staff.set_disabled(gone, true, &by, "left", muster_store::now()).await.unwrap();

    let mut answers = Vec::new();
    for (email, password) in [
        ("ada@example.test", "wrong horse battery"),
        ("nobody@example.test", PASSWORD),
        ("gone@example.test", PASSWORD),
        ("ada@example.test", ""),
    ] {
        let mut answer = api.try_sign_in(email, password).await;
        assert_eq!(code_of(&answer), "unauthenticated");
        assert!(answer["data"].is_null());
        answers.push(answer["errors"][0]["message"].take());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");

    let entries = api.store().audit.list(None, 20).await.unwrap();
    let denied: Vec<_> = entries
        .iter()
        .filter(|entry| entry.entry.action == "staff.sign_in" && entry.entry.outcome == AuditOutcome::Denied)
        .collect();
    assert_eq!(denied.len(), 4);
    let text = format!("{denied:?}");
    assert!(!text.contains("nobody@example.test"), "the audit log keeps an unknown address: {text}");
    api.finish().await;
}

#[tokio::test]
async fn too_many_attempts_are_refused_even_with_the_right_password() {
    let settings = AuthSettings { attempts_per_minute: 3, ..AuthSettings::default() };
    let api = Api::with(settings).await;
    api.add_staff("ada@example.test", StaffRole::Admin).await;
    api.add_staff("bo@example.test", StaffRole::Admin).await;

    for _ in 0..3 {
        assert_eq!(code_of(&api.try_sign_in("ada@example.test", "wrong horse battery").await), "unauthenticated");
    }
    assert_eq!(code_of(&api.try_sign_in("ada@example.test", PASSWORD).await), "too_many_attempts");
    assert_eq!(code_of(&api.try_sign_in("ADA@example.test", PASSWORD).await), "too_many_attempts");
    api.sign_in("bo@example.test").await;
    api.finish().await;
}

#[tokio::test]
async fn one_operation_tries_one_password() {
    let api = Api::start().await;
    api.add_staff("ada@example.test", StaffRole::Admin).await;
    let two = "mutation { a: signIn(email: \"ada@example.test\", password: \"x\") { token }
                          b: signIn(email: \"ada@example.test\", password: \"y\") { token } }";
    assert_eq!(api.refusal(None, two, json!({})).await, "bad_input");
    let audit = api.store().audit.list(None, 10).await.unwrap();
    assert!(audit.iter().all(|entry| entry.entry.action != "staff.sign_in"));
    api.finish().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_and_is_in_the_audit_log() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let other = api.sign_in("viewer@example.test").await;

    assert_eq!(api.data(&token, "mutation { signOut }", json!({})).await["signOut"], true);
    assert_eq!(api.refusal(Some(&token), ME, json!({})).await, "unauthenticated");
    assert_eq!(api.refusal(Some(&token), "mutation { signOut }", json!({})).await, "unauthenticated");
    api.data(&other, ME, json!({})).await;

    let entries = api.store().audit.list(None, 10).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.entry.action == "staff.sign_out").count(), 1);
    api.finish().await;
}
