//! The tickets that wait: made from a seed, so that they are the same in every run.
//!
//! * **Ratings**: normal, 1500 ± 300 points, known to 60 to 180 points. A party's members lie normally, ± 60, around the party's own.
//! * **Regions**: one a ticket, the four in turn, 15 to 60 ms away; the other three are 120 to 260 ms away, beyond the bound.
//! * **Parties**: of 100 tickets 55 are of one player, 20 of two, 12 of three, 7 of four and 6 of five.
//! * **Roles**: a party's members have different places of one team (a tank, a healer, three damage). Of ten players four do
//!   only that, four another role too, two anything.
//! * **Waiting** since up to a minute ago.

use std::f64::consts::TAU;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::{PlayerId, TicketId};
use muster_core::matchmaking::{Member, Ticket};
use muster_core::rating::Rating;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::queues::REGIONS;

/// How many of 100 tickets have one, two, … five players.
const PARTIES: [u32; 5] = [55, 20, 12, 7, 6];
/// The places of a team.
const PLACES: [&str; 5] = ["tank", "healer", "damage", "damage", "damage"];
/// The places of a party without a healer.
const NO_HEALER: [&str; 4] = ["damage", "damage", "tank", "damage"];
const ROLES: [&str; 3] = ["tank", "healer", "damage"];

/// What tickets say of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One player with a rating.
    Plain,
    /// One player with a rating and a region.
    Regional,
    /// One to five players with ratings and roles, and a region.
    Parties,
    /// The same, but nobody heals who is not near the first region.
    FewHealers,
}

/// Makes tickets.
pub struct Tickets {
    rng: ChaCha8Rng,
    made: usize,
}

impl Tickets {
    /// Same seed, same tickets.
    pub fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), made: 0 }
    }

    /// The moment at which all of [`Tickets::many`] wait: fixed, since only differences count.
    pub fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a moment that chrono knows")
    }

    /// The next tickets, each waiting for up to a minute.
    pub fn many(&mut self, count: usize, shape: Shape) -> Vec<Ticket> {
        (0..count)
            .map(|_| {
                let waited = TimeDelta::milliseconds(self.rng.random_range(0..60_000));
                self.one(shape, Self::now() - waited)
            })
            .collect()
    }

    /// The next ticket, waiting since `enqueued_at`.
    pub fn one(&mut self, shape: Shape, enqueued_at: DateTime<Utc>) -> Ticket {
        let rating = self.normal(1500.0, 300.0);
        let mut ticket = Ticket::solo(
            TicketId::new(enqueued_at, self.rng.random()),
            PlayerId::new(enqueued_at, self.rng.random()),
            self.known(rating),
            enqueued_at,
        );
        if matches!(shape, Shape::Parties | Shape::FewHealers) {
            ticket.members = self.party(rating, enqueued_at);
        }
        if shape == Shape::FewHealers && !self.made.is_multiple_of(REGIONS.len()) {
            ticket.members.truncate(NO_HEALER.len());
            for (member, place) in ticket.members.iter_mut().zip(NO_HEALER) {
                member.roles = vec![place.to_owned()];
            }
        }
        if shape != Shape::Plain {
            let home = self.made % REGIONS.len();
            for (index, region) in REGIONS.into_iter().enumerate() {
                let latency =
                    if index == home { self.rng.random_range(15..=60) } else { self.rng.random_range(120..=260) };
                ticket.latencies_ms.insert(region.to_owned(), latency);
            }
        }
        self.made += 1;
        ticket
    }

    fn party(&mut self, rating: f64, enqueued_at: DateTime<Utc>) -> Vec<Member> {
        let size = self.party_size();
        let mut places = PLACES;
        (0..size)
            .map(|member| {
                // A shuffle that stops as soon as everybody has a place (Fisher–Yates).
                places.swap(member, self.rng.random_range(member..PLACES.len()));
                let points = if size == 1 { rating } else { self.normal(rating, 60.0) };
                let mut player = Member::new(PlayerId::new(enqueued_at, self.rng.random()), self.known(points));
                player.roles = self.preferences(places[member]);
                player
            })
            .collect()
    }

    fn party_size(&mut self) -> usize {
        let mut drawn = self.rng.random_range(0..PARTIES.iter().sum());
        for (index, share) in PARTIES.into_iter().enumerate() {
            if drawn < share {
                return index + 1;
            }
            drawn -= share;
        }
        PARTIES.len()
    }

    fn preferences(&mut self, main: &str) -> Vec<String> {
        match self.rng.random_range(0..10) {
            0..4 => vec![main.to_owned()],
            4..8 => {
                let others: Vec<&str> = ROLES.into_iter().filter(|role| *role != main).collect();
                vec![main.to_owned(), others[self.rng.random_range(0..others.len())].to_owned()]
            }
            _ => Vec::new(),
        }
    }

    fn known(&mut self, points: f64) -> Rating {
        Rating { points, deviation: self.rng.random_range(60.0..180.0) }
    }

    /// Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958).
    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        // From 1 down to above 0: the logarithm of 0 is no number.
        let radius = (-2.0 * (1.0 - self.rng.random::<f64>()).ln()).sqrt();
        mean + deviation * radius * (TAU * self.rng.random::<f64>()).cos()
    }
}
