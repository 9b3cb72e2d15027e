//! Every refusal that a player's client or a trusted server can meet, in one catalogue.
//!
//! Handlers return [`ApiError`]: a [`Code`] from the catalogue, with a detail where the general advice is not enough. Over HTTP it
//! becomes RFC 9457 `application/problem+json`; on the socket an `error` message with the same code. A cause that is ours
//! (a database away, say) is logged once, here, and never shown to the caller.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_core::game::Refusal;
use muster_core::wire::{FieldError, Problem};
use muster_store::StoreError;

macro_rules! catalogue {
    ($($variant:ident = $code:literal, $status:ident, $title:literal, $advice:literal;)*) => {
        /// The stable name of a refusal. `docs/errors.md` is generated from this list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $(#[doc = $title] $variant,)* }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];
            /// As written on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Code::$variant => $code,)* } }
            /// The HTTP status it travels with.
            pub fn status(self) -> StatusCode { match self { $(Code::$variant => StatusCode::$status,)* } }
            /// What happened, in a few words.
            pub fn title(self) -> &'static str { match self { $(Code::$variant => $title,)* } }
            /// What the caller can do about it, in a sentence.
            pub fn advice(self) -> &'static str { match self { $(Code::$variant => $advice,)* } }
        }
    };
}

catalogue! {
    MalformedRequest = "malformed_request", BAD_REQUEST, "The request could not be read",
        "Send JSON as the API document describes it, with `content-type: application/json`.";
    InvalidField = "invalid_field", UNPROCESSABLE_ENTITY, "A field has a value that is not allowed",
        "See `errors` for each field and what is allowed there.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large",
        "Send at most 1 MiB in one request; split a batch into several.";
    BodyTooSlow = "body_too_slow", REQUEST_TIMEOUT, "The body did not come in time",
        "Send the whole body within 15 seconds; over a slow line, send less at once.";
    UnsupportedMedia = "unsupported_media", UNSUPPORTED_MEDIA_TYPE, "The body is of a kind that is not read here",
        "See the API document for the `content-type` and `content-encoding` of this path.";
    TokenMissing = "token_missing", UNAUTHORIZED, "No session token",
        "Sign in and send the token as `authorization: Bearer <token>`; trusted servers send their service key.";
    TokenInvalid = "token_invalid", UNAUTHORIZED, "The session token is not valid",
        "Sign in again to get a new one.";
    TokenExpired = "token_expired", UNAUTHORIZED, "The session token has expired",
        "Sign in again to get a new one.";
    KeyInvalid = "key_invalid", UNAUTHORIZED, "The service key is not known",
        "Make a key with `muster-server service-key add`; a revoked key is good for nothing.";
    TrustedOnly = "trusted_only", FORBIDDEN, "This is for trusted servers",
        "Send a service key instead of a player's token.";
    OperationsOnly = "operations_only", FORBIDDEN, "This is for programs that run the platform",
        "Send a key that was made with `muster-server service-key add NAME --purpose operations`.";
    PlayersOnly = "players_only", FORBIDDEN, "This is for players",
        "Send a player's token instead of a service key.";
    NotYours = "not_yours", FORBIDDEN, "This belongs to another player",
        "Use an id that was given to this player.";
    NotFound = "not_found", NOT_FOUND, "There is nothing here",
        "Check the id or the path.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This path does not take that method",
        "See the API document for the methods of this path.";
    UnknownQueue = "unknown_queue", UNPROCESSABLE_ENTITY, "There is no queue of that name",
        "List the queues with GET /v1/queues.";
    QueueClosed = "queue_closed", CONFLICT, "The queue is closed in every region that would do",
        "Choose another region, or try again later; GET /v1/queues tells which are closed.";
    ClosedByStaff = "closed_by_staff", CONFLICT, "Staff keep the region closed",
        "Have staff open it in the staff API.";
    TicketExists = "ticket_exists", CONFLICT, "This player is already waiting in a queue",
        "Cancel the waiting ticket first.";
    InMatch = "in_match", CONFLICT, "This player is in a match",
        "Finish or resign the running match first.";
    TicketNotWaiting = "ticket_not_waiting", CONFLICT, "The ticket is no longer waiting",
        "Read the ticket to see what became of it.";
    TicketNotProposed = "ticket_not_proposed", CONFLICT, "No match is proposed to this ticket",
        "Read the ticket to see what became of it.";
    TooManyBlocks = "too_many_blocks", CONFLICT, "The block list is full",
        "Unblock somebody first.";
    AlreadyAssigned = "already_assigned", CONFLICT, "The match has a server already",
        "Read the assignment; another server was quicker.";
    ServerExists = "server_exists", CONFLICT, "A server of that id is registered, as something else",
        "Make a fresh server id for every start of a server's process.";
    ServerLost = "server_lost", GONE, "The server fell silent and counts as lost",
        "Its matches have ended; register again with a fresh id, and send heartbeats in time.";
    NotOnServer = "not_on_server", NOT_FOUND, "That server does not play this match",
        "Use the match ids that the server was given, with the service key it registered with.";
    ResultUnfit = "result_unfit", UNPROCESSABLE_ENTITY, "The result does not fit the match",
        "See `errors`; report one team for each of the match's, each with players of that team only.";
    ResultDiffers = "result_differs", CONFLICT, "Another result was reported for this match",
        "The first result counts; report it again as it was, or not at all.";
    NotYourTurn = "not_your_turn", CONFLICT, "It is the other player's turn",
        "Wait for the turn to come back.";
    NothingToBank = "nothing_to_bank", CONFLICT, "There is nothing to bank yet",
        "Roll at least once in this turn before banking.";
    BankNotAllowed = "bank_not_allowed", CONFLICT, "This mode has no banking",
        "Roll until the turn ends by itself.";
    MatchOver = "match_over", CONFLICT, "The match is over",
        "Read the match for its result.";
    NotInMatch = "not_in_match", FORBIDDEN, "This player is not in that match",
        "Use the match id of the `match.found` message.";
    MatchUnavailable = "match_unavailable", SERVICE_UNAVAILABLE, "The match did not answer in time",
        "Send the same command again with the same id; it will not be done twice.";
    HelloExpected = "hello_expected", UNAUTHORIZED, "The socket has not said hello",
        "Send `hello` with a session token as the first message, within five seconds.";
    UnknownMessage = "unknown_message", BAD_REQUEST, "The socket message could not be read",
        "Send JSON text as the socket's message schema describes it.";
    MessageTooLarge = "message_too_large", PAYLOAD_TOO_LARGE, "The socket message is too large",
        "Send at most 4 KiB in one message, or what the platform's `gateway.max_message_bytes` says.";
    SpectatorsOff = "spectators_off", FORBIDDEN, "Matches cannot be watched here",
        "Read the match when it is over; this platform has turned watching off.";
    TooManyWatched = "too_many_watched", CONFLICT, "This socket watches as many matches as it can",
        "Watch one of them no more first: four at once is the most.";
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests",
        "Wait as long as `retry-after` says, then try again.";
    Busy = "busy", TOO_MANY_REQUESTS, "The platform cannot take this right now",
        "Try again in a few seconds; nothing of the request was kept.";
    Draining = "draining", SERVICE_UNAVAILABLE, "This server is about to stop",
        "Connect again; another server will answer.";
    Replaced = "replaced", CONFLICT, "The player has connected from elsewhere",
        "Only the newest connection of a player plays.";
    TooSlow = "too_slow", SERVICE_UNAVAILABLE, "The client does not read fast enough",
        "Connect again with the last sequence number that was seen.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something failed on our side",
        "Try again; if it stays so, report the trace id.";
}

/// A refusal on its way to the caller.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after_secs: Option<u64>,
}

impl ApiError {
    /// A refusal with a detail of its own: one sentence of what to do.
    pub fn with_detail(code: Code, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::from(code) }
    }

    /// A refusal of one field; `path` is as the sender wrote it.
    pub fn field(path: impl Into<String>, message: impl Into<String>) -> Self {
        FieldError::new(path, message).into()
    }

    /// Says when to come back.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_secs = Some(seconds.max(1));
        self
    }

    /// When to come back, in seconds, where it says so.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after_secs
    }

    /// A refusal for what is wrong with some fields, under a code of its own.
    pub fn with_fields(code: Code, errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::from(code) }
    }

    /// The code, for the socket and for metrics.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What to do, in a sentence; with each field's own complaint when there are any.
    pub fn detail(&self) -> String {
        match (&self.detail, self.errors.as_slice()) {
            (Some(detail), _) => detail.clone(),
            (None, []) => self.code.advice().to_owned(),
            (None, fields) => {
                fields.iter().map(|field| format!("{}: {}", field.path, field.message)).collect::<Vec<_>>().join("; ")
            }
        }
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new(), retry_after_secs: None }
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self { errors: vec![error], ..Self::from(Code::InvalidField) }
    }
}

impl From<Vec<FieldError>> for ApiError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::from(Code::InvalidField) }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a store failed while a request was served");
        Self::from(Code::Internal)
    }
}

impl From<Refusal> for Code {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotYourTurn => Code::NotYourTurn,
            Refusal::NothingToBank => Code::NothingToBank,
            Refusal::BankNotAllowed => Code::BankNotAllowed,
            Refusal::MatchOver => Code::MatchOver,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            r#type: format!("urn:muster:error:{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            code: self.code.as_str().to_owned(),
            detail: self.detail(),
            trace_id: muster_runtime::trace_context::current_trace_id(),
            errors: self.errors,
        };
        let body = serde_json::to_vec(&problem).expect("a problem holds only strings and numbers");
        let mut response = (self.code.status(), body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_secs {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The catalogue as the page `docs/errors.md`.
pub fn catalogue_markdown() -> String {
    let mut page = String::from(
        "# Errors\n\n<!-- Generated by `cargo xtask schemas` from platform/server/src/error.rs. -->\n\n\
         Over HTTP an error is `application/problem+json` (RFC 9457) with these `code`s; on the socket it is an `error` message with the\n\
         same `code`, and `re` naming the request. `detail` may say more than the advice below; `trace_id` finds the request in logs and traces.\n\n\
         | code | HTTP status | what happened | what to do |\n| --- | --- | --- | --- |\n",
    );
    for code in Code::ALL {
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            code.as_str(),
            code.status().as_u16(),
            code.title(),
            code.advice()
        ));
    }
    page
}
