//! From places of a round to a proposal.

use std::sync::Arc;

use chrono::DateTime;
use smallvec::SmallVec;

use super::entry::Entry;
use super::roles::Composition;
use super::round::{Round, Rules};
use super::teams::Shape;
use crate::id::{PlayerId, TicketId};
use crate::matchmaking::queue::MAX_PARTY;
use crate::matchmaking::{Backfill, Place, Proposal, ProposedTicket};
use crate::rating::{Rating, quality, team_win_probability, win_probability};

/// Writes proposals down.
#[derive(Clone, Copy)]
pub(super) struct Scribe<'a> {
    pub rules: Rules<'a>,
    pub shape: &'a Shape,
    pub regions: &'a [Arc<str>],
    pub role_names: &'a [Arc<str>],
}

impl Scribe<'_> {
    /// One against one, the older ticket first.
    pub fn duel(&self, round: &Round, (older, younger): (usize, usize)) -> Proposal {
        let entries = [older, younger].map(|place| round.entry(&self.rules, place));
        let common = round.regions[older] & round.regions[younger];
        let win_probability = win_probability(entries[0].rating, entries[1].rating);
        Proposal {
            tickets: entries.iter().map(|entry| ticket(entry)).collect(),
            places: (0_u8..)
                .zip(entries)
                .map(|(team, entry)| Place {
                    ticket_id: entry.ticket_id,
                    player_id: entry.player_id,
                    rating: entry.rating,
                    team,
                    role: None,
                })
                .collect(),
            region: self.nearest_region(common, &entries).map(|region| self.regions[region].clone()),
            quality: quality(win_probability),
            win_probability,
            backfill: None,
        }
    }

    /// The teams on the round's table.
    pub fn seated(&self, round: &Round) -> Proposal {
        let places = self.places(round, |_| self.shape.composition.clone());
        let of_team = |team: usize| ratings(&places, team).collect();
        let win_probability = chance(self.shape.teams.count, of_team, || round.table.extremes());
        Proposal {
            tickets: self.tickets(round),
            places,
            region: round.table.region.map(|region| self.regions[region].clone()),
            quality: quality(win_probability),
            win_probability,
            backfill: None,
        }
    }

    /// The newcomers on the round's table, who join a running match.
    pub fn joined(&self, round: &Round, backfill: &Backfill) -> Proposal {
        let places = self.places(round, |team| self.shape.composition.without(backfill.teams.get(team)));
        let of_team = |team: usize| {
            let there = backfill.teams.get(team).into_iter().flat_map(|team| &team.players).map(|player| player.rating);
            there.chain(ratings(&places, team)).collect()
        };
        let win_probability = chance(self.shape.teams.count, of_team, || {
            let by_strength = |a: &usize, b: &usize| {
                let [a, b] = [a, b].map(|team| round.strength(backfill, *team));
                a.total_cmp(&b)
            };
            let teams = || 0..backfill.teams.len();
            (teams().max_by(by_strength).unwrap_or(0), teams().min_by(by_strength).unwrap_or(0))
        });
        Proposal {
            tickets: self.tickets(round),
            places,
            region: round.table.region.map(|region| self.regions[region].clone()),
            quality: quality(win_probability),
            win_probability,
            backfill: Some(backfill.backfill_id),
        }
    }

    fn tickets(&self, round: &Round) -> SmallVec<[ProposedTicket; 2]> {
        round.table.chosen.iter().map(|place| ticket(round.entry(&self.rules, *place as usize))).collect()
    }

    /// Everybody on the table, team by team. `composition` is what a team still has to do.
    fn places(&self, round: &Round, composition: impl Fn(usize) -> Composition) -> SmallVec<[Place; 2]> {
        let mut places = SmallVec::new();
        for team in 0..usize::from(self.shape.teams.count) {
            let members: SmallVec<[Sitter<'_>; MAX_PARTY]> = round
                .table
                .of(team)
                .flat_map(|place| sitters(round.entry(&self.rules, place), self.shape.composition.all()))
                .collect();
            let wishes: SmallVec<[(u8, &[u8]); MAX_PARTY]> =
                members.iter().map(|member| (member.roles, member.preferences)).collect();
            let roles = composition(team).assign(&wishes).unwrap_or_default();
            places.extend(members.iter().enumerate().map(|(at, member)| Place {
                ticket_id: member.ticket_id,
                player_id: member.player_id,
                rating: member.rating,
                team: team as u8,
                role: roles.get(at).map(|role| self.role_names[usize::from(*role)].clone()),
            }));
        }
        places
    }

    /// Of these regions, the one whose furthest player is nearest; of several, the queue's first.
    fn nearest_region(&self, set: u16, entries: &[&Entry]) -> Option<usize> {
        let furthest = |region: usize| entries.iter().map(|entry| entry.latency(region)).max();
        (0..self.regions.len()).filter(|region| set & 1 << region != 0).min_by_key(|region| furthest(*region))
    }
}

/// How strong the players of a team are.
type Ratings = SmallVec<[Rating; MAX_PARTY]>;

fn ratings(places: &[Place], team: usize) -> impl Iterator<Item = Rating> + '_ {
    places.iter().filter(move |place| usize::from(place.team) == team).map(|place| place.rating)
}

/// How likely one side is to win, as [`Proposal::win_probability`] has it. `extremes` are the strongest and the weakest team.
fn chance(teams: u8, of_team: impl Fn(usize) -> Ratings, extremes: impl FnOnce() -> (usize, usize)) -> f64 {
    let (first, second) = match teams {
        1 => {
            let players = of_team(0);
            let by_points = |a: &&Rating, b: &&Rating| a.points.total_cmp(&b.points);
            let ends = (players.iter().max_by(by_points), players.iter().min_by(by_points));
            return ends.0.zip(ends.1).map_or(0.5, |(best, worst)| win_probability(*best, *worst));
        }
        2 => (0, 1),
        _ => extremes(),
    };
    team_win_probability(&of_team(first), &of_team(second))
}

/// A player who sits in a team.
struct Sitter<'a> {
    ticket_id: TicketId,
    player_id: PlayerId,
    rating: Rating,
    roles: u8,
    preferences: &'a [u8],
}

fn sitters(entry: &Entry, all_roles: u8) -> impl Iterator<Item = Sitter<'_>> {
    let alone = entry.companions().is_empty().then_some(Sitter {
        ticket_id: entry.ticket_id,
        player_id: entry.player_id,
        rating: entry.rating,
        roles: all_roles,
        preferences: &[],
    });
    alone.into_iter().chain(entry.companions().iter().map(|member| Sitter {
        ticket_id: entry.ticket_id,
        player_id: member.player_id,
        rating: member.rating,
        roles: member.roles,
        preferences: &member.preferences,
    }))
}

fn ticket(entry: &Entry) -> ProposedTicket {
    let enqueued_at = DateTime::from_timestamp_millis(entry.enqueued_ms).unwrap_or_default();
    ProposedTicket { ticket_id: entry.ticket_id, enqueued_at }
}
