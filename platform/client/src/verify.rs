//! Checking the dice of a finished match: that the seed is the one that was promised, and that every roll came from it.
//!
//! The platform publishes SHA-256 of the seed before the first roll and the seed after the last; how rolls follow from it is
//! told in `muster_core::game`. Nothing here trusts the platform: it takes the log as the player saw it.
//!
//! # What a nonce adds, and what not
//! The seed's hash is published before the first roll, so the platform cannot change the dice once a match has begun. A player's
//! nonce, told with the ticket and again in the first event of the log, is mixed into the key: so the dice were not fixed before
//! the player asked for a match, and no list of seeds that somebody has leaked or sold foretells them. It does not prove that the
//! platform drew the seed blindly: it draws after it knows the nonces, and could draw until it likes what it sees. No check of one
//! match can tell; the faces over many matches can.

use muster_core::{
    game::{Action, Command, Dice, GameEvent, MatchState, Nonce, Seat, decide, evolve},
    id::MatchId,
    wire::LoggedEvent,
};

use crate::{error::ClientError, session::Session};

/// A match whose dice are as promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many rolls were recomputed.
    pub rolls: u64,
}

/// The first thing that is not as promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The seed or the commitment is not 64 hex digits.
    #[error("the {what} is not 64 hex digits: `{value}`")]
    NotHex {
        /// `seed` or `commitment`.
        what: &'static str,
        /// As it was given.
        value: String,
    },
    /// The seed is not the one that was promised.
    #[error("the seed's SHA-256 is {computed}, but {promised} was promised before the first roll")]
    Commitment {
        /// What the match said when it began.
        promised: String,
        /// What the published seed gives.
        computed: String,
    },
    /// The log has a hole or does not begin with the start of the match.
    #[error("entry {seq} of the log is missing or out of place")]
    Log {
        /// The first entry that is not where it belongs.
        seq: u64,
    },
    /// The log tells other nonces than those that the players gave.
    #[error("the nonce of the {seat} seat was told as {}, not as {}", shown(.told), shown(.given))]
    Nonce {
        /// Whose.
        seat: Seat,
        /// What the first entry tells.
        told: Option<Nonce>,
        /// What the player gave.
        given: Option<Nonce>,
    },
    /// The draw for who begins was not the seed's.
    #[error("the seed lets the {computed} seat begin, but the {told} did")]
    FirstSeat {
        /// Who began.
        told: Seat,
        /// Who should have.
        computed: Seat,
    },
    /// A roll was not the seed's.
    #[error("roll {roll_no} (entry {seq}) was told as {told:?}, but the seed gives {computed:?}")]
    Roll {
        /// The entry.
        seq: u64,
        /// The roll's own count, from 1.
        roll_no: u64,
        /// The dice as told.
        told: [u8; 2],
        /// The dice as the seed gives them.
        computed: [u8; 2],
    },
    /// The dice are right, but what they did is not what the rules say; or a roll was left out or repeated.
    #[error("roll {roll_no} (entry {seq}) did something else than the rules say")]
    Effect {
        /// The entry.
        seq: u64,
        /// The roll's own count, from 1.
        roll_no: u64,
    },
}

/// A 32-byte value that each player may have added before the match, in seat order.
pub type Nonces = [Option<[u8; 32]>; 2];

/// The nonces that a log tells in its first entry.
#[must_use]
pub fn told_nonces(log: &[LoggedEvent]) -> Nonces {
    let told = match log.first().map(|entry| &entry.event) {
        Some(GameEvent::Started { nonces, .. }) => nonces.as_slice(),
        _ => &[],
    };
    Seat::ALL.map(|seat| told.get(seat.index()).copied().flatten().map(Nonce::bytes))
}

fn shown(nonce: &Option<Nonce>) -> String {
    nonce.map_or_else(|| "none".to_owned(), |nonce| nonce.to_string())
}

/// Recomputes every roll of a match from its whole log and its seed.
///
/// `commitment` and `seed` are the 64 hex digits that the match published before its first roll and after its end. `nonces` are
/// those that the players gave; [`told_nonces`] has those that the platform says they gave.
///
/// # Errors
/// The first [`Mismatch`].
pub fn verify(commitment: &str, seed: &str, nonces: Nonces, log: &[LoggedEvent]) -> Result<Verified, Mismatch> {
    let dice = Dice::new(bytes("seed", seed)?, nonces);
    let promised = bytes("commitment", commitment)?;
    check_commitment(promised, &dice)?;

    let mut state = None;
    for (expected, entry) in (1..).zip(log) {
        if entry.seq != expected {
            return Err(Mismatch::Log { seq: expected });
        }
        let state = match (&mut state, &entry.event) {
            (state @ None, GameEvent::Started { mode, first, commitment, .. }) => {
                check_commitment(bytes("commitment", commitment)?, &dice)?;
                check_nonces(nonces, told_nonces(log))?;
                if *first != dice.first_seat() {
                    return Err(Mismatch::FirstSeat { told: *first, computed: dice.first_seat() });
                }
                state.insert(MatchState::start(*mode, *first, entry.at))
            }
            (Some(state), _) => state,
            (None, _) => return Err(Mismatch::Log { seq: expected }),
        };
        if let GameEvent::Rolled { .. } = entry.event {
            check_roll(state, entry, &dice)?;
        }
        evolve(state, &entry.event, entry.at);
    }
    state.map(|state| Verified { rolls: state.rolls }).ok_or(Mismatch::Log { seq: 1 })
}

fn check_nonces(given: Nonces, told: Nonces) -> Result<(), Mismatch> {
    let nonce = |nonces: Nonces, seat: Seat| nonces[seat.index()].map(Nonce::new);
    match Seat::ALL.into_iter().find(|seat| nonce(given, *seat) != nonce(told, *seat)) {
        None => Ok(()),
        Some(seat) => Err(Mismatch::Nonce { seat, told: nonce(told, seat), given: nonce(given, seat) }),
    }
}

fn check_commitment(promised: [u8; 32], dice: &Dice) -> Result<(), Mismatch> {
    let computed = dice.commitment();
    if computed == promised {
        return Ok(());
    }
    Err(Mismatch::Commitment { promised: hex::encode(promised), computed: hex::encode(computed) })
}

fn check_roll(state: &MatchState, entry: &LoggedEvent, dice: &Dice) -> Result<(), Mismatch> {
    let GameEvent::Rolled { seat, roll_no, dice: told, .. } = entry.event else {
        return Ok(());
    };
    let (one, other) = dice.roll(roll_no);
    if told != [one, other] {
        return Err(Mismatch::Roll { seq: entry.seq, roll_no, told, computed: [one, other] });
    }
    // The whole decision again: it also tells a roll that was left out, whose number the next one would have to skip.
    let again = decide(state, &Action::Command { seat, command: Command::Roll }, dice, entry.at);
    match again.as_deref() {
        Ok([rolled, ..]) if *rolled == entry.event => Ok(()),
        _ => Err(Mismatch::Effect { seq: entry.seq, roll_no }),
    }
}

fn bytes(what: &'static str, value: &str) -> Result<[u8; 32], Mismatch> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(value, &mut bytes).map_err(|_| Mismatch::NotHex { what, value: value.to_owned() })?;
    Ok(bytes)
}

/// Why a match could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The dice are not as promised.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The match or its log could not be read.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The seed is secret until the match is over.
    #[error("match {0} is not over yet")]
    NotOver(MatchId),
}

/// Reads a finished match and its log from the platform and verifies it, with the nonces that the log tells.
///
/// # Errors
/// [`VerifyError::Mismatch`] with the first difference; otherwise the match could not be read or is not over.
pub async fn verify_match(session: &Session, match_id: MatchId) -> Result<Verified, VerifyError> {
    read_and_verify(session, match_id, None).await
}

/// The same, and checks that the log tells the nonce that this player gave.
///
/// # Errors
/// As [`verify_match`]; [`Mismatch::Nonce`] when it tells another.
pub async fn verify_match_with(session: &Session, match_id: MatchId, own: Nonce) -> Result<Verified, VerifyError> {
    read_and_verify(session, match_id, Some(own)).await
}

async fn read_and_verify(session: &Session, match_id: MatchId, own: Option<Nonce>) -> Result<Verified, VerifyError> {
    let view = session.match_view(match_id).await?;
    let seed = view.seed.as_deref().ok_or(VerifyError::NotOver(match_id))?;
    let log = session.match_log(match_id, 0).await?;
    let mut nonces = told_nonces(&log);
    let seated = view.players.iter().find(|seated| seated.player_id == session.player_id());
    if let (Some(own), Some(seated)) = (own, seated) {
        nonces[seated.seat.index()] = Some(own.bytes());
    }
    Ok(verify(&view.commitment, seed, nonces, &log)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, PlayedMatch};

    fn verify_played(played: &PlayedMatch) -> Result<Verified, Mismatch> {
        verify(&played.view.commitment, &played.seed, [None, None], &played.log)
    }

    /// The place in the log of the second roll.
    fn second_roll(played: &PlayedMatch) -> usize {
        let mut rolls = played.log.iter().enumerate().filter(|(_, e)| matches!(e.event, GameEvent::Rolled { .. }));
        rolls.nth(1).unwrap().0
    }

    #[test]
    fn honest_matches_pass() {
        for seed in 0..20 {
            let played = fixture::played_match(seed);
            assert_eq!(verify_played(&played), Ok(Verified { rolls: played.state.rolls }));
        }
    }

    #[test]
    fn a_tampered_roll_is_found() {
        let mut played = fixture::played_match(3);
        let at = second_roll(&played);
        let GameEvent::Rolled { dice, .. } = &mut played.log[at].event else { unreachable!() };
        let honest = *dice;
        dice[0] = if dice[0] == 6 { 5 } else { 6 };
        let told = *dice;
        let seq = played.log[at].seq;
        assert_eq!(verify_played(&played), Err(Mismatch::Roll { seq, roll_no: 2, told, computed: honest }));
    }

    #[test]
    fn a_tampered_effect_is_found() {
        let mut played = fixture::played_match(4);
        let at = second_roll(&played);
        let GameEvent::Rolled { totals, .. } = &mut played.log[at].event else { unreachable!() };
        totals[0] += 1;
        let seq = played.log[at].seq;
        assert_eq!(verify_played(&played), Err(Mismatch::Effect { seq, roll_no: 2 }));
    }

    #[test]
    fn a_roll_that_was_left_out_is_found() {
        let mut played = fixture::played_match(5);
        let at = second_roll(&played);
        played.log.remove(at);
        for (seq, entry) in (1..).zip(&mut played.log) {
            entry.seq = seq;
        }
        assert!(verify_played(&played).is_err());
    }

    #[test]
    fn another_seed_is_found() {
        let mut played = fixture::played_match(6);
        played.seed = hex::encode([0; 32]);
        assert!(matches!(verify_played(&played), Err(Mismatch::Commitment { .. })));
        played.seed = "not hex".to_owned();
        assert!(matches!(verify_played(&played), Err(Mismatch::NotHex { what: "seed", .. })));
    }

    #[test]
    fn nonces_count_and_have_to_be_those_that_were_given() {
        let nonces = [None, Some([7; 32])];
        let played = fixture::played_with(muster_core::game::Mode::Classic, 11, nonces);
        let check = |nonces| verify(&played.view.commitment, &played.seed, nonces, &played.log);
        assert_eq!(told_nonces(&played.log), nonces);
        assert_eq!(check(nonces), Ok(Verified { rolls: played.state.rolls }));
        let given = Some(Nonce::new([8; 32]));
        assert_eq!(
            check([None, Some([8; 32])]),
            Err(Mismatch::Nonce { seat: Seat::Second, told: Some(Nonce::new([7; 32])), given })
        );
        assert!(matches!(check([None, None]), Err(Mismatch::Nonce { given: None, .. })));

        // A platform that forges what it tells is found by the dice.
        let mut forged = played.log.clone();
        let GameEvent::Started { nonces, .. } = &mut forged[0].event else { unreachable!() };
        nonces[1] = given;
        assert!(verify(&played.view.commitment, &played.seed, told_nonces(&forged), &forged).is_err());
    }

    #[test]
    fn a_log_with_a_hole_is_no_proof() {
        let mut played = fixture::played_match(6);
        assert_eq!(verify(&played.view.commitment, &played.seed, [None, None], &[]), Err(Mismatch::Log { seq: 1 }));
        played.log.remove(2);
        assert_eq!(verify_played(&played), Err(Mismatch::Log { seq: 3 }));
        played.log.remove(0);
        assert_eq!(verify_played(&played), Err(Mismatch::Log { seq: 1 }));
    }
}
