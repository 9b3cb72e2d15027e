//! The server functions: what the pages ask of the dashboard's server, which asks GraphQL with the session that the
//! browser cannot see. Their addresses are written out, since the default ones hash the path of the build.

mod activity;
mod match_detail;
mod matches;
mod me;
mod overview;
mod sign_in;
mod sign_out;

pub(crate) use activity::fetch_activity;
pub(crate) use match_detail::fetch_match;
pub(crate) use matches::fetch_matches;
pub(crate) use me::fetch_me;
pub(crate) use overview::fetch_overview;
pub(crate) use sign_in::SignIn;

/// How far back the overview's charts reach.
#[cfg(feature = "ssr")]
const CHART_MINUTES: i64 = 60;
