//! The dice of one match: every roll is derived from a seed that the players can check afterwards.
//!
//! How anyone recomputes a roll once the seed is published:
//!
//! 1. The commitment shown before the first roll is SHA-256 of the 32-byte seed.
//! 2. The key is the seed itself; when a player gave a nonce it is SHA-256 of the seed and the given nonces, in player order.
//! 3. Roll `n` (the first is 1) reads the keystream of ChaCha20 (20 rounds, 64-bit block counter from 0) with that key and the
//!    stream id `n` as 64-bit little-endian nonce. Bytes of 252 and more are skipped; each of the next two makes a die:
//!    the remainder by 6, plus 1. 252 is a multiple of 6, so no face is favoured.
//! 4. Stream 0 draws who begins: its first byte that is not skipped; even means the first seat.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

use super::{Nonce, Seat};

/// The stream that draws who begins; rolls have the streams from 1.
const BEGINNER_STREAM: u64 = 0;

/// Bytes from here up are rejected: 252 is the largest multiple of 6 that a byte can hold.
const REJECT_FROM: u8 = 252;

/// The dice of one match.
#[derive(Clone, PartialEq, Eq)]
pub struct Dice {
    seed: [u8; 32],
    key: [u8; 32],
    nonces: [Option<[u8; 32]>; 2],
}

impl Dice {
    /// Dice from a seed of the operating system's generator, and a nonce of each player who gave one, in player order.
    pub fn new(seed: [u8; 32], nonces: [Option<[u8; 32]>; 2]) -> Self {
        let key = if nonces.iter().any(Option::is_some) {
            let mut hash = Sha256::new();
            hash.update(seed);
            nonces.iter().flatten().for_each(|nonce| hash.update(nonce));
            hash.finalize().into()
        } else {
            seed
        };
        Self { seed, key, nonces }
    }

    /// SHA-256 of the seed: what players are shown before the first roll.
    pub fn commitment(&self) -> [u8; 32] {
        Sha256::digest(self.seed).into()
    }

    /// What the players added, in seat order, as the first event tells it: nothing at all when nobody did.
    pub fn nonces(&self) -> Vec<Option<Nonce>> {
        if self.nonces == [None, None] { Vec::new() } else { self.nonces.iter().map(|it| it.map(Nonce::new)).collect() }
    }

    /// The faces of roll `n`, each 1 to 6. Rolls count from 1; the same `n` gives the same faces.
    pub fn roll(&self, n: u64) -> (u8, u8) {
        let mut bytes = self.stream(n);
        let mut die = || bytes.next_fair() % 6 + 1;
        (die(), die())
    }

    /// Who begins.
    pub fn first_seat(&self) -> Seat {
        if self.stream(BEGINNER_STREAM).next_fair().is_multiple_of(2) { Seat::First } else { Seat::Second }
    }

    fn stream(&self, id: u64) -> FairBytes {
        let mut cipher = ChaCha20Rng::from_seed(self.key);
        cipher.set_stream(id);
        FairBytes { cipher, block: [0; 64], used: 64 }
    }
}

/// The seed decides the match, so it never shows in a log line.
impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dice").field("commitment", &hex::encode(self.commitment())).finish_non_exhaustive()
    }
}

/// The keystream, byte by byte, without those that would favour a face.
struct FairBytes {
    cipher: ChaCha20Rng,
    block: [u8; 64],
    used: usize,
}

impl FairBytes {
    fn next_fair(&mut self) -> u8 {
        loop {
            if self.used == self.block.len() {
                self.cipher.fill_bytes(&mut self.block);
                self.used = 0;
            }
            let byte = self.block[self.used];
            self.used += 1;
            if byte < REJECT_FROM {
                return byte;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> [u8; 32] {
        std::array::from_fn(|index| index as u8)
    }

    fn rolls(dice: &Dice) -> Vec<(u8, u8)> {
        (1..=8).map(|n| dice.roll(n)).collect()
    }

    // The expected values were computed by another implementation, from the description at the head of this file.

    #[test]
    fn the_commitment_is_the_hash_of_the_seed() {
        let dice = Dice::new(seed(), [None, None]);
        let expected = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";
        assert_eq!(hex::encode(dice.commitment()), expected);
        assert_eq!(hex::encode(Dice::new(seed(), [Some([1; 32]), None]).commitment()), expected);
        assert_eq!(format!("{dice:?}"), format!("Dice {{ commitment: \"{expected}\", .. }}"));
    }

    #[test]
    fn without_nonces_the_seed_is_the_key() {
        let dice = Dice::new(seed(), [None, None]);
        assert_eq!(rolls(&dice), [(6, 3), (1, 5), (4, 3), (5, 1), (2, 1), (6, 1), (1, 4), (6, 3)]);
        assert_eq!(dice.roll((1 << 40) + 5), (5, 4));
        assert_eq!(dice.first_seat(), Seat::Second);
    }

    #[test]
    fn nonces_are_mixed_in_player_order() {
        let both = Dice::new(seed(), [Some([0xaa; 32]), Some([0xbb; 32])]);
        assert_eq!(rolls(&both), [(3, 1), (6, 6), (1, 5), (3, 1), (3, 6), (3, 2), (1, 4), (3, 3)]);
        let second = Dice::new(seed(), [None, Some([0xbb; 32])]);
        assert_eq!(rolls(&second), [(5, 6), (2, 6), (4, 1), (1, 4), (3, 3), (1, 3), (5, 5), (6, 3)]);
        assert_ne!(rolls(&both), rolls(&Dice::new(seed(), [Some([0xbb; 32]), Some([0xaa; 32])])));
    }

    #[test]
    fn bytes_that_would_favour_a_face_are_skipped() {
        let dice = Dice::new(seed(), [None, None]);
        // The streams begin 252 31 133 and 20 252 242.
        assert_eq!(dice.roll(26), (2, 2));
        assert_eq!(dice.roll(19), (3, 3));
    }

    #[test]
    fn either_seat_may_begin() {
        let beginners = (0..200u8).map(|seed| Dice::new([seed; 32], [None, None]).first_seat());
        let first = beginners.filter(|seat| *seat == Seat::First).count();
        assert!((60..=140).contains(&first), "the first seat begins {first} of 200");
    }
}
