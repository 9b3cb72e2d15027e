//! What a connection tells a game.

use muster_core::{
    id::{MatchId, ServerId},
    wire::{
        LoggedEvent, MatchResult, MatchView, RatingChange, ServerMatchEnd, TeamPlayer, TicketView, WatchBegan,
        WatchEnded, WatchEvents,
    },
};

/// Something happened.
#[derive(Debug, Clone)]
pub enum ClientEvent {
    /// The platform said welcome.
    Connected {
        /// True: nothing was missed, what happened meanwhile follows. False: take the state from here, and read the log of
        /// a running match from where one's own copy ends.
        resumed: bool,
        /// The live ticket, if the player waits.
        ticket: Option<TicketView>,
        /// The running match, if the player is in one.
        current_match: Option<MatchView>,
    },
    /// The line is down, or did not come up at the first attempt. Told once, however many attempts follow.
    Disconnected {
        /// Why.
        reason: DisconnectReason,
        /// Whether the connection goes on trying; when not, this is the last event.
        retrying: bool,
    },
    /// A match was made for this player; it begins at once.
    MatchFound(MatchView),
    /// A match was made for this player, on a server of the game: connect there.
    MatchAssigned {
        /// Which match.
        match_id: MatchId,
        /// The queue it came from.
        queue: String,
        /// The player's team, from 0.
        team: u8,
        /// What the player does, where the queue has roles.
        role: Option<String>,
        /// Where it is played, where the queue has regions.
        region: Option<String>,
        /// Where to connect to, as the game understands it.
        connection: String,
        /// Who plays with whom, team by team.
        teams: Vec<Vec<TeamPlayer>>,
        /// The registered server that it is played on, where it is one.
        server_id: Option<ServerId>,
        /// To be shown to that server, soon; [`Session::join_pass`](crate::Session::join_pass) gets another.
        join_token: Option<String>,
    },
    /// A match on a registered server of the game is over.
    MatchClosed {
        /// Which match.
        match_id: MatchId,
        /// How it ended.
        end: ServerMatchEnd,
        /// What it did to the player's rating in its queue.
        rating: Option<RatingChange>,
    },
    /// The log of a match grew.
    MatchEvents {
        /// Which match.
        match_id: MatchId,
        /// Its new entries, in order.
        events: Vec<LoggedEvent>,
    },
    /// A match is over.
    MatchEnded {
        /// Which match.
        match_id: MatchId,
        /// Outcome, seed and ratings.
        result: MatchResult,
    },
    /// A ticket changed its state. When it is `proposed`, its player is asked: see [`Connection::accept`](super::Connection::accept).
    TicketUpdated(TicketView),
    /// A match is watched. The first time its match is as it was before its first event: what a mirror begins with. After a loss of
    /// the line it comes again; the events that follow are those after its `after`.
    WatchBegan(WatchBegan),
    /// The next events of a match that is watched.
    WatchEvents(WatchEvents),
    /// A match is watched no more.
    WatchEnded(WatchEnded),
    /// The platform complained about something that was not a verb's (those get their own error).
    Error {
        /// Stable.
        code: String,
        /// One sentence for a person.
        message: String,
    },
}

/// Why a line is down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DisconnectReason {
    /// It could not be set up.
    #[error("the platform cannot be reached: {0}")]
    Unreachable(String),
    /// It broke.
    #[error("the line broke: {0}")]
    Broken(String),
    /// Nothing came for too long, not even an answer to a ping.
    #[error("the platform went silent")]
    Silent,
    /// The platform ended it.
    #[error("the platform said goodbye ({code}): {message}")]
    Goodbye {
        /// Stable, e.g. `draining`, `replaced`.
        code: String,
        /// One sentence for a person.
        message: String,
    },
    /// The token ran out; a new one is fetched.
    #[error("the session token has run out")]
    TokenExpired,
    /// The game did not read its events; the line comes back when there is room.
    #[error("too many events wait to be read")]
    Unread,
    /// A push is missing; the line comes back to have it sent again.
    #[error("a push is missing")]
    PushMissing,
}
