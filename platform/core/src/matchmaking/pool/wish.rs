//! A running match's wish for players, as the pool has it: checked, and with whom its players avoid in order, to be found at once.

use std::sync::Arc;

use super::entry::Entry;
use crate::id::{BackfillId, PlayerId};
use crate::matchmaking::queue::{Filters, PropertyRow, QueueDefinition};
use crate::matchmaking::{Backfill, BackfillPlayer};
use crate::wire::FieldError;

/// A running match's wish for players, as the pool has it.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub backfill: Backfill,
    /// The index of the region it is played in.
    pub region: Option<usize>,
    /// What the queue's filters read of it.
    pub row: PropertyRow,
    /// The mean of their ratings; 0 when nobody is there.
    pub middle: f64,
    players: Sorted,
    /// Whom one of them never plays with or against.
    blocked: Sorted,
    /// Whom one of them has played against lately.
    recent: Sorted,
}

impl Wish {
    /// # Errors
    /// Why a running match may not ask this queue so.
    pub fn new(
        queue: &QueueDefinition,
        regions: &[Arc<str>],
        filters: &Filters,
        backfill: &Backfill,
    ) -> Result<Self, Vec<FieldError>> {
        let mut faults = faults(queue, regions, backfill);
        let row = filters.row(&backfill.properties).unwrap_or_else(|unfit| {
            faults.extend(unfit);
            PropertyRow::default()
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        let there = || backfill.teams.iter().flat_map(|team| &team.players);
        let points: Vec<f64> = there().map(|player| player.rating.points).collect();
        let gather = |of: fn(&BackfillPlayer) -> &[PlayerId]| there().flat_map(of).copied().collect();
        Ok(Self {
            region: backfill.region.as_ref().and_then(|name| regions.iter().position(|known| **known == **name)),
            row,
            middle: points.iter().sum::<f64>() / points.len().max(1) as f64,
            players: there().map(|player| player.player_id).collect(),
            blocked: gather(|player| &player.blocked),
            recent: gather(|player| &player.recent),
            backfill: backfill.clone(),
        })
    }

    /// The ratings of its players.
    pub fn points(&self) -> impl Iterator<Item = f64> {
        self.backfill.teams.iter().flat_map(|team| &team.players).map(|player| player.rating.points)
    }

    /// Those who ask first come first.
    pub fn age(&self) -> (i64, BackfillId) {
        (self.requested_ms(), self.backfill.backfill_id)
    }

    pub fn requested_ms(&self) -> i64 {
        self.backfill.requested_at.timestamp_millis()
    }

    /// Whether a member of a ticket plays there already.
    pub fn has_one_of(&self, ticket: &Entry) -> bool {
        ticket.players().any(|(player, _)| self.players.has(player))
    }

    /// Whether somebody there, or of the ticket, never plays with one of the others.
    pub fn is_blocked(&self, ticket: &Entry) -> bool {
        self.players.has_any(ticket.blocked()) || ticket.players().any(|(player, _)| self.blocked.has(player))
    }

    /// Whether somebody there and somebody of the ticket have played each other lately.
    pub fn met(&self, ticket: &Entry) -> bool {
        self.players.has_any(ticket.recent()) || ticket.players().any(|(player, _)| self.recent.has(player))
    }
}

/// Players in order.
#[derive(Debug, Clone)]
struct Sorted(Box<[PlayerId]>);

impl Sorted {
    fn has(&self, player: PlayerId) -> bool {
        self.0.binary_search(&player).is_ok()
    }

    fn has_any(&self, players: &[PlayerId]) -> bool {
        players.iter().any(|player| self.has(*player))
    }
}

impl FromIterator<PlayerId> for Sorted {
    fn from_iter<T: IntoIterator<Item = PlayerId>>(players: T) -> Self {
        let mut players: Vec<PlayerId> = players.into_iter().collect();
        players.sort_unstable();
        players.dedup();
        Self(players.into())
    }
}

fn faults(queue: &QueueDefinition, regions: &[Arc<str>], backfill: &Backfill) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut fault = |path: String, message: String| faults.push(FieldError::new(path, message));
    if !queue.backfill {
        fault("queue".into(), "one whose definition has `backfill`".into());
    }
    match &backfill.region {
        None if !regions.is_empty() => fault("region".into(), format!("one of {}", regions.join(", "))),
        Some(region) if !regions.iter().any(|known| **known == **region) => {
            fault("region".into(), format!("one of {}", regions.join(", ")));
        }
        _ => {}
    }
    if backfill.teams.len() != usize::from(queue.teams.count) {
        fault("teams".into(), format!("{} teams, as the queue has", queue.teams.count));
    }
    for (at, team) in backfill.teams.iter().enumerate() {
        if team.players.len() + usize::from(team.open) > usize::from(queue.teams.size.max) {
            fault(format!("teams[{at}].open"), format!("with its players, at most {}", queue.teams.size.max));
        }
        for (number, player) in team.players.iter().enumerate() {
            let path = |field: &str| format!("teams[{at}].players[{number}].{field}");
            if !(player.rating.points.is_finite() && player.rating.deviation.is_finite()) {
                fault(path("rating"), "a finite number of points".into());
            }
            if player.role.as_ref().is_some_and(|role| queue.roles.iter().all(|known| known.name != *role)) {
                fault(path("role"), "a role of the queue".into());
            }
        }
    }
    if backfill.teams.iter().all(|team| team.open == 0) {
        fault("teams".into(), "at least one open place".into());
    }
    faults
}
