//! The referee role: owns running matches.
//!
//! The log in JetStream *is* the match. A referee holds only what the log says, appends before anybody is told, and when its
//! append meets the fence it lets go, because somebody else has taken over. So a match survives the death of its process, and
//! two referees that both believe they own it cannot both write.

mod actor;
mod record;
mod settle;
mod settler;
mod sweep;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use muster_core::id::MatchId;
use muster_runtime::Tasks;
use muster_store::{AdoptReply, Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::settings::RefereeSettings;

pub(crate) use record::MatchRecord;
pub(crate) use settle::row;

/// A process's share of the running matches.
#[derive(Clone)]
pub struct Referee(Arc<Inner>);

struct Inner {
    store: Store,
    settler: settler::Settler,
    settings: RefereeSettings,
    owned: Mutex<HashSet<MatchId>>,
    tasks: Tasks,
    drain: CancellationToken,
}

impl Referee {
    /// Starts to serve adoptions, and to look for orphans.
    pub fn start(store: Store, settings: RefereeSettings, tasks: &Tasks) -> Self {
        let referee = Self(Arc::new(Inner {
            settler: settler::Settler::start(store.clone(), tasks),
            store,
            settings,
            owned: Mutex::default(),
            tasks: tasks.clone(),
            drain: tasks.drain(),
        }));
        tasks.spawn("referee-adoptions", referee.clone().serve_adoptions());
        tasks.spawn("referee-sweep", sweep::run(referee.clone()));
        referee
    }

    /// Answers whoever looks for a new owner of a match.
    async fn serve_adoptions(self) -> Result<(), StoreError> {
        let mut adoptions = self.0.store.match_calls.serve_adoptions().await?;
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                () = self.0.drain.cancelled() => return Ok(()),
                Some(_) = running.join_next(), if !running.is_empty() => {}
                adoption = adoptions.next() => {
                    let Some(adoption) = adoption else { return Ok(()) };
                    let referee = self.clone();
                    running.spawn(async move {
                        let reply = match referee.adopt(adoption.match_id).await {
                            Ok(()) => AdoptReply::Adopted,
                            Err(refusal) => AdoptReply::Refused { reason: refusal.to_string() },
                        };
                        if let Err(error) = adoption.reply(reply).await {
                            tracing::warn!(error = &error as &dyn std::error::Error, "an adoption could not be answered");
                        }
                    });
                }
            }
        }
    }

    /// Becomes the owner of a match, unless it is already. When this returns, the match answers calls.
    async fn adopt(&self, match_id: MatchId) -> Result<(), AdoptError> {
        if self.0.drain.is_cancelled() {
            return Err(AdoptError::Draining);
        }
        if !self.owned().insert(match_id) {
            return Ok(());
        }
        match actor::take_over(self, match_id).await {
            Ok(actor) => {
                self.run(match_id, actor);
                Ok(())
            }
            Err(error) => {
                self.forget(match_id);
                Err(error)
            }
        }
    }

    /// Becomes the owner of a match that began in this process a moment ago: `record` is all of its log, so nothing has to be read
    /// again. When this returns, the match answers calls. Its maker writes the row and the first sign of life; should it die
    /// before, recovery of its claims and the sweep find both undone.
    pub(crate) async fn own(&self, record: MatchRecord) -> Result<(), AdoptError> {
        let match_id = record.created.match_id;
        if self.0.drain.is_cancelled() {
            return Err(AdoptError::Draining);
        }
        if !self.owned().insert(match_id) {
            return Ok(());
        }
        match actor::serve_new(self, record).await {
            Ok(actor) => {
                self.run(match_id, actor);
                Ok(())
            }
            Err(error) => {
                self.forget(match_id);
                Err(error.into())
            }
        }
    }

    fn run(&self, match_id: MatchId, actor: actor::Actor) {
        let referee = self.clone();
        self.0.tasks.spawn("match", async move {
            actor.run().await;
            referee.forget(match_id);
        });
    }

    /// No longer the owner.
    fn forget(&self, match_id: MatchId) {
        self.owned().remove(&match_id);
    }

    fn owned(&self) -> MutexGuard<'_, HashSet<MatchId>> {
        self.0.owned.lock().unwrap_or_else(PoisonError::into_inner)
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
    #[error("this match is over")]
    Over,
    #[error("the log of this match cannot be replayed: {0}")]
    Corrupt(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("telemetry cannot be taken right now")]
    Telemetry(#[source] muster_store::PublishError),
}
