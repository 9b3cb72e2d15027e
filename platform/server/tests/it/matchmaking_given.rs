//! What tests of the matchmaker begin with: tickets as a gateway makes them, and what their players were told.

use std::time::Duration;

use muster_core::id::{MatchId, PlayerId, TicketId};
use muster_core::matchmaking::{Member, QueueDefinition, Ticket};
use muster_core::rating::Rating;
use muster_core::wire::{Push, TicketState};
use muster_store::{Creation, NewTicket, Shard, Store, TicketRecord};
use muster_testkit::{Platform, PlatformBuilder, eventually};

/// Long enough for anything that is to happen at once.
pub const SOON: Duration = Duration::from_secs(10);

/// A platform that makes matches and has no door: tickets come from the test.
pub fn doorless() -> PlatformBuilder {
    Platform::builder().server_roles(0, "matchmaker,referee,writer")
}

/// A member of some strength.
pub fn member(points: f64) -> Member {
    Member::new(muster_store::fresh_id(), Rating { points, deviation: 80.0 })
}

/// A ticket of these members, for the group of its nearest region.
pub fn ticket(queue: &QueueDefinition, members: Vec<Member>) -> NewTicket {
    placed(queue, members, &[])
}

/// The same with latencies.
pub fn placed(queue: &QueueDefinition, members: Vec<Member>, latencies_ms: &[(&str, u16)]) -> NewTicket {
    let names = members.iter().map(|member| format!("Player {:.0}", member.rating.points)).collect();
    let latencies_ms = latencies_ms.iter().map(|(region, ms)| ((*region).to_owned(), *ms)).collect();
    let ticket = Ticket {
        ticket_id: muster_store::fresh_id(),
        enqueued_at: muster_store::now(),
        returned: false,
        members,
        latencies_ms,
        properties: Default::default(),
    };
    let shard = Shard::new(&queue.name, queue.group_of(&ticket.latencies_ms));
    NewTicket { ticket, shard, names, idempotency: None }
}

/// A ticket of one.
pub fn solo(queue: &QueueDefinition, points: f64) -> NewTicket {
    ticket(queue, vec![member(points)])
}

/// Lets tickets wait.
pub async fn create(store: &Store, tickets: &[NewTicket]) {
    for creation in store.tickets.create_many(tickets).await.unwrap() {
        assert!(matches!(creation, Creation::Created(_)), "{creation:?}");
    }
}

/// The ticket, once it is in a state.
pub async fn becomes(store: &Store, ticket: &NewTicket, state: TicketState) -> TicketRecord {
    reaches(store, ticket.ticket.ticket_id, state, SOON).await
}

/// The same with a deadline of one's own.
pub async fn reaches(store: &Store, ticket: TicketId, state: TicketState, within: Duration) -> TicketRecord {
    eventually(within, &format!("a ticket to be {}", state.as_str()), async || {
        store.tickets.get(ticket).await.unwrap().filter(|record| record.state == state)
    })
    .await
}

/// What a player was told, in order.
pub async fn told(store: &Store, player: PlayerId) -> Vec<Push> {
    let replay = store.pushes.since(player, 0).await.unwrap();
    replay.items.iter().map(|item| item.push().unwrap()).collect()
}

/// The matches that a player was told of: `match.found`, in order, repetitions left out.
pub async fn matches_told(store: &Store, player: PlayerId) -> Vec<MatchId> {
    let mut matches = Vec::new();
    for push in told(store, player).await {
        if let Push::MatchFound { r#match } = push
            && !matches.contains(&r#match.match_id)
        {
            matches.push(r#match.match_id);
        }
    }
    matches
}

/// The only player of a ticket.
pub fn player(ticket: &NewTicket) -> PlayerId {
    ticket.ticket.members[0].player_id
}

/// Which server leads the one shard of a queue; none when nobody does.
pub async fn leader(platform: &Platform, servers: &[usize], queue: &str) -> Option<usize> {
    let leads = format!("muster_matchmaker_leads{{queue=\"{queue}\",group=\"all\"}} 1");
    for server in servers {
        if platform.metrics(platform.server_ops_url(*server)).await.lines().any(|line| line == leads) {
            return Some(*server);
        }
    }
    None
}
