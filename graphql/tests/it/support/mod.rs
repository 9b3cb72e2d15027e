//! The staff API over a scratch of real services, and what tests put into it.

mod api;
mod played;
mod socket;

pub use api::{Api, PASSWORD, SIGN_IN, code_of};
pub use played::{finished, running};
pub use socket::Socket;
