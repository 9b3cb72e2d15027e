//! Whether a ticket fits a queue: what is told at its door.

use super::filter::{listed, property_faults};
use super::{QueueDefinition, Role};
use crate::matchmaking::{Member, Ticket};
use crate::rating::{MAX_DEVIATION, MAX_POINTS};
use crate::wire::FieldError;

/// How many players a player can block; a pass looks at each.
pub const MAX_BLOCKED: usize = 256;

impl QueueDefinition {
    /// Whether a ticket fits this queue, so that it could ever match: the size of its party, its roles, regions and properties.
    ///
    /// # Errors
    /// Everything that does not fit, with the path of its field as a request has it (`players[1].roles[0]`, `latencies_ms.mars`)
    /// and what is allowed there. A plain ticket that fits costs no allocation.
    pub fn admits(&self, ticket: &Ticket) -> Result<(), Vec<FieldError>> {
        let mut faults = Vec::new();
        let (players, most) = (ticket.members.len(), self.max_party());
        if players == 0 || players > usize::from(most) {
            let message = match most {
                1 => "in this queue everybody queues alone".to_owned(),
                most => format!("in this queue 1 to {most} players queue together"),
            };
            faults.push(FieldError::new("players", message));
        }
        for (index, member) in ticket.members.iter().enumerate() {
            if ticket.members[..index].iter().any(|earlier| earlier.player_id == member.player_id) {
                faults.push(FieldError::new(format!("players[{index}].player_id"), "is there already"));
            }
            check_strength(member, index, &mut faults);
            self.check_wishes(member, index, &mut faults);
        }
        let several = players > 1 && !self.roles.is_empty();
        if faults.is_empty() && several && !can_play_together(&self.roles, &ticket.members) {
            let message = "a team has not so many places for the roles they would play: let some play others as well";
            faults.push(FieldError::new("players", message));
        }
        for name in ticket.latencies_ms.keys().filter(|name| !self.regions.iter().any(|region| region.name == **name)) {
            let message = match self.regions.as_slice() {
                [] => "this queue has no regions".to_owned(),
                regions => format!("has to be one of {}", listed(regions.iter().map(|region| &region.name))),
            };
            faults.push(FieldError::new(format!("latencies_ms.{name}"), message));
        }
        faults.extend(property_faults(&self.properties, &ticket.properties));
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The roles that a player would do.
    fn check_wishes(&self, member: &Member, index: usize, faults: &mut Vec<FieldError>) {
        for (place, wish) in member.roles.iter().enumerate() {
            let message = if self.roles.is_empty() {
                "this queue has no roles".to_owned()
            } else if !self.roles.iter().any(|role| role.name == *wish) {
                format!("has to be one of {}", listed(self.roles.iter().map(|role| &role.name)))
            } else if member.roles[..place].contains(wish) {
                "is there already".to_owned()
            } else {
                continue;
            };
            faults.push(FieldError::new(format!("players[{index}].roles[{place}]"), message));
        }
    }
}

fn check_strength(member: &Member, index: usize, faults: &mut Vec<FieldError>) {
    if !(-MAX_POINTS..=MAX_POINTS).contains(&member.rating.points) {
        let message = format!("has to be from -{MAX_POINTS} to {MAX_POINTS}");
        faults.push(FieldError::new(format!("players[{index}].rating.points"), message));
    }
    if !(member.rating.deviation > 0.0 && member.rating.deviation <= MAX_DEVIATION) {
        let message = format!("has to be above 0 and at most {MAX_DEVIATION}");
        faults.push(FieldError::new(format!("players[{index}].rating.deviation"), message));
    }
    if member.blocked.len() > MAX_BLOCKED {
        faults.push(FieldError::new(format!("players[{index}].blocked"), format!("has at most {MAX_BLOCKED}")));
    }
}

/// Whether each can be given one of the roles they would play, with no more players in a role than a team has: the matching of
/// players to places, found by augmenting paths.
fn can_play_together(roles: &[Role], members: &[Member]) -> bool {
    let mut players_of: Vec<Vec<usize>> = vec![Vec::new(); roles.len()];
    (0..members.len()).all(|player| seat(player, roles, members, &mut players_of, &mut vec![false; roles.len()]))
}

/// Finds the player a place, asking those who hold one to take another; each role is asked once.
fn seat(player: usize, roles: &[Role], members: &[Member], players_of: &mut [Vec<usize>], asked: &mut [bool]) -> bool {
    for (role, Role { name, count }) in roles.iter().enumerate() {
        let wishes = &members[player].roles;
        if asked[role] || !(wishes.is_empty() || wishes.contains(name)) {
            continue;
        }
        asked[role] = true;
        if players_of[role].len() < usize::from(*count) {
            players_of[role].push(player);
            return true;
        }
        for place in 0..players_of[role].len() {
            if seat(players_of[role][place], roles, members, players_of, asked) {
                players_of[role][place] = player;
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
#[path = "admit_tests.rs"]
mod tests;
