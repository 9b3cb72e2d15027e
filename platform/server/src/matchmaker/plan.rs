//! What a proposal is going to be: kept by the leader while a match is made of it, and by Redis while its players are asked.

use muster_core::id::{MatchId, PlayerId, TicketId};
use muster_core::matchmaking::{Backfill, Proposal};
use muster_core::rating::Rating;
use serde::{Deserialize, Serialize};

/// A match to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub match_id: MatchId,
    /// The rules that allowed it.
    pub queue_version: u32,
    pub tickets: Vec<TicketId>,
    /// Team by team.
    pub places: Vec<PlannedPlace>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub quality: f64,
    pub win_probability: f64,
    /// The wish it fulfils, when its players join a running match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<Backfill>,
}

/// Where a player is to play.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlannedPlace {
    pub ticket_id: TicketId,
    pub player_id: PlayerId,
    pub rating: Rating,
    pub team: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Plan {
    /// Names the match that a proposal may become.
    pub(super) fn of(proposal: Proposal, backfill: Option<Backfill>, match_id: MatchId, queue_version: u32) -> Self {
        let mut places: Vec<_> = proposal
            .places
            .into_iter()
            .map(|place| PlannedPlace {
                ticket_id: place.ticket_id,
                player_id: place.player_id,
                rating: place.rating,
                team: place.team,
                role: place.role.as_deref().map(str::to_owned),
            })
            .collect();
        places.sort_by_key(|place| place.team);
        Self {
            match_id,
            queue_version,
            tickets: proposal.tickets.iter().map(|ticket| ticket.ticket_id).collect(),
            places,
            region: proposal.region.as_deref().map(str::to_owned),
            quality: proposal.quality,
            win_probability: proposal.win_probability,
            backfill,
        }
    }

    /// As Redis keeps it.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("ids, numbers and texts have a JSON form")
    }

    /// From what Redis kept.
    pub(super) fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The players by team, in order; every team up to the last that has players.
    pub(super) fn teams(&self) -> Vec<Vec<&PlannedPlace>> {
        let count = self.places.iter().map(|place| usize::from(place.team) + 1).max().unwrap_or_default();
        let mut teams = vec![Vec::new(); count];
        for place in &self.places {
            teams[usize::from(place.team)].push(place);
        }
        teams
    }
}
