//! What a player's history makes of their rating.
//!
//! A match keeps both ratings before it and after it, so the order in which a player's matches were settled is in the history
//! itself: each begins with the rating that the one before it ended with. Walking that chain from the start rating recomputes
//! the present one; what each step does is checked with its match.

use std::collections::HashMap;

use chrono::TimeDelta;
use muster_core::game::Mode;
use muster_core::rating::Rating;
use muster_store::{HistoryMatch, PlayerHistory, PlayerRating};

use super::matches::score;
use crate::findings::{Kind, Violation};

/// Clocks of two processes may be so far apart.
const CLOCKS: TimeDelta = TimeDelta::seconds(2);

/// What is wrong with a player's history.
pub fn review(player: &PlayerHistory) -> Vec<Violation> {
    let mut found: Vec<Violation> = Mode::ALL.into_iter().filter_map(|mode| rating_of(player, mode)).collect();
    found.extend(two_at_once(player));
    found
}

/// Walks the ranked matches of one mode from the start rating.
fn rating_of(player: &PlayerHistory, mode: Mode) -> Option<Violation> {
    let fault = |kind, detail| Some(Violation::new(kind, detail).of_player(player.player_id));
    let moves: Vec<(&HistoryMatch, Rating)> = player
        .matches
        .iter()
        .filter(|one| one.mode == mode)
        .filter(|one| one.outcome.as_ref().and_then(|outcome| score(one.ranked, outcome)).is_some())
        .filter_map(|one| Some((one, one.after?)))
        .collect();
    let present = player.ratings.iter().find(|rating| rating.mode == mode);
    if moves.is_empty() {
        // A rating without a history is found by itself.
        return None;
    }
    let (end, left) = walk(&moves);
    if let Some(first) = left.first() {
        let detail = format!(
            "{} of {} matches in {mode} do not go on from {end:?}; the first begins with {:?}",
            left.len(),
            moves.len(),
            first.before
        );
        return fault(Kind::RatingHistoryBroken, detail).map(|found| found.of_match(first.match_id));
    }
    let matches = u32::try_from(moves.len()).unwrap_or(u32::MAX);
    let wins = moves.iter().filter(|(one, _)| one.outcome.is_some_and(|outcome| outcome.winner == one.seat)).count();
    let wins = u32::try_from(wins).unwrap_or(u32::MAX);
    let expected = PlayerRating { mode, rating: end, matches, wins };
    if present == Some(&expected) {
        return None;
    }
    fault(Kind::RatingDiffers, format!("{present:?} is stored, the history gives {expected:?}"))
}

/// Follows the matches from the start rating; where it leads, and what is not on the way. Ratings were copied from one row to
/// the next, so they are the same to the last bit.
fn walk<'a>(moves: &[(&'a HistoryMatch, Rating)]) -> (Rating, Vec<&'a HistoryMatch>) {
    let bits = |rating: Rating| (rating.points.to_bits(), rating.deviation.to_bits());
    let mut from: HashMap<(u64, u64), Vec<(&HistoryMatch, Rating)>> = HashMap::new();
    for (one, after) in moves.iter().rev() {
        from.entry(bits(one.before)).or_default().push((one, *after));
    }
    let mut at = Rating::default();
    while let Some((_, after)) = from.get_mut(&bits(at)).and_then(Vec::pop) {
        at = after;
    }
    let mut left: Vec<&HistoryMatch> = from.into_values().flatten().map(|(one, _)| one).collect();
    left.sort_by_key(|one| one.match_id);
    (at, left)
}

/// The first match that began before another one of the player was over.
fn two_at_once(player: &PlayerHistory) -> Option<Violation> {
    let mut matches: Vec<&HistoryMatch> = player.matches.iter().collect();
    matches.sort_by_key(|one| (one.created_at, one.match_id));
    let mut latest: Option<&HistoryMatch> = None;
    for one in matches {
        if let Some(earlier) = latest
            && earlier.ended_at.is_none_or(|ended| one.created_at + CLOCKS < ended)
        {
            let detail = format!("{} was not over when it began", earlier.match_id);
            let found = Violation::new(Kind::TwoMatchesAtOnce, detail);
            return Some(found.of_match(one.match_id).of_player(player.player_id));
        }
        latest = match latest {
            Some(earlier) if earlier.ended_at > one.ended_at && one.ended_at.is_some() => Some(earlier),
            _ => Some(one),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use muster_core::game::{Outcome, OutcomeKind, Seat};
    use muster_core::rating::{Score, rate};

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    /// So many matches against strangers: every other one is won. Settled in the order of `order`.
    fn player(order: &[usize]) -> PlayerHistory {
        let mut rating = Rating::default();
        let mut matches = Vec::new();
        for number in order {
            let won = number % 2 == 0;
            let score = if won { Score::First } else { Score::Second };
            let (after, _) = rate(rating, Rating::default(), score);
            let winner = Some(if won { Seat::First } else { Seat::Second });
            let began = 100 * i64::try_from(*number).unwrap();
            matches.push(HistoryMatch {
                match_id: muster_core::id::MatchId::new(at(began), [0; 10]),
                mode: Mode::Classic,
                seat: Some(Seat::First),
                ranked: true,
                outcome: Some(Outcome { kind: OutcomeKind::Won, winner, totals: [1, 0] }),
                created_at: at(began),
                ended_at: Some(at(began + 90)),
                before: rating,
                after: Some(after),
            });
            rating = after;
        }
        matches.sort_by_key(|one| one.match_id);
        let wins = order.iter().filter(|number| *number % 2 == 0).count();
        let present = PlayerRating {
            mode: Mode::Classic,
            rating,
            matches: order.len() as u32,
            wins: u32::try_from(wins).unwrap(),
        };
        PlayerHistory { player_id: muster_store::fresh_id(), matches, ratings: vec![present] }
    }

    fn kinds(player: &PlayerHistory) -> Vec<Kind> {
        review(player).into_iter().map(|violation| violation.kind).collect()
    }

    #[test]
    fn a_good_history_is_good_in_whatever_order_it_was_settled() {
        assert_eq!(kinds(&player(&[0, 1, 2, 3, 4])), []);
        assert_eq!(kinds(&player(&[3, 0, 4, 1, 2])), []);
        assert_eq!(kinds(&PlayerHistory { player_id: muster_store::fresh_id(), matches: vec![], ratings: vec![] }), []);
    }

    #[test]
    fn a_rating_that_the_history_does_not_give_is_found() {
        let mut off = player(&[0, 1, 2]);
        off.ratings[0].rating.points += 1e-9;
        assert_eq!(kinds(&off), [Kind::RatingDiffers]);
        let mut counted_twice = player(&[0, 1, 2]);
        counted_twice.ratings[0].matches += 1;
        assert_eq!(kinds(&counted_twice), [Kind::RatingDiffers]);
        let mut lost = player(&[0, 1, 2]);
        lost.ratings[0].wins -= 1;
        assert_eq!(kinds(&lost), [Kind::RatingDiffers]);
        let mut without = player(&[0, 1, 2]);
        without.ratings.clear();
        assert_eq!(kinds(&without), [Kind::RatingDiffers]);
    }

    #[test]
    fn a_match_that_counted_on_the_same_rating_as_another_is_found() {
        let mut player = player(&[0, 1, 2]);
        // As if two settlements had not seen each other.
        player.matches[2].before = player.matches[1].before;
        let found = review(&player);
        assert_eq!(found[0].kind, Kind::RatingHistoryBroken);
        assert!(found[0].match_id.is_some());
    }

    #[test]
    fn two_matches_at_once_are_found() {
        let mut overlapping = player(&[0, 1, 2, 3]);
        overlapping.matches[1].ended_at = Some(at(205));
        let found = review(&overlapping);
        assert_eq!((found[0].kind, found[0].match_id), (Kind::TwoMatchesAtOnce, Some(overlapping.matches[2].match_id)));
        let mut long = player(&[0, 1, 2, 3]);
        long.matches[0].ended_at = Some(at(395));
        assert_eq!(kinds(&long), [Kind::TwoMatchesAtOnce]);
        let mut clocks = player(&[0, 1, 2]);
        clocks.matches[0].ended_at = Some(at(101));
        assert_eq!(kinds(&clocks), [], "clocks differ by a second");
        let mut running = player(&[0, 1]);
        running.matches[1].ended_at = None;
        running.matches[1].outcome = None;
        running.matches[1].after = None;
        running.ratings[0] = player(&[0]).ratings[0];
        assert_eq!(kinds(&running), [], "the last one may run still");
    }
}
