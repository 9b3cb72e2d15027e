//! Why a ticket has not matched.

use chrono::{DateTime, Utc};

use super::entry::Entry;
use super::rules::Refusal;
use super::{Pool, waited};
use crate::id::TicketId;
use crate::matchmaking::explanation::{Explanation, RoleSupply, RuleCost};
use crate::matchmaking::queue::MAX_PARTY;

/// Of sums of players, those that a team may have.
const ANY_TEAM: u32 = (1 << (MAX_PARTY + 1)) - 1;

/// The rules in the order in which they are asked; filters come after these.
const RULES: [&str; 7] =
    ["region", "rating_window", "their_rating_window", "party_size", "roles", "blocked", "recent_opponents"];

impl Pool {
    /// What each rule costs a ticket, among all others that wait at this moment, held ones too; none when the ticket is not here.
    /// Walks over the whole pool.
    pub fn explain(&self, ticket_id: TicketId, now: DateTime<Utc>) -> Option<Explanation> {
        let own = &self.entries[self.slot_of(ticket_id)? as usize];
        let now_ms = now.timestamp_millis();
        let stage = self.stages.of(now_ms - own.enqueued_ms);
        let filters = (0..self.pairs.filters.len()).map(|filter| format!("filter:{}", self.pairs.filters.name(filter)));
        let names = RULES.iter().map(|rule| (*rule).to_owned()).chain(filters);
        let mut rules: Vec<RuleCost> = names.map(|rule| RuleCost { rule, removed: 0, alone: 0 }).collect();
        let (mut candidates, mut left, mut players_left) = (0, 0, 0);
        let mut roles = self.role_supply();
        count_willing(&mut roles, own);
        // The sums of players, as a set, that parties left make together with this ticket.
        let mut sums = 1_u32 << own.size;
        for other in self.here().filter(|other| other.ticket_id != ticket_id) {
            candidates += 1;
            let mut first = true;
            self.refusals(own, other, now_ms, |rule| {
                rules[rule].alone += 1;
                rules[rule].removed += u32::from(std::mem::take(&mut first));
            });
            if first {
                left += 1;
                players_left += u32::from(other.size);
                count_willing(&mut roles, other);
                sums |= (sums << other.size) & ANY_TEAM;
            }
        }
        let smallest = stage.min_team_size.max(own.size);
        let players_needed = u32::from(smallest) * u32::from(self.shape.teams.count) - u32::from(own.size);
        let region_count = self.regions.len();
        let near = own.within(&stage.latencies[..region_count]);
        let within = near & !self.closed;
        let regions: Vec<String> = (0..region_count)
            .filter(|region| within & 1 << region != 0)
            .map(|region| self.regions[region].to_string())
            .collect();
        let verdict = verdict(&Seen {
            own,
            rules: &rules,
            candidates,
            left,
            players_left,
            players_needed,
            nowhere: region_count > 0 && regions.is_empty(),
            shut_out: near & self.closed != 0,
            roles: &roles,
            largest: self.shape.teams.size.max,
            no_team: (smallest..=self.shape.teams.size.max).all(|size| sums & 1 << size == 0),
        });
        Some(Explanation {
            ticket_id,
            at: now,
            waited_ms: waited(now, own.enqueued_ms).as_millis() as u64,
            rating_window: stage.width.is_finite().then_some(stage.width),
            regions,
            candidates,
            rules,
            left,
            players_left,
            players_needed,
            roles,
            verdict,
        })
    }

    fn role_supply(&self) -> Vec<RoleSupply> {
        let teams = u32::from(self.shape.teams.count);
        let supply = |(name, (_, count)): (&std::sync::Arc<str>, (u8, u8))| RoleSupply {
            role: name.to_string(),
            needed: teams * u32::from(count),
            willing: 0,
        };
        self.role_names.iter().zip(self.shape.composition.roles()).map(supply).collect()
    }

    /// Calls `refused` with the number of each rule that keeps two tickets apart.
    fn refusals(&self, own: &Entry, other: &Entry, now_ms: i64, mut refused: impl FnMut(usize)) {
        let [ours, theirs] = [own, other].map(|entry| self.stages.of(now_ms - entry.enqueued_ms));
        let regions = self.regions.len();
        let [here, there] = [(own, ours), (other, theirs)]
            .map(|(entry, stage)| entry.within(&stage.latencies[..regions]) & !self.closed);
        let distance = (own.points - other.points).abs();
        let smallest = ours.min_team_size.max(theirs.min_team_size);
        let largest = self.shape.teams.size.max;
        let room = match self.shape.teams.count {
            1 => own.size + other.size <= largest,
            _ => own.size.max(other.size) <= largest,
        };
        let broken = [
            regions > 0 && here & there == 0,
            distance > ours.width,
            distance > theirs.width,
            !room || smallest > largest,
            !self.roles_fit(own, other),
        ];
        for (rule, _) in broken.iter().enumerate().filter(|(_, broken)| **broken) {
            refused(rule);
        }
        for refusal in self.pairs.refusals((own, ours), (other, theirs)) {
            refused(match refusal {
                Refusal::Blocked => 5,
                Refusal::RecentOpponents => 6,
                Refusal::Filter(filter) => RULES.len() + filter,
            });
        }
    }

    /// Whether two tickets could play the roles of one team; when there are more teams, they need not be in the same.
    fn roles_fit(&self, own: &Entry, other: &Entry) -> bool {
        let composition = &self.shape.composition;
        if composition.is_any() || self.shape.teams.count > 1 {
            return true;
        }
        let roles: Vec<u8> = [own, other].iter().flat_map(|entry| entry.role_sets(composition.all())).collect();
        composition.can_do(&roles)
    }
}

fn count_willing(supply: &mut [RoleSupply], entry: &Entry) {
    for wanted in entry.role_sets(u8::MAX) {
        for (role, supply) in supply.iter_mut().enumerate() {
            supply.willing += u32::from(wanted >> role & 1);
        }
    }
}

struct Seen<'a> {
    own: &'a Entry,
    rules: &'a [RuleCost],
    candidates: u32,
    left: u32,
    players_left: u32,
    players_needed: u32,
    nowhere: bool,
    /// Some region would do if it were not closed.
    shut_out: bool,
    roles: &'a [RoleSupply],
    /// The largest team.
    largest: u8,
    /// No team is full with it and any of those left.
    no_team: bool,
}

fn verdict(seen: &Seen<'_>) -> String {
    let Seen { own, rules, candidates, left, players_left, players_needed, nowhere, shut_out, .. } = *seen;
    let lacking = seen.roles.iter().filter(|supply| supply.willing < supply.needed);
    let lacking = lacking.max_by_key(|supply| supply.needed - supply.willing);
    let worst = rules.iter().filter(|rule| rule.alone > 0).max_by_key(|rule| rule.alone);
    if own.held {
        "It is proposed for a match at this moment.".to_owned()
    } else if candidates == 0 {
        "Nobody else waits in this pool.".to_owned()
    } else if nowhere && shut_out {
        "Every region that is near enough by now is closed.".to_owned()
    } else if nowhere {
        "It is too far from every region it named; the bound widens while it waits, if the queue's does.".to_owned()
    } else if left == 0 {
        let rule = worst.map_or("a rule", |rule| rule.rule.as_str());
        format!("Of {candidates} others, none is left: `{rule}` alone refuses the most.")
    } else if players_left < players_needed {
        format!("{players_needed} more players are needed and {players_left} are left, in {left} tickets.")
    } else if let Some(RoleSupply { role, needed, willing }) = lacking {
        format!(
            "A match needs {needed} who do `{role}`, and {willing} of its own and of the {players_left} left would."
        )
    } else if seen.no_team {
        format!(
            "No team of at most {} is full with it and any of the parties left: their sizes do not add up.",
            seen.largest
        )
    } else {
        format!(
            "{players_left} players are left for the {players_needed} that are needed: they do not all fit each other yet."
        )
    }
}
