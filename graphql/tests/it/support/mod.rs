//! The staff API over a scratch of real services, and what tests put into it.

mod api;
mod played;
mod queues;
mod socket;

pub use api::{Api, PASSWORD, SIGN_IN, code_of};
pub use played::{finished, running};
pub use queues::{Ended, add_queue, definition, lead, no_ticket, record, rules, wait_in};
pub use socket::Socket;
