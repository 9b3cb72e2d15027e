//! Telemetry, from the door to the hypertable.
//!
//! ```text
//! publish_all ──► stream TELEMETRY ──► consumer.next_batch ──► store: one transaction ──► ack
//! (Ok when JetStream has it)                                      ├── of an unknown kind ──► quarantine ──► release
//!                                                                 └── not readable, not storable ──► stream DLQ
//! ```
//!
//! A message of the stream carries many events; all else is told by the event.
//!
//! A batch's transaction inserts what is new (event id and time) and adds *only what was new* to the rollups (minutes, hours,
//! players by day, sums and sizes of measures, numbers of each session), so they are exact and a redelivery changes nothing. An event is acknowledged after it is committed, so a process that dies
//! anywhere loses none.

mod batch;
mod chunks;
mod consume;
mod dead;
mod event;
mod forget;
mod long;
mod message;
mod passed_over;
mod publish;
mod quarantine;
mod recount;
mod replay;
mod rollups;
mod row;
mod short;
mod storable;
mod types;
mod write;

use sqlx::PgPool;

use self::write::Wary;
use crate::nats::Nats;

pub use batch::{Stored, TelemetryBatch};
pub use chunks::{Chunk, DROPPABLE_TABLES, DropError};
pub use consume::TelemetryConsumer;
pub use dead::{DeadLetter, DeadLetterFilter};
pub use event::TelemetryEvent;
pub use forget::ForgottenEvents;
pub use muster_core::telemetry::EventSource as TelemetrySource;
pub use passed_over::PassedOver;
pub use publish::{PublishError, Published};
pub use quarantine::{QuarantinePlace, QuarantinedKind, Released};
pub use recount::{EventCensus, Recount, SessionGaps};
pub use replay::Replayed;
pub use types::{
    Catalogue, CatalogueWatch, ClosedSource, EventTypeChange, EventTypeVersion, EventTypes, MAX_EVENT_TYPES,
    PutEventTypeError, SourceSwitch, SwitchError,
};
pub use write::Written;

pub(crate) use rollups::middle_of_bucket;

/// Handle on the telemetry.
#[derive(Clone)]
pub struct Telemetry {
    postgres: PgPool,
    nats: Nats,
    wary: Wary,
}

impl Telemetry {
    pub(crate) fn new(postgres: PgPool, nats: Nats) -> Self {
        Self { postgres, nats, wary: Wary::default() }
    }
}
