//! The gateway role: what players reach, over HTTP and over a socket.
//!
//! Both ways in lead to the same [`actions`]; a handler only reads its input, names the caller and words the answer.

mod actions;
mod extract;
mod http;
mod queue_book;
mod roster;
mod socket;

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use muster_core::id::PlayerId;
use muster_runtime::Tasks;
use muster_store::Store;
use tokio_util::sync::CancellationToken;

use crate::auth::{SigningKeys, TokenError};
use crate::settings::Settings;
use crate::telemetry::TelemetryQueue;
use queue_book::QueueBook;
use roster::Roster;

pub use http::openapi;

/// What every handler needs. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

/// The parts behind [`Gateway`].
pub struct Inner {
    store: Store,
    settings: Settings,
    keys: SigningKeys,
    queues: QueueBook,
    roster: Roster,
    telemetry: TelemetryQueue,
    sign_in_limit: DefaultKeyedRateLimiter<IpAddr>,
    drain: CancellationToken,
}

impl Deref for Gateway {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Gateway {
    /// Builds the gateway and starts its background work.
    pub async fn start(
        store: Store,
        settings: Settings,
        telemetry: TelemetryQueue,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !settings.auth.signing_key.is_empty(),
            "auth.signing_key is empty; make a key with `muster-server keygen` and set MUSTER__AUTH__SIGNING_KEY (or `secret:<key>`)"
        );
        let keys = SigningKeys::from_pem(settings.auth.signing_key.expose())?;
        let queues = QueueBook::load(&store).await.context("reading the queues")?;
        let rate = std::num::NonZeroU32::new(settings.gateway.sign_ins_per_second)
            .context("gateway.sign_ins_per_second is 0")?;
        let gateway = Self(Arc::new(Inner {
            sign_in_limit: RateLimiter::keyed(Quota::per_second(rate).allow_burst(rate.saturating_mul(BURST))),
            drain: tasks.drain(),
            roster: Roster::default(),
            store,
            settings,
            keys,
            queues,
            telemetry,
        }));
        tasks.spawn("gateway-presence", gateway.clone().beat_presence());
        tasks.spawn("gateway-queues", gateway.clone().refresh_queues());
        Ok(gateway)
    }

    /// The HTTP surface, the socket included.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }

    /// The player a session token names.
    fn authenticate(&self, token: &str) -> Result<PlayerId, TokenError> {
        self.keys.verify(token, &self.settings.auth.issuer).map(|claims| claims.sub)
    }

    /// Says every few seconds that the players on this gateway's sockets are there.
    async fn beat_presence(self) {
        let mut ticks = tokio::time::interval(muster_store::PRESENCE_TTL / 4);
        while tick(&mut ticks, &self.drain).await {
            let players = self.roster.players();
            if !players.is_empty()
                && let Err(error) = self.store.presence.beat(&players, muster_store::now()).await
            {
                tracing::warn!(error = &error as &dyn std::error::Error, "presence could not be renewed");
            }
            // Addresses that have been quiet need no state; this bounds the table.
            self.sign_in_limit.retain_recent();
        }
    }

    /// Follows changes of the queues.
    async fn refresh_queues(self) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        while tick(&mut ticks, &self.drain).await {
            if let Err(error) = self.queues.refresh(&self.store).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the queues could not be read; the last known ones stay in force"
                );
            }
        }
    }
}

/// How many seconds' worth of sign-ins an address may use at once.
const BURST: std::num::NonZeroU32 = std::num::NonZeroU32::new(10).expect("ten is not zero");

/// Waits for the next tick; false when draining.
async fn tick(ticks: &mut tokio::time::Interval, drain: &CancellationToken) -> bool {
    tokio::select! {
        _ = ticks.tick() => true,
        () = drain.cancelled() => false,
    }
}
