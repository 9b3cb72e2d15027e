//! The rules of a queue, word by word: what the pool's proposals are held against.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use muster_core::id::{PlayerId, TicketId};
use muster_core::matchmaking::{ExpansionStep, Filters, PartyRating, Proposal, QueueDefinition, Ticket};

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
    let distance = (points(queue, a) - points(queue, b)).abs();
    for (one, other) in [(a, b), (b, a)] {
        let window = queue.rating_window.after(one.waited(at));
        if distance > window + 1e-9 {
            broken.push(format!("rating: {distance} apart, {window} allowed"));
        }
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
    }
    broken
}

/// Everything that is wrong with a proposal; empty when it keeps every rule.
pub fn broken(queue: &QueueDefinition, known: &Known, proposal: &Proposal, at: DateTime<Utc>) -> Vec<String> {
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
    let wants_alike =
        |ticket: &&Ticket| queue.party.alike_first_secs.is_some_and(|until| ticket.waited(at).as_secs() < until.into());
    if tickets.iter().any(wants_alike) && largest.len() > 1 {
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
