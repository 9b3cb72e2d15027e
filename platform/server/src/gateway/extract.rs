//! What handlers take from a request: the caller, a body, an id. Each refuses in the catalogue's words.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use muster_core::game::{Mode, UnknownMode};
use muster_core::id::{InvalidId, PlayerId, ServiceKeyId};
use muster_core::telemetry::EventSource;
use muster_store::KeyPurpose;
use serde::de::DeserializeOwned;

use super::Gateway;
use super::admission::Owner;
use super::key_ring::{Holder, KEY_PREFIX};
use super::limits;
use crate::auth::TokenError;
use crate::error::{ApiError, Code};

/// The signed-in player who is calling.
pub struct Caller(pub PlayerId);

impl FromRequestParts<Gateway> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let token = bearer(parts)?;
        if token.starts_with(KEY_PREFIX) {
            return Err(Code::PlayersOnly.into());
        }
        Ok(Caller(gateway.authenticate(token)?))
    }
}

/// The signed-in player who is calling, no more often than the limit of requests allows.
pub struct LimitedCaller(pub PlayerId);

impl FromRequestParts<Gateway> for LimitedCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Caller(player) = Caller::from_request_parts(parts, gateway).await?;
        limits::check(&gateway.request_limit, &player)?;
        limits::check(&gateway.player_limit, &player)?;
        Ok(LimitedCaller(player))
    }
}

/// The signed-in player who is calling to read, no more often than the limit of all that one player does allows.
pub struct Reader(pub PlayerId);

impl FromRequestParts<Gateway> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Caller(player) = Caller::from_request_parts(parts, gateway).await?;
        limits::check(&gateway.player_limit, &player)?;
        Ok(Reader(player))
    }
}

/// The trusted server that is calling.
pub struct Trusted(pub ServiceKeyId);

impl FromRequestParts<Gateway> for Trusted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Holder { key, purpose } = holder(parts, gateway, Code::TrustedOnly).await?;
        match purpose {
            KeyPurpose::Game => Ok(Trusted(key)),
            KeyPurpose::Operations => {
                let detail = "This key is for operations; make one for the game with `muster-server service-key add`.";
                Err(ApiError::with_detail(Code::TrustedOnly, detail))
            }
        }
    }
}

/// A program that runs the platform, with a key for that, no more often than the limit of such acts allows.
pub struct LimitedProgram(pub ServiceKeyId);

impl FromRequestParts<Gateway> for LimitedProgram {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Holder { key, purpose } = holder(parts, gateway, Code::OperationsOnly).await?;
        if purpose != KeyPurpose::Operations {
            return Err(Code::OperationsOnly.into());
        }
        limits::check(&gateway.program_limit, &key)?;
        Ok(LimitedProgram(key))
    }
}

/// Whose key the caller shows; `otherwise` when it is none.
async fn holder(parts: &Parts, gateway: &Gateway, otherwise: Code) -> Result<Holder, ApiError> {
    let secret = bearer(parts)?;
    if !secret.starts_with(KEY_PREFIX) {
        return Err(otherwise.into());
    }
    // Looking a key up costs a round trip; whoever guesses pays as for sign-ins.
    let guesser = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let may_look = || guesser.map_or(Ok(()), |address| limits::check(&gateway.sign_in_limit, &address));
    gateway.key_ring.identify(&gateway.store, secret, may_look).await
}

/// Whoever asks about tickets: a player, or a trusted server.
pub struct Asker(pub Owner);

impl FromRequestParts<Gateway> for Asker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        if bearer(parts)?.starts_with(KEY_PREFIX) {
            let Trusted(key) = Trusted::from_request_parts(parts, gateway).await?;
            return Ok(Asker(Owner::Server(key)));
        }
        let LimitedCaller(player) = LimitedCaller::from_request_parts(parts, gateway).await?;
        Ok(Asker(Owner::Player(player)))
    }
}

/// Whoever tells of events: a player, or a trusted server. How much they may tell is counted by the event.
pub enum Teller {
    /// A game client tells of its player.
    Player(PlayerId),
    /// A game's own server tells of anybody.
    Trusted(ServiceKeyId),
}

impl Teller {
    /// The player, where it is one.
    pub fn player(&self) -> Option<PlayerId> {
        match self {
            Teller::Player(player) => Some(*player),
            Teller::Trusted(_) => None,
        }
    }

    /// As telemetry has it.
    pub fn source(&self) -> EventSource {
        match self {
            Teller::Player(_) => EventSource::Client,
            Teller::Trusted(_) => EventSource::Trusted,
        }
    }
}

impl FromRequestParts<Gateway> for Teller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        if bearer(parts)?.starts_with(KEY_PREFIX) {
            let Trusted(key) = Trusted::from_request_parts(parts, gateway).await?;
            return Ok(Teller::Trusted(key));
        }
        let Caller(player) = Caller::from_request_parts(parts, gateway).await?;
        Ok(Teller::Player(player))
    }
}

/// What `authorization: Bearer …` carries.
fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let token = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    token.ok_or(Code::TokenMissing.into())
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        ApiError::from(match error {
            TokenError::Expired => Code::TokenExpired,
            TokenError::Invalid => Code::TokenInvalid,
        })
    }
}

/// How long a body may take to come: 1 MiB over a line of half a megabit.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is read of a body; whoever promises one and says nothing holds a connection, and what was taken for it, no longer than that.
///
/// # Errors
/// `body_too_slow`.
pub async fn in_time<T>(reading: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(PATIENCE, reading).await.map_err(|_| Code::BodyTooSlow.into())
}

/// A JSON body; what cannot be read is told with its place.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Gateway> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, gateway: &Gateway) -> Result<Self, ApiError> {
        let read = in_time(axum::Json::<T>::from_request(request, gateway)).await?;
        read.map(|axum::Json(body)| Body(body)).map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                return Code::BodyTooLarge.into();
            }
            match rejection {
                // Well-formed JSON of another shape: the text names the field and what was expected there.
                JsonRejection::JsonDataError(error) => {
                    let text = error.body_text();
                    let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
                    let (path, message) = match reason.split_once(": ") {
                        Some((path, message)) if !path.contains(' ') => (path, message),
                        _ => ("", reason),
                    };
                    ApiError::field(path, message)
                }
                other => ApiError::with_detail(Code::MalformedRequest, other.body_text()),
            }
        })
    }
}

/// The one id in the path, checked for its prefix and form.
pub struct PathId<T>(pub T);

impl<T> FromRequestParts<Gateway> for PathId<T>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, gateway)
            .await
            .map_err(|error| ApiError::with_detail(Code::MalformedRequest, error.body_text()))?;
        text.parse().map(PathId).map_err(|error: T::Err| ApiError::field("id", error.to_string()))
    }
}

/// The two ids in the path, each checked for its prefix and form.
pub struct PathIds<A, B>(pub A, pub B);

impl<A, B> FromRequestParts<Gateway> for PathIds<A, B>
where
    A: std::str::FromStr<Err: std::fmt::Display> + Send,
    B: std::str::FromStr<Err: std::fmt::Display> + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Path((first, second)) = Path::<(String, String)>::from_request_parts(parts, gateway)
            .await
            .map_err(|error| ApiError::with_detail(Code::MalformedRequest, error.body_text()))?;
        let first = first.parse().map_err(|error: A::Err| ApiError::field("id", error.to_string()))?;
        let second = second.parse().map_err(|error: B::Err| ApiError::field("match_id", error.to_string()))?;
        Ok(PathIds(first, second))
    }
}

/// The mode in the path.
pub struct PathMode(pub Mode);

impl FromRequestParts<Gateway> for PathMode {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, gateway)
            .await
            .map_err(|error| ApiError::with_detail(Code::MalformedRequest, error.body_text()))?;
        mode(&text).map(PathMode)
    }
}

/// The mode in the path, and a player on its leaderboard.
pub struct OnBoard(pub Mode, pub PlayerId);

impl FromRequestParts<Gateway> for OnBoard {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let Path((text, player)) = Path::<(String, String)>::from_request_parts(parts, gateway)
            .await
            .map_err(|error| ApiError::with_detail(Code::MalformedRequest, error.body_text()))?;
        let player = player.parse().map_err(|error: InvalidId| ApiError::field("player_id", error.to_string()))?;
        Ok(OnBoard(mode(&text)?, player))
    }
}

fn mode(text: &str) -> Result<Mode, ApiError> {
    text.parse().map_err(|error: UnknownMode| ApiError::with_detail(Code::NotFound, error.to_string()))
}

/// Query parameters; unknown or malformed ones are refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Gateway> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        axum::extract::Query::<T>::from_request_parts(parts, gateway)
            .await
            .map(|axum::extract::Query(query)| Query(query))
            .map_err(|error| ApiError::with_detail(Code::MalformedRequest, error.body_text()))
    }
}
