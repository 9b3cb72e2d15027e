//! Players whose gateway dies without a word.

use std::time::Duration;

use muster_core::game::GameEvent;
use muster_testkit::Platform;

use crate::table::{play, sensibly, table_over};

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_gateway_is_a_drop_for_those_who_do_not_come_back() {
    let mut platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000")
        .env_of("muster-server", "MUSTER__REFEREE__ABSENT_AFTER", "10s")
        .server(3)
        .server_roles(0, "gateway")
        .server_roles(1, "gateway")
        .server_roles(2, "matchmaker,referee,writer")
        .start()
        .await;
    let mut table = table_over(&platform, [0, 1]).await;
    play(&mut table, 3, sensibly).await;
    let [ada, grace] = &mut table;
    let graces = ada.mirror.seat_of(grace.player).unwrap();

    // Her SDK knows this gateway only: until it is there again, she is gone.
    platform.server(1).kill9().await;
    let killed = tokio::time::Instant::now();
    let dropped = ada.until_event(|event| matches!(event, GameEvent::Dropped { .. })).await;
    assert_eq!(dropped.event.seat(), Some(graces));
    assert!(killed.elapsed() < Duration::from_secs(14), "noticed after {:?}", killed.elapsed());

    platform.restart_server(1).await;
    ada.until_event(|event| matches!(event, GameEvent::Returned { .. })).await;
    let (newest, log) = (ada.mirror.seq(), ada.mirror.log().to_vec());
    grace.until(newest).await;
    let aways = log.iter().filter(|event| matches!(event.event, GameEvent::Dropped { .. })).count();
    assert_eq!(aways, 1, "Ada was there all the time: {log:?}");
    play(&mut table, 3, sensibly).await;
    platform.finish().await;
}
