//! Leaderboards: pages, one player, and having one made again.

use chrono::TimeDelta;
use muster_core::{game::Mode, id::PlayerId};
use muster_store::{Actor, AuditEntry, AuditOutcome, StaffRole, Standing};
use serde_json::{Value, json};

use crate::support::{Api, finished};

const PAGE: &str = "query($mode: String!, $first: Int, $after: String) { leaderboard(mode: $mode) {
    mode whole rebuilding madeAt
    standings(first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } edges { cursor node { rank playerId displayName score } } } } }";

const STANDING: &str = "query($mode: String!, $player: ID!) {
    leaderboard(mode: $mode) { standing(playerId: $player) { rank displayName score } } }";

const REBUILD: &str = "mutation($mode: String!, $reason: String!) {
    rebuildLeaderboard(mode: $mode, reason: $reason) { mode whole rebuilding } }";

/// As a referee does after every match, and every few seconds.
async fn referee(api: &Api, players: &[PlayerId]) {
    let boards = &api.store().leaderboards;
    boards.follow(players).await.unwrap();
    boards.mend(muster_store::now()).await.unwrap();
}

async fn audited(api: &Api) -> Vec<AuditEntry> {
    let mut entries = api.store().audit.list(None, 50).await.unwrap();
    entries.retain(|entry| entry.entry.action == "leaderboard.rebuild");
    entries
}

#[tokio::test]
async fn a_leaderboard_is_read_by_pages_with_names() {
    let api = Api::start().await;
    let token = api.viewer().await;
    let mut players = Vec::new();
    for hours in 1..=2 {
        players.extend(finished(api.store(), TimeDelta::hours(hours)).await.players);
    }
    referee(&api, &players).await;

    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = api.data(&token, PAGE, json!({ "mode": "quickfire", "first": 3, "after": after })).await;
        let board = &data["leaderboard"];
        assert_eq!(
            (&board["mode"], &board["whole"], &board["rebuilding"]),
            (&json!("quickfire"), &json!(true), &json!(false))
        );
        assert!(board["madeAt"].as_str().unwrap().ends_with('Z'));
        let page = &board["standings"];
        assert_eq!(page["totalCount"], 4);
        let edges = page["edges"].as_array().unwrap();
        seen.extend(edges.iter().map(|edge| edge["node"].clone()));
        assert_eq!(page["pageInfo"]["endCursor"], edges.last().unwrap()["cursor"]);
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert!(seen.len() < 4, "the pages do not end");
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert!(seen.iter().map(|node| node["rank"].as_u64().unwrap()).eq(1..=4));
    for node in &seen {
        let player: PlayerId = node["playerId"].as_str().unwrap().parse().unwrap();
        let rating = api.store().ratings.of(player, Mode::Quickfire).await.unwrap().rating;
        assert!((node["score"].as_f64().unwrap() - rating.floor()).abs() < 1e-6, "{node}");
        assert!(["Ada", "Bo"].contains(&node["displayName"].as_str().unwrap()));
        let data = api.data(&token, STANDING, json!({ "mode": "quickfire", "player": player })).await;
        assert_eq!(data["leaderboard"]["standing"]["rank"], node["rank"]);
    }

    let nobody: PlayerId = muster_store::fresh_id();
    let data = api.data(&token, STANDING, json!({ "mode": "quickfire", "player": nobody })).await;
    assert_eq!(data["leaderboard"]["standing"], Value::Null);
    let data = api.data(&token, PAGE, json!({ "mode": "classic" })).await;
    assert_eq!(data["leaderboard"]["standings"]["totalCount"], 0);
    let data =
        api.data(&token, "{ leaderboards { mode standings(first: 1) { edges { node { rank } } } } }", json!({})).await;
    let modes: Vec<&str> =
        data["leaderboards"].as_array().unwrap().iter().map(|board| board["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, Mode::ALL.map(Mode::as_str));
    api.finish().await;
}

#[tokio::test]
async fn who_runs_the_platform_has_a_leaderboard_made_again_with_a_reason() {
    let api = Api::start().await;
    let staff_id = api.add_staff("ops@example.test", StaffRole::Operator).await;
    let token = api.sign_in("ops@example.test").await;
    let played = finished(api.store(), TimeDelta::hours(1)).await;
    referee(&api, &played.players).await;
    let stranger = Standing { mode: Mode::Quickfire, player_id: muster_store::fresh_id(), score: 9e6, version: 1 };
    api.store().leaderboards.record(&[stranger]).await.unwrap();

    let variables = json!({ "mode": "quickfire", "reason": "  somebody is there who never played " });
    let data = api.data(&token, REBUILD, variables).await;
    assert_eq!(data["rebuildLeaderboard"], json!({ "mode": "quickfire", "whole": false, "rebuilding": false }));
    referee(&api, &[]).await;
    let data = api.data(&token, PAGE, json!({ "mode": "quickfire" })).await;
    assert_eq!(
        (&data["leaderboard"]["whole"], &data["leaderboard"]["standings"]["totalCount"]),
        (&json!(true), &json!(2))
    );

    let entries = audited(&api).await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((&entry.entry.actor, entry.entry.outcome), (&Actor::Staff(staff_id), AuditOutcome::Succeeded));
    assert_eq!(entry.entry.target.as_deref(), Some("quickfire"));
    assert_eq!(entry.entry.reason.as_deref(), Some("somebody is there who never played"));
    api.finish().await;
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    let viewer = api.viewer().await;
    api.store().leaderboards.mend(muster_store::now()).await.unwrap();
    let asked = json!({ "mode": "classic", "reason": "for a test" });
    assert_eq!(api.refusal(Some(&viewer), REBUILD, asked.clone()).await, "forbidden");
    assert_eq!(audited(&api).await[0].entry.outcome, AuditOutcome::Denied);
    assert_eq!(api.refusal(None, REBUILD, asked).await, "unauthenticated");
    assert_eq!(api.refusal(None, PAGE, json!({ "mode": "classic" })).await, "unauthenticated");
    assert!(api.store().leaderboards.states().await.unwrap().iter().all(|state| state.whole));

    for wrong in [
        json!({ "mode": "chess" }),
        json!({ "mode": "classic", "first": 0 }),
        json!({ "mode": "classic", "first": 101 }),
        json!({ "mode": "classic", "after": "nonsense" }),
    ] {
        assert_eq!(api.refusal(Some(&viewer), PAGE, wrong).await, "bad_input");
    }
    let nobody = json!({ "mode": "classic", "player": "mch_5" });
    assert_eq!(api.refusal(Some(&viewer), STANDING, nobody).await, "bad_input");
    api.add_staff("ops@example.test", StaffRole::Operator).await;
    let operator = api.sign_in("ops@example.test").await;
    for (mode, reason, code) in [("chess", "for a test", "bad_input"), ("classic", " ", "invalid_field")] {
        assert_eq!(api.refusal(Some(&operator), REBUILD, json!({ "mode": mode, "reason": reason })).await, code);
    }
    assert_eq!(audited(&api).await.len(), 1);
    api.finish().await;
}
