//! Players for matches that run already.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use muster_core::id::{BackfillId, MatchId};
use muster_core::matchmaking::{
    Backfill, BackfillPlayer, BackfillTeam, ExpansionStep, Filter, Pool, PropertyKind, PropertyValue, Proposal,
    QueueDefinition, Role, Ticket,
};
use muster_core::rating::{Rating, quality, team_win_probability, win_probability};
use proptest::prelude::*;
use uuid::Uuid;

use crate::given::{player_id, queues, running, solo, team_queue, ticket_id, tickets};
use crate::rules::{Known, broken, broken_joining, may_join};
use crate::table::start;

fn wish(number: u128, open: [u8; 2]) -> Backfill {
    let team = |at: usize| BackfillTeam {
        players: (0..3 - open[at])
            .map(|seat| {
                let player = player_id(1_000 + number * 10 + u128::from(seat) + at as u128 * 5);
                BackfillPlayer::new(player, Rating { points: 1500.0, deviation: 80.0 })
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
fn the_rules_of_those_who_are_there_hold_too() {
    let mut pool = Pool::new(queue(), "all").unwrap();
    let mut party = solo(1, 1500.0, 0);
    party.members.push(solo(2, 1500.0, 0).members.remove(0));
    pool.insert(&party).unwrap();
    let mut asked = wish(1, [2, 0]);
    asked.teams[1].players[2].blocked = vec![player_id(7), player_id(2)];
    pool.insert_backfill(&asked).unwrap();
    assert!(pass(&mut pool).is_empty(), "one of the party is blocked by one of the other team");
    pool.insert(&solo(7, 1500.0, 0)).unwrap();
    assert!(pass(&mut pool).is_empty());
    pool.insert(&solo(8, 1500.0, 0)).unwrap();
    assert_eq!(numbers(&pass(&mut pool)[0]), [8]);
}

#[test]
fn recent_opponents_do_not_meet_again_until_both_would() {
    let mut avoids = queue();
    avoids.avoid_recent_opponents_secs = Some(600);
    let anybody =
        ExpansionStep { after_secs: 30, drop_filters: Vec::new(), min_team_size: None, recent_opponents: true };
    avoids.expansion = vec![anybody];
    let met_by_both = |wish: &mut Backfill, ticket: &mut Ticket, side: usize| match side {
        0 => wish.teams[1].players[0].recent = vec![player_id(1)],
        _ => ticket.members[0].recent = vec![wish.teams[1].players[0].player_id],
    };
    for side in [0, 1] {
        for (asked_secs, waited_secs, joins) in [(0, 0, false), (0, 40, false), (40, 0, false), (40, 40, true)] {
            let mut asked = wish(1, [1, 0]);
            asked.requested_at = start() - TimeDelta::seconds(asked_secs);
            let mut newcomer = solo(1, 1500.0, waited_secs * 1000);
            met_by_both(&mut asked, &mut newcomer, side);
            let mut pool = Pool::new(avoids.clone(), "all").unwrap();
            pool.insert(&newcomer).unwrap();
            pool.insert_backfill(&asked).unwrap();
            assert_eq!(!pass(&mut pool).is_empty(), joins, "side {side}, {asked_secs} s and {waited_secs} s");
        }
    }
    // Where the queue does not mind, nobody does.
    let mut asked = wish(1, [1, 0]);
    let mut newcomer = solo(1, 1500.0, 0);
    met_by_both(&mut asked, &mut newcomer, 0);
    met_by_both(&mut asked, &mut newcomer, 1);
    let mut pool = Pool::new(queue(), "all").unwrap();
    pool.insert(&newcomer).unwrap();
    pool.insert_backfill(&asked).unwrap();
    assert_eq!(pass(&mut pool).len(), 1);
}

#[test]
fn newcomers_are_near_each_other_as_well() {
    let mut narrow = queue();
    narrow.rating_window.start = Some(100);
    let mut pool = Pool::new(narrow.clone(), "all").unwrap();
    pool.insert(&solo(1, 1400.0, 0)).unwrap();
    pool.insert(&solo(2, 1600.0, 0)).unwrap();
    pool.insert_backfill(&wish(1, [1, 1])).unwrap();
    let proposals = pass(&mut pool);
    assert_eq!((proposals.len(), numbers(&proposals[0]).len()), (1, 1), "200 apart: one, or the other");
    let mut pool = Pool::new(narrow, "all").unwrap();
    pool.insert(&solo(1, 1450.0, 0)).unwrap();
    pool.insert(&solo(2, 1550.0, 0)).unwrap();
    pool.insert_backfill(&wish(1, [1, 1])).unwrap();
    assert_eq!(numbers(&pass(&mut pool)[0]), [1, 2]);
}

#[test]
fn a_filter_is_dropped_when_match_and_newcomer_have_waited() {
    let mut picky = queue();
    picky.properties = [("level".into(), PropertyKind::Number)].into();
    picky.filters = vec![Filter { name: "level".into(), rule: "self.level >= other.level".into() }];
    let drops = ExpansionStep {
        after_secs: 30,
        drop_filters: vec!["level".into()],
        min_team_size: None,
        recent_opponents: false,
    };
    picky.expansion = vec![drops];
    // Seen from the one it is true, seen from the other it is not.
    for levels in [(10.0, 20.0), (20.0, 10.0)] {
        for (asked_secs, waited_secs, joins) in [(0, 0, false), (0, 40, false), (40, 0, false), (40, 40, true)] {
            let mut asked = wish(1, [1, 0]);
            asked.requested_at = start() - TimeDelta::seconds(asked_secs);
            asked.properties = [("level".into(), PropertyValue::Number(levels.0))].into();
            let mut newcomer = solo(1, 1500.0, waited_secs * 1000);
            newcomer.properties = [("level".into(), PropertyValue::Number(levels.1))].into();
            let mut pool = Pool::new(picky.clone(), "all").unwrap();
            pool.insert(&newcomer).unwrap();
            pool.insert_backfill(&asked).unwrap();
            assert_eq!(!pass(&mut pool).is_empty(), joins, "{levels:?}, {asked_secs} s and {waited_secs} s");
        }
    }
}

#[test]
fn who_wants_parties_alike_does_not_join_a_match_of_unknown_parties() {
    let mut alike = queue();
    alike.party.alike_first_secs = Some(10);
    let mut pool = Pool::new(alike, "all").unwrap();
    pool.insert(&solo(1, 1500.0, 9_999)).unwrap();
    pool.insert_backfill(&wish(1, [1, 0])).unwrap();
    assert!(pass(&mut pool).is_empty());
    pool.insert(&solo(2, 1500.0, 10_000)).unwrap();
    assert_eq!(numbers(&pass(&mut pool)[0]), [2]);
}

#[test]
fn the_chance_is_of_the_teams_as_they_will_be() {
    let rating = |points| Rating { points, deviation: 100.0 };
    let asked = |teams: &[&[f64]], open: &[u8]| {
        let mut next = 1_000;
        let mut player = |points: &f64| {
            next += 1;
            BackfillPlayer::new(player_id(next), rating(*points))
        };
        let teams = teams.iter().zip(open);
        let teams =
            teams.map(|(team, open)| BackfillTeam { players: team.iter().map(&mut player).collect(), open: *open });
        Backfill { teams: teams.collect(), ..wish(1, [1, 0]) }
    };
    let joined = |count: u8, asked: &Backfill, points: f64| {
        let queue = QueueDefinition { backfill: true, ..team_queue(count, 2, 2) };
        let mut pool = Pool::new(queue, "all").unwrap();
        pool.insert(&solo(1, points, 0)).unwrap();
        pool.insert_backfill(asked).unwrap();
        pass(&mut pool).remove(0)
    };
    // Of three, the strongest against the weakest: neither is the first or the second alone.
    let proposal = joined(3, &asked(&[&[1500.0, 1500.0], &[1400.0, 1500.0], &[1600.0]], &[0, 0, 1]), 1700.0);
    let expected = team_win_probability(&[1600.0, 1700.0].map(rating), &[1400.0, 1500.0].map(rating));
    assert_eq!((proposal.win_probability, proposal.quality), (expected, quality(expected)));
    // Of two, the first against the second.
    let proposal = joined(2, &asked(&[&[1500.0], &[1600.0, 1600.0]], &[1, 0]), 1500.0);
    let expected = team_win_probability(&[1500.0, 1500.0].map(rating), &[1600.0, 1600.0].map(rating));
    assert_eq!((proposal.win_probability, proposal.quality), (expected, quality(expected)));
    // Of one, its strongest player against its weakest.
    let proposal = joined(1, &asked(&[&[1800.0]], &[1]), 1500.0);
    let expected = win_probability(rating(1800.0), rating(1500.0));
    assert_eq!((proposal.win_probability, proposal.quality), (expected, quality(expected)));
}

#[test]
fn a_wish_is_read_as_it_was_written_and_as_builds_before_wrote_it() {
    let mut asked = wish(1, [1, 0]);
    asked.teams[0].players[0].blocked = vec![player_id(7)];
    asked.teams[0].players[1].recent = vec![player_id(8)];
    let written = serde_json::to_value(&asked).unwrap();
    assert_eq!(serde_json::from_value::<Backfill>(written).unwrap(), asked);
    let before = serde_json::json!({
        "backfill_id": asked.backfill_id, "match_id": asked.match_id, "requested_at": "2026-01-31T09:30:00.000Z",
        "teams": [{"players": [{"player_id": player_id(1), "rating": {"points": 1500.0, "deviation": 80.0}}], "open": 1}],
    });
    let read: Backfill = serde_json::from_value(before).unwrap();
    assert_eq!(read.teams[0].players, [BackfillPlayer::new(player_id(1), Rating { points: 1500.0, deviation: 80.0 })]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    /// Nor does anybody stay who could: where nobody joins a match, nobody may.
    #[test]
    fn nobody_joins_against_a_rule(
        (queue, tickets, wishes) in queues()
            .prop_flat_map(|queue| tickets(QueueDefinition { backfill: true, ..queue }, 40))
            .prop_flat_map(|(queue, tickets)| running(queue, tickets)),
    ) {
        queue.validate().unwrap();
        let known: Known = tickets.iter().map(|ticket| (ticket.ticket_id, ticket.clone())).collect();
        let mut pool = Pool::new(queue.clone(), "all").unwrap();
        for ticket in &tickets {
            pool.insert(ticket).unwrap();
        }
        for wish in &wishes {
            pool.insert_backfill(wish).unwrap();
        }
        let mut asking = wishes;
        for seconds in [0, 2, 11, 40] {
            let at = start() + TimeDelta::seconds(seconds);
            let mut free: BTreeSet<_> = known.keys().filter(|ticket| pool.contains(**ticket)).collect();
            let mut proposals = Vec::new();
            pool.pass(at, &mut proposals);
            for proposal in &proposals {
                let against = match proposal.backfill {
                    Some(id) => {
                        let wish = asking.remove(asking.iter().position(|wish| wish.backfill_id == id).unwrap());
                        free.retain(|ticket| proposal.tickets.iter().all(|joins| joins.ticket_id != **ticket));
                        broken_joining(&queue, &known, &wish, proposal, at)
                    }
                    None => broken(&queue, &known, proposal, at),
                };
                prop_assert_eq!(against, Vec::<String>::new(), "{:?}", proposal);
                for ticket in &proposal.tickets {
                    prop_assert!(pool.remove(ticket.ticket_id));
                }
            }
            for wish in &asking {
                let could = free.iter().find(|ticket| may_join(&queue, &known[**ticket], wish, at));
                prop_assert_eq!(could, None, "{:?}", wish);
            }
        }
    }
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
    many.properties = [("build".into(), PropertyValue::Number(1.0))].into();
    assert_eq!(paths(queue(), &many), ["region", "teams[1].open", "properties.build"]);
}
