//! The end of a match while something that it needs is away: it lands later, once, everywhere.

use std::time::Duration;

use muster_core::game::{Command, Mode, OutcomeKind};
use muster_core::id::MatchId;
use muster_core::wire::MatchResult;
use muster_store::Standing;
use muster_testkit::{Platform, eventually};

use crate::table::{Seated, play, sensibly, table_in};

/// Long enough for connections to come back and for an orphan to be found.
const HEALED: Duration = Duration::from_secs(40);

/// Server 0 serves players and makes matches; server 1 referees, and its lines can be cut.
async fn wired_referee() -> Platform {
    Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000")
        .server(2)
        .server_roles(0, "gateway,matchmaker,writer")
        .server_roles(1, "referee")
        .wired(1)
        .start()
        .await
}

/// Two moves into a match of this queue.
async fn begun(platform: &Platform, queue: &str) -> ([Seated; 2], MatchId) {
    let mut table = table_in(platform, queue, [0, 0]).await;
    play(&mut table, 2, sensibly).await;
    let match_id = table[0].mirror.match_id();
    (table, match_id)
}

/// Waits until server 1 has counted something at least so often.
async fn counted(platform: &Platform, metric: &str, times: f64) {
    eventually(HEALED, metric, async || {
        let text = platform.metrics(platform.server_ops_url(1)).await;
        let value = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' ')?.parse::<f64>().ok());
        value.filter(|value| *value >= times)
    })
    .await;
}

async fn is_settled(platform: &Platform, match_id: MatchId) -> bool {
    platform.scratch.store.matches.get(match_id).await.unwrap().is_some_and(|row| row.finished)
}

/// Both are told the same.
async fn told(table: &mut [Seated; 2]) -> MatchResult {
    let [ada, grace] = table;
    let (one, other) = (ada.until_told_the_result().await, grace.until_told_the_result().await);
    assert_eq!(one, other);
    assert_eq!(one.outcome.kind, OutcomeKind::Resigned);
    one
}

/// Ratings, the leaderboard, telemetry and the log, each as after one settlement.
async fn landed_once(platform: &Platform, table: &[Seated; 2], match_id: MatchId, result: &MatchResult) {
    let store = &platform.scratch.store;
    for seated in table {
        let rating = store.ratings.of(seated.player, Mode::Classic).await.unwrap();
        assert_eq!(rating.matches, 1);
        let change = result.ratings.iter().find(|change| change.player_id == seated.player).unwrap();
        assert_eq!((change.before, change.after), (1500.0, rating.rating.points));
        let standing =
            Standing { mode: Mode::Classic, player_id: seated.player, score: rating.rating.floor(), version: 1 };
        assert_eq!(store.leaderboards.stood(&[standing]).await.unwrap(), [Some(standing)]);
    }
    assert_eq!(store.leaderboards.page(Mode::Classic, None, 10).await.unwrap().players, 2);
    let pool = platform.scratch.sql().await;
    let ended = "select count(*) from telemetry.events where match_id = $1 and kind = 'match.ended'";
    eventually(HEALED, "telemetry of both players, and the log to go", async || {
        let count: i64 = sqlx::query_scalar(ended).bind(match_id.uuid()).fetch_one(&pool).await.unwrap();
        assert!(count <= 2, "told {count} times");
        (count == 2 && store.match_log.read(match_id).await.unwrap().is_empty()).then_some(())
    })
    .await;
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_that_ends_while_postgresql_is_away_is_settled_once_when_it_is_back() {
    let platform = wired_referee().await;
    let (mut table, match_id) = begun(&platform, "classic-ranked").await;
    platform.wires().postgres.cut();
    table[0].connection.command(match_id, Command::Resign).await.unwrap();
    counted(&platform, "muster_match_settlements_failed_total", 2.0).await;
    assert!(!is_settled(&platform, match_id).await);
    platform.wires().postgres.mend();
    let result = told(&mut table).await;
    landed_once(&platform, &table, match_id, &result).await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_ratings_and_the_leaderboard_heals() {
    let mut platform = wired_referee().await;
    let (mut table, match_id) = begun(&platform, "classic-ranked").await;
    platform.wires().redis.cut();
    table[0].connection.command(match_id, Command::Resign).await.unwrap();
    counted(&platform, "muster_leaderboard_tells_failed_total", 1.0).await;
    assert!(is_settled(&platform, match_id).await);
    let store = platform.scratch.store.clone();
    let board = async || store.leaderboards.page(Mode::Classic, None, 10).await.unwrap();
    assert_eq!(board().await.players, 0, "the ratings stand, the board does not know");
    assert!(!store.match_log.read(match_id).await.unwrap().is_empty(), "so the match is not over yet");

    platform.server(1).kill9().await;
    platform.wires().redis.mend();
    assert!(store.leaderboards.states().await.unwrap().iter().all(|state| state.whole), "nothing makes it again");
    platform.restart_server(1).await;
    let result = told(&mut table).await;
    landed_once(&platform, &table, match_id, &result).await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_could_not_be_pushed_is_pushed_when_redis_is_back() {
    let platform = wired_referee().await;
    let (mut table, match_id) = begun(&platform, "classic-casual").await;
    platform.wires().redis.cut();
    table[0].connection.command(match_id, Command::Resign).await.unwrap();
    counted(&platform, "muster_match_results_untold_total", 1.0).await;
    assert!(is_settled(&platform, match_id).await);
    platform.wires().redis.mend();
    let result = told(&mut table).await;
    assert!(result.ratings.iter().all(|change| change.before == change.after));
    eventually(HEALED, "the log to go", async || {
        platform.scratch.store.match_log.read(match_id).await.unwrap().is_empty().then_some(())
    })
    .await;
    platform.finish().await;
}
