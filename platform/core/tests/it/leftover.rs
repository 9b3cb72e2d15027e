//! Whom a pass leaves: nobody who could play with others that it leaves. Every way to seat them is tried.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::matchmaking::{Pool, Proposal, QueueDefinition, RatingWindow, Role, Ticket};
use proptest::prelude::*;

use crate::given::{queues, solo, team_queue, tickets};
use crate::rules::{between, may_play_in};
use crate::table::start;

/// Whether some of these tickets make a match, by the rules of a queue: each ticket in turn goes to no team, or to one of them.
fn could_match(queue: &QueueDefinition, tickets: &[&Ticket], at: DateTime<Utc>) -> bool {
    let apart: Vec<Vec<bool>> = tickets
        .iter()
        .map(|a| tickets.iter().map(|b| a.ticket_id != b.ticket_id && !between(queue, a, b, at).is_empty()).collect())
        .collect();
    let regions: Vec<Option<&str>> = match queue.regions.is_empty() {
        true => vec![None],
        false => queue.regions.iter().map(|region| Some(region.name.as_str())).collect(),
    };
    regions.into_iter().any(|region| {
        let near = |at_ticket: usize| region.is_none_or(|region| may_play_in(queue, tickets[at_ticket], region, at));
        let waiting: Vec<usize> = (0..tickets.len()).filter(|ticket| near(*ticket)).collect();
        seat(queue, tickets, &apart, at, &waiting, &mut vec![Vec::new(); queue.teams.count.into()])
    })
}

fn seat(
    queue: &QueueDefinition,
    tickets: &[&Ticket],
    apart: &[Vec<bool>],
    at: DateTime<Utc>,
    waiting: &[usize],
    teams: &mut Vec<Vec<usize>>,
) -> bool {
    if is_a_match(queue, tickets, at, teams) {
        return true;
    }
    let Some((next, rest)) = waiting.split_first() else { return false };
    if teams.iter().flatten().all(|other| !apart[*next][*other]) {
        for team in 0..teams.len() {
            let players: usize = teams[team].iter().map(|ticket| tickets[*ticket].members.len()).sum();
            if players + tickets[*next].members.len() <= queue.teams.size.max.into() {
                teams[team].push(*next);
                if seat(queue, tickets, apart, at, rest, teams) {
                    return true;
                }
                teams[team].pop();
            }
        }
    }
    seat(queue, tickets, apart, at, rest, teams)
}

fn is_a_match(queue: &QueueDefinition, tickets: &[&Ticket], at: DateTime<Utc>, teams: &[Vec<usize>]) -> bool {
    let of_team = |team: &Vec<usize>| -> usize { team.iter().map(|ticket| tickets[*ticket].members.len()).sum() };
    let size = of_team(&teams[0]);
    let seated = || teams.iter().flatten().map(|ticket| tickets[*ticket]);
    let smallest = |ticket: &Ticket| {
        let waited = ticket.waited(at).as_secs();
        let behind = queue.expansion.iter().filter(|step| u64::from(step.after_secs) <= waited);
        behind.filter_map(|step| step.min_team_size).chain([queue.teams.size.min]).min().unwrap()
    };
    let alike =
        |ticket: &Ticket| queue.party.alike_first_secs.is_some_and(|until| ticket.waited(at).as_secs() < until.into());
    let largest = |team: &Vec<usize>| team.iter().map(|ticket| tickets[*ticket].members.len()).max();
    size > 0
        && teams.iter().all(|team| of_team(team) == size)
        && seated().all(|ticket| usize::from(smallest(ticket)) <= size)
        && (seated().all(|ticket| !alike(ticket)) || teams.iter().all(|team| largest(team) == largest(&teams[0])))
        && teams.iter().all(|team| {
            let wanted: Vec<&[String]> =
                team.iter().flat_map(|ticket| &tickets[*ticket].members).map(|member| &*member.roles).collect();
            queue.roles.is_empty() || roles_fit(&mut queue.roles.clone(), &wanted)
        })
}

/// Whether each player of a team can have a role.
fn roles_fit(left: &mut Vec<Role>, players: &[&[String]]) -> bool {
    let Some((first, rest)) = players.split_first() else { return true };
    (0..left.len()).any(|role| {
        let wanted = first.is_empty() || first.contains(&left[role].name);
        wanted && left[role].count > 0 && {
            left[role].count -= 1;
            let fit = roles_fit(left, rest);
            left[role].count += 1;
            fit
        }
    })
}

fn pass(queue: &QueueDefinition, tickets: &[Ticket], at: DateTime<Utc>) -> Vec<Proposal> {
    let mut pool = Pool::new(queue.clone(), "all").unwrap();
    for ticket in tickets {
        pool.insert(ticket).unwrap();
    }
    let mut proposals = Vec::new();
    pool.pass(at, &mut proposals);
    proposals
}

fn left<'a>(tickets: &'a [Ticket], proposals: &[Proposal]) -> Vec<&'a Ticket> {
    let taken: BTreeSet<_> = proposals.iter().flat_map(|proposal| &proposal.tickets).map(|at| at.ticket_id).collect();
    tickets.iter().filter(|ticket| !taken.contains(&ticket.ticket_id)).collect()
}

fn party(number: u128, points: f64, players: u128) -> Ticket {
    let mut ticket = solo(number, points, 40_000);
    ticket.members = (0..players).map(|at| solo(number * 10 + at, points, 0).members.remove(0)).collect();
    ticket
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    /// Queues of every kind: regions, windows, filters, parties, roles, alike parties, blocks, recent opponents; few tickets, so that
    /// all ways can be tried.
    #[test]
    fn nobody_who_could_play_with_others_who_are_left(
        (queue, tickets) in queues().prop_flat_map(|queue| tickets(queue, 7)),
        seconds in prop::sample::select(vec![0i64, 13, 40]),
    ) {
        let at = start() + TimeDelta::seconds(seconds);
        let proposals = pass(&queue, &tickets, at);
        let left = left(&tickets, &proposals);
        prop_assert!(!could_match(&queue, &left, at), "{} tickets are left that make a match", left.len());
    }

    /// Parties of all sizes who would do with anybody: the sizes alone are hard enough.
    #[test]
    fn parties_of_any_size_fill_teams(
        count in 1u8..4,
        size in 2u8..7,
        parties in prop::collection::vec((1u128..7, 0.0..3000.0f64), 1..8),
    ) {
        let queue = QueueDefinition { rating_window: RatingWindow::any(), ..team_queue(count, size, size) };
        let tickets: Vec<Ticket> = parties
            .into_iter()
            .zip(1..)
            .map(|((players, points), number)| party(number, points, players.min(size.into())))
            .collect();
        let proposals = pass(&queue, &tickets, start());
        let left = left(&tickets, &proposals);
        prop_assert!(!could_match(&queue, &left, start()), "{} tickets are left that make a match", left.len());
    }
}

/// Two teams of five, if the player who came alone is left out.
fn two_teams(first: u128, waited_ms: i64) -> Vec<Ticket> {
    let parties = [(1490.0, 3), (1475.0, 2), (1500.0, 1), (1510.0, 3), (1525.0, 2)];
    let party = |((points, players), number)| Ticket {
        enqueued_at: start() - TimeDelta::milliseconds(waited_ms),
        ..party(number, points, players)
    };
    parties.into_iter().zip(first..).map(party).collect()
}

#[test]
fn a_player_who_came_alone_does_not_keep_two_teams_of_five_apart() {
    let proposals = pass(&team_queue(2, 5, 5), &two_teams(1, 0), start());
    let numbers: BTreeSet<u128> = proposals
        .iter()
        .flat_map(|proposal| &proposal.tickets)
        .map(|ticket| ticket.ticket_id.uuid().as_u128())
        .collect();
    assert_eq!(numbers, [1, 2, 4, 5].into());
}

#[test]
fn whoever_is_behind_a_crowd_that_cannot_play_is_found_all_the_same() {
    let mut queue = team_queue(2, 5, 5);
    queue.rating_window.start = Some(100);
    // Parties of four, who have waited longer and take what one pass looks at.
    let mut tickets: Vec<Ticket> = (1_000..1_600).map(|number| party(number, 5000.0, 4)).collect();
    tickets.extend(two_teams(1, 1_000));
    let passes = (0..40).map(|tick| pass(&queue, &tickets, start() + TimeDelta::milliseconds(tick * 100)).len());
    let found: Vec<usize> = passes.collect();
    assert!(found.contains(&0), "it would be found without turns");
    assert!(found.contains(&1), "their turn never comes");
}

#[test]
fn what_the_players_left_lack_is_told() {
    let tank = || Role { name: "tank".into(), count: 1 };
    let queue =
        QueueDefinition { roles: vec![tank(), Role { name: "healer".into(), count: 2 }], ..team_queue(2, 3, 3) };
    let tank = |number: u128| {
        let mut ticket = party(number, 1500.0, 1);
        ticket.members[0].roles = vec!["tank".into()];
        ticket
    };
    let mut pool = Pool::new(queue, "all").unwrap();
    (1..=20).for_each(|number| pool.insert(&tank(number)).unwrap());
    pool.insert(&party(30, 1500.0, 3)).unwrap();
    let told = pool.explain(tank(1).ticket_id, start()).unwrap();
    let supply: Vec<_> = told.roles.iter().map(|role| (role.role.as_str(), role.needed, role.willing)).collect();
    assert_eq!(supply, [("tank", 2, 23), ("healer", 4, 3)]);
    assert_eq!(told.verdict, "A match needs 4 who do `healer`, and 3 of its own and of the 22 left would.");

    let mut pool = Pool::new(team_queue(2, 5, 5), "all").unwrap();
    (1..=10).for_each(|number| pool.insert(&party(number, 1500.0, 2)).unwrap());
    let told = pool.explain(party(1, 0.0, 2).ticket_id, start()).unwrap();
    assert_eq!(
        (told.roles.len(), told.verdict.as_str()),
        (0, "No team of at most 5 is full with it and any of the parties left: their sizes do not add up.")
    );
}
