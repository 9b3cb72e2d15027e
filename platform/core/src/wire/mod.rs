//! What game clients and the server say to each other: JSON over HTTP (`/v1`) and over one WebSocket.
//!
//! Requests refuse fields they do not know, so that a typing error is told. Answers may grow: clients ignore what they do not know.

mod assignment;
mod closure;
mod http;
mod join;
mod leaderboard;
mod play;
mod problem;
mod server;
mod server_match;
mod socket;
mod telemetry;
mod ticket;
mod watch;

pub use assignment::{
    Assign, AssignedPlayer, AssignmentView, BackfillView, MAX_CONNECTION, OpenTeam, PresentPlayer, RequestBackfill,
    TeamPlayer,
};
pub use closure::{CloseRegion, ClosureView};
pub use http::{BlockList, DeviceSignIn, Profile, ProfileRating, QueueRating, QueueView, SignedIn, TeamsView};
pub use join::{JOIN_TOKEN_TYPE, JoinClaims, JoinPass};
pub use leaderboard::{Leaderboard, PlayerStanding, RankedPlayer};
pub use play::{EventPage, LoggedEvent, MatchPlayer, MatchResult, MatchStatus, MatchView, RatingChange};
pub use problem::{FieldError, Problem};
pub use server::{Heartbeat, MAX_CAPACITY, RegisterServer, ServerOrders, ServerReport, ServerState, ServerView};
pub use server_match::{
    ReportPlayers, ReportResult, ServerMatchEnd, ServerMatchPlayer, ServerMatchReason, ServerMatchState,
    ServerMatchView, StartMatch, TeamResult,
};
pub use socket::{ClientMessage, MAX_REQUEST_ID, Push, ServerMessage, socket_schema};
pub use telemetry::{
    ClientEvent, EventBatch, EventVerdict, EventVerdicts, EventsBody, InvalidEvent, MAX_EVENT_BATCH, Verdict,
    event_id_in,
};
pub use ticket::{CreateTicket, ProposalView, TicketPlayer, TicketState, TicketView};
pub use watch::{MAX_WATCH_EVENTS, MAX_WATCHED, WatchBegan, WatchEnd, WatchEnded, WatchEvents};
