//! Queues and tickets to match, drawn at random: of every kind, and small enough for ties and dead ends to come up.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use muster_core::game::Mode;
use muster_core::id::{BackfillId, MatchId, PlayerId, TicketId};
use muster_core::matchmaking::{
    Backfill, BackfillPlayer, BackfillTeam, ExpansionStep, Filter, LatencyBound, LatencyStep, Member, PartyRating,
    PropertyKind, PropertyValue, QueueDefinition, RatingWindow, Region, Role, SizeRange, Teams, Ticket, WindowStep,
};
use muster_core::rating::Rating;
use proptest::prelude::*;
use uuid::Uuid;

use crate::table::start;

pub fn ticket_id(number: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(number))
}

pub fn player_id(number: u128) -> PlayerId {
    PlayerId::from_uuid(Uuid::from_u128(number))
}

/// One player's ticket that has waited so long.
pub fn solo(number: u128, points: f64, waited_ms: i64) -> Ticket {
    let enqueued_at = start() - TimeDelta::milliseconds(waited_ms);
    Ticket::solo(ticket_id(number), player_id(number), Rating { points, deviation: 100.0 }, enqueued_at)
}

/// A queue for two, without a rule but the window.
pub fn duel(rating_window: RatingWindow) -> QueueDefinition {
    QueueDefinition {
        name: "test".into(),
        version: 1,
        mode: Some(Mode::Classic),
        ranked: true,
        teams: Teams::default(),
        roles: Vec::new(),
        rating_window,
        regions: Vec::new(),
        party: Default::default(),
        properties: Default::default(),
        filters: Vec::new(),
        avoid_recent_opponents_secs: None,
        expansion: Vec::new(),
        acceptance: None,
        backfill: false,
        max_wait_secs: None,
        servers: None,
    }
}

/// A queue for so many teams of so many.
pub fn team_queue(count: u8, min: u8, max: u8) -> QueueDefinition {
    QueueDefinition { mode: None, teams: Teams { count, size: SizeRange { min, max } }, ..duel(RatingWindow::any()) }
}

pub fn windows() -> impl Strategy<Value = RatingWindow> {
    let steps = prop::collection::vec((1u32..12, 0u32..400, prop::bool::weighted(0.2)), 0..6);
    let window = (0u32..300, steps).prop_map(|(start, steps)| {
        let (mut after_secs, mut window, mut any) = (0, start, false);
        let step = |(later, wider, is_any): (u32, u32, bool)| {
            after_secs += later;
            window += wider;
            any |= is_any;
            WindowStep { after_secs, window: (!any).then_some(window) }
        };
        RatingWindow { start: Some(start), steps: steps.into_iter().map(step).collect() }
    });
    prop_oneof![4 => window, 1 => Just(RatingWindow::any())]
}

fn regions() -> impl Strategy<Value = Vec<Region>> {
    let bound = prop_oneof![
        1 => Just(None),
        3 => (20u16..150, 5u32..20, 150u16..300).prop_map(|(start, after_secs, wider)| Some(LatencyBound {
            start_ms: Some(start),
            steps: vec![
                LatencyStep { after_secs, max_ms: Some(wider) },
                LatencyStep { after_secs: after_secs + 15, max_ms: None },
            ],
        })),
    ];
    prop::collection::vec(bound, 0..4).prop_map(|bounds| {
        let region = |(at, latency)| Region { name: format!("region-{at}"), group: "all".into(), latency };
        bounds.into_iter().enumerate().map(region).collect()
    })
}

/// Queues of every kind.
pub fn queues() -> impl Strategy<Value = QueueDefinition> {
    let shape = (1u8..4, 1u8..4, 0u8..3).prop_map(|(count, min, more)| (count, min, min + more));
    let shape = shape.prop_filter("a match has two players", |(count, min, _)| count * min > 1);
    let shape = prop_oneof![1 => Just((2, 1, 1)), 2 => shape];
    let rules = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (shape, windows(), regions(), rules).prop_map(|((count, min, max), rating_window, regions, rules)| {
        let (with_roles, with_filters, alike, avoid, by_strongest) = rules;
        let with_roles = with_roles && max > 1;
        let mut queue = QueueDefinition { rating_window, regions, ..team_queue(count, min, max) };
        if with_roles {
            queue.teams.size.min = max;
            queue.roles = vec![Role { name: "tank".into(), count: 1 }, Role { name: "damage".into(), count: max - 1 }];
        }
        if with_filters {
            queue.properties = [("build".into(), PropertyKind::String), ("level".into(), PropertyKind::Number)].into();
            queue.filters = vec![
                Filter { name: "build".into(), rule: "self.build == other.build".into() },
                Filter { name: "level".into(), rule: "abs(self.level - other.level) <= 10".into() },
            ];
        }
        if alike && max > 1 {
            queue.party.alike_first_secs = Some(10);
        }
        if avoid {
            queue.avoid_recent_opponents_secs = Some(600);
        }
        if by_strongest {
            queue.party.rating = PartyRating::Max;
        }
        let step = ExpansionStep {
            after_secs: 12,
            drop_filters: if with_filters { vec!["level".into()] } else { Vec::new() },
            min_team_size: (queue.teams.size.min > 1 && !with_roles && count > 1).then(|| queue.teams.size.min - 1),
            recent_opponents: avoid,
        };
        let gives_up = step.recent_opponents || step.min_team_size.is_some() || !step.drop_filters.is_empty();
        queue.expansion = if gives_up { vec![step] } else { Vec::new() };
        queue
    })
}

fn ratings() -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => (-20i32..120).prop_map(|tens| f64::from(tens) * 25.0),
        1 => (0i32..30).prop_map(|ones| 1500.0 + f64::from(ones)),
        2 => Just(1500.0),
    ]
}

fn properties(queue: &QueueDefinition, said: u8) -> BTreeMap<String, PropertyValue> {
    let mut properties = BTreeMap::new();
    if !queue.properties.is_empty() {
        if said & 1 != 0 {
            let build = if said & 2 != 0 { "beta" } else { "stable" };
            properties.insert("build".into(), PropertyValue::Text(build.into()));
        }
        properties.insert("level".into(), PropertyValue::Number(f64::from(said) * 4.0));
    }
    properties
}

/// Tickets that a queue admits. Few ratings and few moments, so that ties come up.
pub fn tickets(queue: QueueDefinition, most: usize) -> impl Strategy<Value = (QueueDefinition, Vec<Ticket>)> {
    let players = prop::collection::vec((ratings(), 0u8..4), 1..=usize::from(queue.max_party()));
    let whom = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    let row = (players, -2i64..45, prop::bool::weighted(0.1), prop::collection::vec(0u16..400, 0..4), 0u8..8, whom);
    prop::collection::vec(row, 0..most).prop_map(move |rows| {
        let players: Vec<usize> = rows.iter().map(|row| row.0.len()).collect();
        let all: usize = players.iter().sum();
        let mut next = 0;
        let tickets = rows.into_iter().enumerate().map(|(at, (members, secs, returned, latencies, said, whom))| {
            let others: Vec<PlayerId> = whom.iter().map(|index| player_id(index.index(all) as u128 + 1)).collect();
            let member = |(points, wants): (f64, u8)| {
                next += 1;
                let roles = ["tank", "damage"].iter().enumerate().filter(|(role, _)| wants & 1 << role != 0);
                Member {
                    roles: roles.filter(|_| !queue.roles.is_empty()).map(|(_, role)| (*role).to_owned()).collect(),
                    blocked: others.iter().take(1).copied().filter(|_| at % 5 == 0).collect(),
                    recent: others.iter().skip(1).copied().collect(),
                    ..Member::new(player_id(next), Rating { points, deviation: 80.0 })
                }
            };
            let mut ticket = solo(at as u128 + 1, 0.0, secs * 1000);
            ticket.members = members.into_iter().map(member).collect();
            ticket.returned = returned;
            let measured = queue.regions.iter().zip(latencies);
            ticket.latencies_ms = measured.map(|(region, latency)| (region.name.clone(), latency)).collect();
            ticket.properties = properties(&queue, said);
            ticket
        });
        let admitted = tickets.filter(|ticket| queue.admits(ticket).is_ok());
        (queue.clone(), admitted.collect())
    })
}

/// Matches that run and ask for players, and those who wait: some of the ones avoid some of the others.
pub fn running(
    queue: QueueDefinition,
    tickets: Vec<Ticket>,
) -> impl Strategy<Value = (QueueDefinition, Vec<Ticket>, Vec<Backfill>)> {
    let most = usize::from(queue.teams.size.max);
    let player = (ratings(), any::<bool>(), prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..3));
    let team = (prop::collection::vec(player, 0..=most), 0u8..4);
    let teams = prop::collection::vec(team, usize::from(queue.teams.count));
    let row = (teams, -2i64..45, any::<prop::sample::Index>(), 0u8..8, prop::bool::weighted(0.1));
    let avoided = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>());
    let rows = (prop::collection::vec(row, 1..6), prop::collection::vec(avoided, 0..12));
    rows.prop_map(move |(rows, avoided)| {
        let mut tickets = tickets.clone();
        let waiting: Vec<PlayerId> = tickets.iter().flat_map(|ticket| ticket.players()).collect();
        let mut next = 10_000;
        let mut wishes = Vec::new();
        for (number, (teams, secs, region, said, is_here)) in (1..).zip(rows) {
            let mut teams: Vec<BackfillTeam> = teams
                .into_iter()
                .map(|(players, open)| {
                    let mut team = BackfillTeam { players: Vec::new(), open: open.min((most - players.len()) as u8) };
                    for (points, tank, avoids) in players {
                        next += 1;
                        let mut player = BackfillPlayer::new(player_id(next), Rating { points, deviation: 80.0 });
                        for (whom, blocks) in avoids.iter().filter(|_| !waiting.is_empty()) {
                            let list = if *blocks { &mut player.blocked } else { &mut player.recent };
                            list.push(waiting[whom.index(waiting.len())]);
                        }
                        player.role = open_role(&queue, &team, tank);
                        team.players.push(player);
                    }
                    team
                })
                .collect();
            if teams.iter().all(|team| team.open == 0) {
                teams[0].players.truncate(most - 1);
                teams[0].open = 1;
            }
            if let Some(player) = teams.iter_mut().find_map(|team| team.players.first_mut()).filter(|_| is_here) {
                player.player_id = waiting.first().copied().unwrap_or(player.player_id);
            }
            wishes.push(Backfill {
                backfill_id: BackfillId::from_uuid(Uuid::from_u128(number)),
                match_id: MatchId::from_uuid(Uuid::from_u128(number)),
                requested_at: start() - TimeDelta::seconds(secs),
                region: (!queue.regions.is_empty()).then(|| region.get(&queue.regions).name.clone()),
                properties: properties(&queue, said),
                teams,
            });
        }
        let both = next > 10_000 && !tickets.is_empty();
        for (ticket, whom, blocks) in avoided.iter().filter(|_| both) {
            let at = ticket.index(tickets.len());
            let member = &mut tickets[at].members[0];
            let list = if *blocks { &mut member.blocked } else { &mut member.recent };
            list.push(player_id(10_001 + whom.index(next as usize - 10_000) as u128));
        }
        (queue.clone(), tickets, wishes)
    })
}

/// A role that a team has room for; none when the queue has no roles.
fn open_role(queue: &QueueDefinition, team: &BackfillTeam, tank: bool) -> Option<String> {
    let is_open = |role: &&Role| {
        let doing = team.players.iter().filter(|player| player.role.as_ref() == Some(&role.name)).count();
        doing < role.count.into()
    };
    let mut open: Vec<&Role> = queue.roles.iter().filter(is_open).collect();
    if !tank {
        open.reverse();
    }
    open.first().map(|role| role.name.clone())
}
