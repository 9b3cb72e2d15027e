//! Every SQL statement, Redis script and NATS subject of the platform, behind typed functions.
//!
//! [`Store`] holds a handle for each noun; each noun is a module here, with its statements in it:
//!
//! - PostgreSQL: [`Accounts`], [`Ratings`], [`Queues`], [`Matches`], [`Staff`], [`Audit`], [`Retention`], [`Live`]
//! - Redis: [`Tickets`], [`Presence`], [`MatchOwners`]
//! - NATS: [`MatchLog`], [`MatchCalls`], [`Leases`], [`Domain`]
//! - two of them: [`Pushes`] (Redis and NATS), [`Telemetry`] (NATS and TimescaleDB)
//!
//! Time is an argument: [`now`] has it, and [`fresh_id`] makes ids. Errors are [`StoreError`], or a type of the function's own
//! where its caller has to choose what to do.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod accounts;
mod audit;
mod codec;
mod domain;
mod error;
mod fresh;
mod leases;
mod live;
mod match_calls;
mod match_log;
mod match_owners;
mod matches;
mod nats;
mod presence;
mod pushes;
mod queues;
mod ratings;
mod retention;
mod settings;
mod staff;
mod store;
mod streams;
mod telemetry;
mod tickets;
mod trace;

pub use accounts::{Account, AccountSignIn, Accounts};
pub use audit::{Actor, Audit, AuditEntry, AuditOutcome, NewAudit};
pub use domain::{Domain, DomainEvent, DomainStream};
pub use error::{Result, StoreError};
pub use fresh::{fresh_id, fresh_secret, now};
pub use leases::{LEASE_TTL, Lease, LeaseError, Leases};
pub use live::{ActivityPoint, Live, LiveCounts};
pub use match_calls::{
    AdoptReply, AdoptionStream, CallError, CallStream, IncomingAdoption, IncomingCall, MatchCall, MatchCalls,
    MatchReply,
};
pub use match_log::{AppendError, MatchLog, MatchLogEntry, number_events};
pub use match_owners::MatchOwners;
pub use matches::{
    EventStream, InvalidCursor, MatchCursor, MatchFilter, MatchPage, MatchRecord, MatchRecordPlayer, Matches, NewMatch,
    NewMatchPlayer, SettleError, Settled, Settlement,
};
pub use presence::{PRESENCE_TTL, Presence};
pub use pushes::{NextPush, OrderedPushes, PushItem, PushStream, Pushes, Replay};
pub use queues::{QueueVersion, Queues};
pub use ratings::{PlayerRating, Ratings};
pub use retention::{
    Enqueued, JobError, JobFailure, JobRecord, JobState, LeasedJob, NewJob, Retention, RetentionPolicy,
};
pub use settings::StoreSettings;
pub use staff::{NewStaff, Staff, StaffCredentials, StaffError, StaffMember, StaffRole, StaffSession, UnknownRole};
pub use store::{Dependency, Store};
pub use telemetry::{
    Chunk, DROPPABLE_TABLES, DeadLetter, DropError, PublishError, Stored, Telemetry, TelemetryBatch, TelemetryConsumer,
    TelemetryEvent, TelemetrySource, Written,
};
pub use tickets::{
    Cancellation, Changes, Claim, ClaimedTicket, Creation, NewTicket, PoolSnapshot, TicketChange, TicketRecord, Tickets,
};
