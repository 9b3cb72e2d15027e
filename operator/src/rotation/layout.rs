//! Which versions processes are given.

use std::fmt;

use crate::crd::secret_rotation::{Phase, RotationState};

/// Which versions the target Secret holds, by number. Its text, `8` or `8+7`, marks the Secret and the pods that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The version that processes use.
    pub active: i64,
    /// The other one that they honour.
    pub second: Option<i64>,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.second {
            Some(second) => write!(f, "{}+{second}", self.active),
            None => write!(f, "{}", self.active),
        }
    }
}

impl Layout {
    /// What processes should have in this state; `two`: they can honour a second version. `None` before the first version.
    pub fn of(state: &RotationState, two: bool) -> Option<Self> {
        let number = |version: &Option<crate::crd::secret_rotation::Version>| version.as_ref().map(|v| v.number);
        let (active, second) = match state.phase {
            Phase::Idle | Phase::Make | Phase::Forget | Phase::Retire => (number(&state.current), None),
            Phase::Announce | Phase::Back => (number(&state.current), number(&state.next)),
            Phase::Switch => (number(&state.next), number(&state.current)),
            Phase::Overlap => (number(&state.current), number(&state.previous)),
        };
        active.map(|active| Self { active, second: second.filter(|_| two) })
    }
}
