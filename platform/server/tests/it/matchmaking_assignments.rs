//! Queues whose matches are played on somebody's own servers, from a party's ticket to the word where to connect.

use std::collections::BTreeSet;
use std::time::Duration;

use muster_core::id::{BackfillId, MatchId, PlayerId};
use muster_core::matchmaking::{Backfill, BackfillPlayer, BackfillTeam, QueueDefinition};
use muster_core::rating::Rating;
use muster_core::wire::{Push, TicketState};
use muster_store::{Assignment, BackfillOpening, Decision, NewTicket, Shard, Store};
use muster_testkit::eventually;
use serde_json::json;

use crate::matchmaking_given::{SOON, becomes, create, doorless, member, placed, player, reaches, solo, ticket, told};
use crate::queue;

/// Three against three, a tank in each team.
fn trios() -> QueueDefinition {
    queue(json!({
        "name": "trios", "version": 1, "ranked": false,
        "teams": {"count": 2, "size": {"min": 3, "max": 3}},
        "roles": [{"name": "tank", "count": 1}, {"name": "damage", "count": 2}],
        "regions": [{"name": "eu-west"}, {"name": "asia"}],
        "party": {"max_size": 2},
    }))
}

fn duel() -> QueueDefinition {
    queue(json!({"name": "duel", "version": 1, "ranked": false}))
}

/// The one match of a queue that waits for a server.
async fn open(store: &Store, queue: &QueueDefinition) -> Assignment {
    eventually(SOON, "a match that waits for a server", async || {
        store.assignments.list(Some(&queue.name), 10, muster_store::now()).await.unwrap().pop()
    })
    .await
}

async fn two(store: &Store) -> [NewTicket; 2] {
    let tickets = [solo(&duel(), 1500.0), solo(&duel(), 1600.0)];
    create(store, &tickets).await;
    tickets
}

/// The word where to connect, as a player gets it.
async fn assigned(store: &Store, player: PlayerId) -> Push {
    eventually(SOON, "a player to be told where to connect", async || {
        told(store, player).await.into_iter().find(|push| matches!(push, Push::MatchAssigned { .. }))
    })
    .await
}

#[tokio::test]
async fn parties_and_roles_become_two_teams_that_are_told_where_to_connect() {
    let platform = doorless().queue(trios()).start().await;
    let store = &platform.scratch.store;
    let with_role = |role: &str, points: f64| {
        let mut member = member(points);
        member.roles = vec![role.to_owned()];
        member
    };
    let near = [("eu-west", 20), ("asia", 200)];
    let tickets: Vec<NewTicket> = [
        vec![with_role("tank", 1500.0), with_role("damage", 1520.0)],
        vec![with_role("damage", 1480.0), with_role("damage", 1500.0)],
        vec![with_role("tank", 1490.0)],
        vec![with_role("damage", 1510.0)],
    ]
    .into_iter()
    .map(|members| placed(&trios(), members, &near))
    .collect();
    create(store, &tickets).await;

    let open = open(store, &trios()).await.new;
    assert_eq!((open.region.as_deref(), open.teams.len()), (Some("eu-west"), 2));
    assert!((0.0..=1.0).contains(&open.quality), "{}", open.quality);
    for team in &open.teams {
        let mut roles: Vec<_> = team.iter().map(|player| player.role.as_deref().unwrap()).collect();
        roles.sort_unstable();
        assert_eq!(roles, ["damage", "damage", "tank"]);
    }
    for party in &tickets {
        let teams: BTreeSet<_> =
            (0..2).filter(|team| open.teams[*team].iter().any(|player| party.ticket.is_of(player.player_id))).collect();
        assert_eq!(teams.len(), 1, "a party is in one team");
    }
    // Until a server has said where, the tickets go on waiting as far as anybody can see.
    assert_eq!(store.tickets.get(tickets[0].ticket.ticket_id).await.unwrap().unwrap().state, TicketState::Waiting);

    let done =
        store.assignments.assign(open.match_id, "203.0.113.7:7777".to_owned(), muster_store::now()).await.unwrap();
    assert!(matches!(done, Decision::Done(_)), "{done:?}");
    for (index, team) in (0_u8..).zip(&open.teams) {
        for player in team {
            let Push::MatchAssigned { match_id, queue, team, role, region, connection, teams, .. } =
                assigned(store, player.player_id).await
            else {
                unreachable!("asked for")
            };
            assert_eq!((match_id, queue.as_str(), team, &role), (open.match_id, "trios", index, &player.role));
            assert_eq!((region.as_deref(), connection.as_str(), teams.len()), (Some("eu-west"), "203.0.113.7:7777", 2));
        }
    }
    for ticket in &tickets {
        assert_eq!(becomes(store, ticket, TicketState::Matched).await.match_id, Some(open.match_id));
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_refusal_puts_everybody_back_at_the_head() {
    let platform = doorless().queue(duel()).start().await;
    let store = &platform.scratch.store;
    let tickets = two(store).await;
    let first = open(store, &duel()).await.new;
    store.assignments.refuse(first.match_id, "no capacity".to_owned(), muster_store::now()).await.unwrap();
    // They are still the oldest, so they meet again.
    let again = eventually(SOON, "another match of the two", async || {
        let open = store.assignments.list(Some("duel"), 10, muster_store::now()).await.unwrap().pop()?;
        (open.new.match_id != first.match_id).then_some(open.new)
    })
    .await;
    store.assignments.assign(again.match_id, "203.0.113.8:7777".to_owned(), muster_store::now()).await.unwrap();
    for ticket in &tickets {
        let matched = becomes(store, ticket, TicketState::Matched).await;
        assert_eq!(matched.match_id, Some(again.match_id));
        assert_eq!((matched.ticket.returned, matched.ticket.enqueued_at), (true, ticket.ticket.enqueued_at));
    }
    platform.finish().await;
}

#[tokio::test]
async fn nobody_answers_and_the_match_is_offered_anew() {
    let platform =
        doorless().env_of("muster-server", "MUSTER__MATCHMAKER__ASSIGNMENT_TIMEOUT", "1s").queue(duel()).start().await;
    let store = &platform.scratch.store;
    let tickets = two(store).await;
    let first = open(store, &duel()).await.new;
    eventually(SOON, "the same two to be offered again", async || {
        let open = store.assignments.list(Some("duel"), 10, muster_store::now()).await.unwrap().pop()?;
        (open.new.match_id != first.match_id).then_some(())
    })
    .await;
    let late = store.assignments.assign(first.match_id, "203.0.113.7:7777".to_owned(), muster_store::now()).await;
    assert!(matches!(late.unwrap(), Decision::AlreadyDecided(_)));
    eventually(SOON, "the players to be told that they wait", async || {
        let told = told(store, tickets[0].ticket.members[0].player_id).await;
        matches!(told.first()?, Push::TicketUpdated { ticket } if ticket.state == TicketState::Waiting).then_some(())
    })
    .await;
    platform.finish().await;
}

#[tokio::test]
async fn a_server_may_answer_while_nobody_leads() {
    let mut platform = doorless().queue(duel()).start().await;
    let store = platform.scratch.store.clone();
    let tickets = two(&store).await;
    let open = open(&store, &duel()).await.new;
    platform.server(0).kill9().await;
    store.assignments.assign(open.match_id, "203.0.113.7:7777".to_owned(), muster_store::now()).await.unwrap();
    platform.restart_server(0).await;
    for ticket in &tickets {
        let matched = reaches(&store, ticket.ticket.ticket_id, TicketState::Matched, Duration::from_secs(15)).await;
        assert_eq!(matched.match_id, Some(open.match_id));
        assigned(&store, ticket.ticket.members[0].player_id).await;
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_running_match_gets_its_missing_player_before_a_new_one_is_made() {
    let mut pairs = queue(json!({
        "name": "pairs", "version": 1, "ranked": false, "teams": {"count": 2, "size": {"min": 2, "max": 2}},
    }));
    pairs.backfill = true;
    let platform = doorless().queue(pairs.clone()).start().await;
    let store = &platform.scratch.store;
    let running: MatchId = muster_store::fresh_id();
    let there = || BackfillPlayer::new(muster_store::fresh_id(), Rating { points: 1500.0, deviation: 80.0 });
    let wish = Backfill {
        backfill_id: muster_store::fresh_id::<BackfillId>(),
        match_id: running,
        requested_at: muster_store::now(),
        region: None,
        properties: Default::default(),
        teams: vec![
            BackfillTeam { players: vec![there(), there()], open: 0 },
            BackfillTeam { players: vec![there()], open: 1 },
        ],
    };
    let opened = store.tickets.open_backfill(&Shard::new("pairs", "all"), &wish).await.unwrap();
    assert_eq!(opened, BackfillOpening::Opened);
    let newcomer = ticket(&pairs, vec![member(1500.0)]);
    create(store, std::slice::from_ref(&newcomer)).await;
    let open = open(store, &pairs).await.new;
    assert_eq!(open.backfill_of, Some(running));
    assert_eq!(store.tickets.backfill_of(running).await.unwrap(), None, "the wish is fulfilled");
    store.assignments.assign(open.match_id, "203.0.113.7:7777".to_owned(), muster_store::now()).await.unwrap();
    let Push::MatchAssigned { match_id, team, .. } = assigned(store, newcomer.ticket.members[0].player_id).await else {
        unreachable!("asked for")
    };
    assert_eq!((match_id, team), (running, 1), "the match that runs, and the team that wanted somebody");
    platform.finish().await;
}

#[tokio::test]
async fn whom_a_running_match_avoids_outlives_the_leader() {
    let mut pairs = queue(json!({
        "name": "pairs", "version": 1, "ranked": false, "teams": {"count": 2, "size": {"min": 2, "max": 2}},
        "avoid_recent_opponents_secs": 600,
    }));
    pairs.backfill = true;
    let mut platform = doorless().queue(pairs.clone()).start().await;
    let store = platform.scratch.store.clone();
    let running: MatchId = muster_store::fresh_id();
    let [blocked, met, newcomer] = std::array::from_fn(|_| ticket(&pairs, vec![member(1500.0)]));
    let there = || BackfillPlayer::new(muster_store::fresh_id(), Rating { points: 1500.0, deviation: 80.0 });
    let blocks = BackfillPlayer { blocked: vec![player(&blocked)], ..there() };
    let has_met = BackfillPlayer { recent: vec![player(&met)], ..there() };
    let wish = Backfill {
        backfill_id: muster_store::fresh_id::<BackfillId>(),
        match_id: running,
        requested_at: muster_store::now(),
        region: None,
        properties: Default::default(),
        teams: vec![
            BackfillTeam { players: vec![has_met, there()], open: 0 },
            BackfillTeam { players: vec![blocks], open: 1 },
        ],
    };
    create(&store, &[blocked.clone(), met.clone()]).await;
    store.tickets.open_backfill(&Shard::new("pairs", "all"), &wish).await.unwrap();
    platform.server(0).kill9().await;
    create(&store, std::slice::from_ref(&newcomer)).await;
    platform.restart_server(0).await;

    let open = open(&store, &pairs).await.new;
    let players: Vec<_> = open.teams.iter().flatten().map(|joins| joins.player_id).collect();
    assert_eq!((open.backfill_of, players), (Some(running), vec![player(&newcomer)]));
    for left in [blocked, met] {
        let record = store.tickets.get(left.ticket.ticket_id).await.unwrap().unwrap();
        assert_eq!(record.state, TicketState::Waiting);
    }
    platform.finish().await;
}
