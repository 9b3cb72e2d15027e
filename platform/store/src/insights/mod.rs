//! Questions of staff about players, sessions, matches and queues, answered in milliseconds from facts.
//!
//! ```text
//! writer's transaction: events, and record ──► pending ──► fold ──► facts by day ──► questions
//!                                                            └─► pack: days in few rows
//! ```
//!
//! - [`record`] makes a batch of new events small and leaves it in `insights.pending`, in the transaction that stores them.
//! - [`Insights::fold`] moves it from there into the facts. One process folds at a time; a batch is deleted by the transaction that
//!   adds it, so it counts once. Facts are as old as the last fold.
//! - Questions never read `telemetry.events`. Each says its unit, range and formula where it is.
//!
//! Facts know a player by a number; `insights.players` has the subject of each, until [`Insights::forget`].
//! Days are those of UTC.

mod facts;
mod feed;
mod fold;
mod forget;
mod pack;
mod places;
mod questions;
mod range;
mod record;
mod recount;
mod samples;
mod seasons;
mod seen;
mod sets;
mod sketch;
mod space;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::nats::Nats;

pub use feed::{EventFeed, FedEvent};
pub use fold::Folded;
pub use questions::{
    ActiveDay, ChurnPoint, Cohort, ConcurrencyPoint, FunnelStep, KindCount, MatchFacts, Measure, MeasureDimension,
    MeasureFacts, MeasureSeries, Playing, QueueHour, QueueSeries, SessionFacts, SessionSeries, Step,
};
pub use range::{AskError, Days, Dimension, MAX_DAYS, Slice, Span};
pub use record::record;
pub use recount::FactsRecount;
pub use samples::Sample;
pub use seen::SeenEvent;
pub use space::{Compressed, HypertableSpace};

/// Handle on the facts.
#[derive(Clone)]
pub struct Insights {
    postgres: PgPool,
    nats: Nats,
    /// Questions of distinct players take memory by the number of players ever seen (up to 40 bytes each) and by what they read (4 bytes for
    /// each player, place and day; a funnel 20 for each of these and step), so few run at once.
    turns: Arc<Semaphore>,
}

/// How many such questions.
const AT_ONCE: usize = 2;

impl Insights {
    pub(crate) fn new(postgres: PgPool, nats: Nats) -> Self {
        Self { postgres, nats, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// A turn of a question that takes much memory.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it, so there is always one, sooner or later.
        self.turns.acquire().await.ok()
    }
}
