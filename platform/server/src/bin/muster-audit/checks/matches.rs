//! One pass over all settled matches with their events: page by page, and within a page event by event.

use futures::StreamExt;
use muster_core::game::{Outcome, OutcomeKind, Seat};
use muster_core::id::MatchId;
use muster_core::rating::{Rating, Score, rate};
use muster_store::{SettledMatch, SettledSeat, Store, StoreError, StoredEvent};

use super::replay::Replay;
use crate::findings::{Kind, Report, Violation};

/// Matches of one page.
const PAGE: u32 = 500;
/// Ratings are computed on any machine; so far apart, relative to their size, they are the same.
const TOLERANCE: f64 = 1e-9;

/// Replays every settled match whose id is above `since`, checks what it did to ratings, and counts.
pub async fn check(store: &Store, since: MatchId, report: &mut Report) -> Result<(), StoreError> {
    let mut after = since;
    loop {
        let page = store.matches.settled_page(after, PAGE).await?;
        let Some(last) = page.last().map(|settled| settled.match_id) else { break };
        replay_page(store, after, &page, report).await?;
        for settled in &page {
            report.extend(ratings_moved(settled));
        }
        report.matches += page.len() as u64;
        after = last;
    }
    for mismatch in store.matches.total_mismatches().await? {
        let detail = format!("the total of {} is {}, there are {}", mismatch.mode, mismatch.told, mismatch.counted);
        report.add(Violation::new(Kind::TotalDiffers, detail));
    }
    Ok(())
}

/// The events come in the order of the page, so each match is replayed and let go before the next begins.
async fn replay_page(
    store: &Store,
    after: MatchId,
    page: &[SettledMatch],
    report: &mut Report,
) -> Result<(), StoreError> {
    let Some(last) = page.last() else { return Ok(()) };
    let mut events = store.matches.stored_events(after, last.match_id).peekable();
    for settled in page {
        let mut replay = Replay::new(settled);
        loop {
            match std::pin::Pin::new(&mut events).peek().await {
                // Of a match that was settled after the page was read: it comes with a page of its own, or the next audit.
                Some(Ok(StoredEvent { match_id, .. })) if *match_id < settled.match_id => {
                    events.next().await;
                }
                Some(Ok(event)) if event.match_id == settled.match_id => {
                    replay.event(event);
                    events.next().await;
                }
                Some(Err(_)) => {
                    if let Some(Err(error)) = events.next().await {
                        return Err(error);
                    }
                }
                Some(Ok(_)) | None => break,
            }
        }
        report.events += replay.events();
        report.extend(replay.finish());
    }
    Ok(())
}

/// Whether a match did to its players' ratings what the rules say: nothing, or one move of both.
fn ratings_moved(settled: &SettledMatch) -> Option<Violation> {
    let fault = |kind, detail| Some(Violation::new(kind, detail).of_match(settled.match_id));
    let [
        SettledSeat { before: first, after: Some(first_after), .. },
        SettledSeat { before: second, after: Some(second_after), .. },
    ] = settled.seats.as_slice()
    else {
        return fault(Kind::SeatsIncomplete, format!("{:?}", settled.seats));
    };
    let expected = match settled.outcome.as_ref().ok().and_then(|outcome| score(settled.ranked, outcome)) {
        Some(score) => rate(*first, *second, score),
        None => (*first, *second),
    };
    for (seat, expected, after) in [(Seat::First, expected.0, first_after), (Seat::Second, expected.1, second_after)] {
        if !same(expected, *after) {
            return fault(
                Kind::RatingMoveDiffers,
                format!("the {seat} seat has {after:?}, and should have {expected:?}"),
            );
        }
    }
    None
}

/// Who won, as ratings count it; none when no rating moves.
pub fn score(ranked: bool, outcome: &Outcome) -> Option<Score> {
    match (outcome.kind, outcome.winner) {
        _ if !ranked => None,
        (OutcomeKind::Abandoned, _) | (_, None) => None,
        (_, Some(Seat::First)) => Some(Score::First),
        (_, Some(Seat::Second)) => Some(Score::Second),
    }
}

/// Whether two ratings are the same but for how a machine rounds.
pub fn same(one: Rating, other: Rating) -> bool {
    let near = |one: f64, other: f64| (one - other).abs() <= TOLERANCE * one.abs().max(other.abs()).max(1.0);
    near(one.points, other.points) && near(one.deviation, other.deviation)
}

#[cfg(test)]
mod tests {
    use muster_core::game::Mode;

    use super::*;

    fn settled(ranked: bool, kind: OutcomeKind, after: [Option<Rating>; 2]) -> SettledMatch {
        let seat = |after| SettledSeat { player_id: muster_store::fresh_id(), before: Rating::default(), after };
        let winner = (kind != OutcomeKind::Abandoned).then_some(Seat::First);
        SettledMatch {
            match_id: muster_store::fresh_id(),
            mode: Mode::Classic,
            ranked,
            commitment: [0; 32],
            seed: [0; 32],
            outcome: Ok(Outcome { kind, winner, totals: [100, 0] }),
            version: 0,
            created_at: muster_store::now(),
            ended_at: muster_store::now(),
            seats: after.map(seat).to_vec(),
        }
    }

    fn found(ranked: bool, kind: OutcomeKind, after: [Option<Rating>; 2]) -> Option<Kind> {
        ratings_moved(&settled(ranked, kind, after)).map(|violation| violation.kind)
    }

    #[test]
    fn a_ranked_match_moves_both_ratings_as_the_rules_say() {
        let start = Rating::default();
        let (winner, loser) = rate(start, start, Score::First);
        let moved = [Some(winner), Some(loser)];
        assert_eq!(found(true, OutcomeKind::Won, moved), None);
        assert_eq!(found(true, OutcomeKind::Forfeited, moved), None);
        assert_eq!(found(true, OutcomeKind::Won, [Some(loser), Some(winner)]), Some(Kind::RatingMoveDiffers));
        let off = Rating { points: winner.points + 0.001, ..winner };
        assert_eq!(found(true, OutcomeKind::Won, [Some(off), Some(loser)]), Some(Kind::RatingMoveDiffers));
        assert_eq!(found(true, OutcomeKind::Won, [Some(winner), None]), Some(Kind::SeatsIncomplete));
    }

    #[test]
    fn casual_and_abandoned_matches_move_none() {
        let start = Rating::default();
        let (winner, loser) = rate(start, start, Score::First);
        for (ranked, kind) in [(false, OutcomeKind::Won), (true, OutcomeKind::Abandoned)] {
            assert_eq!(found(ranked, kind, [Some(start); 2]), None);
            assert_eq!(found(ranked, kind, [Some(winner), Some(loser)]), Some(Kind::RatingMoveDiffers));
        }
    }

    #[test]
    fn two_players_make_a_match() {
        let mut three = settled(false, OutcomeKind::Won, [Some(Rating::default()); 2]);
        three.seats.pop();
        assert_eq!(ratings_moved(&three).unwrap().kind, Kind::SeatsIncomplete);
    }
}
