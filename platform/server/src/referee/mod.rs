//! The referee role: owns running matches.
//!
//! The log in JetStream *is* the match. A referee holds only what the log says, appends before anybody is told, and when its
//! append meets the fence it lets go, because somebody else has taken over. So a match survives the death of its process, and
//! two referees that both believe they own it cannot both write.

mod actor;
mod answered;
mod attendance;
mod beat;
mod leaderboards;
mod leftover;
mod lost;
mod owned;
mod record;
mod settle;
mod settler;
mod sweep;
mod take_over;
mod tell;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use muster_core::id::MatchId;
use muster_runtime::Tasks;
use muster_store::{AdoptReply, IncomingAdoption, Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::closures::ClosureBook;
use crate::events;
use crate::settings::RefereeSettings;
use owned::{Entered, Owned};

pub(crate) use record::MatchRecord;
pub(crate) use settle::row;

/// How many matches are taken over at the same time: for those who ask, and as many again that the sweep finds.
const AT_ONCE: usize = 32;

/// A process's share of the running matches.
#[derive(Clone)]
pub struct Referee(Arc<Inner>);

struct Inner {
    store: Store,
    settler: settler::Settler,
    settings: RefereeSettings,
    closures: ClosureBook,
    owned: Owned,
    tasks: Tasks,
    drain: CancellationToken,
}

impl Referee {
    /// Starts to serve adoptions, to say which matches are owned here, to look for orphans, and for players who are gone.
    pub fn start(store: Store, settings: RefereeSettings, closures: ClosureBook, tasks: &Tasks) -> Self {
        let referee = Self(Arc::new(Inner {
            settler: settler::Settler::start(store.clone(), tasks),
            store,
            settings,
            closures,
            owned: Owned::default(),
            tasks: tasks.clone(),
            drain: tasks.drain(),
        }));
        tasks.spawn("referee-adoptions", referee.clone().serve_adoptions());
        tasks.spawn("referee-beats", beat::run(referee.clone()));
        tasks.spawn("referee-sweep", sweep::run(referee.clone()));
        tasks.spawn("referee-enlisting", sweep::enlist(referee.clone()));
        tasks.spawn("referee-attendance", attendance::run(referee.clone()));
        tasks.spawn("referee-leaderboards", leaderboards::run(referee.clone()));
        tasks.spawn("referee-leftovers", leftover::run(referee.clone()));
        referee
    }

    /// Whether it takes its share of the matches: not while its region empties, so that what it has comes to an end.
    fn is_willing(&self) -> bool {
        !self.0.closures.now().everywhere(&self.0.settings.region)
    }

    /// Answers whoever looks for a new owner of a match.
    async fn serve_adoptions(self) -> Result<(), StoreError> {
        let mut looks = sweep::interval(self.0.settings.beat);
        let mut willing = self.is_willing();
        let mut adoptions = self.0.store.match_calls.serve_adoptions(willing).await?;
        events::referee_willing(willing, &self.0.settings.region);
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                () = self.0.drain.cancelled() => return Ok(()),
                _ = looks.tick() => if self.is_willing() != willing {
                    match self.0.store.match_calls.serve_adoptions(!willing).await {
                        Ok(others) => {
                            (adoptions, willing) = (others, !willing);
                            events::referee_willing(willing, &self.0.settings.region);
                        }
                        // The next look tries again.
                        Err(error) => events::referee_unmoved(&error),
                    }
                },
                Some(_) = running.join_next(), if !running.is_empty() => {}
                adoption = adoptions.next(), if running.len() < AT_ONCE => {
                    let Some(adoption) = adoption else { return Ok(()) };
                    running.spawn(self.clone().serve_adoption(adoption));
                }
            }
        }
    }

    async fn serve_adoption(self, adoption: IncomingAdoption) {
        let reply = match self.adopt(adoption.match_id).await {
            Ok(()) => AdoptReply::Adopted,
            Err(refusal) => AdoptReply::Refused { reason: refusal.to_string() },
        };
        if let Err(error) = adoption.reply(reply).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "an adoption could not be answered");
        }
    }

    /// Becomes the owner of a match, unless it is already. When this returns, the match answers calls.
    async fn adopt(&self, match_id: MatchId) -> Result<(), AdoptError> {
        loop {
            if self.0.drain.is_cancelled() {
                return Err(AdoptError::Draining);
            }
            match self.0.owned.enter(match_id) {
                Entered::New => break,
                Entered::Served => return Ok(()),
                Entered::Adopting(decided) => decided.cancelled().await,
            }
        }
        let taken_over = AssertUnwindSafe(take_over::take_over(self, match_id)).catch_unwind().await;
        match taken_over.unwrap_or(Err(AdoptError::Panicked)) {
            Ok(actor) => {
                self.run(match_id, actor);
                Ok(())
            }
            Err(error) => {
                self.0.owned.leave(match_id);
                Err(error)
            }
        }
    }

    /// Becomes the owner of a match that began in this process a moment ago: `record` is all of its log, so nothing has to be read
    /// or written, and calls are served before this returns.
    pub(crate) async fn own(&self, record: MatchRecord) -> Result<(), AdoptError> {
        let match_id = record.created.match_id;
        if self.0.drain.is_cancelled() {
            return Err(AdoptError::Draining);
        }
        if !matches!(self.0.owned.enter(match_id), Entered::New) {
            return Ok(());
        }
        match take_over::serve_new(self, record).await {
            Ok(actor) => {
                self.run(match_id, actor);
                Ok(())
            }
            Err(error) => {
                self.0.owned.leave(match_id);
                Err(error.into())
            }
        }
    }

    fn run(&self, match_id: MatchId, actor: actor::Actor) {
        let referee = self.clone();
        self.0.owned.serve(match_id, actor.link());
        self.0.tasks.spawn("match", async move {
            // One match that cannot go on must not take the others of its process with it, nor every process that tries it next.
            if AssertUnwindSafe(actor.run()).catch_unwind().await.is_err() {
                events::match_panicked(match_id);
            }
            referee.0.owned.leave(match_id);
        });
    }
}

/// Why a match was not taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdoptError {
    #[error("this referee is about to stop")]
    Draining,
    #[error("there is no log of this match")]
    NoLog,
    #[error("this match was called off before it began")]
    CalledOff,
    #[error("taking over this match panicked")]
    Panicked,
    #[error("the log of this match cannot be replayed: {0}")]
    Corrupt(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("telemetry cannot be taken right now")]
    Telemetry(#[source] muster_store::PublishError),
}
