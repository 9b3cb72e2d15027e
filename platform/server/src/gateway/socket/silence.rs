//! Signs of life: a socket that says nothing is asked for one, then given up.

use std::time::Duration;

/// How long a socket may be silent before it is asked: a heartbeat, and up to a quarter more, drawn for each socket. A client that
/// speaks every heartbeat is never asked, and sockets that were opened together are not asked together.
pub(super) fn patience(heartbeat: Duration) -> Duration {
    heartbeat.mul_f64(rand::random_range(1.0..1.25))
}

/// What a silence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing yet.
    None,
    /// Ask for a sign of life.
    Ping,
    /// There was none.
    Gone,
}

impl Silence {
    /// What to do about a silence of so long.
    pub(super) fn of(silence: Duration, patience: Duration) -> Self {
        if silence >= patience * 2 {
            Silence::Gone
        } else if silence >= patience {
            Silence::Ping
        } else {
            Silence::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_socket_is_pinged_once_then_given_up() {
        let patience = Duration::from_secs(15);
        assert_eq!(Silence::of(patience / 2, patience), Silence::None);
        assert_eq!(Silence::of(patience, patience), Silence::Ping);
        assert_eq!(Silence::of(patience * 2, patience), Silence::Gone);
    }

    #[test]
    fn no_socket_is_asked_before_its_heartbeat_nor_much_later() {
        let beat = Duration::from_secs(15);
        let drawn: Vec<_> = (0..1_000).map(|_| patience(beat)).collect();
        assert!(drawn.iter().all(|patience| (beat..beat * 5 / 4).contains(patience)));
        let early = drawn.iter().filter(|patience| **patience < beat * 9 / 8).count();
        assert!((400..600).contains(&early), "{early} of 1,000 in the first half");
    }
}
