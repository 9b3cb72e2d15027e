//! Seasons: who may make them, and what is asked of them.

use muster_store::{AuditOutcome, StaffRole};
use serde_json::{Value, json};

use crate::{
    insights::{export, played},
    support::Api,
};

const CREATE: &str = "mutation($input: SeasonInput!) { createSeason(input: $input) { name version startsAt endsAt } }";

const UPDATE: &str = "mutation($version: Int!, $input: SeasonInput!) {
    updateSeason(expectedVersion: $version, input: $input) { name version endsAt } }";

fn season(name: &str, from: &str, to: &str) -> Value {
    let midnight = |day: &str| format!("{day}T00:00:00Z");
    json!({ "input": { "name": name, "startsAt": midnight(from), "endsAt": midnight(to), "reason": "the plan" } })
}

async fn operator(api: &Api) -> String {
    api.add_staff("ops@example.test", StaffRole::Operator).await;
    api.sign_in("ops@example.test").await
}

#[tokio::test]
async fn seasons_are_made_and_moved_with_reasons_by_who_may() {
    let api = Api::start().await;
    let (viewer, token) = (api.viewer().await, operator(&api).await);
    let spring = season("spring", "2026-03-01", "2026-06-01");
    assert_eq!(api.refusal(Some(&viewer), CREATE, spring.clone()).await, "forbidden");
    let made = api.data(&token, CREATE, spring.clone()).await;
    let expected = json!({ "name": "spring", "version": 1,
        "startsAt": "2026-03-01T00:00:00.000Z", "endsAt": "2026-06-01T00:00:00.000Z" });
    assert_eq!(made["createSeason"], expected);

    for wrong in [
        spring,
        season("late-spring", "2026-05-31", "2026-07-01"),
        season("Spring!", "2027-03-01", "2027-06-01"),
        season("backwards", "2027-03-01", "2027-02-01"),
    ] {
        assert_eq!(api.refusal(Some(&token), CREATE, wrong.clone()).await, "invalid_field", "{wrong}");
    }
    let mut longer = season("spring", "2026-03-01", "2026-06-08");
    longer["version"] = json!(1);
    let moved = api.data(&token, UPDATE, longer.clone()).await;
    assert_eq!(
        (&moved["updateSeason"]["version"], &moved["updateSeason"]["endsAt"]),
        (&json!(2), &json!("2026-06-08T00:00:00.000Z"))
    );
    assert_eq!(api.refusal(Some(&token), UPDATE, longer.clone()).await, "version_conflict");
    longer["input"]["name"] = json!("autumn");
    assert_eq!(api.refusal(Some(&token), UPDATE, longer).await, "not_found");

    let all = api.data(&viewer, "{ seasons { name version } }", json!({})).await;
    assert_eq!(all["seasons"], json!([{ "name": "spring", "version": 2 }]));
    let entries = api.store().audit.list(None, 50).await.unwrap().into_iter().map(|entry| entry.entry);
    let told: Vec<_> = entries
        .filter(|entry| entry.action.starts_with("season."))
        .map(|entry| (entry.action, entry.outcome, entry.reason))
        .collect();
    let why = || Some("the plan".to_owned());
    assert_eq!(
        told,
        [
            ("season.change".to_owned(), AuditOutcome::Succeeded, why()),
            ("season.create".to_owned(), AuditOutcome::Succeeded, why()),
            ("season.change".to_owned(), AuditOutcome::Denied, None),
        ]
    );
    api.finish().await;
}

#[tokio::test]
async fn questions_are_asked_of_a_season_or_told_apart_by_it() {
    let api = Api::start().await;
    played(api.store()).await;
    let token = operator(&api).await;
    for (name, from, to) in [("old-year", "2025-12-01", "2026-01-02"), ("new-year", "2026-01-02", "2026-01-04")] {
        api.data(&token, CREATE, season(name, from, to)).await;
    }
    let ask =
        async |query: &str| api.data(&token, &format!("{{ answer: {query} }}"), json!({})).await["answer"].clone();

    assert_eq!(
        ask(r#"activePlayers(slice: { season: "new-year" }) { day daily }"#).await,
        json!([{ "day": "2026-01-02", "daily": 2 }, { "day": "2026-01-03", "daily": 0 }])
    );
    let last_day = r#"activePlayers(from: "2026-01-01", slice: { season: "old-year", region: "us" }) { day daily }"#;
    assert_eq!(ask(last_day).await, json!([{ "day": "2026-01-01", "daily": 2 }]));
    assert_eq!(
        ask(r#"sessionFacts(from: "2026-01-01", to: "2026-01-02", by: SEASON) { group whole { sessions } }"#).await,
        json!([{ "group": "old-year", "whole": { "sessions": 3 } }, { "group": "new-year", "whole": { "sessions": 2 } }])
    );
    let hours = r#"concurrency(slice: { season: "new-year" }, step: DAY) { at }"#;
    assert_eq!(ask(hours).await.as_array().unwrap().len(), 2);
    for wrong in [
        "{ activePlayers { daily } }",
        r#"{ activePlayers(from: "2026-01-01") { daily } }"#,
        r#"{ activePlayers(slice: { season: "summer" }) { daily } }"#,
        r#"{ activePlayers(from: "2026-01-02", slice: { season: "old-year" }) { daily } }"#,
        r#"{ playersPlaying(slice: { season: "new-year" }) { players } }"#,
        "{ playersPlaying(by: SEASON) { players } }",
    ] {
        assert_eq!(api.refusal(Some(&token), wrong, json!({})).await, "bad_input", "{wrong}");
    }

    let asked = json!({ "question": "active_players", "format": "csv", "season": "new-year" });
    let file = export(&api, Some(&token), &asked).await;
    assert_eq!(file.status(), 200);
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"active_players_new-year.csv\"");
    assert_eq!(file.text().await.unwrap().lines().count(), 3);
    let asked = json!({ "question": "active_players", "format": "csv", "from": "2026-01-01", "to": "2026-01-02", "by": "season" });
    let text = export(&api, Some(&token), &asked).await.text().await.unwrap();
    assert!(text.contains("old-year,2026-01-01,3") && text.contains("new-year,2026-01-02,2"), "{text}");
    let asked = json!({ "question": "active_players", "format": "csv", "season": "../summer" });
    assert_eq!(export(&api, Some(&token), &asked).await.status(), 400);
    api.finish().await;
}
