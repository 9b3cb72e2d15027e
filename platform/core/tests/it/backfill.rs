//! Players for matches that run already.

use chrono::TimeDelta;
use muster_core::id::{BackfillId, MatchId};
use muster_core::matchmaking::{Backfill, BackfillPlayer, BackfillTeam, Pool, Proposal, QueueDefinition, Role, Ticket};
use muster_core::rating::Rating;
use uuid::Uuid;

use crate::given::{player_id, solo, team_queue, ticket_id};
use crate::table::start;

fn wish(number: u128, open: [u8; 2]) -> Backfill {
    let team = |at: usize| BackfillTeam {
        players: (0..3 - open[at])
            .map(|seat| BackfillPlayer {
                player_id: player_id(1_000 + number * 10 + u128::from(seat) + at as u128 * 5),
                rating: Rating { points: 1500.0, deviation: 80.0 },
                role: None,
            })
            .collect(),
        open: open[at],
    };
    Backfill {
        backfill_id: BackfillId::from_uuid(Uuid::from_u128(number)),
        match_id: MatchId::from_uuid(Uuid::from_u128(number)),
        requested_at: start() + TimeDelta::milliseconds(number as i64),
        region: None,
        properties: Default::default(),
        teams: vec![team(0), team(1)],
    }
}

fn queue() -> QueueDefinition {
    QueueDefinition { backfill: true, ..team_queue(2, 3, 3) }
}

fn pass(pool: &mut Pool) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    pool.pass(start(), &mut proposals);
    proposals
}

fn numbers(proposal: &Proposal) -> Vec<u128> {
    proposal.tickets.iter().map(|ticket| ticket.ticket_id.uuid().as_u128()).collect()
}

#[test]
fn running_matches_come_before_new_ones() {
    let mut pool = Pool::new(queue(), "all").unwrap();
    for number in 1..=6 {
        pool.insert(&solo(number, 1400.0 + number as f64 * 20.0, 0)).unwrap();
    }
    pool.insert_backfill(&wish(1, [1, 0])).unwrap();
    let proposals = pass(&mut pool);
    assert_eq!(proposals.len(), 1, "one of six has gone, five make no match");
    assert_eq!((numbers(&proposals[0]), proposals[0].places[0].team), (vec![5], 0));
    assert_eq!(proposals[0].backfill, Some(wish(1, [1, 0]).backfill_id));
    assert!(!pool.remove_backfill(wish(1, [1, 0]).backfill_id), "a wish is fulfilled once");
}

#[test]
fn as_many_as_there_are_and_the_weaker_team_first() {
    let mut pool = Pool::new(queue(), "all").unwrap();
    pool.insert(&solo(1, 1500.0, 0)).unwrap();
    pool.insert(&solo(2, 1500.0, 0)).unwrap();
    pool.insert_backfill(&wish(1, [1, 2])).unwrap();
    let proposals = pass(&mut pool);
    let teams: Vec<u8> = proposals[0].places.iter().map(|place| place.team).collect();
    assert_eq!(teams, [0, 1]);
    pool.insert_backfill(&wish(2, [1, 2])).unwrap();
    assert!(pass(&mut pool).is_empty());
    assert!(pool.remove_backfill(wish(2, [1, 2]).backfill_id));
}

#[test]
fn the_newcomers_own_rules_hold() {
    let mut narrow = queue();
    narrow.rating_window.start = Some(50);
    let mut pool = Pool::new(narrow, "all").unwrap();
    pool.insert(&solo(1, 1551.0, 0)).unwrap();
    let mut blocks = solo(2, 1500.0, 0);
    blocks.members[0].blocked = vec![wish(1, [1, 0]).teams[1].players[0].player_id];
    pool.insert(&blocks).unwrap();
    pool.insert_backfill(&wish(1, [1, 0])).unwrap();
    assert!(pass(&mut pool).is_empty());
    pool.insert(&solo(3, 1550.0, 0)).unwrap();
    assert_eq!(numbers(&pass(&mut pool)[0]), [3]);
}

#[test]
fn parties_fit_whole_and_roles_are_those_that_are_open() {
    let mut with_roles = queue();
    with_roles.roles = vec![Role { name: "tank".into(), count: 1 }, Role { name: "damage".into(), count: 2 }];
    let mut pool = Pool::new(with_roles, "all").unwrap();
    let mut asked = wish(1, [1, 0]);
    for (seat, player) in asked.teams.iter_mut().flat_map(|team| team.players.iter_mut().enumerate()) {
        player.role = Some(if seat == 0 { "tank".into() } else { "damage".into() });
    }
    let doing = |number, role: &str| {
        let mut ticket: Ticket = solo(number, 1500.0, 0);
        ticket.members[0].roles = vec![role.into()];
        ticket
    };
    let mut party = doing(1, "damage");
    party.members.push(doing(9, "damage").members.remove(0));
    pool.insert(&party).unwrap();
    pool.insert(&doing(2, "tank")).unwrap();
    pool.insert_backfill(&asked).unwrap();
    assert!(pass(&mut pool).is_empty(), "one place, for damage: not for two, and not for a tank");
    pool.insert(&doing(3, "damage")).unwrap();
    let proposals = pass(&mut pool);
    assert_eq!((numbers(&proposals[0]), proposals[0].places[0].role.as_deref()), (vec![3], Some("damage")));
    assert!(pool.contains(ticket_id(1)));
}

#[test]
fn a_wish_that_does_not_fit_is_refused_with_its_field() {
    let paths = |queue: QueueDefinition, wish: &Backfill| -> Vec<String> {
        let refused = Pool::new(queue, "all").unwrap().insert_backfill(wish).unwrap_err();
        refused.into_iter().map(|fault| fault.path).collect()
    };
    assert_eq!(paths(team_queue(2, 3, 3), &wish(1, [1, 0])), ["queue"]);
    assert_eq!(paths(queue(), &wish(1, [0, 0])), ["teams"]);
    let mut many = wish(1, [1, 1]);
    many.teams[1].open = 2;
    many.region = Some("mars".into());
    assert_eq!(paths(queue(), &many), ["region", "teams[1].open"]);
}
