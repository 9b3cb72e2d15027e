//! Queues that ask: what the matchmaker makes of the players' answers.

use std::time::Duration;

use muster_core::matchmaking::QueueDefinition;
use muster_core::wire::{Push, TicketState};
use muster_store::{Answered, NewTicket, Store, TicketRecord};
use muster_testkit::{Platform, eventually};
use serde_json::json;

use crate::matchmaking_given::{
    SOON, becomes, create, doorless, matches_told, member, player, reaches, solo, ticket, told,
};
use crate::queue;

fn asking(within_secs: u16) -> QueueDefinition {
    queue(json!({
        "name": "asking", "version": 1, "mode": "classic", "ranked": false, "acceptance": {"within_secs": within_secs},
    }))
}

async fn answer(store: &Store, ticket: &NewTicket, accept: bool) -> TicketRecord {
    let answered = store.tickets.answer(ticket.ticket.ticket_id, player(ticket), accept, muster_store::now()).await;
    match answered.unwrap() {
        Answered::Recorded(record) => record,
        other => panic!("{other:?}"),
    }
}

async fn two(platform: &Platform, queue: &QueueDefinition) -> [NewTicket; 2] {
    let tickets = [solo(queue, 1500.0), solo(queue, 1600.0)];
    create(&platform.scratch.store, &tickets).await;
    tickets
}

#[tokio::test]
async fn all_accept_and_the_proposed_match_begins() {
    let platform = doorless().queue(asking(60)).start().await;
    let store = &platform.scratch.store;
    let tickets = two(&platform, &asking(60)).await;
    let proposed = becomes(store, &tickets[0], TicketState::Proposed).await.proposal.unwrap();
    assert_eq!((proposed.players, proposed.accepted.len()), (2, 0));
    answer(store, &tickets[0], true).await;
    answer(store, &tickets[1], true).await;
    for ticket in &tickets {
        let matched = becomes(store, ticket, TicketState::Matched).await;
        assert_eq!(matched.match_id, Some(proposed.match_id));
        assert_eq!(matches_told(store, player(ticket)).await, [proposed.match_id]);
    }
    platform.finish().await;
}

#[tokio::test]
async fn one_declines_and_the_other_returns_to_the_head() {
    let platform = doorless().queue(asking(60)).start().await;
    let store = &platform.scratch.store;
    let tickets = two(&platform, &asking(60)).await;
    becomes(store, &tickets[1], TicketState::Proposed).await;
    answer(store, &tickets[0], true).await;
    answer(store, &tickets[1], false).await;
    let declined = becomes(store, &tickets[1], TicketState::Failed).await;
    assert_eq!(declined.reason.as_deref(), Some("declined"));
    let back = becomes(store, &tickets[0], TicketState::Waiting).await;
    assert_eq!((back.ticket.returned, back.ticket.enqueued_at), (true, tickets[0].ticket.enqueued_at));
    let states = eventually(SOON, "two words to the player", async || {
        let told = told(store, player(&tickets[0])).await;
        (told.len() == 2).then(|| told.into_iter().map(state).collect::<Vec<_>>())
    })
    .await;
    assert_eq!(states, [TicketState::Proposed, TicketState::Waiting]);
    // Who comes next meets the one who was let down.
    let next = solo(&asking(60), 1510.0);
    create(store, std::slice::from_ref(&next)).await;
    let proposal = becomes(store, &tickets[0], TicketState::Proposed).await.proposal.unwrap();
    assert_eq!(becomes(store, &next, TicketState::Proposed).await.proposal.unwrap().match_id, proposal.match_id);
    platform.finish().await;
}

#[tokio::test]
async fn who_stays_silent_leaves_when_the_time_is_over() {
    let platform = doorless().queue(asking(3)).start().await;
    let store = &platform.scratch.store;
    let tickets = two(&platform, &asking(3)).await;
    becomes(store, &tickets[0], TicketState::Proposed).await;
    answer(store, &tickets[0], true).await;
    let silent = becomes(store, &tickets[1], TicketState::Failed).await;
    assert_eq!(silent.reason.as_deref(), Some("not_accepted"));
    assert!(becomes(store, &tickets[0], TicketState::Waiting).await.ticket.returned);
    eventually(SOON, "the silent player to be told", async || {
        let last = told(store, player(&tickets[1])).await.pop().map(state);
        (last == Some(TicketState::Failed)).then_some(())
    })
    .await;
    platform.finish().await;
}

#[tokio::test]
async fn a_proposal_outlives_the_leader_who_made_it() {
    let mut platform = doorless().queue(asking(60)).start().await;
    let store = platform.scratch.store.clone();
    let tickets = two(&platform, &asking(60)).await;
    let proposed = becomes(&store, &tickets[0], TicketState::Proposed).await.proposal.unwrap();
    platform.server(0).kill9().await;
    answer(&store, &tickets[0], true).await;
    answer(&store, &tickets[1], true).await;
    platform.restart_server(0).await;
    let matched = reaches(&store, tickets[1].ticket.ticket_id, TicketState::Matched, Duration::from_secs(15)).await;
    assert_eq!(matched.match_id, Some(proposed.match_id));
    platform.finish().await;
}

#[tokio::test]
async fn a_party_goes_as_one_when_one_of_it_declines() {
    let pairs = queue(json!({
        "name": "pairs", "version": 1, "ranked": false, "teams": {"count": 2, "size": {"min": 2, "max": 2}},
        "acceptance": {"within_secs": 60},
    }));
    let platform = doorless().queue(pairs.clone()).start().await;
    let store = &platform.scratch.store;
    let tickets =
        [ticket(&pairs, vec![member(1500.0), member(1500.0)]), ticket(&pairs, vec![member(1500.0), member(1500.0)])];
    create(store, &tickets).await;
    becomes(store, &tickets[0], TicketState::Proposed).await;
    let second = tickets[0].ticket.members[1].player_id;
    store.tickets.answer(tickets[0].ticket.ticket_id, second, false, muster_store::now()).await.unwrap();
    let gone = becomes(store, &tickets[0], TicketState::Failed).await;
    assert_eq!(gone.reason.as_deref(), Some("declined"));
    // The others had the time to answer yet, so they have not let anybody down.
    assert!(becomes(store, &tickets[1], TicketState::Waiting).await.ticket.returned);
    platform.finish().await;
}

fn state(push: Push) -> TicketState {
    match push {
        Push::TicketUpdated { ticket } => ticket.state,
        other => panic!("{other:?}"),
    }
}
