//! Every SQL statement, Redis script and NATS subject of the platform, behind typed functions.
//!
//! [`Store`] holds a handle for each noun; each noun is a module here, with its statements in it:
//!
//! - PostgreSQL: [`Accounts`], [`Blocks`], [`Ratings`], [`Matches`], [`Assignments`], [`Servers`], [`ServiceKeys`], [`Staff`], [`Audit`],
//!   [`Retention`], [`TicketFacts`], [`Live`]
//! - Redis: [`Tickets`], [`Recents`], [`Presence`], [`MatchOwners`]
//! - NATS: [`MatchLog`], [`MatchCalls`], [`MatchmakerCalls`], [`Leases`], [`Domain`]
//! - two of them: [`Leaderboards`] (Redis, from PostgreSQL), [`Queues`] and [`Closures`] (PostgreSQL and NATS), [`Pushes`] and [`Sockets`]
//!   (Redis and NATS), [`Telemetry`], [`EventTypes`] and [`Insights`] (NATS and TimescaleDB)
//!
//! Time is an argument: [`now`] has it, and [`fresh_id`] makes ids. Errors are [`StoreError`], or a type of the function's own
//! where its caller has to choose what to do.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod accounts;
mod assignments;
mod audit;
mod blocks;
mod clients;
mod closures;
mod codec;
mod domain;
mod error;
mod fresh;
mod insights;
mod leaderboards;
mod leases;
mod live;
mod match_calls;
mod match_log;
mod match_owners;
mod matches;
mod matchmaker_calls;
mod nats;
mod presence;
mod pushes;
mod queue_facts;
mod queues;
mod ratings;
mod recents;
mod retention;
mod script;
mod seasons;
mod servers;
mod service_keys;
mod settings;
mod sockets;
mod staff;
mod store;
mod streams;
mod telemetry;
mod tickets;
mod trace;

pub use accounts::{Account, AccountSignIn, Accounts, AtTheDoor, Ladder};
pub use assignments::{Assignment, AssignmentState, Assignments, Decision, NewAssignment};
pub use audit::{Actor, Audit, AuditEntry, AuditOutcome, NewAudit};
pub use blocks::{BlockError, Blocks, MAX_BLOCKS};
pub use clients::{Clients, GameClient, MIXED};
pub use closures::{CloseError, ClosedRegions, Closure, ClosureWatch, Closures, NewClosure, OpenError, Opening};
pub use domain::{Domain, DomainEvent, DomainStream};
pub use error::{Result, StoreError};
pub use fresh::{fresh_id, fresh_secret, now};
pub use insights::{
    ActiveDay, AskError as InsightError, ChurnPoint, Cohort, Compressed, ConcurrencyPoint, Days, Dimension, EventFeed,
    FactsRecount, FedEvent, Folded, FunnelStep, HypertableSpace, Insights, KindCount, MAX_DAYS, MatchFacts, Measure,
    MeasureDimension, MeasureFacts, MeasureSeries, Playing, QueueHour, QueueSeries, Sample, SeenEvent, SessionFacts,
    SessionSeries, Slice, Span, Step, record as record_insights,
};
pub use leaderboards::{
    BoardCursor, BoardPart, BoardRating, BoardState, BoardWalk, InvalidBoardCursor, Leaderboards, Ranked, Standing,
};
pub use leases::{LEASE_TTL, Lease, LeaseError, Leases};
pub use live::{ActivityPoint, Live, LiveCounts};
pub use match_calls::{
    AdoptReply, AdoptionStream, CallError, CallStream, IncomingAdoption, IncomingCall, MatchCall, MatchCalls,
    MatchReply,
};
pub use match_log::{AppendError, LastSnapshot, MatchBeginning, MatchLog, MatchLogEntry, MatchSnapshot, number_events};
pub use match_owners::MatchOwners;
pub use matches::{
    EventStream, HistoryMatch, InvalidCursor, MatchCursor, MatchFilter, MatchPage, MatchRecord, MatchRecordPlayer,
    MatchTelemetry, Matches, NewMatch, NewMatchPlayer, OpenSeat, PlayerHistory, RatingKey, SettleError, Settled,
    SettledMatch, SettledSeat, Settlement, StoredEvent, StoredEvents, ToldUnknown, TotalMismatch,
};
pub use matchmaker_calls::{Answer, AskError, MatchmakerCalls, Question, QuestionStream, Responder, ShardLook};
pub use presence::{PRESENCE_TTL, Presence};
pub use pushes::{NextPush, OrderedPushes, PushItem, PushStream, Pushes, Replay};
pub use queue_facts::{QualityFacts, QueueFacts, RecordedSpan, TicketFacts, WaitFacts};
pub use queues::{PutQueueError, QueueChange, QueueVersion, QueueWatch, Queues};
pub use ratings::{PlayerRating, Ratings};
pub use recents::Recents;
pub use retention::{
    Enqueued, JobError, JobFailure, JobRecord, JobState, LeasedJob, NewJob, Retention, RetentionPolicy,
};
pub use seasons::{InvalidSeason, MAX_SEASON_DAYS, MAX_SEASONS, PutSeasonError, Season, SeasonChange, Seasons};
pub use servers::{
    Allocation, AllocationRequest, EndedMatch, EndedPlayer, HeartbeatError, LadderRating, Limits, Place, PlayersError,
    RegisterError, Reported, ResultError, ServerCounts, ServerFilter, Servers, StartError, Swept,
};
pub use service_keys::{InvalidPurpose, KeyPurpose, ServiceKey, ServiceKeyError, ServiceKeys};
pub use settings::StoreSettings;
pub use sockets::{SocketOpened, SocketStream, Sockets};
pub use staff::{NewStaff, Staff, StaffCredentials, StaffError, StaffMember, StaffRole, StaffSession, UnknownRole};
pub use store::{Dependency, Store};
pub use telemetry::{
    Catalogue, CatalogueWatch, Chunk, ClosedSource, DROPPABLE_TABLES, DeadLetter, DeadLetterFilter, DropError,
    EventCensus, EventTypeChange, EventTypeVersion, EventTypes, ForgottenEvents, MAX_EVENT_TYPES, PassedOver,
    PublishError, Published, PutEventTypeError, QuarantinePlace, QuarantinedKind, Recount, Released, Replayed,
    SessionGaps, SourceSwitch, Stored, SwitchError, Telemetry, TelemetryBatch, TelemetryConsumer, TelemetryEvent,
    TelemetrySource, Written,
};
pub use tickets::{
    Answered, BackfillOpening, Cancellation, CancelledBy, Changes, Claim, ClaimRequest, ClaimedTicket, Creation,
    EndReason, Idempotency, InvalidShard, LiveState, LiveTicket, NewTicket, OpenProposal, OpenShard, PoolSnapshot,
    ProposalRecord, ProposeRequest, Proposed, Shard, TicketChange, TicketRecord, Tickets,
};
