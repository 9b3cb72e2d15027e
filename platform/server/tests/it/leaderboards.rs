//! Who stands where, over HTTP.

use muster_core::id::PlayerId;
use muster_testkit::Platform;
use serde_json::Value;

use crate::raw::{Http, problem};
use crate::way::duel;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_played_ranked_stands_on_the_board_with_their_rating() {
    let platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let http = Http::of(&platform);
    let get = async |path: &str, token: &str| http.get(path).bearer_auth(token).send().await.unwrap();
    let (ada, grace) = (platform.player("Ada").await, platform.player("Grace").await);
    let token = ada.token();
    let empty: Value = get("/v1/leaderboards/classic", &token).await.json().await.unwrap();
    assert_eq!(
        (&empty["players"], &empty["ranked"], empty.get("end_cursor")),
        (&0.into(), &Value::Array(vec![]), None)
    );
    let own = format!("/v1/leaderboards/classic/players/{}", ada.player_id());
    problem(get(&own, &token).await, 404, "not_found").await;

    // Players are told how a match ended once the boards know.
    let (played, _) = duel(&ada, &grace).await;
    let (winner, loser) = if played.won() { (&ada, &grace) } else { (&grace, &ada) };
    let mut cursor = String::new();
    for (rank, session) in [(1, winner), (2, loser)] {
        let rating = session.me().await.unwrap().ratings[0].clone();
        let page: Value = get(&format!("/v1/leaderboards/classic?first=1{cursor}"), &token).await.json().await.unwrap();
        let ranked = &page["ranked"][0];
        assert_eq!((&page["players"], &ranked["rank"]), (&2.into(), &rank.into()));
        assert_eq!(ranked["player_id"], session.player_id().to_string());
        assert_eq!(ranked["display_name"], session.display_name());
        assert!((ranked["score"].as_f64().unwrap() - rating.points + 3.0 * rating.deviation).abs() < 1e-6, "{ranked}");
        cursor = format!("&after={}", page["end_cursor"].as_str().unwrap());
    }
    let last: Value = get(&format!("/v1/leaderboards/classic?first=1{cursor}"), &token).await.json().await.unwrap();
    assert_eq!(last["ranked"], Value::Array(vec![]));

    let standing: Value = get(&format!("{own}?around=5"), &grace.token()).await.json().await.unwrap();
    assert_eq!(standing["rank"], if played.won() { 1 } else { 2 });
    let around: Vec<&str> =
        standing["around"].as_array().unwrap().iter().map(|ranked| ranked["player_id"].as_str().unwrap()).collect();
    assert_eq!(around, [winner.player_id().to_string(), loser.player_id().to_string()]);

    let nobody: PlayerId = muster_store::fresh_id();
    problem(get(&format!("/v1/leaderboards/classic/players/{nobody}"), &token).await, 404, "not_found").await;
    problem(get("/v1/leaderboards/chess", &token).await, 404, "not_found").await;
    for (wrong, field) in [("first=0", "first"), ("first=101", "first"), ("after=5", "after")] {
        let answer = get(&format!("/v1/leaderboards/classic?{wrong}"), &token).await;
        assert_eq!(problem(answer, 422, "invalid_field").await["errors"][0]["path"], field);
    }
    let answer = get(&format!("{own}?around=26"), &token).await;
    assert_eq!(problem(answer, 422, "invalid_field").await["errors"][0]["path"], "around");
    let answer = get("/v1/leaderboards/classic/players/5", &token).await;
    assert_eq!(problem(answer, 422, "invalid_field").await["errors"][0]["path"], "player_id");
    let stranger = http.get("/v1/leaderboards/classic").send().await.unwrap();
    problem(stranger, 401, "token_missing").await;
    platform.finish().await;
}
