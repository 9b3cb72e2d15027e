//! A region group that leaves its queue while its players are asked, or wait for a server: everybody comes to an end, and is free.

use std::time::Duration;

use muster_core::matchmaking::QueueDefinition;
use muster_core::wire::{Push, TicketState};
use muster_store::{Answered, Assignment, NewTicket, Shard, Store};
use muster_testkit::eventually;
use serde_json::json;

use crate::matchmaking_given::{SOON, becomes, create, doorless, matches_told, member, placed, player, reaches, told};
use crate::matchmaking_queues::put;
use crate::queue;

/// A process that took over from one that was killed: the lease has to run out first.
const LATER: Duration = Duration::from_secs(20);

fn asking(within_secs: u16) -> QueueDefinition {
    queue(json!({
        "name": "moving", "version": 1, "mode": "classic", "ranked": false, "acceptance": {"within_secs": within_secs},
        "regions": [{"name": "eu-west", "group": "eu"}, {"name": "asia", "group": "far"}],
    }))
}

fn on_servers() -> QueueDefinition {
    queue(json!({
        "name": "moving", "version": 1, "ranked": false,
        "regions": [{"name": "eu-west", "group": "eu"}, {"name": "asia", "group": "far"}],
    }))
}

/// The same queue with its far region in another group.
fn renamed(mut queue: QueueDefinition) -> QueueDefinition {
    queue.regions[1].group = "east".to_owned();
    queue
}

/// The same queue without its far region.
fn without(mut queue: QueueDefinition) -> QueueDefinition {
    queue.regions.truncate(1);
    queue
}

/// Two who would be matched in the far region.
async fn two(store: &Store, queue: &QueueDefinition) -> [NewTicket; 2] {
    let tickets = [1500.0, 1510.0].map(|points| placed(queue, vec![member(points)], &[("asia", 20)]));
    create(store, &tickets).await;
    tickets
}

async fn accept(store: &Store, ticket: &NewTicket) {
    let answered = store.tickets.answer(ticket.ticket.ticket_id, player(ticket), true, muster_store::now()).await;
    assert!(matches!(answered, Ok(Answered::Recorded(_))), "{answered:?}");
}

/// The player may queue again.
async fn is_free(store: &Store, ticket: &NewTicket) {
    assert_eq!(store.tickets.of_player(player(ticket)).await.unwrap(), None);
}

/// The last that a player was told of a ticket.
async fn last_word(store: &Store, ticket: &NewTicket) -> Option<(TicketState, Option<String>)> {
    told(store, player(ticket)).await.into_iter().rev().find_map(|push| match push {
        Push::TicketUpdated { ticket } => Some((ticket.state, ticket.reason)),
        _ => None,
    })
}

async fn fails(store: &Store, ticket: &NewTicket, reason: &str) {
    let failed = reaches(store, ticket.ticket.ticket_id, TicketState::Failed, LATER).await;
    assert_eq!(failed.reason.as_deref(), Some(reason));
    is_free(store, ticket).await;
    eventually(SOON, "the player to be told why", async || {
        (last_word(store, ticket).await? == (TicketState::Failed, Some(reason.to_owned()))).then_some(())
    })
    .await;
}

async fn open(store: &Store) -> Assignment {
    eventually(SOON, "a match that waits for a server", async || {
        store.assignments.list(Some("moving"), 10, muster_store::now()).await.unwrap().pop()
    })
    .await
}

/// The leader of the group has gone over to the new version, or somebody has found that there is nothing to lead.
async fn nobody_leads(store: &Store) {
    let shard = Shard::new("moving", "far");
    eventually(LATER, "the group to be led no more", async || {
        let open = store.tickets.open_shards().await.unwrap().into_iter().find(|open| open.shard == shard)?;
        assert_eq!((open.waiting, open.proposals), (0, 0));
        let asked = store.matchmaker_calls.ask(&shard, &muster_store::Question::Look).await;
        asked.is_err().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_match_that_all_accept_is_made_though_its_group_has_another_name_by_then() {
    let platform = doorless().queue(asking(60)).start().await;
    let store = &platform.scratch.store;
    let tickets = two(store, &asking(60)).await;
    let proposed = becomes(store, &tickets[0], TicketState::Proposed).await.proposal.unwrap();
    put(store, renamed(asking(60))).await;
    for ticket in &tickets {
        accept(store, ticket).await;
    }
    for ticket in &tickets {
        assert_eq!(becomes(store, ticket, TicketState::Matched).await.match_id, Some(proposed.match_id));
        assert_eq!(matches_told(store, player(ticket)).await, [proposed.match_id]);
        is_free(store, ticket).await;
    }
    nobody_leads(store).await;
    platform.finish().await;
}

#[tokio::test]
async fn who_is_asked_when_the_region_goes_hears_that_there_is_no_match() {
    let platform = doorless().queue(asking(60)).start().await;
    let store = &platform.scratch.store;
    let tickets = two(store, &asking(60)).await;
    becomes(store, &tickets[1], TicketState::Proposed).await;
    put(store, without(asking(60))).await;
    for ticket in &tickets {
        accept(store, ticket).await;
    }
    for ticket in &tickets {
        fails(store, ticket, "shard_gone").await;
        assert!(matches_told(store, player(ticket)).await.is_empty());
    }
    platform.finish().await;
}

#[tokio::test]
async fn who_does_not_answer_is_free_when_the_time_is_over_though_nobody_leads_the_group() {
    let mut platform = doorless().queue(asking(5)).start().await;
    let store = platform.scratch.store.clone();
    let tickets = two(&store, &asking(5)).await;
    becomes(&store, &tickets[1], TicketState::Proposed).await;
    accept(&store, &tickets[0]).await;
    // No leader has ever heard of both the proposal and the version; and nobody waits who would make one come.
    platform.server(0).kill9().await;
    let now = put(&store, renamed(asking(5))).await;
    platform.restart_server(0).await;
    fails(&store, &tickets[1], "not_accepted").await;
    fails(&store, &tickets[0], "shard_gone").await;
    let again = placed(&now, tickets[0].ticket.members.clone(), &[("asia", 20)]);
    create(&store, std::slice::from_ref(&again)).await;
    nobody_leads(&store).await;
    platform.finish().await;
}

#[tokio::test]
async fn a_server_may_answer_for_a_match_whose_group_is_gone() {
    let platform = doorless().queue(on_servers()).start().await;
    let store = &platform.scratch.store;
    let tickets = two(store, &on_servers()).await;
    let open = open(store).await.new;
    put(store, renamed(on_servers())).await;
    store.assignments.assign(open.match_id, "203.0.113.7:7777".to_owned(), muster_store::now()).await.unwrap();
    for ticket in &tickets {
        assert_eq!(becomes(store, ticket, TicketState::Matched).await.match_id, Some(open.match_id));
        is_free(store, ticket).await;
        let told = told(store, player(ticket)).await;
        assert!(told.iter().any(|push| matches!(push, Push::MatchAssigned { .. })), "{told:?}");
    }
    nobody_leads(store).await;
    assert!(store.assignments.unfinished().await.unwrap().is_empty());
    platform.finish().await;
}

#[tokio::test]
async fn a_match_that_no_server_takes_lets_its_players_go_though_nobody_leads_the_group() {
    let mut platform = doorless()
        .env_of("muster-server", "MUSTER__MATCHMAKER__ASSIGNMENT_TIMEOUT", "4s")
        .queue(on_servers())
        .start()
        .await;
    let store = platform.scratch.store.clone();
    let tickets = two(&store, &on_servers()).await;
    open(&store).await;
    platform.server(0).kill9().await;
    put(&store, without(on_servers())).await;
    platform.restart_server(0).await;
    for ticket in &tickets {
        fails(&store, ticket, "shard_gone").await;
    }
    assert!(store.assignments.unfinished().await.unwrap().is_empty());
    platform.finish().await;
}

#[tokio::test]
async fn a_match_waits_for_its_server_though_the_queue_has_become_one_of_the_built_in_game() {
    let mut platform = doorless().queue(on_servers()).start().await;
    let store = platform.scratch.store.clone();
    let tickets = two(&store, &on_servers()).await;
    let open = open(&store).await.new;
    platform.server(0).kill9().await;
    let mut built_in = on_servers();
    built_in.mode = asking(60).mode;
    put(&store, built_in).await;
    platform.restart_server(0).await;
    store.assignments.assign(open.match_id, "203.0.113.7:7777".to_owned(), muster_store::now()).await.unwrap();
    for ticket in &tickets {
        let matched = reaches(&store, ticket.ticket.ticket_id, TicketState::Matched, LATER).await;
        assert_eq!(matched.match_id, Some(open.match_id));
        is_free(&store, ticket).await;
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_proposal_is_decided_though_the_queue_asks_nobody_any_more() {
    let mut platform = doorless().queue(asking(3)).start().await;
    let store = platform.scratch.store.clone();
    let tickets = two(&store, &asking(3)).await;
    becomes(&store, &tickets[1], TicketState::Proposed).await;
    accept(&store, &tickets[0]).await;
    platform.server(0).kill9().await;
    let mut quick = asking(3);
    quick.acceptance = None;
    put(&store, quick).await;
    platform.restart_server(0).await;
    fails(&store, &tickets[1], "not_accepted").await;
    let back = reaches(&store, tickets[0].ticket.ticket_id, TicketState::Waiting, LATER).await;
    assert!(back.ticket.returned);
    platform.finish().await;
}
