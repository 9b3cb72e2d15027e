//! The staff API put together: everything it needs besides settings and a store is made here.

use std::time::Duration;

use axum::Router;
use muster_store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::{PasswordError, Sessions, SignInDesk},
    dry_run::DryRuns,
    export,
    feed::EventWatch,
    gate::Gate,
    http::{self, Http},
    live::LiveFeed,
    schema,
    settings::AuthSettings,
};

/// Time between two clearings of what sign-in attempts left behind.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// The staff API of one process.
pub struct StaffApi {
    gate: Gate,
    sessions: Sessions,
    session_recheck: Duration,
    desk: SignInDesk,
    live: LiveFeed,
    feed: EventWatch,
    sockets: TaskTracker,
    store: Store,
}

impl StaffApi {
    /// The staff API over this store.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn new(store: Store, settings: &AuthSettings) -> Result<Self, PasswordError> {
        let sessions = Sessions::new(store.clone());
        let desk = SignInDesk::new(store.clone(), settings)?;
        let live = LiveFeed::new(store.clone());
        let feed = EventWatch::new(store.clone());
        let schema = schema::build()
            .data(store.clone())
            .data(feed.clone())
            .data(sessions.clone())
            .data(desk.clone())
            .data(live.clone())
            .data(DryRuns::new())
            .finish();
        let gate = Gate::new(schema, schema::build_introspection(), sessions.clone());
        Ok(Self {
            gate,
            sessions,
            session_recheck: settings.session_recheck,
            desk,
            live,
            feed,
            sockets: TaskTracker::new(),
            store,
        })
    }

    /// Its routes. Serve them with `ConnectInfo<SocketAddr>`; sockets close when `drain` is cancelled.
    pub fn router(&self, drain: CancellationToken) -> Router {
        http::router(Http {
            gate: self.gate.clone(),
            sessions: self.sessions.clone(),
            session_recheck: self.session_recheck,
            drain,
            sockets: self.sockets.clone(),
        })
        .merge(export::router(self.store.clone(), self.sessions.clone()))
    }

    /// What has to run beside the routes: the live counts' poller, the follower of events and the sweep of old sign-in attempts.
    /// Ends after `drain`, when the last socket has been told why it closes.
    pub async fn run(self, drain: CancellationToken) {
        let sweep = async {
            loop {
                tokio::time::sleep(FORGET_EVERY).await;
                self.desk.forget_idle();
            }
        };
        let live = self.live.clone().run(drain.clone());
        let feed = self.feed.clone().run(drain.clone());
        tokio::select! {
            () = drain.cancelled() => {}
            () = live => {}
            () = feed => {}
            () = sweep => {}
        }
        self.sockets.close();
        self.sockets.wait().await;
    }
}
