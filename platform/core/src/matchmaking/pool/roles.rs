//! Who does what in a team.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::matchmaking::BackfillTeam;
use crate::matchmaking::queue::{MAX_PARTY, Role};

/// By player of a team: a set of roles, or a role.
pub(super) type RoleSets = SmallVec<[u8; MAX_PARTY]>;

/// How many players of a team do each role.
#[derive(Debug, Clone)]
pub(super) struct Composition {
    names: Arc<[Box<str>]>,
    counts: SmallVec<[u8; 8]>,
}

impl Composition {
    pub fn new(roles: &[Role]) -> Self {
        Self {
            names: roles.iter().map(|role| role.name.as_str().into()).collect(),
            counts: roles.iter().map(|role| role.count).collect(),
        }
    }

    /// What is left to do in a team that has some players already.
    pub fn without(&self, team: Option<&BackfillTeam>) -> Self {
        let mut left = self.clone();
        let done = team.into_iter().flat_map(|team| &team.players).filter_map(|player| player.role.as_deref());
        for role in done {
            if let Some(at) = self.names.iter().position(|name| **name == *role) {
                left.counts[at] = left.counts[at].saturating_sub(1);
            }
        }
        left
    }

    /// Whether everybody does the same.
    pub fn is_any(&self) -> bool {
        self.counts.is_empty()
    }

    /// All roles, as a set.
    pub fn all(&self) -> u8 {
        ((1_u16 << self.counts.len()) - 1) as u8
    }

    /// Each role, as a set of one, with how many players of a team do it.
    pub fn roles(&self) -> impl Iterator<Item = (u8, u8)> + '_ {
        self.counts.iter().enumerate().map(|(role, count)| (1 << role, *count))
    }

    /// Whether players who would do these sets of roles can each have one (Hall's marriage theorem: no set of roles is wanted by
    /// more players than it has places, among those who want nothing else).
    pub fn can_do(&self, players: &[u8]) -> bool {
        (0..=u16::from(self.all())).all(|set| {
            let wanting = players.iter().filter(|wanted| u16::from(**wanted) & !set == 0).count();
            let places: usize = self
                .counts
                .iter()
                .enumerate()
                .filter(|(role, _)| set & 1 << role != 0)
                .map(|(_, count)| usize::from(*count))
                .sum();
            wanting <= places
        })
    }

    /// A role for each player, the first player's wishes first: each gets the best of their preferences that leaves a role for
    /// everybody after. None when there is no way.
    pub fn assign(&self, players: &[(u8, &[u8])]) -> Option<RoleSets> {
        let mut left = self.clone();
        let mut assigned = SmallVec::new();
        for (at, (wanted, preferences)) in players.iter().enumerate() {
            let after: RoleSets = players[at + 1..].iter().map(|(wanted, _)| *wanted).collect();
            let anything =
                (0..self.counts.len() as u8).filter(|role| preferences.is_empty() && wanted & 1 << role != 0);
            let role = preferences.iter().copied().chain(anything).find(|role| left.leaves(*role, &after))?;
            left.counts[usize::from(role)] -= 1;
            assigned.push(role);
        }
        Some(assigned)
    }

    /// Whether a role is to be had, and the others can each have one when it is taken.
    fn leaves(&self, role: u8, others: &[u8]) -> bool {
        let mut left = self.clone();
        let count = &mut left.counts[usize::from(role)];
        *count > 0 && {
            *count -= 1;
            left.can_do(others)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn composition(counts: &[u8]) -> Composition {
        Composition { names: Arc::default(), counts: counts.iter().copied().collect() }
    }

    /// Tries every way.
    fn by_hand(counts: &mut Vec<u8>, players: &[u8]) -> bool {
        let Some((first, rest)) = players.split_first() else { return true };
        (0..counts.len()).any(|role| {
            first & 1 << role != 0 && counts[role] > 0 && {
                counts[role] -= 1;
                let can = by_hand(counts, rest);
                counts[role] += 1;
                can
            }
        })
    }

    proptest! {
        #[test]
        fn knows_when_everybody_can_have_a_role(
            counts in prop::collection::vec(1u8..3, 1..4),
            players in prop::collection::vec(1u8..16, 0..6),
        ) {
            let composition = composition(&counts);
            let players: Vec<u8> = players.into_iter().map(|wanted| wanted & composition.all()).collect();
            let can = by_hand(&mut counts.clone(), &players);
            prop_assert_eq!(composition.can_do(&players), can);
            let with: Vec<(u8, &[u8])> = players.iter().map(|wanted| (*wanted, &[][..])).collect();
            let assigned = composition.assign(&with);
            prop_assert_eq!(assigned.is_some(), can);
            let mut left = counts.clone();
            for (role, wanted) in assigned.into_iter().flatten().zip(players) {
                prop_assert!(wanted & 1 << role != 0);
                left[usize::from(role)] -= 1;
            }
        }
    }

    #[test]
    fn the_best_preference_that_leaves_a_role_for_the_rest() {
        // One tank, one healer: the first would rather be the tank, but the second does nothing else.
        let assigned = composition(&[1, 1]).assign(&[(0b11, &[0, 1]), (0b01, &[0])]).unwrap();
        assert_eq!(assigned.as_slice(), [1, 0]);
        let free = composition(&[1, 1]).assign(&[(0b11, &[1, 0]), (0b11, &[1, 0])]).unwrap();
        assert_eq!(free.as_slice(), [1, 0]);
    }
}
