//! Queues, and the pool that proposes matches: pure, so that the matchmaker's only decision is when to ask.

mod neighbours;
mod pool;
mod queue;

pub use pool::{Pool, Proposal, Ticket};
pub use queue::{InvalidQueue, MAX_WINDOW_STEPS, QueueDefinition, RatingWindow, WindowStep, shipped_queues};
