//! The pages, one a file.

mod match_log;
mod match_page;
mod matches;
mod not_found;
mod overview;
mod sign_in;

pub(crate) use match_page::MatchPage;
pub(crate) use matches::MatchesPage;
pub(crate) use not_found::NotFoundPage;
pub(crate) use overview::OverviewPage;
#[cfg(feature = "ssr")]
pub(crate) use sign_in::safe_path;
pub(crate) use sign_in::{SignInPage, sign_in_path};
