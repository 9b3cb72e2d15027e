//! How strong a player is, and how even a match.
//!
//! Weng and Lin, "A Bayesian Approximation Method for Online Ranking" (JMLR 12, 2011), the Bradley–Terry model with full pairs,
//! as the `skillratings` crate has it, on a scale where a new player has 1500 ± 500 points.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use skillratings::weng_lin::{WengLinConfig, WengLinRating, weng_lin, weng_lin_multi_team};
use skillratings::{MultiTeamOutcome, Outcomes};
use utoipa::ToSchema;

/// What a new player starts with, in points.
pub const START_POINTS: f64 = 1500.0;

/// How unsure the start is, in points.
pub const START_DEVIATION: f64 = 500.0;

/// The most points that a trusted server may give a player, and less than nothing as many: more than any scale in use has, and few
/// enough that nothing which is made of them loses its meaning.
pub const MAX_POINTS: f64 = 1_000_000.0;

/// The largest deviation that a trusted server may give a player, in points.
pub const MAX_DEVIATION: f64 = 10_000.0;

/// How much chance there is in one match: so many points ahead, both ratings known well, is a win in two of three.
const BETA: f64 = 250.0;

/// A player's strength in one mode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Rating {
    /// The estimate, in points: −1,000,000 to 1,000,000.
    pub points: f64,
    /// How unsure it is, in points: one standard deviation. Above 0, at most 10,000.
    pub deviation: f64,
}

impl Default for Rating {
    fn default() -> Self {
        Self { points: START_POINTS, deviation: START_DEVIATION }
    }
}

/// Who won.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The first player.
    First,
    /// The second player.
    Second,
    /// Neither.
    Draw,
}

impl Rating {
    /// What the player is worth almost certainly, in points: three deviations below the estimate, 0 for a new player. Leaderboards
    /// go by it, so that one lucky match leads nobody to the top and playing on, with less to be unsure of, leads up. It is the
    /// conservative estimate of Herbrich, Minka and Graepel, "TrueSkill: A Bayesian Skill Rating System" (NIPS 2006).
    pub fn floor(self) -> f64 {
        self.points - 3.0 * self.deviation
    }
}

/// The ratings after a match, from those before it.
pub fn rate(first: Rating, second: Rating, score: Score) -> (Rating, Rating) {
    let outcome = match score {
        Score::First => Outcomes::WIN,
        Score::Second => Outcomes::LOSS,
        Score::Draw => Outcomes::DRAW,
    };
    let (first, second) = weng_lin(&first.into(), &second.into(), &outcome, &config());
    (first.into(), second.into())
}

/// A team after a match: its players' ratings before it, and its rank. 1 is the best; teams of the same rank drew.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedTeam {
    /// Everybody who played, in any order.
    pub players: Vec<Rating>,
    /// Its place.
    pub rank: u8,
}

/// The ratings after a match of teams, in the order given. What a team as a whole gained or lost is shared among its players by
/// how unsure each one's rating was (section 4 of the paper). Nobody moves when there are less than two teams, or one is empty.
pub fn rate_teams(teams: &[RankedTeam]) -> Vec<Vec<Rating>> {
    let before: Vec<Vec<WengLinRating>> =
        teams.iter().map(|team| team.players.iter().map(|rating| WengLinRating::from(*rating)).collect()).collect();
    if before.len() < 2 {
        return teams.iter().map(|team| team.players.clone()).collect();
    }
    let ranked: Vec<(&[WengLinRating], MultiTeamOutcome)> = before
        .iter()
        .zip(teams)
        .map(|(players, team)| (players.as_slice(), MultiTeamOutcome::new(team.rank.into())))
        .collect();
    let after = weng_lin_multi_team(&ranked, &config());
    after.into_iter().map(|team| team.into_iter().map(Rating::from).collect()).collect()
}

/// How likely the first player is to win: 0 to 1.
pub fn win_probability(first: Rating, second: Rating) -> f64 {
    team_win_probability(&[first], &[second])
}

/// How likely the first of two teams is to win: 0 to 1. A team is as strong as its players' points together.
///
/// As `expected_score_two_teams` of the crate, in the form that no number of points overflows: there, some 250,000 points in a team
/// make infinity by infinity.
pub fn team_win_probability(first: &[Rating], second: &[Rating]) -> f64 {
    let points = |team: &[Rating]| team.iter().map(|rating| rating.points).sum::<f64>();
    let unsure: f64 = first.iter().chain(second).map(|rating| rating.deviation.powi(2)).sum();
    let c = (2.0 * BETA.powi(2) + unsure).sqrt();
    1.0 / (1.0 + ((points(second) - points(first)) / c).exp())
}

/// How even a match is, from the win probability of either side: 1 for equal strength, 0 for a foregone conclusion.
pub fn quality(win_probability: f64) -> f64 {
    1.0 - (2.0 * win_probability - 1.0).abs()
}

fn config() -> WengLinConfig {
    WengLinConfig { beta: BETA, ..WengLinConfig::new() }
}

impl From<Rating> for WengLinRating {
    fn from(rating: Rating) -> Self {
        Self { rating: rating.points, uncertainty: rating.deviation }
    }
}

impl From<WengLinRating> for Rating {
    fn from(rating: WengLinRating) -> Self {
        Self { points: rating.rating, deviation: rating.uncertainty }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skillratings::weng_lin::expected_score_two_teams;

    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 0.01
    }

    #[test]
    fn two_new_players_move_as_the_paper_computes_it() {
        // c = sqrt(2 * 250^2 + 2 * 500^2) = 790.57, and p = 1/2: each moves by 500^2 / c * 1/2.
        let (winner, loser) = rate(Rating::default(), Rating::default(), Score::First);
        assert!(near(winner.points, 1658.11) && near(loser.points, 1341.89), "{winner:?} {loser:?}");
        // eta = (500 / c)^3 * 1/4, and the new deviation is 500 * sqrt(1 - eta).
        assert!(near(winner.deviation, 500.0 * (1.0_f64 - (500.0_f64 / 790.569).powi(3) / 4.0).sqrt()), "{winner:?}");
        let (first, second) = rate(Rating::default(), Rating::default(), Score::Draw);
        assert!(near(first.points, 1500.0) && near(second.points, 1500.0));
    }

    #[test]
    fn certainty_lifts_the_floor() {
        assert!(near(Rating::default().floor(), 0.0));
        assert!(near(Rating { points: 1600.0, deviation: 100.0 }.floor(), 1300.0));
    }

    #[test]
    fn beta_points_ahead_win_two_of_three() {
        let known = |points| Rating { points, deviation: 1e-6 };
        assert!(near(win_probability(known(1750.0), known(1500.0)), 0.67));
        assert!(near(win_probability(known(1500.0), known(1500.0)), 0.5));
    }

    #[test]
    fn the_strongest_there_may_be_have_a_chance_that_is_a_number() {
        for points in [MAX_POINTS, -MAX_POINTS] {
            let team = [Rating { points, deviation: 1e-6 }; 16];
            assert!(near(team_win_probability(&team, &team), 0.5));
            let other = team.map(|rating| Rating { points: -points, ..rating });
            assert!(near(team_win_probability(&team, &other), if points > 0.0 { 1.0 } else { 0.0 }));
        }
    }

    #[test]
    fn quality_is_1_for_equals_and_0_for_a_foregone_conclusion() {
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(quality), [0.0, 0.5, 1.0, 0.5, 0.0]);
    }

    #[test]
    fn two_teams_of_one_move_as_two_players_do() {
        let (a, b) = (Rating { points: 1600.0, deviation: 120.0 }, Rating { points: 1450.0, deviation: 300.0 });
        let team = |rating, rank| RankedTeam { players: vec![rating], rank };
        let alone = |teams: &[RankedTeam]| rate_teams(teams).into_iter().flatten().collect::<Vec<_>>();
        for (ranks, score) in [([1, 2], Score::First), ([5, 3], Score::Second), ([2, 2], Score::Draw)] {
            let (first, second) = rate(a, b, score);
            let after = alone(&[team(a, ranks[0]), team(b, ranks[1])]);
            assert!(near(after[0].points, first.points) && near(after[1].points, second.points), "{score:?} {after:?}");
            assert!(near(after[0].deviation, first.deviation), "{score:?} {after:?}");
        }
        assert_eq!(alone(&[team(a, 1)]), [a], "alone there is nobody to beat");
        let empty = RankedTeam { players: vec![], rank: 2 };
        assert_eq!(alone(&[team(a, 1), empty]), [a]);
    }

    #[test]
    fn in_a_team_the_least_known_moves_most() {
        let known = Rating { points: 1500.0, deviation: 50.0 };
        let new = Rating::default();
        let teams =
            [RankedTeam { players: vec![known, new], rank: 1 }, RankedTeam { players: vec![known, known], rank: 2 }];
        let after = rate_teams(&teams);
        assert!(after[0][1].points - 1500.0 > after[0][0].points - 1500.0 && after[0][0].points > 1500.0, "{after:?}");
        assert!(after[1].iter().all(|rating| rating.points < 1500.0), "{after:?}");
    }

    fn ratings() -> impl Strategy<Value = Rating> {
        (-2000.0..5000.0, 1.0..600.0).prop_map(|(points, deviation)| Rating { points, deviation })
    }

    proptest! {
        #[test]
        fn winning_never_costs_and_certainty_grows(a in ratings(), b in ratings()) {
            let (winner, loser) = rate(a, b, Score::First);
            prop_assert!(winner.points >= a.points && loser.points <= b.points);
            prop_assert!(winner.deviation <= a.deviation && loser.deviation <= b.deviation);
            prop_assert!(winner.deviation > 0.0 && loser.deviation > 0.0);
        }

        #[test]
        fn the_seats_do_not_matter(a in ratings(), b in ratings()) {
            let (winner, loser) = rate(a, b, Score::First);
            let (other_loser, other_winner) = rate(b, a, Score::Second);
            prop_assert!(near(winner.points, other_winner.points) && near(loser.points, other_loser.points));
            let p = win_probability(a, b);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!((p + win_probability(b, a) - 1.0).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&quality(p)));
            let [first, second] = [vec![a, b, b], vec![b, a, a]];
            let crates = |team: &[Rating]| team.iter().map(|rating| WengLinRating::from(*rating)).collect::<Vec<_>>();
            let theirs = expected_score_two_teams(&crates(&first), &crates(&second), &config()).0;
            prop_assert!((team_win_probability(&first, &second) - theirs).abs() < 1e-9);
        }
    }
}
