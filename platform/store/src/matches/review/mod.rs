//! What an audit reads: everything that settled matches left behind, in pages, so that its memory does not grow with the history.
//!
//! Nothing here judges. What should be true of what is read is told where it is checked: in `muster-audit`.

mod counts;
mod history;
mod settled;
mod telemetry;

pub use counts::{OpenSeat, TotalMismatch};
pub use history::{HistoryMatch, PlayerHistory, RatingKey};
pub use settled::{SettledMatch, SettledSeat, StoredEvent, StoredEvents};
pub use telemetry::{MatchTelemetry, ToldUnknown};
