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
        let (strongest, weakest) = round.table.extremes();
        let of_team = |team: usize| -> SmallVec<[Rating; MAX_PARTY]> {
            places.iter().filter(|place| usize::from(place.team) == team).map(|place| place.rating).collect()
        };
        let win_probability = match self.shape.teams.count {
            1 => {
                let by_points = |a: &&Place, b: &&Place| a.rating.points.total_cmp(&b.rating.points);
                let ends = (places.iter().max_by(by_points), places.iter().min_by(by_points));
                ends.0.zip(ends.1).map_or(0.5, |(best, worst)| win_probability(best.rating, worst.rating))
            }
            2 => team_win_probability(&of_team(0), &of_team(1)),
            _ => team_win_probability(&of_team(strongest), &of_team(weakest)),
        };
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
        let of_team = |team: usize| -> SmallVec<[Rating; MAX_PARTY]> {
            let there = backfill.teams.get(team).into_iter().flat_map(|team| &team.players).map(|player| player.rating);
            let new = places.iter().filter(|place| usize::from(place.team) == team).map(|place| place.rating);
            there.chain(new).collect()
        };
        let win_probability = match backfill.teams.len() {
            0 | 1 => 0.5,
            _ => team_win_probability(&of_team(0), &of_team(1)),
        };
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
