//! The gateway role: what players reach, over HTTP and over a socket.
//!
//! Both ways in lead to the same [`actions`]; a handler only reads its input, names the caller and words the answer.

mod actions;
mod admission;
mod extract;
mod http;
mod key_ring;
mod limits;
mod queue_book;
mod roster;
mod socket;

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use futures::StreamExt;
use muster_core::id::PlayerId;
use muster_runtime::Tasks;
use muster_store::{QueueWatch, Store};
use tokio_util::sync::CancellationToken;

use crate::auth::{SigningKeys, TokenError};
use crate::settings::Settings;
use crate::telemetry::TelemetryQueue;
use admission::Admission;
use key_ring::KeyRing;
use limits::Limit;
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
    key_ring: KeyRing,
    admission: Admission,
    roster: Roster,
    telemetry: TelemetryQueue,
    sign_in_limit: Limit<IpAddr>,
    request_limit: Limit<PlayerId>,
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
        // Followed first, read then: what changes in between comes twice rather than not at all.
        let changes = store.queues.watch().await.context("following the queues")?;
        let queues = QueueBook::default();
        for queue in store.queues.list().await.context("reading the queues")? {
            queues.enter(queue);
        }
        let gateway = Self(Arc::new(Inner {
            sign_in_limit: limits::keyed(settings.gateway.sign_ins_per_second, SIGN_IN_BURST),
            request_limit: limits::keyed(settings.gateway.requests_per_second, REQUEST_BURST),
            admission: Admission::start(store.clone(), tasks),
            drain: tasks.drain(),
            key_ring: KeyRing::default(),
            roster: Roster::default(),
            store,
            settings,
            keys,
            queues,
            telemetry,
        }));
        tasks.spawn("gateway-presence", gateway.clone().beat_presence());
        tasks.spawn("gateway-queues", gateway.clone().follow_queues(changes));
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
            // Who has been quiet needs no state; this bounds the tables.
            self.sign_in_limit.retain_recent();
            self.request_limit.retain_recent();
        }
    }

    /// Enters every change of a queue.
    async fn follow_queues(self, mut changes: QueueWatch) {
        loop {
            tokio::select! {
                () = self.drain.cancelled() => return,
                changed = changes.next() => match changed {
                    Some(queue) => self.queues.enter(queue),
                    None => return,
                }
            }
        }
    }
}

/// How many seconds' worth of sign-ins an address may use at once.
const SIGN_IN_BURST: u32 = 10;
/// How many seconds' worth of requests a player may use at once.
const REQUEST_BURST: u32 = 2;

/// Waits for the next tick; false when draining.
async fn tick(ticks: &mut tokio::time::Interval, drain: &CancellationToken) -> bool {
    tokio::select! {
        _ = ticks.tick() => true,
        () = drain.cancelled() => false,
    }
}
