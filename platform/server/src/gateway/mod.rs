//! The gateway role: what players reach, over HTTP and over a socket.
//!
//! Both ways in lead to the same [`actions`]; a handler only reads its input, names the caller and words the answer.

mod actions;
mod admission;
pub(crate) mod event_book;
mod extract;
mod http;
mod key_ring;
mod limits;
mod queue_book;
mod roster;
mod socket;
mod watch;

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use futures::StreamExt;
use muster_core::id::{PlayerId, ServerId, ServiceKeyId};
use muster_runtime::Tasks;
use muster_store::{QueueWatch, SocketStream, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::auth::{SigningKeys, TokenError};
use crate::closures::ClosureBook;
use crate::settings::{GatewaySettings, Settings};
use crate::telemetry::TelemetryQueue;
use crate::urgency::Urgency;
use actions::{Room, SubjectBook};
use admission::Admission;
use event_book::EventBook;
use key_ring::KeyRing;
use limits::Limit;
use queue_book::QueueBook;
use roster::Roster;
use watch::WatchRoom;

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
    closures: ClosureBook,
    key_ring: KeyRing,
    admission: Admission,
    roster: Roster,
    watch_room: WatchRoom,
    telemetry: TelemetryQueue,
    sign_in_limit: Limit<IpAddr>,
    request_limit: Limit<PlayerId>,
    player_limit: Limit<PlayerId>,
    server_limit: Limit<ServerId>,
    event_limit: Limit<PlayerId>,
    trusted_event_limit: Limit<ServiceKeyId>,
    program_limit: Limit<ServiceKeyId>,
    event_book: EventBook,
    ingest_room: Room,
    subject_book: SubjectBook,
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
        closures: ClosureBook,
        crowd: Urgency,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !settings.auth.signing_key.is_empty(),
            "auth.signing_key is empty; make a key with `muster-server keygen` and set MUSTER__AUTH__SIGNING_KEY (or `secret:<key>`)"
        );
        let keys =
            SigningKeys::from_pem(settings.auth.signing_key.expose(), settings.auth.second_signing_key.expose())?;
        // Followed first, read then: what changes in between comes twice rather than not at all.
        let changes = store.queues.watch().await.context("following the queues")?;
        let (catalogue, catalogue_watch) = store.event_types.watch().await.context("reading the event types")?;
        let sockets = store.sockets.announced().await.context("listening for sockets of other gateways")?;
        let queues = QueueBook::default();
        for queue in store.queues.list().await.context("reading the queues")? {
            queues.enter(queue);
        }
        let GatewaySettings {
            sign_ins_per_second,
            requests_per_second,
            messages_per_second,
            spectator_delay,
            watched_matches,
            events_per_second,
            trusted_events_per_second,
            ..
        } = settings.gateway;
        let of_a_player = requests_per_second.saturating_add(messages_per_second);
        let gateway = Self(Arc::new(Inner {
            sign_in_limit: limits::keyed(sign_ins_per_second, SIGN_IN_BURST),
            request_limit: limits::keyed(requests_per_second, REQUEST_BURST),
            player_limit: limits::keyed(of_a_player, REQUEST_BURST),
            server_limit: limits::keyed(settings.director.requests_per_second, REQUEST_BURST),
            event_limit: limits::keyed(events_per_second, EVENT_BURST),
            trusted_event_limit: limits::keyed(trusted_events_per_second, EVENT_BURST),
            program_limit: limits::keyed(PROGRAM_ACTS, PROGRAM_BURST),
            event_book: EventBook::new(catalogue),
            ingest_room: Room::default(),
            subject_book: SubjectBook::default(),
            watch_room: WatchRoom::new(store.clone(), spectator_delay, watched_matches as usize, tasks.drain()),
            admission: Admission::start(store.clone(), crowd, tasks),
            drain: tasks.drain(),
            key_ring: KeyRing::default(),
            roster: Roster::default(),
            store,
            settings,
            keys,
            queues,
            closures,
            telemetry,
        }));
        tasks.spawn("gateway-presence", gateway.clone().beat_presence());
        tasks.spawn("gateway-queues", gateway.clone().follow_queues(changes));
        tasks.spawn("gateway-event-types", {
            let gateway = gateway.clone();
            async move { gateway.event_book.follow(catalogue_watch, gateway.drain.clone()).await }
        });
        tasks.spawn("gateway-sockets", gateway.clone().follow_sockets(sockets));
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
            if let Err(error) = self.renew_presence().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "presence could not be renewed");
            }
            // Who has been quiet needs no state; this bounds the tables.
            self.sign_in_limit.retain_recent();
            self.request_limit.retain_recent();
            self.player_limit.retain_recent();
            self.server_limit.retain_recent();
            self.event_limit.retain_recent();
            self.trusted_event_limit.retain_recent();
            self.program_limit.retain_recent();
        }
    }

    /// One beat for everybody here.
    async fn renew_presence(&self) -> Result<(), StoreError> {
        let held = self.roster.players();
        if held.is_empty() {
            return Ok(());
        }
        let players: Vec<_> = held.iter().map(|(player, _)| *player).collect();
        self.store.presence.beat(&players, muster_store::now()).await?;
        // News of a newer socket may have been lost on the way here.
        let newest = self.store.sockets.newest(&players).await?;
        for (player, newest) in players.iter().zip(newest) {
            newest.into_iter().for_each(|number| self.roster.hear(*player, number));
        }
        // Who left while the beat was under way was made present again by it.
        for (player, number) in held {
            if !self.roster.holds(player) && !self.drain.is_cancelled() {
                self.store.sockets.leave(player, number).await?;
            }
        }
        Ok(())
    }

    /// Lets go of every socket whose player has opened a newer one, on whichever gateway.
    async fn follow_sockets(self, mut sockets: SocketStream) {
        loop {
            tokio::select! {
                () = self.drain.cancelled() => return,
                opened = sockets.next() => match opened {
                    Some(opened) => self.roster.hear(opened.player, opened.number),
                    None => return,
                }
            }
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
/// How many acts on the platform itself a program may do in a second, and how many seconds' worth at once.
const PROGRAM_ACTS: u32 = 1;
const PROGRAM_BURST: u32 = 10;
/// How many seconds' worth of requests a player may use at once.
const REQUEST_BURST: u32 = 2;

/// How many seconds' worth of events a sender may use at once: a batch that was kept while there was no connection, say.
const EVENT_BURST: u32 = 10;

/// Waits for the next tick; false when draining.
async fn tick(ticks: &mut tokio::time::Interval, drain: &CancellationToken) -> bool {
    tokio::select! {
        _ = ticks.tick() => true,
        () = drain.cancelled() => false,
    }
}
