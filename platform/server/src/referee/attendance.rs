//! Who is still there. Gateways tell a match when a socket closes; one that is killed tells nothing, but the signs of life of its
//! players stop.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::game::Seat;
use muster_core::id::PlayerId;
use muster_store::StoreError;
use tokio::time::MissedTickBehavior;

use super::Referee;
use super::owned::{Link, Note};
use crate::events;

/// After a longer gap between two looks nothing is known of what was in it: players must not be taken for absent because this
/// process, or the store, was.
const BLIND_AFTER: TimeDelta = TimeDelta::seconds(5);
/// A sign of life that came sooner after a player had left was on its way then.
const STRAY: TimeDelta = TimeDelta::seconds(2);

/// Looks until the process drains: with every beat, for all players of all matches here in one call of the store.
pub(super) async fn run(referee: Referee) {
    let mut looks = tokio::time::interval(referee.0.settings.beat);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut attendance = Attendance::new(referee.0.settings.absent_after);
    loop {
        tokio::select! {
            () = referee.0.drain.cancelled() => return,
            _ = looks.tick() => {}
        }
        if let Err(error) = look(&referee, &mut attendance).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "who is present could not be read; the next look tries again"
            );
        }
    }
}

async fn look(referee: &Referee, attendance: &mut Attendance) -> Result<(), StoreError> {
    let links = referee.0.owned.links();
    let seats: Vec<(&Arc<Link>, Seat)> =
        links.iter().flat_map(|link| Seat::ALL.into_iter().map(move |seat| (link, seat))).collect();
    let players: Vec<PlayerId> = seats.iter().map(|(link, seat)| link.players[seat.index()]).collect();
    let beats = referee.0.store.presence.last_beats(&players).await?;
    let seen: Vec<Seen> = seats
        .iter()
        .zip(players)
        .zip(beats)
        .map(|(((link, seat), player), beat)| Seen { player, away_since: link.away_since(*seat), beat })
        .collect();
    for ((link, seat), verdict) in seats.into_iter().zip(attendance.judge(&seen, muster_store::now())) {
        match verdict {
            Verdict::AsKnown => {}
            Verdict::Absent => {
                if link.leave(Note::Absent(seat)) {
                    events::player_absent(link.players[seat.index()]);
                }
            }
            Verdict::Present => {
                link.leave(Note::Present(seat));
            }
        }
    }
    Ok(())
}

/// A player as a match and the store have them.
#[derive(Debug, Clone, Copy)]
struct Seen {
    player: PlayerId,
    /// Since when the match counts them as away; none when it does not.
    away_since: Option<DateTime<Utc>>,
    /// Their last sign of life; none when the store knows of none.
    beat: Option<DateTime<Utc>>,
}

/// What follows for the match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    AsKnown,
    Absent,
    Present,
}

/// What was seen at the last look.
#[derive(Debug)]
struct Attendance {
    absent_after: TimeDelta,
    looked_at: Option<DateTime<Utc>>,
    /// The last sign of life of each player; of whom there was none, the first look at them.
    heard: HashMap<PlayerId, DateTime<Utc>>,
}

impl Attendance {
    fn new(absent_after: std::time::Duration) -> Self {
        // The setting has bounds far below what does not fit.
        let absent_after = TimeDelta::from_std(absent_after).unwrap_or(TimeDelta::MAX);
        Self { absent_after, looked_at: None, heard: HashMap::new() }
    }

    /// What follows for each player. Somebody whose sign of life is gone from the store is judged by the last that was seen of them:
    /// a player who moves from one gateway to another is without one for a moment.
    fn judge(&mut self, seen: &[Seen], now: DateTime<Utc>) -> Vec<Verdict> {
        let blind = self.looked_at.is_none_or(|at| now - at > BLIND_AFTER);
        let mut heard = HashMap::with_capacity(seen.len());
        let verdicts = seen
            .iter()
            .map(|seen| {
                let before = self.heard.get(&seen.player).copied().filter(|_| !blind).unwrap_or(now);
                let last = seen.beat.filter(|_| !blind).map_or(before, |beat| before.max(beat));
                heard.insert(seen.player, last);
                match seen.away_since {
                    None if now - last > self.absent_after => Verdict::Absent,
                    Some(since) if seen.beat.is_some_and(|beat| beat > since + STRAY) => Verdict::Present,
                    None | Some(_) => Verdict::AsKnown,
                }
            })
            .collect();
        (self.heard, self.looked_at) = (heard, Some(now));
        verdicts
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use muster_store::fresh_id;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// Looks once a second; gives the seconds at which the verdict was another than `AsKnown`.
    fn judged(beats: impl Fn(i64) -> Option<i64>, away_since: Option<i64>, looks: &[i64]) -> Vec<(i64, Verdict)> {
        let mut attendance = Attendance::new(Duration::from_secs(20));
        let player = fresh_id();
        let verdict = |second: &i64| {
            let seen = Seen { player, away_since: away_since.map(at), beat: beats(*second).map(at) };
            (*second, attendance.judge(&[seen], at(*second))[0])
        };
        looks.iter().map(verdict).filter(|(_, verdict)| *verdict != Verdict::AsKnown).collect()
    }

    fn every_second(to: i64) -> Vec<i64> {
        (0..=to).collect()
    }

    #[test]
    fn who_beats_is_there() {
        assert_eq!(judged(|second| Some(second - second % 8), None, &every_second(120)), []);
    }

    #[test]
    fn whose_beats_have_stopped_is_absent_whether_the_store_remembers_the_last_or_not() {
        let remembered = judged(|second| Some(second.min(7)), None, &every_second(30));
        assert_eq!(remembered.first(), Some(&(28, Verdict::Absent)));
        let forgotten = judged(|second| (second <= 7).then_some(second), None, &every_second(30));
        assert_eq!(forgotten.first(), Some(&(28, Verdict::Absent)));
    }

    #[test]
    fn who_was_never_heard_of_has_the_same_time() {
        assert_eq!(judged(|_| None, None, &every_second(22)), [(21, Verdict::Absent), (22, Verdict::Absent)]);
    }

    #[test]
    fn nobody_is_absent_because_nobody_looked() {
        // The process is frozen, or the store away, for half a minute, and then the store has forgotten everybody for 8 seconds.
        let looks: Vec<i64> = (0..10).chain(40..60).collect();
        assert_eq!(judged(|second| (!(40..48).contains(&second)).then_some(second - second % 8), None, &looks), []);
    }

    #[test]
    fn who_is_away_is_back_with_a_beat_that_is_not_the_last_of_before() {
        assert_eq!(judged(|_| Some(11), Some(10), &every_second(30)), []);
        assert_eq!(judged(|_| None, Some(10), &every_second(60)), []);
        let back = judged(|second| Some(if second < 20 { 11 } else { 20 }), Some(10), &every_second(22));
        assert_eq!(back.first(), Some(&(20, Verdict::Present)));
    }
}
