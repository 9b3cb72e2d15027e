//! The matchmaker role: leads shards of queues and makes matches.
//!
//! - `queues`: which shards there are. A shard is a group of a queue's regions
//! - `shard`, `reign`: it is led by whoever holds its lease
//! - `leader`, `pulse`: the leader keeps the pool in memory, follows the tickets in Redis tick by tick, and proposes
//! - `plan`, `begin`, `finish`: from claimed tickets to running matches; what players wait for first
//! - `claims`: what a matchmaker that died has left half done
//! - `facts`: what becomes of tickets, for telemetry
//!
//! A proposal becomes a match only when one script has claimed all of its tickets. So two leaders at once, for the moment in
//! which a lease changes hands, still cannot match a player twice.

mod begin;
mod claims;
mod facts;
mod finish;
mod leader;
mod plan;
mod pulse;
mod queues;
mod reign;
mod shard;

use std::sync::Arc;

use muster_core::wire::Push;
use muster_runtime::Tasks;
use muster_store::{ClaimedTicket, Store, TicketRecord};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::closures::ClosureBook;
use crate::director::Director;
use crate::events;
use crate::referee::Referee;
use crate::settings::MatchmakerSettings;
use crate::telemetry::TelemetryQueue;
use crate::urgency::Urgency;

pub(crate) use facts::TicketEnd;
pub(crate) use leader::home;

/// What every shard needs.
struct Matchmaker {
    store: Store,
    settings: MatchmakerSettings,
    telemetry: TelemetryQueue,
    director: Director,
    /// The referee of this process, when it has that role: it owns the matches that begin here.
    referee: Option<Referee>,
    pulse: pulse::Pulse,
    finisher: finish::Finisher,
    /// Players wait for the news of their match.
    urgency: Urgency,
    /// The regions in which no match begins.
    closures: ClosureBook,
    /// What is not over yet, also in groups that are gone.
    unfinished: watch::Sender<queues::Unfinished>,
    /// Names this process in leases.
    holder: String,
    drain: CancellationToken,
}

/// What the matchmaker knows of the doors that players come in by.
pub struct Doors {
    /// Which regions are closed.
    pub closures: ClosureBook,
    /// Held while many players at once are being let into the queues by this process.
    pub crowd: Urgency,
}

/// Starts a leader or follower for every shard, the recovery of stale claims, and the live counts.
pub fn start(
    store: Store,
    settings: MatchmakerSettings,
    telemetry: TelemetryQueue,
    referee: Option<Referee>,
    director: Director,
    doors: Doors,
    tasks: &Tasks,
) {
    let urgency = Urgency::default();
    let (finisher, finishing) = finish::Finisher::new(store.clone(), telemetry.clone(), urgency.clone());
    let matchmaker = Arc::new(Matchmaker {
        store,
        settings,
        telemetry,
        director,
        referee,
        pulse: pulse::Pulse::default(),
        finisher,
        urgency,
        closures: doors.closures,
        unfinished: watch::Sender::default(),
        holder: hex::encode(rand::random::<[u8; 8]>()),
        drain: tasks.drain(),
    });
    // Ends when the last of the others has: they hold the finisher.
    tasks.spawn("matchmaker-finish", finishing);
    let pulse = matchmaker.pulse.clone();
    tasks.spawn(
        "matchmaker-pulse",
        pulse.run(matchmaker.store.clone(), matchmaker.settings.tick, doors.crowd, matchmaker.drain.clone()),
    );
    tasks.spawn("matchmaker-queues", queues::follow(matchmaker.clone(), tasks.clone()));
    tasks.spawn("matchmaker-claims", claims::recover(matchmaker));
}

/// Puts everybody back to the head of their queue, with the waiting time they had.
async fn release(matchmaker: &Matchmaker, claimed: &[ClaimedTicket], reason: &str) {
    let Some(shard) = claimed.first().map(ClaimedTicket::shard) else { return };
    match matchmaker.store.tickets.release(claimed).await {
        Ok(_) => events::claim_released(shard, claimed.len(), reason),
        Err(error) => {
            tracing::warn!(
                queue = shard.queue,
                error = &error as &dyn std::error::Error,
                "claimed tickets could not be given back; recovery tries again"
            );
        }
    }
}

/// Tells the players of tickets what has become of them. What cannot be told is found when they look.
async fn tell(matchmaker: &Matchmaker, records: &[TicketRecord]) {
    let news: Vec<_> = records
        .iter()
        .flat_map(|record| {
            let view = record.view();
            record.ticket.players().map(move |player| (player, Push::TicketUpdated { ticket: view.clone() }))
        })
        .collect();
    if news.is_empty() {
        return;
    }
    if let Err(error) = matchmaker.store.pushes.send_many(&news).await {
        tracing::warn!(
            players = news.len(),
            error = &error as &dyn std::error::Error,
            "players could not be told of their tickets"
        );
    }
}
