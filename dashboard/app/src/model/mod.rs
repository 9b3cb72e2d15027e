//! What the pages show: plain values, filled from GraphQL answers in `queries`.

mod event;
mod game;
mod live;
mod staff;

pub(crate) use event::{Board, MatchEvent, Seat};
pub(crate) use game::{MODES, MatchDetail, MatchPage, MatchRow, MatchState};
#[cfg(feature = "ssr")]
pub(crate) use game::{Outcome, Player};
pub(crate) use live::{ActivityPoint, LiveCounts, Overview};
pub(crate) use staff::Staff;
#[cfg(feature = "ssr")]
pub(crate) use staff::StaffRole;
