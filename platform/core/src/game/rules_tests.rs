use super::*;
use Mode::{Classic, LastLine, Quickfire, TrueGrit, ZeroHour};

const ALL: [Mode; 5] = Mode::ALL;
const FLAT: [Mode; 4] = [Quickfire, Classic, ZeroHour, LastLine];

/// Second's turn: 10 gathered, totals 30 and 40.
fn rolled(mode: Mode, multiplier: u32, faces: (u8, u8)) -> RollResult {
    roll(mode, Turn { seat: Seat::Second, score: 10, multiplier, totals: [30, 40] }, faces)
}

/// What a roll leaves when all it does is to add to the turn.
fn gains(effect: RollEffect, gained: u32, multiplier: u32) -> RollResult {
    RollResult { effect, gained, lost: 0, penalty: 0, turn_score: 10 + gained, multiplier, totals: [30, 40] }
}

/// The same in zero-hour, where it costs the opponent as much.
fn gains_with_penalty(effect: RollEffect, gained: u32, multiplier: u32) -> RollResult {
    RollResult { penalty: gained, totals: [30 + gained, 40], ..gains(effect, gained, multiplier) }
}

fn lone_ones() -> impl Iterator<Item = (u8, u8)> {
    (2..=6).flat_map(|other| [(1, other), (other, 1)])
}

#[test]
fn a_lone_one_busts() {
    for mode in FLAT {
        for faces in lone_ones() {
            for multiplier in [1, 2] {
                let bust = RollResult { lost: 10, turn_score: 0, ..gains(RollEffect::Bust, 0, multiplier) };
                assert_eq!(rolled(mode, multiplier, faces), bust, "{mode} {faces:?}");
            }
        }
    }
}

#[test]
fn a_lone_one_in_true_grit_ends_the_turn_and_keeps_what_it_gathered() {
    for faces in lone_ones() {
        let kept = RollResult { totals: [30, 50], ..gains(RollEffect::Kept, 0, 7) };
        assert_eq!(rolled(TrueGrit, 7, faces), kept, "{faces:?}");
    }
}

#[test]
fn snake_eyes_are_a_flat_20_that_no_multiplier_touches() {
    for multiplier in [1, 2] {
        for mode in [Quickfire, Classic, LastLine] {
            assert_eq!(rolled(mode, multiplier, (1, 1)), gains(RollEffect::SnakeEyes, 20, multiplier), "{mode}");
        }
        assert_eq!(rolled(ZeroHour, multiplier, (1, 1)), gains_with_penalty(RollEffect::SnakeEyes, 20, multiplier));
    }
}

#[test]
fn snake_eyes_in_true_grit_are_2_times_the_multiplier_which_becomes_7() {
    for multiplier in 1..=7 {
        assert_eq!(rolled(TrueGrit, multiplier, (1, 1)), gains(RollEffect::SnakeEyes, 2 * multiplier, 7));
    }
}

#[test]
fn boxcars_in_quickfire_and_classic_cost_the_own_total_and_the_turn() {
    for mode in [Quickfire, Classic] {
        for multiplier in [1, 2] {
            let boxcars =
                RollResult { lost: 10, turn_score: 0, totals: [30, 0], ..gains(RollEffect::Boxcars, 0, multiplier) };
            assert_eq!(rolled(mode, multiplier, (6, 6)), boxcars, "{mode}");
        }
    }
}

#[test]
fn boxcars_elsewhere_are_a_double_like_any_other() {
    for multiplier in [1, 2] {
        let gained = 12 * multiplier;
        assert_eq!(rolled(ZeroHour, multiplier, (6, 6)), gains_with_penalty(RollEffect::Doubled, gained, 2));
        assert_eq!(rolled(LastLine, multiplier, (6, 6)), gains(RollEffect::Doubled, gained, 2));
    }
    for multiplier in 1..=7 {
        assert_eq!(rolled(TrueGrit, multiplier, (6, 6)), gains(RollEffect::Doubled, 12 * multiplier, 6));
    }
}

#[test]
fn other_doubles_count_and_then_set_the_multiplier() {
    for face in 2..=5u8 {
        let sum = u32::from(face) * 2;
        for multiplier in [1, 2] {
            for mode in [Quickfire, Classic, LastLine] {
                assert_eq!(
                    rolled(mode, multiplier, (face, face)),
                    gains(RollEffect::Doubled, sum * multiplier, 2),
                    "{mode}"
                );
            }
            assert_eq!(
                rolled(ZeroHour, multiplier, (face, face)),
                gains_with_penalty(RollEffect::Doubled, sum * multiplier, 2)
            );
        }
        for multiplier in 1..=7 {
            assert_eq!(
                rolled(TrueGrit, multiplier, (face, face)),
                gains(RollEffect::Doubled, sum * multiplier, face.into())
            );
        }
    }
}

#[test]
fn anything_else_counts_its_sum_times_the_multiplier() {
    for mode in ALL {
        for (a, b) in (2..=6u8).flat_map(|a| (2..=6u8).map(move |b| (a, b))).filter(|(a, b)| a != b) {
            for multiplier in [1, 2, 7] {
                let gained = u32::from(a + b) * multiplier;
                assert_eq!(
                    rolled(mode, multiplier, (a, b)),
                    gains(RollEffect::Scored, gained, multiplier),
                    "{mode} {a} {b}"
                );
            }
        }
    }
}

#[test]
fn penalties_and_losses_go_to_the_right_seat() {
    let turn = Turn { seat: Seat::First, score: 10, multiplier: 1, totals: [30, 40] };
    assert_eq!(roll(ZeroHour, turn, (4, 4)).totals, [30, 48]);
    assert_eq!(roll(Classic, turn, (6, 6)).totals, [0, 40]);
    assert_eq!(roll(TrueGrit, turn, (1, 4)).totals, [40, 40]);
}

#[test]
fn the_flat_20_does_not_make_a_multiplier() {
    let turn = Turn { seat: Seat::First, score: 0, multiplier: 1, totals: [0, 0] };
    let after = roll(Classic, turn, (1, 1));
    let next = roll(Classic, Turn { score: after.turn_score, multiplier: after.multiplier, ..turn }, (3, 4));
    assert_eq!(next.turn_score, 27);
}

#[test]
fn banking_takes_effect_as_the_mode_says() {
    for (mode, totals, score, after) in [
        (Quickfire, [30, 40], 9, [39, 40]),
        (Classic, [30, 40], 9, [39, 40]),
        (ZeroHour, [30, 40], 9, [21, 40]),
        (ZeroHour, [30, 40], 30, [0, 40]),
        (ZeroHour, [30, 40], 31, [100, 40]),
        (ZeroHour, [130, 40], 131, [100, 40]),
        (LastLine, [30, 40], 9, [30, 31]),
        (LastLine, [30, 40], 40, [30, 0]),
        (LastLine, [30, 40], 41, [30, 0]),
        (TrueGrit, [30, 40], 9, [39, 40]),
    ] {
        assert_eq!(bank(mode, totals, Seat::First, score), after, "{mode}: {totals:?} and {score}");
        let swapped = |[first, second]: [u32; 2]| [second, first];
        assert_eq!(bank(mode, swapped(totals), Seat::Second, score), swapped(after), "{mode}: {score} by the second");
    }
}

#[test]
fn a_bank_wins_as_the_mode_says() {
    for (mode, totals, wins) in [
        (Quickfire, [49, 99], false),
        (Quickfire, [50, 0], true),
        (Quickfire, [62, 0], true),
        (Classic, [99, 120], false),
        (Classic, [100, 0], true),
        (Classic, [113, 0], true),
        (ZeroHour, [1, 0], false),
        (ZeroHour, [100, 100], false),
        (ZeroHour, [0, 100], true),
        (LastLine, [0, 1], false),
        (LastLine, [50, 0], true),
        (TrueGrit, [500, 0], false),
    ] {
        assert_eq!(bank_wins(mode, totals, Seat::First), wins, "{mode}: {totals:?}");
        assert_eq!(bank_wins(mode, [totals[1], totals[0]], Seat::Second), wins, "{mode}: {totals:?} of the second");
    }
}

#[test]
fn true_grit_goes_to_the_higher_total() {
    assert_eq!(higher_total([8, 7]), Some(Seat::First));
    assert_eq!(higher_total([7, 8]), Some(Seat::Second));
    assert_eq!(higher_total([8, 8]), None);
}

#[test]
fn nothing_overflows() {
    for mode in ALL {
        for seat in Seat::ALL {
            for faces in [(1, 1), (1, 2), (3, 4), (5, 5), (6, 6)] {
                roll(mode, Turn { seat, score: u32::MAX, multiplier: 7, totals: [u32::MAX; 2] }, faces);
            }
            bank(mode, [u32::MAX; 2], seat, u32::MAX);
        }
    }
}
