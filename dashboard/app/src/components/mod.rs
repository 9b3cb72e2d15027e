//! The parts that pages are made of.

mod ago;
mod connection;
mod dice;
mod empty_state;
mod error_state;
mod icon;
mod layout;
mod skeleton;
mod state_badge;

pub(crate) use ago::{Ago, provide_clock};
pub(crate) use connection::ConnectionState;
pub(crate) use dice::Dice;
pub(crate) use empty_state::EmptyState;
pub(crate) use error_state::ErrorState;
pub(crate) use icon::{Brand, Icon};
pub(crate) use layout::Layout;
pub(crate) use skeleton::{SkeletonMatch, SkeletonOverview, SkeletonRows};
pub(crate) use state_badge::StateBadge;
