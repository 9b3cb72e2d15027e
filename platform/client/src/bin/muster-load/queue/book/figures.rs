//! What a book gives once everything is told: the last checks, and the times.

use muster_client::core::id::{MatchId, TicketId};

use super::{Book, Seat, Wish, index};
use tokio::time::Instant;

/// The last ticket of a player, and the match that came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastTicket {
    /// Whose.
    pub player: u32,
    /// Which.
    pub ticket: TicketId,
    /// What the player was told.
    pub match_id: Option<MatchId>,
}

impl Book {
    /// Checks what can only be known once everything is told.
    pub fn close(&mut self) {
        let mut broken = Vec::new();
        for made in self.matches.values() {
            let match_id = made.found.match_id;
            if made.wishes.len() != 2 {
                broken.push(format!("{} of two players were told of {match_id}", made.wishes.len()));
                continue;
            }
            let tickets: Vec<_> = made.wishes.iter().filter_map(|wish| self.wishes[index(*wish)].ticket).collect();
            if tickets.len() != 2 {
                broken.push(format!("{match_id} came of a ticket that was never acknowledged"));
            }
            let (Some(rules), [one, other]) = (&self.rules, made.found.players.as_slice()) else { continue };
            let apart = (one.rating - other.rating).abs();
            for (ticket, since) in tickets {
                let waited = (made.found.created_at - since).to_std().unwrap_or_default();
                let window = rules.rating_window.after(waited);
                if apart > window {
                    broken.push(format!("{match_id}: {apart} points apart, where {ticket} allowed {window}"));
                }
            }
        }
        for text in broken {
            self.broken(text);
        }
    }

    /// From the wish to its acknowledgement, in microseconds.
    pub fn acked_micros(&self) -> Vec<u64> {
        self.micros(|wish| wish.acked)
    }

    /// From the wish to its match, in microseconds.
    pub fn found_micros(&self) -> Vec<u64> {
        self.micros(|wish| wish.found)
    }

    fn micros(&self, end: impl Fn(&Wish) -> Option<Instant>) -> Vec<u64> {
        let took = |wish: &Wish| Some(end(wish)?.saturating_duration_since(wish.asked?));
        self.wishes[self.from..]
            .iter()
            .filter_map(took)
            .map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
            .collect()
    }

    /// The last ticket of every player who has one.
    pub fn last_tickets(&self) -> Vec<LastTicket> {
        let of = |seat: &Seat| {
            let wish = &self.wishes[index(seat.last?)];
            let (ticket, _) = wish.ticket?;
            Some(LastTicket { player: wish.player, ticket, match_id: wish.match_id })
        };
        self.seats.iter().filter_map(of).collect()
    }
}
