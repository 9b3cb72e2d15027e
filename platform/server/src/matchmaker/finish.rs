//! What is owed after the players have been told of their match: its row, the first sign of life of its owner, who has met whom,
//! the facts, and the end of its tickets. One worker, many matches at once, and only when nobody waits for news.
//!
//! A process that dies before it gets here leaves stale claims, which any other brings to their end.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::stream;
use muster_core::game::Mode;
use muster_core::id::{MatchId, PlayerId};
use muster_store::{AdoptReply, ClaimedTicket, NewMatch, Store, StoreError, TicketRecord};
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
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, BATCH).await > 0 {
        events::matches_to_finish(batch.len() + receiver.len());
        urgency.calm(COURTESY).await;
        let matches = batch.len();
        if let Err(error) = finish(&store, &telemetry, std::mem::take(&mut batch)).await {
            tracing::warn!(
                matches,
                error = &error as &dyn std::error::Error,
                "begun matches could not be finished; recovery of their claims does it"
            );
        }
        events::matches_to_finish(receiver.len());
    }
}

async fn finish(store: &Store, telemetry: &TelemetryQueue, begun: Vec<Begun>) -> Result<(), StoreError> {
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
    let standing: Vec<Standing> = begun.into_iter().map(Standing::from).collect();
    end_tickets(store, telemetry, &standing).await.map(drop)
}

/// A match that has its row: what is owed yet is the end of its tickets.
pub(super) struct Standing {
    pub match_id: MatchId,
    pub mode: Mode,
    pub quality: f64,
    pub players: [PlayerId; 2],
    /// Where it is played, or [`ANYWHERE`].
    pub region: String,
    pub queue_version: u32,
    pub created_at: DateTime<Utc>,
    pub tickets: Vec<ClaimedTicket>,
}

impl From<Begun> for Standing {
    fn from(begun: Begun) -> Self {
        let created = &begun.record.created;
        Self {
            match_id: created.match_id,
            mode: created.mode,
            quality: created.quality,
            players: created.players,
            region: begun.region().to_owned(),
            queue_version: begun.queue_version,
            created_at: created.created_at,
            tickets: begun.tickets,
        }
    }
}

/// Keeps who has met whom, leaves the facts for telemetry, and then ends the tickets: only now are the players free, and whoever
/// asks for their running match finds the row. Done again by whoever finds the claims, it changes nothing more: the facts of a
/// ticket are one event, however often they are told. Returns the tickets as they are now.
pub(super) async fn end_tickets(
    store: &Store,
    telemetry: &TelemetryQueue,
    standing: &[Standing],
) -> Result<Vec<TicketRecord>, StoreError> {
    let now = muster_store::now();
    let met: Vec<[Vec<PlayerId>; 2]> = standing.iter().map(|one| one.players.map(|player| vec![player])).collect();
    store.recents.met_many(&met, now).await?;
    standing.iter().for_each(|one| record(telemetry, one));
    let tickets: Vec<ClaimedTicket> = standing.iter().flat_map(|one| one.tickets.iter().cloned()).collect();
    store.tickets.settle(&tickets, now).await
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

fn record(telemetry: &TelemetryQueue, standing: &Standing) {
    for claimed in &standing.tickets {
        let end = TicketEnd {
            ticket: claimed.ticket(),
            shard: claimed.shard(),
            outcome: "matched",
            reason: None,
            matched: Some(MatchedEnd { match_id: standing.match_id, quality: standing.quality }),
            mode: Some(standing.mode),
            region: &standing.region,
            queue_version: standing.queue_version,
            at: standing.created_at,
        };
        end.tell(telemetry);
    }
}
