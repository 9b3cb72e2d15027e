//! What a Region is doing: serving, closing, or stopped. A pure decision.

use std::time::Duration;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};

use crate::crd::region::DrainStatus;

/// What a Region is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It takes players.
    Serving,
    /// No player comes in and no match begins; those that run go on.
    Closing,
    /// Nothing runs.
    Stopped,
}

/// How long no match must be seen before a drain ends, whole seconds: a closure is in every process within a second, and a match
/// that has begun by then has its referee within two.
const EMPTY_FOR: SignedDuration = SignedDuration::from_secs(5);

/// What was seen of a Region that should drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// Anything runs.
    pub running: bool,
    /// Nobody comes in any more, and nothing makes matches.
    pub closed: bool,
    /// Matches that still run, counted after that.
    pub matches: Matches,
}

/// The matches of a Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matches {
    /// Nothing is there that could own one.
    Impossible,
    /// So many were counted.
    Counted(i64),
    /// Nobody could tell.
    Unknown,
}

/// How a drain goes on. `so_far` is what an earlier look has left, `timeout` how long matches may take from its beginning.
pub fn drain(
    so_far: Option<&DrainStatus>,
    leaving: Leaving,
    timeout: Duration,
    now: Timestamp,
) -> (Phase, DrainStatus) {
    let matches_left = match leaving.matches {
        Matches::Impossible => Some(0),
        Matches::Counted(matches) => Some(matches),
        Matches::Unknown => None,
    };
    let started_at = so_far.map_or_else(|| whole_second(now), |drain| drain.started_at.clone());
    let deadline = started_at.0 + timeout;
    let begin = DrainStatus { started_at, deadline: Time(deadline), empty_since: None, stopped_at: None, matches_left };
    let drain = match so_far {
        // The door is closed before anything is counted; but what never ran need not be drained.
        None => DrainStatus { stopped_at: (!leaving.running).then(|| whole_second(now)), ..begin },
        // What it ended with stands.
        Some(DrainStatus { stopped_at: Some(at), empty_since, matches_left, .. }) => DrainStatus {
            stopped_at: Some(at.clone()),
            empty_since: empty_since.clone(),
            matches_left: *matches_left,
            ..begin
        },
        Some(DrainStatus { empty_since, .. }) => {
            // One look may come between a match and its referee. Where one could not be taken, it is begun anew.
            let empty = leaving.closed && matches_left == Some(0);
            let empty_since = empty.then(|| empty_since.clone().unwrap_or_else(|| whole_second(now)));
            let over = empty_since.as_ref().is_some_and(|since| {
                leaving.matches == Matches::Impossible || now.duration_since(since.0) >= EMPTY_FOR
            });
            DrainStatus { stopped_at: (over || now >= deadline).then(|| whole_second(now)), empty_since, ..begin }
        }
    };
    let phase = if drain.stopped_at.is_some() { Phase::Stopped } else { Phase::Closing };
    (phase, drain)
}

/// Kubernetes keeps whole seconds; more would differ from what is read back.
fn whole_second(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::{Matches::*, *};

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn leaving(closed: bool, matches: Matches) -> Leaving {
        Leaving { running: true, closed, matches }
    }

    /// A drain that began at second 100, and goes on as it is seen at each of these moments.
    fn seen(looks: &[(i64, Leaving)]) -> (Phase, DrainStatus) {
        let mut so_far = drain(None, leaving(false, Counted(0)), TEN_MINUTES, at(100));
        for (second, leaving) in looks {
            so_far = drain(Some(&so_far.1), *leaving, TEN_MINUTES, at(*second));
        }
        so_far
    }

    #[test]
    fn the_door_is_closed_before_anything_is_counted() {
        let (phase, drain) = drain(None, leaving(true, Impossible), TEN_MINUTES, at(100));
        assert_eq!((phase, drain.stopped_at, drain.empty_since), (Phase::Closing, None, None));
        assert_eq!((drain.started_at.0, drain.deadline.0), (at(100), at(700)));
    }

    #[test]
    fn what_never_ran_is_not_drained() {
        let idle = Leaving { running: false, closed: true, matches: Impossible };
        assert_eq!(drain(None, idle, TEN_MINUTES, at(100)).0, Phase::Stopped);
    }

    #[test]
    fn it_stops_when_the_last_match_is_over_and_not_before() {
        for goes_on in [leaving(true, Counted(3)), leaving(true, Unknown), leaving(false, Counted(0))] {
            let (phase, drain) = seen(&[(110, goes_on), (120, goes_on)]);
            assert_eq!((phase, drain.empty_since), (Phase::Closing, None), "{goes_on:?}");
        }
        let empty = leaving(true, Counted(0));
        let (phase, done) = seen(&[(120, empty), (125, empty)]);
        assert_eq!((phase, done.stopped_at.unwrap().0), (Phase::Stopped, at(125)));
        assert_eq!((done.empty_since.unwrap().0, done.matches_left), (at(120), Some(0)));
    }

    #[test]
    fn one_look_at_no_matches_ends_nothing() {
        let empty = leaving(true, Counted(0));
        assert_eq!(seen(&[(120, empty)]).0, Phase::Closing);
        assert_eq!(seen(&[(120, empty), (121, empty), (124, empty)]).0, Phase::Closing, "too soon after the first");
        for between in [leaving(true, Counted(1)), leaving(true, Unknown), leaving(false, Counted(0))] {
            let (phase, drain) = seen(&[(120, empty), (124, between), (126, empty), (130, empty)]);
            assert_eq!((phase, drain.empty_since.unwrap().0), (Phase::Closing, at(126)), "{between:?}");
        }
    }

    #[test]
    fn where_nothing_can_own_a_match_nothing_is_looked_at_twice() {
        assert_eq!(seen(&[(101, leaving(true, Impossible))]).0, Phase::Stopped);
        assert_eq!(seen(&[(101, leaving(false, Impossible))]).0, Phase::Closing);
    }

    #[test]
    fn the_deadline_ends_it_whatever_is_left_and_that_is_remembered() {
        let (phase, done) = seen(&[(110, leaving(true, Counted(2))), (700, leaving(true, Counted(2)))]);
        assert_eq!((phase, done.matches_left), (Phase::Stopped, Some(2)));
        let (phase, later) = drain(Some(&done), leaving(true, Counted(0)), TEN_MINUTES, at(900));
        assert_eq!((phase, later), (Phase::Stopped, done));
    }
}
