//! A ticket as the pool has it: small, with names turned into numbers of the queue's definition.

use std::sync::Arc;

use crate::id::{PlayerId, TicketId};
use crate::matchmaking::queue::{MAX_REGIONS, PartyRating, PropertyRow, QueueDefinition};
use crate::matchmaking::ticket::{Member, Ticket};
use crate::rating::Rating;

/// A latency that no bound allows: the ticket does not play in this region.
const UNREACHABLE: u16 = u16::MAX;

/// A bound that allows every latency but [`UNREACHABLE`].
pub(super) const ANY_LATENCY: u16 = u16::MAX - 1;

/// A ticket as the pool has it. What only few tickets have is in a box of its own.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub ticket_id: TicketId,
    /// The first member.
    pub player_id: PlayerId,
    pub enqueued_ms: i64,
    /// What the rating window compares.
    pub points: f64,
    /// Of the first member.
    pub rating: Rating,
    /// By the queue's regions, in milliseconds; nothing where the ticket said nothing.
    latencies: [u16; MAX_REGIONS],
    /// Tells this stay in the pool from an earlier one in the same slot.
    pub stamp: u32,
    pub size: u8,
    /// Goes before others.
    pub returned: bool,
    /// Proposed: no pass looks at it.
    pub held: bool,
    vacant: bool,
    extra: Option<Box<Extra>>,
}

/// What a plain ticket of one player does not have.
#[derive(Debug, Clone, Default)]
struct Extra {
    /// All of them when there are several, or when the one has roles.
    members: Box<[Companion]>,
    row: PropertyRow,
    blocked: Box<[PlayerId]>,
    recent: Box<[PlayerId]>,
}

/// A member of a ticket.
#[derive(Debug, Clone)]
pub(super) struct Companion {
    pub player_id: PlayerId,
    pub rating: Rating,
    /// Roles the player would do, by the queue's roles, best first.
    pub preferences: Box<[u8]>,
    /// The same as a set.
    pub roles: u8,
}

/// What turns names into numbers.
pub(super) struct Names<'a> {
    pub definition: &'a QueueDefinition,
    /// The regions of this pool.
    pub regions: &'a [Arc<str>],
    pub all_roles: u8,
}

impl Entry {
    /// `row` is what the queue's filters read of the ticket.
    pub fn new(ticket: &Ticket, row: PropertyRow, names: &Names<'_>, stamp: u32) -> Option<Self> {
        let first = ticket.members.first()?;
        let mut latencies = [0; MAX_REGIONS];
        if !ticket.latencies_ms.is_empty() {
            for (latency, region) in latencies.iter_mut().zip(names.regions) {
                *latency = ticket.latencies_ms.get(&**region).map_or(UNREACHABLE, |ms| (*ms).min(ANY_LATENCY));
            }
        }
        let total: f64 = ticket.members.iter().map(|member| member.rating.points).sum();
        let points = match names.definition.party.rating {
            PartyRating::Average => total / ticket.members.len() as f64,
            PartyRating::Max => ticket.members.iter().map(|member| member.rating.points).fold(f64::MIN, f64::max),
        };
        Some(Self {
            ticket_id: ticket.ticket_id,
            player_id: first.player_id,
            enqueued_ms: ticket.enqueued_at.timestamp_millis(),
            // Adding nothing makes one zero of the two, which sort apart but are the same rating.
            points: points + 0.0,
            rating: first.rating,
            latencies,
            stamp,
            size: u8::try_from(ticket.members.len()).ok()?,
            returned: ticket.returned,
            held: false,
            vacant: false,
            extra: Extra::new(ticket, row, names).map(Box::new),
        })
    }

    /// Those who go first come first: returned tickets, then the oldest.
    pub fn age(&self) -> Age {
        Age { younger: !self.returned, enqueued_ms: self.enqueued_ms, ticket_id: self.ticket_id }
    }

    /// The ticket left.
    pub fn vacate(&mut self) {
        (self.vacant, self.held, self.extra) = (true, false, None);
    }

    /// Whether this is what a ticket that left has left behind.
    pub fn is_vacant(&self) -> bool {
        self.vacant
    }

    /// Whether the ticket may ever play in a region.
    pub fn reaches(&self, region: usize) -> bool {
        self.latencies[region] != UNREACHABLE
    }

    pub fn latency(&self, region: usize) -> u16 {
        self.latencies[region]
    }

    /// The regions, as a set, whose bound in milliseconds the ticket's latency keeps.
    pub fn within(&self, bounds: &[u16]) -> u16 {
        let set = |set, (region, bound): (usize, &u16)| set | u16::from(self.latencies[region] <= *bound) << region;
        bounds.iter().enumerate().fold(0, set)
    }

    pub fn row(&self) -> Option<&PropertyRow> {
        self.extra.as_deref().map(|extra| &extra.row)
    }

    /// Its members, when they are several or have roles.
    pub fn companions(&self) -> &[Companion] {
        self.extra.as_deref().map_or(&[], |extra| &extra.members)
    }

    /// By player: the roles the player would do, as a set.
    pub fn role_sets(&self, all_roles: u8) -> impl Iterator<Item = u8> + '_ {
        let alone = self.companions().is_empty().then_some(all_roles);
        alone.into_iter().chain(self.companions().iter().map(|member| member.roles))
    }

    /// Its players.
    pub fn players(&self) -> impl Iterator<Item = (PlayerId, Rating)> + '_ {
        let alone = self.companions().is_empty().then_some((self.player_id, self.rating));
        alone.into_iter().chain(self.companions().iter().map(|member| (member.player_id, member.rating)))
    }

    pub fn has(&self, player: PlayerId) -> bool {
        self.player_id == player || self.companions().iter().any(|member| member.player_id == player)
    }

    /// Whom one of its members never plays with or against.
    pub fn blocked(&self) -> &[PlayerId] {
        self.extra.as_deref().map_or(&[], |extra| &extra.blocked)
    }

    /// Whom one of its members has played against lately.
    pub fn recent(&self) -> &[PlayerId] {
        self.extra.as_deref().map_or(&[], |extra| &extra.recent)
    }

    /// Whether a member of this ticket never plays with one of those.
    pub fn blocks(&self, other: &Self) -> bool {
        self.blocked().iter().any(|player| other.has(*player))
    }

    /// Whether a member of this ticket has played against one of those lately.
    pub fn met(&self, other: &Self) -> bool {
        self.recent().iter().any(|player| other.has(*player))
    }

    /// The sum of the ratings of its players.
    pub fn strength(&self) -> f64 {
        match self.companions() {
            [] => self.rating.points,
            members => members.iter().map(|member| member.rating.points).sum(),
        }
    }

    /// Whether no rule between two tickets reads more than what is in the entry itself.
    pub fn is_plain(&self) -> bool {
        self.extra.is_none()
    }
}

impl Extra {
    fn new(ticket: &Ticket, row: PropertyRow, names: &Names<'_>) -> Option<Self> {
        let gather = |of: fn(&Member) -> &[PlayerId]| -> Box<[PlayerId]> {
            ticket.members.iter().flat_map(|member| of(member).iter().copied()).collect()
        };
        let plain = |member: &Member| member.blocked.is_empty() && member.recent.is_empty() && member.roles.is_empty();
        if ticket.members.len() == 1 && ticket.members.iter().all(plain) && row == PropertyRow::default() {
            return None;
        }
        let several = ticket.members.len() > 1 || ticket.members.iter().any(|member| !member.roles.is_empty());
        Some(Self {
            members: ticket.members.iter().filter(|_| several).map(|member| Companion::new(member, names)).collect(),
            row,
            blocked: gather(|member| &member.blocked),
            recent: gather(|member| &member.recent),
        })
    }
}

impl Companion {
    fn new(member: &Member, names: &Names<'_>) -> Self {
        let number = |wanted: &String| names.definition.roles.iter().position(|role| role.name == *wanted);
        let preferences: Box<[u8]> = member.roles.iter().filter_map(number).map(|role| role as u8).collect();
        let roles = preferences.iter().fold(0, |set, role| set | 1 << role);
        Self {
            player_id: member.player_id,
            rating: member.rating,
            roles: if preferences.is_empty() { names.all_roles } else { roles },
            preferences,
        }
    }
}

/// The order of those who wait: who comes first, goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Age {
    younger: bool,
    enqueued_ms: i64,
    ticket_id: TicketId,
}
