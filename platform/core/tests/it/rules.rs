//! The rules of a queue, word by word: what the pool's proposals are held against.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use muster_core::id::{PlayerId, TicketId};
use muster_core::matchmaking::{
    Backfill, BackfillPlayer, BackfillTeam, ExpansionStep, Filters, Member, PartyRating, Proposal, QueueDefinition,
    Ticket,
};
use muster_core::rating::{Rating, team_win_probability, win_probability};

/// All tickets, by id.
pub type Known = BTreeMap<TicketId, Ticket>;

/// The rating that counts for a ticket.
pub fn points(queue: &QueueDefinition, ticket: &Ticket) -> f64 {
    let points = ticket.members.iter().map(|member| member.rating.points);
    match queue.party.rating {
        PartyRating::Average => points.sum::<f64>() / ticket.members.len() as f64,
        PartyRating::Max => points.fold(f64::NEG_INFINITY, f64::max),
    }
}

fn behind(queue: &QueueDefinition, ticket: &Ticket, at: DateTime<Utc>) -> Vec<ExpansionStep> {
    let waited = ticket.waited(at).as_secs();
    queue.expansion.iter().filter(|step| u64::from(step.after_secs) <= waited).cloned().collect()
}

/// Whether a ticket may play in a region by now.
pub fn may_play_in(queue: &QueueDefinition, ticket: &Ticket, region: &str, at: DateTime<Utc>) -> bool {
    let Some(known) = queue.regions.iter().find(|known| known.name == region) else { return false };
    let bound = known.latency.as_ref().and_then(|bound| bound.after(ticket.waited(at)));
    match ticket.latencies_ms.get(region) {
        None => ticket.latencies_ms.is_empty(),
        Some(latency) => bound.is_none_or(|bound| *latency <= bound),
    }
}

/// What speaks against two tickets, but for the region.
pub fn between(queue: &QueueDefinition, a: &Ticket, b: &Ticket, at: DateTime<Utc>) -> Vec<String> {
    let mut broken = Vec::new();
    for (one, other) in [(a, b), (b, a)] {
        broken.extend(too_far(queue, one, points(queue, other), at));
        broken.extend(seen_from(queue, one, other, at));
    }
    broken
}

/// Whether a ticket does not allow a rating.
fn too_far(queue: &QueueDefinition, ticket: &Ticket, rating: f64, at: DateTime<Utc>) -> Option<String> {
    let distance = (points(queue, ticket) - rating).abs();
    let window = queue.rating_window.after(ticket.waited(at));
    (distance > window + 1e-9).then(|| format!("rating: {distance} apart, {window} allowed"))
}

/// What speaks against another ticket, seen from one, but for rating and region.
fn seen_from(queue: &QueueDefinition, one: &Ticket, other: &Ticket, at: DateTime<Utc>) -> Vec<String> {
    let mut broken = Vec::new();
    if one.members.iter().any(|member| member.blocked.iter().any(|player| other.is_of(*player))) {
        broken.push("blocked".to_owned());
    }
    let both_would =
        [one, other].iter().all(|ticket| behind(queue, ticket, at).iter().any(|step| step.recent_opponents));
    let met = one.members.iter().any(|member| member.recent.iter().any(|player| other.is_of(*player)));
    if queue.avoid_recent_opponents_secs.is_some() && met && !both_would {
        broken.push("recent opponents".to_owned());
    }
    let filters = Filters::compile(queue).unwrap();
    let rows = [one, other].map(|ticket| filters.row(&ticket.properties).unwrap());
    for (number, filter) in queue.filters.iter().enumerate() {
        let drops =
            |ticket: &Ticket| behind(queue, ticket, at).iter().any(|step| step.drop_filters.contains(&filter.name));
        let dropped = drops(one) && drops(other);
        if !(dropped || filters.allows(number, &rows[0], &rows[1])) {
            broken.push(format!("filter {}", filter.name));
        }
    }
    broken
}

fn wants_alike(queue: &QueueDefinition, ticket: &Ticket, at: DateTime<Utc>) -> bool {
    queue.party.alike_first_secs.is_some_and(|until| ticket.waited(at).as_secs() < until.into())
}

/// Everything that is wrong with a proposal; empty when it keeps every rule.
pub fn broken(queue: &QueueDefinition, known: &Known, proposal: &Proposal, at: DateTime<Utc>) -> Vec<String> {
    let tickets: Vec<&Ticket> = proposal.tickets.iter().map(|ticket| &known[&ticket.ticket_id]).collect();
    let mut broken = broken_by_any(queue, known, proposal, at);

    // As many teams as there should be, of one size that everybody allows.
    let size = |team: u8| proposal.places.iter().filter(|place| place.team == team).count();
    let sizes: Vec<usize> = (0..queue.teams.count).map(size).collect();
    let smallest = |ticket: &&Ticket| {
        let steps = behind(queue, ticket, at);
        steps.iter().filter_map(|step| step.min_team_size).chain([queue.teams.size.min]).min().unwrap()
    };
    let allowed = tickets.iter().map(smallest).max().unwrap_or(1);
    if sizes.iter().any(|size| *size != sizes[0]) || sizes.iter().sum::<usize>() != proposal.places.len() {
        broken.push(format!("teams of {sizes:?}"));
    }
    if sizes[0] < allowed.into() || sizes[0] > queue.teams.size.max.into() {
        broken.push(format!("teams of {} where {allowed} to {} are allowed", sizes[0], queue.teams.size.max));
    }

    // Parties alike, as long as one wants it.
    let largest = |team: u8| {
        let of_team = |ticket: &&&Ticket| {
            proposal.places.iter().any(|place| place.ticket_id == ticket.ticket_id && place.team == team)
        };
        tickets.iter().filter(of_team).map(|ticket| ticket.members.len()).max()
    };
    let largest: BTreeSet<_> = (0..queue.teams.count).map(largest).collect();
    if tickets.iter().any(|ticket| wants_alike(queue, ticket, at)) && largest.len() > 1 {
        broken.push("parties are not alike".to_owned());
    }

    // Roles: as many of each as a team needs, and only what players would do.
    for team in 0..queue.teams.count {
        for role in &queue.roles {
            let doing = |place: &&muster_core::matchmaking::Place| {
                place.team == team && place.role.as_deref() == Some(&role.name)
            };
            let doing = proposal.places.iter().filter(doing).count();
            if doing != usize::from(role.count) {
                broken.push(format!("{doing} of {} in team {team}", role.name));
            }
        }
    }
    broken
}

/// Everything that is wrong with a proposal whose players join a running match; empty when it keeps every rule.
pub fn broken_joining(
    queue: &QueueDefinition,
    known: &Known,
    wish: &Backfill,
    proposal: &Proposal,
    at: DateTime<Utc>,
) -> Vec<String> {
    let mut broken = broken_by_any(queue, known, proposal, at);
    let newcomers = |team: usize| proposal.places.iter().filter(move |place| usize::from(place.team) == team);
    for (team, there) in wish.teams.iter().enumerate() {
        if newcomers(team).count() > there.open.into() {
            broken.push(format!("{} newcomers in team {team}", newcomers(team).count()));
        }
        for role in &queue.roles {
            let before = there.players.iter().filter(|player| player.role.as_ref() == Some(&role.name)).count();
            let doing = newcomers(team).filter(|place| place.role.as_deref() == Some(&role.name)).count();
            if before + doing > role.count.into() {
                broken.push(format!("{before} and {doing} of {} in team {team}", role.name));
            }
        }
    }
    if proposal.places.iter().any(|place| usize::from(place.team) >= wish.teams.len()) {
        broken.push("a team that is not there".to_owned());
    }
    if proposal.places.iter().any(|place| place.role.is_none() != queue.roles.is_empty()) {
        broken.push("a player without a role, or with one that there is not".to_owned());
    }
    if proposal.places.is_empty() || proposal.region.as_deref() != wish.region.as_deref() {
        broken.push("nobody, or elsewhere".to_owned());
    }
    for ticket in &proposal.tickets {
        broken.extend(between_match(queue, &known[&ticket.ticket_id], wish, at));
    }
    let teams: Vec<Vec<Rating>> = wish
        .teams
        .iter()
        .enumerate()
        .map(|(team, there)| {
            let before = there.players.iter().map(|player| player.rating);
            before.chain(newcomers(team).map(|place| place.rating)).collect()
        })
        .collect();
    if !chances(&teams).iter().any(|chance| (chance - proposal.win_probability).abs() < 1e-9) {
        broken.push(format!("{} where {:?} is the chance", proposal.win_probability, chances(&teams)));
    }
    broken
}

/// What speaks against a ticket in a running match, but for the region and the room there.
pub fn between_match(queue: &QueueDefinition, ticket: &Ticket, wish: &Backfill, at: DateTime<Utc>) -> Vec<String> {
    let there = || wish.teams.iter().flat_map(|team| &team.players);
    let member = |player: &BackfillPlayer| Member {
        blocked: player.blocked.clone(),
        recent: player.recent.clone(),
        ..Member::new(player.player_id, player.rating)
    };
    // The match as a ticket that has waited since it asked.
    let running = Ticket {
        enqueued_at: wish.requested_at,
        returned: false,
        members: there().map(member).collect(),
        latencies_ms: BTreeMap::new(),
        properties: wish.properties.clone(),
        ..ticket.clone()
    };
    let mut broken = seen_from(queue, ticket, &running, at);
    broken.extend(seen_from(queue, &running, ticket, at));
    broken.extend(there().filter_map(|player| too_far(queue, ticket, player.rating.points, at)));
    if there().any(|player| ticket.is_of(player.player_id)) {
        broken.push("plays there already".to_owned());
    }
    if wants_alike(queue, ticket, at) {
        broken.push("wants parties alike".to_owned());
    }
    broken
}

/// Whether a ticket could join a running match if nobody else did.
pub fn may_join(queue: &QueueDefinition, ticket: &Ticket, wish: &Backfill, at: DateTime<Utc>) -> bool {
    let has_room =
        |team: &BackfillTeam| ticket.members.len() <= team.open.into() && can_do(queue, team, &ticket.members);
    between_match(queue, ticket, wish, at).is_empty()
        && wish.region.as_ref().is_none_or(|region| may_play_in(queue, ticket, region, at))
        && wish.teams.iter().any(has_room)
}

/// Whether each of these players can have a role that is open in a team: tries every way.
fn can_do(queue: &QueueDefinition, team: &BackfillTeam, members: &[Member]) -> bool {
    let Some((first, rest)) = members.split_first() else { return true };
    let would = |role: &str| first.roles.is_empty() || first.roles.iter().any(|wanted| wanted == role);
    queue.roles.is_empty()
        || queue.roles.iter().any(|role| {
            let doing = team.players.iter().filter(|player| player.role.as_ref() == Some(&role.name)).count();
            let mut with = team.clone();
            with.players.push(BackfillPlayer {
                role: Some(role.name.clone()),
                ..BackfillPlayer::new(first.player_id, first.rating)
            });
            would(&role.name) && doing < role.count.into() && can_do(queue, &with, rest)
        })
}

/// What the chance of one side may be said to be: several when teams, or players, are as strong as each other.
fn chances(teams: &[Vec<Rating>]) -> Vec<f64> {
    let ends = |strengths: Vec<f64>| -> Vec<(usize, usize)> {
        let most = strengths.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = strengths.iter().copied().fold(f64::INFINITY, f64::min);
        let near = |strength: f64, end: f64| (strength - end).abs() < 1e-6;
        let all = 0..strengths.len();
        let pairs = all.clone().flat_map(|a| all.clone().map(move |b| (a, b)));
        pairs.filter(|(a, b)| near(strengths[*a], most) && near(strengths[*b], least)).collect()
    };
    match teams {
        [team] => {
            let ends = ends(team.iter().map(|rating| rating.points).collect());
            ends.into_iter().map(|(best, worst)| win_probability(team[best], team[worst])).collect()
        }
        [first, second] => vec![team_win_probability(first, second)],
        teams => {
            let strengths = teams.iter().map(|team| team.iter().map(|rating| rating.points).sum());
            let ends = ends(strengths.collect());
            ends.into_iter().map(|(best, worst)| team_win_probability(&teams[best], &teams[worst])).collect()
        }
    }
}

/// What is wrong with a proposal of any form.
fn broken_by_any(queue: &QueueDefinition, known: &Known, proposal: &Proposal, at: DateTime<Utc>) -> Vec<String> {
    let mut broken = Vec::new();
    let tickets: Vec<&Ticket> = proposal.tickets.iter().map(|ticket| &known[&ticket.ticket_id]).collect();

    // Parties are whole, and nobody is there twice.
    let players: Vec<PlayerId> = proposal.players().collect();
    let expected: BTreeSet<PlayerId> = tickets.iter().flat_map(|ticket| ticket.players()).collect();
    if players.len() != expected.len() || players.iter().copied().collect::<BTreeSet<_>>() != expected {
        broken.push("its places are not its tickets' players, each once".to_owned());
    }
    for ticket in &tickets {
        let teams: BTreeSet<u8> = proposal
            .places
            .iter()
            .filter(|place| place.ticket_id == ticket.ticket_id)
            .map(|place| place.team)
            .collect();
        if teams.len() != 1 {
            broken.push("a party is torn apart".to_owned());
        }
    }

    // Everybody as strong as they are, and doing what they would.
    for place in &proposal.places {
        let member = known[&place.ticket_id].members.iter().find(|member| member.player_id == place.player_id).unwrap();
        if member.rating != place.rating {
            broken.push("another rating".to_owned());
        }
        if let Some(role) = &place.role
            && !member.roles.is_empty()
            && !member.roles.iter().any(|wanted| **wanted == **role)
        {
            broken.push(format!("a player does {role} who would not"));
        }
    }

    match &proposal.region {
        Some(region) => {
            for ticket in tickets.iter().filter(|ticket| !may_play_in(queue, ticket, region, at)) {
                broken.push(format!("{} may not play in {region}", ticket.ticket_id));
            }
        }
        None if !queue.regions.is_empty() => broken.push("no region".to_owned()),
        None => {}
    }
    for (index, a) in tickets.iter().enumerate() {
        for b in &tickets[index + 1..] {
            broken.extend(between(queue, a, b, at));
        }
    }
    if !(0.0..=1.0).contains(&proposal.quality) || !(0.0..=1.0).contains(&proposal.win_probability) {
        broken.push(format!("quality {} of win probability {}", proposal.quality, proposal.win_probability));
    }
    broken
}
