//! The WebSocket `GET /v1/socket`: JSON text both ways, one message a frame, told apart by `type`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    FieldError, LoggedEvent, MatchResult, MatchView, RatingChange, ServerMatchEnd, TeamPlayer, TicketView, WatchBegan,
    WatchEnded, WatchEvents,
};
use crate::game::{Command, Nonce};
use crate::id::{MatchId, PlayerId, ServerId, TicketId};
use crate::matchmaking::PropertyValue;

/// The most characters of a request id.
pub const MAX_REQUEST_ID: usize = 64;

/// What a client says. `id` is the client's own name for the request, 1 to 64 characters; the answer carries it as `re`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum ClientMessage {
    /// The first message: who this is, and what was seen last.
    #[serde(rename = "hello")]
    Hello {
        /// The token of the sign-in.
        token: String,
        /// The sequence number of the last push that was seen: those after it are sent again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seq: Option<u64>,
    },
    /// Wait in a queue.
    #[serde(rename = "ticket.create")]
    TicketCreate {
        /// Names the request; the same id again is the same ticket.
        #[schemars(length(min = 1, max = 64))]
        id: String,
        /// The queue's name.
        queue: String,
        /// What the player would do, best first; anything when empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roles: Vec<String>,
        /// How far away each region is, in milliseconds. When it names some, the ticket plays only in these; when none, in any.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        latencies_ms: BTreeMap<String, u16>,
        /// What the ticket says of itself, for the queue's filters.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        properties: BTreeMap<String, PropertyValue>,
        /// What the player adds to the dice of the match: 32 bytes, new for every ticket. The match's first event tells it again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nonce: Option<Nonce>,
    },
    /// Wait no more. While a match is proposed, this declines it.
    #[serde(rename = "ticket.cancel")]
    TicketCancel {
        /// Names the request.
        #[schemars(length(min = 1, max = 64))]
        id: String,
        /// Which ticket.
        ticket_id: TicketId,
    },
    /// Play the match that is proposed.
    #[serde(rename = "ticket.accept")]
    TicketAccept {
        /// Names the request.
        #[schemars(length(min = 1, max = 64))]
        id: String,
        /// Which ticket.
        ticket_id: TicketId,
    },
    /// Do not play the match that is proposed; the ticket leaves its queue.
    #[serde(rename = "ticket.decline")]
    TicketDecline {
        /// Names the request.
        #[schemars(length(min = 1, max = 64))]
        id: String,
        /// Which ticket.
        ticket_id: TicketId,
    },
    /// A move in a match.
    #[serde(rename = "match.command")]
    MatchCommand {
        /// Names the command within its match: sent again, it is not done again.
        #[schemars(length(min = 1, max = 64))]
        id: String,
        /// Which match.
        match_id: MatchId,
        /// Which move.
        command: Command,
    },
    /// Watch a match of other players, a while behind it: `watch.began` follows, then `watch.events`. At most four at once.
    #[serde(rename = "match.watch")]
    MatchWatch {
        /// Names the request.
        #[schemars(length(min = 1, max = 64))]
        id: String,
        /// Which match.
        match_id: MatchId,
        /// Only events after this number; all of them when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// Watch it no more. Done also when it was not watched.
    #[serde(rename = "match.unwatch")]
    MatchUnwatch {
        /// Names the request.
        #[schemars(length(min = 1, max = 64))]
        id: String,
        /// Which match.
        match_id: MatchId,
    },
    /// Are you there?
    #[serde(rename = "ping")]
    Ping {
        /// Names the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 64))]
        id: Option<String>,
    },
}

impl ClientMessage {
    /// The request id, where the message has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            ClientMessage::Hello { .. } => None,
            ClientMessage::TicketCreate { id, .. }
            | ClientMessage::TicketCancel { id, .. }
            | ClientMessage::TicketAccept { id, .. }
            | ClientMessage::TicketDecline { id, .. }
            | ClientMessage::MatchCommand { id, .. }
            | ClientMessage::MatchWatch { id, .. }
            | ClientMessage::MatchUnwatch { id, .. } => Some(id),
            ClientMessage::Ping { id } => id.as_deref(),
        }
    }

    /// The `type` on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            ClientMessage::Hello { .. } => "hello",
            ClientMessage::TicketCreate { .. } => "ticket.create",
            ClientMessage::TicketCancel { .. } => "ticket.cancel",
            ClientMessage::TicketAccept { .. } => "ticket.accept",
            ClientMessage::TicketDecline { .. } => "ticket.decline",
            ClientMessage::MatchCommand { .. } => "match.command",
            ClientMessage::MatchWatch { .. } => "match.watch",
            ClientMessage::MatchUnwatch { .. } => "match.unwatch",
            ClientMessage::Ping { .. } => "ping",
        }
    }

    /// Checks the length of the request id.
    ///
    /// # Errors
    /// What is allowed instead.
    pub fn validate(&self) -> Result<(), FieldError> {
        match self.id() {
            Some(id) if id.is_empty() || id.chars().count() > MAX_REQUEST_ID => {
                Err(FieldError::new("id", "1 to 64 characters"))
            }
            _ => Ok(()),
        }
    }
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "type")]
pub enum ServerMessage {
    /// The answer to `hello`.
    #[serde(rename = "welcome")]
    Welcome {
        /// Who is signed in.
        player_id: PlayerId,
        /// The sequence number of the newest push.
        seq: u64,
        /// Whether everything after `last_seq` follows; if not, read the state anew.
        resumed: bool,
        /// Send something at least so often, in seconds.
        heartbeat_secs: u32,
        /// The ticket that waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<TicketView>,
        /// The match that runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        current_match: Option<MatchView>,
    },
    /// A request was done.
    #[serde(rename = "ack")]
    Ack {
        /// The request's id.
        re: String,
        /// The ticket, when the request was about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<TicketView>,
    },
    /// A request was refused.
    #[serde(rename = "error")]
    Error {
        /// The stable name to branch on; the same as over HTTP.
        code: String,
        /// What to do.
        message: String,
        /// The request's id, where it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        re: Option<String>,
    },
    /// Something happened.
    #[serde(rename = "push")]
    Push {
        /// Counts for each player; give the last one seen with the next `hello`.
        seq: u64,
        /// What happened.
        push: Push,
    },
    /// A match is watched from here on.
    #[serde(rename = "watch.began")]
    WatchBegan(WatchBegan),
    /// The next events of a match that is watched.
    #[serde(rename = "watch.events")]
    WatchEvents(WatchEvents),
    /// A match is watched no more.
    #[serde(rename = "watch.ended")]
    WatchEnded(WatchEnded),
    /// Here.
    #[serde(rename = "pong")]
    Pong {
        /// The ping's id, where it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        re: Option<String>,
    },
    /// The server closes the socket.
    #[serde(rename = "goodbye")]
    Goodbye {
        /// Why, as a stable name.
        code: String,
        /// What to do.
        message: String,
    },
}

/// What happened that a player should know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "type")]
pub enum Push {
    /// The player's ticket has a match, and the match runs.
    #[serde(rename = "match.found")]
    MatchFound {
        /// The match.
        r#match: MatchView,
    },
    /// The player's ticket has a match, on a server of its game: connect there.
    #[serde(rename = "match.assigned")]
    MatchAssigned {
        /// The match.
        match_id: MatchId,
        /// The queue it came from.
        queue: String,
        /// The player's team, from 0.
        team: u8,
        /// What the player does; absent when the queue has no roles.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        /// Where it is played; absent when the queue has no regions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// Where to connect to, as the game understands it.
        connection: String,
        /// Who plays with whom, team by team. For players who join a running match: only those who join.
        teams: Vec<Vec<TeamPlayer>>,
        /// The registered server that it is played on; absent when somebody answered for the match by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server_id: Option<ServerId>,
        /// To be shown to that server, within a minute or so: `POST /v1/matches/{id}/join-token` makes another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        join_token: Option<String>,
    },
    /// A match on a registered server of its game is over.
    #[serde(rename = "match.closed")]
    MatchClosed {
        /// Which match.
        match_id: MatchId,
        /// The queue it came from.
        queue: String,
        /// How it ended.
        end: ServerMatchEnd,
        /// What it did to the player's rating in that queue; absent when it did nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rating: Option<RatingChange>,
    },
    /// The next events of a match the player is in.
    #[serde(rename = "match.events")]
    MatchEvents {
        /// Which match.
        match_id: MatchId,
        /// The events, in order.
        events: Vec<LoggedEvent>,
    },
    /// A match the player was in is settled.
    #[serde(rename = "match.ended")]
    MatchEnded {
        /// Which match.
        match_id: MatchId,
        /// How it ended.
        result: MatchResult,
    },
    /// Something became of the player's ticket.
    #[serde(rename = "ticket.updated")]
    TicketUpdated {
        /// The ticket.
        ticket: TicketView,
    },
}

impl Push {
    /// The `type` on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Push::MatchFound { .. } => "match.found",
            Push::MatchAssigned { .. } => "match.assigned",
            Push::MatchClosed { .. } => "match.closed",
            Push::MatchEvents { .. } => "match.events",
            Push::MatchEnded { .. } => "match.ended",
            Push::TicketUpdated { .. } => "ticket.updated",
        }
    }
}

/// The JSON Schema (2020-12) of the socket: any message of either side; `$defs` has `ClientMessage` and `ServerMessage` by name.
pub fn socket_schema() -> serde_json::Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let messages = [generator.subschema_for::<ClientMessage>(), generator.subschema_for::<ServerMessage>()];
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of the socket GET /v1/socket",
        "oneOf": messages,
        "$defs": generator.take_definitions(true),
    })
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
