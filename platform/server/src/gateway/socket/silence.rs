//! Signs of life: a socket that says nothing is asked for one, then given up.

use std::time::Duration;

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
    pub(super) fn of(silence: Duration, heartbeat: Duration) -> Self {
        if silence >= heartbeat * 2 {
            Silence::Gone
        } else if silence >= heartbeat {
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
        let beat = Duration::from_secs(15);
        assert_eq!(Silence::of(beat / 2, beat), Silence::None);
        assert_eq!(Silence::of(beat, beat), Silence::Ping);
        assert_eq!(Silence::of(beat * 2, beat), Silence::Gone);
    }
}
