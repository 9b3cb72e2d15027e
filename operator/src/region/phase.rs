//! What a Region is doing: serving, closing, or stopped. A pure decision.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

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

/// What was seen of a Region that should drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// Anything runs.
    pub running: bool,
    /// Nobody comes in any more, and nothing makes matches.
    pub closed: bool,
    /// Matches that still run; `None` when nobody could tell.
    pub matches: Option<i64>,
}

/// How a drain goes on. `so_far` is what an earlier look has left, `timeout` how long matches may take from its beginning.
pub fn drain(
    so_far: Option<&DrainStatus>,
    leaving: Leaving,
    timeout: Duration,
    now: Timestamp,
) -> (Phase, DrainStatus) {
    let started_at = so_far.map_or_else(|| whole_second(now), |drain| drain.started_at.clone());
    let deadline = started_at.0 + timeout;
    let stopped_at = match so_far {
        // The door is closed before anything is counted; but what never ran need not be drained.
        None => (!leaving.running).then(|| whole_second(now)),
        Some(DrainStatus { stopped_at: Some(at), .. }) => Some(at.clone()),
        Some(_) => {
            let empty = leaving.closed && leaving.matches == Some(0);
            (empty || now >= deadline).then(|| whole_second(now))
        }
    };
    let phase = if stopped_at.is_some() { Phase::Stopped } else { Phase::Closing };
    let matches_left = match so_far {
        // What it ended with stands.
        Some(drain) if drain.stopped_at.is_some() => drain.matches_left,
        _ => leaving.matches,
    };
    (phase, DrainStatus { started_at, deadline: Time(deadline), stopped_at, matches_left })
}

/// Kubernetes keeps whole seconds; more would differ from what is read back.
fn whole_second(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn leaving(closed: bool, matches: Option<i64>) -> Leaving {
        Leaving { running: true, closed, matches }
    }

    #[test]
    fn the_door_is_closed_before_anything_is_counted() {
        let (phase, drain) = drain(None, leaving(true, Some(0)), TEN_MINUTES, at(100));
        assert_eq!((phase, drain.stopped_at), (Phase::Closing, None));
        assert_eq!((drain.started_at.0, drain.deadline.0), (at(100), at(700)));
    }

    #[test]
    fn what_never_ran_is_not_drained() {
        let idle = Leaving { running: false, closed: true, matches: Some(0) };
        assert_eq!(drain(None, idle, TEN_MINUTES, at(100)).0, Phase::Stopped);
    }

    #[test]
    fn it_stops_when_the_last_match_is_over_and_not_before() {
        let (_, begun) = drain(None, leaving(false, None), TEN_MINUTES, at(100));
        assert_eq!(drain(Some(&begun), leaving(true, Some(3)), TEN_MINUTES, at(110)).0, Phase::Closing);
        assert_eq!(drain(Some(&begun), leaving(true, None), TEN_MINUTES, at(110)).0, Phase::Closing);
        assert_eq!(drain(Some(&begun), leaving(false, Some(0)), TEN_MINUTES, at(110)).0, Phase::Closing);
        let (phase, done) = drain(Some(&begun), leaving(true, Some(0)), TEN_MINUTES, at(120));
        assert_eq!((phase, done.stopped_at.unwrap().0), (Phase::Stopped, at(120)));
    }

    #[test]
    fn the_deadline_ends_it_whatever_is_left_and_that_is_remembered() {
        let (_, begun) = drain(None, leaving(true, Some(2)), TEN_MINUTES, at(100));
        let (phase, done) = drain(Some(&begun), leaving(true, Some(2)), TEN_MINUTES, at(700));
        assert_eq!((phase, done.matches_left), (Phase::Stopped, Some(2)));
        let (phase, later) = drain(Some(&done), leaving(true, Some(0)), TEN_MINUTES, at(900));
        assert_eq!((phase, later), (Phase::Stopped, done));
    }
}
