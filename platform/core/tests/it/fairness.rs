//! The dice are fair: a chi-squared test of goodness of fit, over a million rolls of one match.

use muster_core::game::Dice;

const ROLLS: u64 = 1_000_000;

/// Above these values of chi-squared, fairness is rejected at p = 0.001.
const CRITICAL_5_DEGREES: f64 = 20.515;
const CRITICAL_35_DEGREES: f64 = 66.619;

fn chi_squared(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn faces_and_pairs_are_even_over_a_million_rolls() {
    let dice = Dice::new(*b"one seed for one million rolls..", [None, None]);
    let mut pairs = [0u64; 36];
    for n in 1..=ROLLS {
        let (a, b) = dice.roll(n);
        assert!((1..=6).contains(&a) && (1..=6).contains(&b));
        pairs[usize::from(a - 1) * 6 + usize::from(b - 1)] += 1;
    }
    let mut faces = [[0u64; 6]; 2];
    for (pair, count) in pairs.iter().enumerate() {
        faces[0][pair / 6] += count;
        faces[1][pair % 6] += count;
    }
    for (die, counts) in faces.iter().enumerate() {
        let value = chi_squared(counts);
        assert!(value < CRITICAL_5_DEGREES, "die {die}: {value} for {counts:?}");
    }
    let value = chi_squared(&pairs);
    assert!(value < CRITICAL_35_DEGREES, "pairs: {value} for {pairs:?}");
}

#[test]
fn the_test_itself_rejects_loaded_dice() {
    assert!(chi_squared(&[1000, 1000, 1000, 1000, 1000, 1200]) > CRITICAL_5_DEGREES);
    assert!(chi_squared(&[1000; 6]) < CRITICAL_5_DEGREES);
}
