//! What is owed after the players have been told of their match: its row, the first sign of life of its owner, the end of its
//! tickets, who has met whom, and the facts. One worker, many matches at once, and only when nobody waits for news.
//!
//! A process that dies before it gets here leaves stale claims, which any other brings to their end.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::StreamExt;
use futures::stream;
use muster_core::id::{MatchId, PlayerId};
use muster_store::{AdoptReply, ClaimedTicket, NewMatch, Store, StoreError};
use tokio::sync::mpsc;

use super::begin::Begun;
use super::facts::{MatchedEnd, TicketEnd};
use crate::events;
use crate::referee::row;
use crate::telemetry::TelemetryQueue;
use crate::urgency::Urgency;

/// Matches that may wait for the worker; past that, making matches waits for it.
const WAITING: usize = 4_096;
/// Matches finished together.
const BATCH: usize = 128;
/// Longest wait for a moment in which nobody waits for news.
const COURTESY: Duration = Duration::from_millis(250);
/// Longest wait for a referee to take a match; a sweep finds it later otherwise.
const ADOPTION: Duration = Duration::from_secs(2);
/// Matches offered to referees at the same time.
const ADOPTIONS: usize = 16;

/// Where begun matches are handed over.
pub(super) struct Finisher(mpsc::Sender<Begun>);

impl Finisher {
    /// The finisher, and the work that has to run for it. The work ends when the finisher is dropped and nothing is left to do.
    pub(super) fn new(store: Store, telemetry: TelemetryQueue, urgency: Urgency) -> (Self, impl Future<Output = ()>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), work(store, telemetry, urgency, receiver))
    }

    /// Takes matches whose players have been told. Waits while too many are waiting already.
    pub(super) async fn take(&self, begun: Vec<Begun>) {
        for begun in begun {
            // The worker lives as long as this does; should it have died, recovery of the claims does its work.
            if self.0.send(begun).await.is_err() {
                return;
            }
        }
    }
}

async fn work(store: Store, telemetry: TelemetryQueue, urgency: Urgency, mut receiver: mpsc::Receiver<Begun>) {
    let mut batch = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut batch, BATCH).await > 0 {
        events::matches_to_finish(batch.len() + receiver.len());
        urgency.calm(COURTESY).await;
        if let Err(error) = finish(&store, &telemetry, &batch).await {
            tracing::warn!(
                matches = batch.len(),
                error = &error as &dyn std::error::Error,
                "begun matches could not be finished; recovery of their claims does it"
            );
        }
        batch.clear();
        events::matches_to_finish(receiver.len());
    }
}

async fn finish(store: &Store, telemetry: &TelemetryQueue, begun: &[Begun]) -> Result<(), StoreError> {
    let rows: Vec<NewMatch> = begun.iter().map(|begun| row(&begun.record)).collect();
    let (owned, offered): (Vec<&Begun>, Vec<&Begun>) = begun.iter().partition(|begun| begun.owned);
    let ids = |begun: &[&Begun]| begun.iter().map(|begun| begun.record.created.match_id).collect::<Vec<_>>();
    let owned = ids(&owned);
    let (rows, beats, ()) = tokio::join!(
        create(store, &rows),
        store.match_owners.beat(&owned, muster_store::now()),
        offer(store, ids(&offered)),
    );
    rows?;
    beats?;
    // Only now are the players free: whoever asks for their running match finds the row.
    let tickets: Vec<ClaimedTicket> = begun.iter().flat_map(|begun| begun.tickets.iter().cloned()).collect();
    store.tickets.settle(&tickets, muster_store::now()).await?;
    begun.iter().for_each(|begun| record(telemetry, begun));
    let met: Vec<[Vec<PlayerId>; 2]> =
        begun.iter().map(|begun| begun.record.created.players.map(|player| vec![player])).collect();
    store.recents.met_many(&met, muster_store::now()).await
}

/// All rows in one statement, tried again for a moment: PostgreSQL may be changing over.
async fn create(store: &Store, rows: &[NewMatch]) -> Result<(), StoreError> {
    let backoff =
        ExponentialBuilder::default().with_min_delay(Duration::from_millis(100)).with_max_times(3).with_jitter();
    (|| store.matches.create_many(rows)).retry(backoff).await.map(drop)
}

/// Offers matches to whichever referees there are.
async fn offer(store: &Store, matches: Vec<MatchId>) {
    stream::iter(matches)
        .for_each_concurrent(ADOPTIONS, |match_id| async move {
            let reason = match store.match_calls.adopt(match_id, ADOPTION).await {
                Ok(AdoptReply::Adopted) => return,
                Ok(AdoptReply::Refused { reason }) => reason,
                Err(error) => error.to_string(),
            };
            tracing::warn!(match_id = %match_id, reason, "no referee took the match yet; the sweep will find one");
        })
        .await;
}

fn record(telemetry: &TelemetryQueue, begun: &Begun) {
    let created = &begun.record.created;
    for claimed in &begun.tickets {
        let end = TicketEnd {
            ticket: claimed.ticket(),
            shard: claimed.shard(),
            outcome: "matched",
            reason: None,
            matched: Some(MatchedEnd { match_id: created.match_id, quality: created.quality }),
            mode: Some(created.mode),
            region: begun.region(),
            queue_version: begun.queue_version,
            at: created.created_at,
        };
        end.tell(telemetry);
    }
}
