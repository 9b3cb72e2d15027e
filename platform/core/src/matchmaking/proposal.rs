//! A proposal: tickets that could play each other, until somebody claims them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use smallvec::SmallVec;

use crate::id::{BackfillId, PlayerId, TicketId};
use crate::rating::Rating;

/// Tickets that could play each other, until somebody claims them.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Its tickets, the one it was made for first.
    pub tickets: SmallVec<[ProposedTicket; 2]>,
    /// Who plays where, team by team.
    pub places: SmallVec<[Place; 2]>,
    /// Where it is played; none when the queue has no regions.
    pub region: Option<Arc<str>>,
    /// How even it would be: 0 to 1. `1 − |2p − 1|` for the win probability `p` below.
    pub quality: f64,
    /// How likely the first team is to win against the second: 0 to 1. With more teams, the strongest against the weakest; with
    /// one, its strongest player against its weakest.
    pub win_probability: f64,
    /// The wish it fulfils, when its players join a running match.
    pub backfill: Option<BackfillId>,
}

/// A ticket of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProposedTicket {
    /// Which ticket.
    pub ticket_id: TicketId,
    /// Since when it waits.
    pub enqueued_at: DateTime<Utc>,
}

/// A player's place in a proposal.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The player's ticket.
    pub ticket_id: TicketId,
    /// Who.
    pub player_id: PlayerId,
    /// How strong.
    pub rating: Rating,
    /// Which team, from 0.
    pub team: u8,
    /// What the player does; none when the queue has no roles.
    pub role: Option<Arc<str>>,
}

impl Proposal {
    /// Its players.
    pub fn players(&self) -> impl Iterator<Item = PlayerId> + '_ {
        self.places.iter().map(|place| place.player_id)
    }
}
