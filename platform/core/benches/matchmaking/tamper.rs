//! A check that cannot fail proves nothing: each rule is broken once on purpose, and has to be seen.

use std::sync::Arc;

use muster_core::matchmaking::{Proposal, Ticket};

use crate::check::check;
use crate::queues;
use crate::tickets::{Shape, Tickets};
use crate::warm::Warm;

/// How many tickets wait for the matches that are tampered with.
const TICKETS: usize = 400;

type Tampering = fn(&mut Vec<Ticket>, &mut Vec<Proposal>);

/// Panics when a broken rule goes unseen, or one is seen where none is broken.
pub fn the_check_can_fail() {
    let queue = queues::five_on_five_parties();
    let tickets = Tickets::new(crate::SEED).many(TICKETS, Shape::Parties);
    let mut warm = Warm::new(queue.clone(), tickets.clone());
    let proposals = warm.proposals();
    assert!(proposals.len() > 1, "{TICKETS} tickets make matches");
    // Somebody of the first match is to be a party.
    let with_party = proposals.iter().position(|proposal| proposal.tickets.len() < proposal.places.len());
    let mut proposals = proposals.to_vec();
    proposals.swap(0, with_party.expect("some match has a party"));
    let now = warm.now();
    assert_eq!(check(&queue, &tickets, now, &proposals).violations, Vec::<String>::new());

    let tamperings: [(&str, Tampering); 9] = [
        ("in two matches", |_, proposals| proposals.push(proposals[0].clone())),
        ("does not wait", |tickets, proposals| {
            tickets.retain(|ticket| ticket.ticket_id != proposals[0].tickets[0].ticket_id);
        }),
        ("are not those of the tickets", |_, proposals| {
            proposals[0].places[0].player_id = proposals[1].places[0].player_id
        }),
        ("is torn apart", |_, proposals| {
            let places = &mut proposals[0].places;
            let twin = |at: usize| places.iter().skip(at + 1).any(|place| place.ticket_id == places[at].ticket_id);
            let at = (0..places.len()).find(|at| twin(*at)).expect("the first match has a party");
            places[at].team = 1 - places[at].team;
        }),
        ("teams of", |_, proposals| proposals[0].places[0].team = 2),
        ("which it would not", |_, proposals| proposals[0].places[0].role = Some(Arc::from("goalkeeper"))),
        ("points apart", |tickets, proposals| {
            for member in &mut of_first(tickets, proposals).members {
                member.rating.points += 201.0;
            }
        }),
        ("ms away", |tickets, proposals| {
            let region = proposals[0].region.clone().expect("the queue has regions");
            let bound = queues::LATENCY_BOUND;
            of_first(tickets, proposals).latencies_ms.insert(region.to_string(), bound + 1);
        }),
        ("a quality of", |_, proposals| proposals[0].quality -= 0.01),
    ];
    for (rule, tamper) in tamperings {
        let (mut tampered, mut broken) = (tickets.clone(), proposals.clone());
        tamper(&mut tampered, &mut broken);
        let violations = check(&queue, &tampered, now, &broken).violations;
        assert!(violations.iter().any(|text| text.contains(rule)), "`{rule}` went unseen: {violations:?}");
    }
}

fn of_first<'a>(tickets: &'a mut [Ticket], proposals: &[Proposal]) -> &'a mut Ticket {
    let wanted = proposals[0].tickets[0].ticket_id;
    tickets.iter_mut().find(|ticket| ticket.ticket_id == wanted).expect("the ticket waits")
}
