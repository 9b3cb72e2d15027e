//! The whole way: two players sign in, queue, play to the end, and what happened is where it belongs.

use std::time::Duration;

use muster_client::bot::{Bot, PlayedMatch};
use muster_client::{Session, verify};
use muster_core::game::OutcomeKind;
use muster_core::id::MatchId;
use muster_testkit::{Platform, eventually};

/// Two bots play one match against each other.
pub async fn duel(first: &Session, second: &Session) -> (PlayedMatch, PlayedMatch) {
    let mut bots = [Bot::new("classic-ranked", 1), Bot::new("classic-ranked", 2)]
        .map(|bot| bot.move_delay(Duration::from_millis(1)));
    let [one, two] = &mut bots;
    let (one, two) = tokio::join!(one.play_one(first), two.play_one(second));
    (one.unwrap(), two.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_leaves_its_result_ratings_history_and_telemetry() {
    let platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let (ada, grace) = (platform.player("Ada").await, platform.player("Grace").await);
    let (played, other) = duel(&ada, &grace).await;
    let match_id: MatchId = played.view.match_id;
    assert_eq!(match_id, other.view.match_id);
    assert_eq!(played.result.outcome.kind, OutcomeKind::Won);
    assert_ne!(played.won(), other.won());

    // The dice can be checked by anybody, from what the platform publishes.
    verify::verify_match(&ada, match_id).await.unwrap();

    let pool = platform.scratch.sql().await;
    let (ended, events): (bool, i64) = sqlx::query_as(
        "select ended_at is not null, (select count(*) from play.match_events where match_id = $1) from play.matches where match_id = $1",
    )
    .bind(match_id.uuid())
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(ended && events > 3, "{events} events");

    let view = ada.match_view(match_id).await.unwrap();
    assert!(view.seed.is_some());
    let page = ada.match_events(match_id, 0, 1000).await.unwrap();
    assert_eq!(page.events.len() as i64, events);
    assert!(page.events.iter().zip(1..).all(|(event, seq)| event.seq == seq), "numbered without a hole");

    // The winner's points rose by what the loser's fell below: equal strangers move the same.
    let changes = &played.result.ratings;
    assert!((changes[0].after + changes[1].after - 3000.0).abs() < 1e-6, "{changes:?}");
    for (session, played) in [(&ada, &played), (&grace, &other)] {
        let me = session.me().await.unwrap();
        assert_eq!(me.ratings.len(), 1);
        assert_eq!((me.ratings[0].matches, me.ratings[0].wins), (1, u32::from(played.won())));
        assert_eq!(me.ratings[0].points > 1500.0, played.won());
        assert_eq!((me.ticket, me.match_id), (None, None), "free again");
    }

    let kinds: Vec<(String, i64)> = eventually(Duration::from_secs(15), "the match in the hypertable", async || {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select kind, count(*) from telemetry.events where match_id = $1 group by kind order by kind",
        )
        .bind(match_id.uuid())
        .fetch_all(&pool)
        .await
        .unwrap();
        (rows.len() == 3).then_some(rows)
    })
    .await;
    assert_eq!(kinds, [("match.ended".into(), 2), ("match.started".into(), 2), ("ticket.ended".into(), 2)]);
    let (raw, rolled_up): (i64, i64) = sqlx::query_as(
        "select (select count(*) from telemetry.events), (select coalesce(sum(events), 0)::bigint from telemetry.event_minutes)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(raw, rolled_up, "the rollup is exact");
    let (hypertables,): (i64,) = sqlx::query_as(
        "select count(*) from timescaledb_information.hypertables where hypertable_schema = 'telemetry' and hypertable_name = 'events'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(hypertables, 1);
    // The log went to PostgreSQL and left the stream.
    assert!(platform.scratch.store.match_log.read(match_id).await.unwrap().is_empty());
    pool.close().await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_can_be_split_over_processes() {
    let platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000")
        .server(2)
        .server_roles(0, "gateway")
        .server_roles(1, "matchmaker,referee,writer")
        .start()
        .await;
    let (ada, grace) = (platform.player("Ada").await, platform.player("Grace").await);
    let (played, other) = duel(&ada, &grace).await;
    assert_eq!(played.view.match_id, other.view.match_id);
    assert_eq!(played.result.outcome, other.result.outcome);
    platform.finish().await;
}
