//! Servers of games: that they are there, what they are given, and what they report. And where a player finds theirs.

use muster_core::id::{MatchId, PlayerId, ServerId, ServiceKeyId};
use muster_core::wire::{
    FieldError, Heartbeat, JoinPass, RegisterServer, ReportPlayers, ReportResult, ServerMatchView, ServerOrders,
    ServerView, StartMatch,
};
use muster_store::{HeartbeatError, PlayersError, RegisterError, Reported, ResultError, StartError};

use crate::auth::Join;
use crate::director;
use crate::error::{ApiError, Code};
use crate::events;
use crate::gateway::{Gateway, limits};

impl Gateway {
    /// Registers a server; the same again is as good.
    pub(in crate::gateway) async fn register_server(
        &self,
        key: ServiceKeyId,
        server: ServerId,
        registered: RegisterServer,
    ) -> Result<ServerOrders, ApiError> {
        limits::check(&self.server_limit, &server)?;
        let lease = self.settings.director.lease;
        let view = self.store.servers.register(server, key, &registered, muster_store::now(), lease).await?;
        events::server_registered(server, registered.region.as_deref(), registered.capacity);
        self.orders(view).await
    }

    /// Renews a server's lease, and tells it what it was given.
    pub(in crate::gateway) async fn server_heartbeat(
        &self,
        key: ServiceKeyId,
        server: ServerId,
        beat: Heartbeat,
    ) -> Result<ServerOrders, ApiError> {
        limits::check(&self.server_limit, &server)?;
        let lease = self.settings.director.lease;
        let view = self.store.servers.heartbeat(server, key, &beat, muster_store::now(), lease).await?;
        self.orders(view).await
    }

    /// Lets a server drain.
    pub(in crate::gateway) async fn drain_server(
        &self,
        key: ServiceKeyId,
        server: ServerId,
    ) -> Result<ServerView, ApiError> {
        limits::check(&self.server_limit, &server)?;
        Ok(self.store.servers.drain(server, key, muster_store::now()).await?)
    }

    /// A server as it is, also for some days after it is over.
    pub(in crate::gateway) async fn view_server(
        &self,
        key: ServiceKeyId,
        server: ServerId,
    ) -> Result<ServerView, ApiError> {
        limits::check(&self.server_limit, &server)?;
        Ok(self.store.servers.get(server, key).await?.ok_or(Code::NotFound)?)
    }

    /// A match has begun, or its server knows of the players who came later.
    pub(in crate::gateway) async fn start_server_match(
        &self,
        key: ServiceKeyId,
        server: ServerId,
        match_id: MatchId,
        StartMatch { roster }: StartMatch,
    ) -> Result<ServerMatchView, ApiError> {
        limits::check(&self.server_limit, &server)?;
        self.store.servers.start(server, key, match_id, roster, muster_store::now()).await?;
        self.view_server_match(match_id).await
    }

    /// Who came to a match, and who left it for good.
    pub(in crate::gateway) async fn report_server_players(
        &self,
        key: ServiceKeyId,
        server: ServerId,
        match_id: MatchId,
        report: &ReportPlayers,
    ) -> Result<(), ApiError> {
        limits::check(&self.server_limit, &server)?;
        Ok(self.store.servers.players(server, key, match_id, report, muster_store::now()).await?)
    }

    /// Ends a match by its server's report; the same again is as good.
    pub(in crate::gateway) async fn report_server_result(
        &self,
        key: ServiceKeyId,
        server: ServerId,
        match_id: MatchId,
        report: &ReportResult,
    ) -> Result<ServerMatchView, ApiError> {
        limits::check(&self.server_limit, &server)?;
        let reported = self.store.servers.report(server, key, match_id, report, muster_store::now()).await?;
        if reported == Reported::Ended
            && let Err(error) = director::tell(&self.store, Some(&[match_id])).await
        {
            // The result stands; a director tells it when this passes.
            tracing::warn!(match_id = %match_id, error = &error as &dyn std::error::Error, "a result is not told yet");
        }
        self.view_server_match(match_id).await
    }

    /// A match on a server, running or over.
    pub(in crate::gateway) async fn view_server_match(&self, match_id: MatchId) -> Result<ServerMatchView, ApiError> {
        Ok(self.store.servers.match_of(match_id).await?.ok_or(Code::NotFound)?)
    }

    /// Where a player's match is, with a fresh token for it.
    pub(in crate::gateway) async fn join_pass(
        &self,
        player: PlayerId,
        match_id: MatchId,
    ) -> Result<JoinPass, ApiError> {
        let Some(place) = self.store.servers.place_of(player, match_id).await? else {
            return Err(match self.store.servers.match_of(match_id).await? {
                None => Code::NotFound.into(),
                Some(there) if there.ended_at.is_some() => Code::MatchOver.into(),
                Some(_) => Code::NotInMatch.into(),
            });
        };
        let join = Join {
            player,
            match_id,
            server: place.server,
            queue: &place.queue,
            team: place.team,
            role: place.role.as_deref(),
        };
        let auth = &self.settings.auth;
        let (join_token, expires_at) =
            self.keys.issue_join(join, &auth.issuer, muster_store::now(), auth.join_token_ttl).map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "a join token could not be signed");
                Code::Internal
            })?;
        Ok(JoinPass {
            match_id,
            server_id: place.server,
            connection: place.address,
            team: place.team,
            role: place.role,
            join_token,
            expires_at,
        })
    }

    /// What a server is told: how it stands, and what it has not taken up yet.
    async fn orders(&self, server: ServerView) -> Result<ServerOrders, ApiError> {
        let matches = match server.matches {
            0 => Vec::new(),
            _ => self.store.servers.unacknowledged(server.server_id).await?,
        };
        // Three may be lost before the lease is.
        let heartbeat_secs = u32::try_from(self.settings.director.lease.as_secs() / 4).unwrap_or(u32::MAX).max(1);
        let issuer = self.settings.auth.issuer.clone();
        Ok(ServerOrders { server, heartbeat_secs, issuer, matches })
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Exists => Code::ServerExists.into(),
            RegisterError::TooMany => {
                ApiError::with_detail(Code::Busy, "This service key has as many servers as one may have.")
                    .retry_after(60)
            }
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<HeartbeatError> for ApiError {
    fn from(error: HeartbeatError) -> Self {
        match error {
            HeartbeatError::NotFound => Code::NotFound.into(),
            HeartbeatError::Lost => Code::ServerLost.into(),
            HeartbeatError::Store(error) => error.into(),
        }
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NotHere => Code::NotOnServer.into(),
            StartError::Over => Code::MatchOver.into(),
            StartError::UnknownRoster(newest) => FieldError::new("roster", format!("1 to {newest}")).into(),
            StartError::Store(error) => error.into(),
        }
    }
}

impl From<PlayersError> for ApiError {
    fn from(error: PlayersError) -> Self {
        match error {
            PlayersError::NotHere => Code::NotOnServer.into(),
            PlayersError::Over => Code::MatchOver.into(),
            PlayersError::UnknownPlayer(player) => {
                ApiError::with_detail(Code::NotInMatch, format!("Player {player} is not in that match."))
            }
            PlayersError::Store(error) => error.into(),
        }
    }
}

impl From<ResultError> for ApiError {
    fn from(error: ResultError) -> Self {
        match error {
            ResultError::NotHere => Code::NotOnServer.into(),
            ResultError::Different => Code::ResultDiffers.into(),
            ResultError::Over => Code::MatchOver.into(),
            ResultError::Unfit(faults) => ApiError::with_fields(Code::ResultUnfit, faults),
            ResultError::Store(error) => error.into(),
        }
    }
}
