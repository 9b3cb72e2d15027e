//! Telemetry, from the door to the hypertable.
//!
//! ```text
//! publish_all ──► stream TELEMETRY ──► consumer.next_batch ──► store: one transaction ──► ack
//! (Ok when JetStream has it)                                      │
//!                                                                 └── not readable, not storable ──► stream DLQ
//! ```
//!
//! A message of the stream carries many events; all else is told by the event.
//!
//! A batch's transaction inserts what is new (event id and time) and adds *only what was new* to the minute rollups, so the
//! rollups are exact and a redelivery changes nothing. An event is acknowledged after it is committed, so a process that dies
//! anywhere loses none.

mod batch;
mod chunks;
mod consume;
mod dead;
mod event;
mod message;
mod publish;
mod row;
mod storable;
mod write;

use sqlx::PgPool;

use crate::nats::Nats;

pub use batch::{Stored, TelemetryBatch};
pub use chunks::{Chunk, DROPPABLE_TABLES, DropError};
pub use consume::TelemetryConsumer;
pub use dead::DeadLetter;
pub use event::{TelemetryEvent, TelemetrySource};
pub use publish::PublishError;
pub use write::Written;

/// Handle on the telemetry.
#[derive(Clone)]
pub struct Telemetry {
    postgres: PgPool,
    nats: Nats,
}

impl Telemetry {
    pub(crate) fn new(postgres: PgPool, nats: Nats) -> Self {
        Self { postgres, nats }
    }
}
