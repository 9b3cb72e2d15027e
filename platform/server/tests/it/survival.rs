//! What must outlive a process: a running match, a waiting ticket, the connection of a player.

use std::time::Duration;

use muster_client::verify;
use muster_core::wire::TicketState;
use muster_testkit::{Platform, eventually};

use crate::table::{play, sensibly, table};

#[tokio::test(flavor = "multi_thread")]
async fn a_match_goes_on_from_its_log_after_kill_9() {
    let mut platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let mut table = table(&platform).await;
    play(&mut table, 5, sensibly).await;
    let match_id = table[0].mirror.match_id();
    let before = table[0].mirror.log().to_vec();
    assert!(table[0].mirror.outcome().is_none(), "five moves do not reach a hundred points");

    platform.server(0).kill9().await;
    platform.restart_server(0).await;

    play(&mut table, 400, sensibly).await;
    assert!(table[0].mirror.outcome().is_some(), "the match finishes");
    let session = &table[0].session;
    let finished = eventually(Duration::from_secs(15), "the match to be settled", async || {
        let view = session.match_view(match_id).await.ok()?;
        view.seed.is_some().then_some(view)
    })
    .await;
    assert_eq!(finished.match_id, match_id);
    let after = session.match_events(match_id, 0, 1000).await.unwrap().events;
    assert_eq!(after[..before.len()], before[..], "what was told before the crash stands");
    // Every roll, before and after, comes from the one seed that was committed to in the first event.
    verify::verify_match(session, match_id).await.unwrap();
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_referee_takes_over_even_when_no_player_speaks() {
    let mut platform = Platform::builder()
        .env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000")
        .server(2)
        .server_roles(0, "gateway,matchmaker,writer,referee")
        .start()
        .await;
    // Only the first process referees while the match begins.
    platform.server(1).terminate().await;
    let mut table = table(&platform).await;
    play(&mut table, 2, sensibly).await;
    let match_id = table[0].mirror.match_id();
    platform.restart_server(1).await;
    platform.server(0).kill9().await;

    let store = platform.scratch.store.clone();
    eventually(Duration::from_secs(8), "the other referee to own the match", async || {
        let call = muster_store::MatchCall::View;
        store.match_calls.call(match_id, &call, Duration::from_millis(500)).await.ok()
    })
    .await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_ticket_survives_a_restart() {
    let mut platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let ada = platform.player("Ada").await;
    let ticket = ada.create_ticket("classic-ranked", "wish").await.unwrap();
    platform.server(0).kill9().await;
    platform.restart_server(0).await;
    let still = ada.ticket(ticket.ticket_id).await.unwrap();
    assert_eq!((still.state, still.created_at), (TicketState::Waiting, ticket.created_at));

    let grace = platform.player("Grace").await;
    grace.create_ticket("classic-ranked", "wish").await.unwrap();
    eventually(Duration::from_secs(10), "the old ticket to be matched", async || {
        let ticket = ada.ticket(ticket.ticket_id).await.ok()?;
        (ticket.state == TicketState::Matched).then_some(())
    })
    .await;
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_and_exits_well() {
    let mut platform =
        Platform::builder().env_of("muster-server", "MUSTER__GATEWAY__MESSAGES_PER_SECOND", "1000").start().await;
    let table = table(&platform).await;
    assert_eq!(platform.server(0).terminate().await, 0);
    drop(table);
    platform.finish().await;
}
