//! The leader of a shard: its pool, and what it does with it, tick by tick.

mod acceptance;
mod assignments;
mod claim;
mod follow;
mod gone;
mod ledger;
mod misfits;
mod questions;
mod read;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use muster_core::id::BackfillId;
use muster_core::matchmaking::{Backfill, Pool, QueueDefinition};
use muster_store::{EndReason, QuestionStream, Shard, StoreError};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Matchmaker;
use super::pulse::{Beat, Beats};
use super::reign::Reign;
use crate::closures::ClosureBook;
use crate::events;
use assignments::Assignments;
use ledger::{Ledger, Waits};
use misfits::Misfits;

pub(crate) use ledger::{ANYWHERE, home};

/// How long a leader rests after a tick that failed.
const REST: Duration = Duration::from_millis(500);

/// Why a leader stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Draining,
    LeaseLost,
    /// Redis does not answer this process.
    Deaf,
    GroupGone,
}

impl Left {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::LeaseLost => "the lease is lost",
            Self::Deaf => "Redis does not answer",
            Self::GroupGone => "the queue has this group no more, and all in it is over",
        }
    }
}

/// Who leads a shard.
pub(super) struct Leader<'a> {
    matchmaker: &'a Arc<Matchmaker>,
    shard: &'a Shard,
    definition: Arc<QueueDefinition>,
    /// The queue has this group no more: what is not over is brought to its end, and nothing begins.
    gone: bool,
    closures: ClosureBook,
    /// The regions of the queue that are closed, as the pool has them.
    closed: BTreeSet<String>,
    pool: Pool,
    /// Running matches that want players: the pool forgets a wish that it proposes players for.
    wishes: HashMap<BackfillId, Backfill>,
    misfits: Misfits,
    ledger: Ledger,
    waits: Waits,
    cursor: u64,
    /// What Redis and this know of the shard may differ: read it as a whole.
    out_of_step: bool,
    rest_until: Instant,
    since: DateTime<Utc>,
    beats: Beats,
    questions: QuestionStream,
    making: JoinSet<()>,
    /// Proposals that wait for their players' answers, as far as this leader knows.
    open_proposals: usize,
    /// For queues whose matches are played on somebody's own servers.
    assignments: Option<Assignments>,
}

impl<'a> Leader<'a> {
    pub(super) async fn new(
        matchmaker: &'a Arc<Matchmaker>,
        shard: &'a Shard,
        definition: Arc<QueueDefinition>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let store = &matchmaker.store;
        let mut leader = Self {
            pool: Pool::new((*definition).clone(), &shard.group)?,
            closures: matchmaker.closures.clone(),
            closed: BTreeSet::new(),
            wishes: HashMap::new(),
            misfits: Misfits::default(),
            ledger: Ledger::new(&definition, &shard.group),
            waits: Waits::default(),
            cursor: 0,
            out_of_step: true,
            rest_until: Instant::now(),
            since: muster_store::now(),
            beats: matchmaker.pulse.join(shard),
            questions: store.matchmaker_calls.serve(shard).await?,
            making: JoinSet::new(),
            open_proposals: store.tickets.open_proposals(shard).await?.len(),
            assignments: None,
            gone: gone::is_gone(shard, &definition),
            matchmaker,
            shard,
            definition,
        };
        leader.close_regions();
        if !leader.gone {
            leader.read_all(false).await?;
        }
        leader.ask_servers();
        events::shard_led(shard, leader.pool.len());
        Ok(leader)
    }

    /// Works beat by beat until there is a reason to stop.
    pub(super) async fn lead(
        &mut self,
        reign: &Reign,
        definitions: &mut watch::Receiver<Arc<QueueDefinition>>,
    ) -> Left {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let drain = self.matchmaker.drain.clone();
        loop {
            tokio::select! {
                () = drain.cancelled() => return Left::Draining,
                () = reign.over() => return Left::LeaseLost,
                Ok(()) = definitions.changed() => {
                    let definition = definitions.borrow_and_update().clone();
                    self.follow(definition).await;
                }
                () = self.closures.changed() => self.follow_closures().await,
                beat = self.beats.next() => match beat {
                    Beat::Revision { revision, .. } => self.beat(revision).await,
                    Beat::Deaf => return Left::Deaf,
                    Beat::None => {}
                },
                _ = seconds.tick() => {
                    self.second().await;
                    if self.is_over() {
                        return Left::GroupGone;
                    }
                }
                Some((question, responder)) = self.questions.next() => {
                    let answer = questions::answer(&self.pool, self.since, &question, muster_store::now());
                    if let Err(error) = responder.reply(&answer).await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "a question could not be answered");
                    }
                }
                Some(made) = self.making.join_next() => self.made(made),
            }
        }
    }

    /// Waits for the matches that are being made.
    pub(super) async fn resign(mut self) {
        self.ledger.hide();
        while self.making.join_next().await.is_some() {}
    }

    fn made(&self, made: Result<(), JoinError>) {
        if let Err(error) = made {
            tracing::error!(
                queue = self.shard.queue,
                error = &error as &dyn std::error::Error,
                "making matches failed; recovery of their claims goes on"
            );
        }
    }

    /// Has the answers of servers looked for, when this queue needs servers, or has needed them before and matches still wait.
    fn ask_servers(&mut self) {
        match &self.assignments {
            Some(assignments) => assignments.follow(self.definition.clone()),
            None if self.definition.mode.is_none() || self.matchmaker.unfinished.borrow().matches(self.shard) => {
                let (matchmaker, shard) = (self.matchmaker.clone(), self.shard.clone());
                let clerk = Assignments::begin(matchmaker, shard, self.definition.clone(), self.waits.clone());
                self.assignments = Some(clerk);
            }
            None => {}
        }
    }

    async fn beat(&mut self, revision: u64) {
        if Instant::now() < self.rest_until {
            return;
        }
        let began = Instant::now();
        match self.tick(revision).await {
            Ok(true) => events::tick_done(self.shard, began.elapsed()),
            Ok(false) => {}
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &StoreError) {
        events::tick_failed(self.shard, error);
        self.out_of_step = true;
        self.rest_until = Instant::now() + REST;
    }

    /// Reads what is new, looks for matches, and claims them. Says whether there was anything to do.
    async fn tick(&mut self, revision: u64) -> Result<bool, StoreError> {
        if self.gone {
            return self.wind_up(revision).await;
        }
        if self.out_of_step {
            self.read_all(false).await?;
        } else if revision != self.cursor {
            self.read_changes(revision).await?;
        }
        if self.open_proposals > 0 {
            self.decide().await?;
        }
        if self.pool.is_empty() {
            return Ok(false);
        }
        let plans = self.pass();
        if plans.is_empty() {
            return Ok(true);
        }
        match self.definition.acceptance {
            Some(acceptance) => self.propose(plans, acceptance).await?,
            None => self.claim(plans).await?,
        }
        Ok(true)
    }

    /// What is due about once a second: those who have waited too long, tickets that do not fit, and what staff and players see.
    async fn second(&mut self) {
        let now = muster_store::now();
        if self.assignments.is_none() {
            self.ask_servers();
        }
        self.ledger.show(now);
        let done = async {
            // Proposals of a leader who did not know that he was none any more; also when nobody is asked any more.
            if self.open_proposals == 0 {
                self.decide().await?;
            }
            if self.gone {
                return Ok(());
            }
            let expired = self.pool.expired(now);
            self.end(&expired, EndReason::MaxWait, now).await?;
            self.dismiss_misfits(now).await?;
            if let Some(estimate) = self.waits.news() {
                self.matchmaker.store.tickets.set_estimate(self.shard, Some(estimate)).await?;
                self.waits.told(estimate);
            }
            Ok(())
        };
        if let Err(error) = done.await {
            self.fail(&error);
        }
    }
}
