//! What the pages show: plain values, filled from GraphQL answers in `queries`. Between the dashboard's server and the
//! browser their times are milliseconds, which is what the platform keeps and less to parse.

mod event;
mod game;
mod live;
mod staff;

pub(crate) use event::{Board, MatchEvent, Seat};
#[cfg(feature = "ssr")]
pub(crate) use game::Outcome;
pub(crate) use game::{MODES, MatchDetail, MatchPage, MatchRow, MatchState, Player};
pub(crate) use live::{ActivityPoint, LiveCounts, Overview};
pub(crate) use staff::Staff;
#[cfg(feature = "ssr")]
pub(crate) use staff::StaffRole;
