//! Dry runs: recorded tickets under the rules as they are, and as they might be.

use chrono::TimeDelta;
use muster_store::StaffRole;
use serde_json::{Value, json};

use crate::support::{Api, Ended, add_queue, code_of, record, rules};

const DRY_RUN: &str = "query($queue: String!, $definition: JSON!, $from: DateTime!, $to: DateTime!) {
    dryRun(queue: $queue, definition: $definition, from: $from, to: $to) {
        version tickets found cut unreadable lastAt table
        recorded { ...summary } before { ...summary } after { ...summary }
        differences { metric unit recorded before after change } } }
    fragment summary on DryRunSummary { tickets players matched unmatched cancelled refused
        waitMs { mean p50 p95 p99 } quality { mean p10 p50 } }";

async fn operator(api: &Api) -> String {
    api.add_staff("ops@example.test", StaffRole::Operator).await;
    api.sign_in("ops@example.test").await
}

/// The rules with another rating window.
fn window(points: u32) -> Value {
    let mut rules = rules("arena");
    rules["rating_window"]["start"] = json!(points);
    rules
}

#[tokio::test]
async fn wider_rules_match_who_was_left_before() {
    let api = Api::start().await;
    let token = operator(&api).await;
    add_queue(api.store(), &window(100)).await;
    let to = muster_store::now();
    let came = |seconds: i64| to - TimeDelta::minutes(30) + TimeDelta::seconds(seconds);
    // Pairs that come together, 200 points apart: nobody matched, the last two gave up.
    let ended: Vec<Ended> = (0..20)
        .map(|n| Ended {
            region: Some("eu-west"),
            came_at: came(n / 2 * 70),
            wait_ms: if n < 18 { 60_000 } else { 2_000 },
            points: if n % 2 == 0 { 1_400.0 } else { 1_600.0 },
            fate: Err(if n < 18 { ("expired", "max_wait") } else { ("cancelled", "player") }),
        })
        .collect();
    record(api.store(), "arena", &ended).await;

    let variables = json!({ "queue": "arena", "definition": window(250), "from": to - TimeDelta::hours(1), "to": to });
    let data = api.data(&token, DRY_RUN, variables).await;
    let run = &data["dryRun"];
    assert_eq!((&run["version"], &run["tickets"]), (&json!(1), &json!(20)));
    assert_eq!((&run["found"], &run["cut"], &run["unreadable"]), (&json!(20), &json!(false), &json!(0)));
    let last_at: chrono::DateTime<chrono::Utc> = run["lastAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(last_at.timestamp_millis(), came(630).timestamp_millis());
    let fates = |summary: &str| {
        ["matched", "unmatched", "cancelled", "refused"].map(|fate| run[summary][fate].as_u64().unwrap())
    };
    assert_eq!(fates("recorded"), [0, 18, 2, 0]);
    assert_eq!(fates("before"), [0, 18, 2, 0]);
    assert_eq!(fates("after"), [20, 0, 0, 0]);
    assert_eq!((&run["before"]["waitMs"], &run["before"]["quality"]), (&Value::Null, &Value::Null));
    assert!(run["after"]["waitMs"]["p99"].as_u64().unwrap() <= 100, "{run}");

    let difference = |metric: &str| {
        let all = run["differences"].as_array().unwrap();
        all.iter().find(|line| line["metric"] == metric).unwrap().clone()
    };
    assert_eq!(
        difference("matched"),
        json!({ "metric": "matched", "unit": "COUNT", "recorded": 0.0, "before": 0.0, "after": 20.0, "change": 20.0 })
    );
    assert_eq!(difference("wait_p95")["change"], Value::Null);
    assert_eq!(difference("wait_p95")["unit"], "MILLISECONDS");
    let table = run["table"].as_str().unwrap();
    assert!(table.lines().any(|line| line.starts_with("matched ") && line.ends_with("+20")), "{table}");

    // Nothing is changed by it.
    assert_eq!(api.store().queues.get("arena").await.unwrap().unwrap().version, 1);
    api.finish().await;
}

#[tokio::test]
async fn no_tickets_are_a_dry_run_too() {
    let api = Api::start().await;
    let token = operator(&api).await;
    add_queue(api.store(), &window(100)).await;
    let to = muster_store::now();
    let variables = json!({ "queue": "arena", "definition": window(50), "from": to - TimeDelta::days(7), "to": to });
    let data = api.data(&token, DRY_RUN, variables).await;
    assert_eq!((&data["dryRun"]["tickets"], &data["dryRun"]["lastAt"]), (&json!(0), &Value::Null));
    api.finish().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let api = Api::start().await;
    let token = operator(&api).await;
    add_queue(api.store(), &window(100)).await;
    let to = muster_store::now();
    let ask = |queue: &str, definition: Value, from: TimeDelta| json!({ "queue": queue, "definition": definition, "from": to - from, "to": to });
    let hour = TimeDelta::hours(1);

    let mut bad = window(100);
    bad["teams"]["size"]["min"] = json!(0);
    let answer = api.ask(Some(&token), DRY_RUN, ask("arena", bad, hour)).await;
    assert_eq!(code_of(&answer), "invalid_field");
    assert_eq!(answer["errors"][0]["extensions"]["errors"][0]["path"], "teams.size.min");

    let too_long = TimeDelta::days(7) + TimeDelta::milliseconds(1);
    for span in [too_long, TimeDelta::zero(), -hour] {
        assert_eq!(api.refusal(Some(&token), DRY_RUN, ask("arena", window(50), span)).await, "bad_input");
    }
    assert_eq!(api.refusal(Some(&token), DRY_RUN, ask("brawl", rules("brawl"), hour)).await, "not_found");

    let twice = "query($definition: JSON!, $from: DateTime!, $to: DateTime!) {
        a: dryRun(queue: \"arena\", definition: $definition, from: $from, to: $to) { table }
        b: dryRun(queue: \"arena\", definition: $definition, from: $from, to: $to) { table } }";
    assert_eq!(api.refusal(Some(&token), twice, ask("arena", window(50), hour)).await, "bad_input");
    api.finish().await;
}

#[tokio::test]
async fn only_who_runs_the_platform_may_replay() {
    let api = Api::start().await;
    add_queue(api.store(), &window(100)).await;
    let to = muster_store::now();
    let variables = json!({ "queue": "arena", "definition": window(50), "from": to - TimeDelta::hours(1), "to": to });
    let viewer = api.viewer().await;
    assert_eq!(api.refusal(Some(&viewer), DRY_RUN, variables.clone()).await, "forbidden");
    assert_eq!(api.refusal(None, DRY_RUN, variables).await, "unauthenticated");
    api.finish().await;
}
