//! What is worth counting: each event is one function that logs and counts together, so the two never disagree.
//!
//! Labels are bounded: modes and queues are data that staff make, outcomes and codes are enums. Ids are fields of log lines only.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use muster_core::game::Outcome;
use muster_core::id::{MatchId, PlayerId, TicketId};
use muster_core::matchmaking::QueueDefinition;
use muster_store::{LiveCounts, StoreError, Stored};

use crate::error::Code;

/// A player signed in.
pub fn signed_in(player: PlayerId, new_account: bool) {
    counter!("muster_sign_ins_total", "new_account" => if new_account { "true" } else { "false" }).increment(1);
    tracing::info!(player_id = %player, new_account, "player signed in");
}

/// Something was refused, over HTTP or on a socket.
pub fn refused(transport: &'static str, code: Code) {
    counter!("muster_refusals_total", "transport" => transport, "code" => code.as_str()).increment(1);
    tracing::debug!(transport, code = code.as_str(), "refused");
}

/// A socket said hello.
pub fn socket_opened(player: PlayerId, resumed: bool) {
    gauge!("muster_sockets").increment(1.0);
    counter!("muster_sockets_opened_total", "resumed" => if resumed { "true" } else { "false" }).increment(1);
    tracing::debug!(player_id = %player, resumed, "socket opened");
}

/// A socket that had said hello is gone.
pub fn socket_closed(player: PlayerId, reason: &'static str) {
    gauge!("muster_sockets").decrement(1.0);
    counter!("muster_sockets_closed_total", "reason" => reason).increment(1);
    tracing::debug!(player_id = %player, reason, "socket closed");
}

/// A ticket joined a queue.
pub fn ticket_created(ticket: TicketId, player: PlayerId, queue: &str) {
    counter!("muster_tickets_created_total", "queue" => queue.to_owned()).increment(1);
    tracing::debug!(ticket_id = %ticket, player_id = %player, queue, "ticket created");
}

/// This process now leads a shard.
pub fn shard_led(queue: &str, waiting: usize) {
    gauge!("muster_matchmaker_leads", "queue" => queue.to_owned()).set(1.0);
    tracing::info!(queue, waiting, "leading this queue's matchmaking");
}

/// This process no longer leads a shard.
pub fn shard_left(queue: &str, reason: &str) {
    gauge!("muster_matchmaker_leads", "queue" => queue.to_owned()).set(0.0);
    tracing::info!(queue, reason, "no longer leading this queue's matchmaking");
}

/// One pass over a pool.
pub fn pass_done(queue: &str, took: Duration, waiting: usize, proposals: usize) {
    histogram!("muster_matchmaker_pass_seconds", "queue" => queue.to_owned()).record(took.as_secs_f64());
    gauge!("muster_matchmaker_pool_tickets", "queue" => queue.to_owned()).set(waiting as f64);
    if proposals > 0 {
        tracing::debug!(queue, waiting, proposals, ?took, "pass");
    }
}

/// A proposal could not be claimed because one of its tickets was no longer waiting.
pub fn claim_lost(queue: &str) {
    counter!("muster_matchmaker_claims_lost_total", "queue" => queue.to_owned()).increment(1);
    tracing::debug!(queue, "a ticket of the proposal was no longer waiting");
}

/// Tickets whose match never came to be wait again.
pub fn claim_released(queue: &str, tickets: usize, reason: &str) {
    counter!("muster_matchmaker_claims_released_total", "queue" => queue.to_owned()).increment(1);
    tracing::warn!(queue, tickets, reason, "claimed tickets were given back to their queue");
}

/// A match began.
pub fn match_started(id: MatchId, queue: &QueueDefinition, quality: f64, longest_wait: Duration) {
    counter!("muster_matches_started_total", "queue" => queue.name.clone(), "mode" => queue.mode.as_str()).increment(1);
    histogram!("muster_ticket_wait_seconds", "queue" => queue.name.clone()).record(longest_wait.as_secs_f64());
    histogram!("muster_match_quality_ratio", "queue" => queue.name.clone()).record(quality);
    tracing::info!(match_id = %id, queue = queue.name, quality, wait_ms = longest_wait.as_millis() as u64, "match started");
}

/// This process became a match's owner.
pub fn match_owned(id: MatchId, replayed: usize, taken_over: bool) {
    gauge!("muster_referee_matches").increment(1.0);
    if taken_over {
        counter!("muster_match_takeovers_total").increment(1);
        tracing::info!(match_id = %id, replayed, "match taken over from its log");
    }
}

/// This process is no longer a match's owner.
pub fn match_left(id: MatchId, reason: &'static str) {
    gauge!("muster_referee_matches").decrement(1.0);
    tracing::debug!(match_id = %id, reason, "match left");
}

/// Another writer was ahead of this one: the fence held.
pub fn match_fenced(id: MatchId) {
    counter!("muster_match_fenced_total").increment(1);
    tracing::warn!(match_id = %id, "another referee has written to this match; stepping back");
}

/// A match is over and settled.
pub fn match_ended(id: MatchId, queue: &str, outcome: &Outcome, took: Duration) {
    counter!("muster_matches_ended_total", "queue" => queue.to_owned(), "outcome" => outcome.kind.as_str())
        .increment(1);
    histogram!("muster_match_seconds", "queue" => queue.to_owned()).record(took.as_secs_f64());
    tracing::info!(match_id = %id, queue, outcome = outcome.kind.as_str(), "match ended");
}

/// A batch of telemetry was committed; what could not be stored went to the dead letters.
pub fn telemetry_stored(stored: &Stored, took: Duration) {
    let Stored { new, duplicates, dead } = *stored;
    counter!("muster_telemetry_events_stored_total").increment(new);
    counter!("muster_telemetry_events_duplicate_total").increment(duplicates);
    counter!("muster_telemetry_events_dead_total").increment(dead);
    histogram!("muster_telemetry_batch_seconds").record(took.as_secs_f64());
    tracing::debug!(new, duplicates, dead, ?took, "telemetry stored");
}

/// A batch of telemetry could not be committed; it is delivered again.
pub fn telemetry_batch_failed(error: &StoreError) {
    counter!("muster_telemetry_batch_failures_total").increment(1);
    tracing::warn!(error = error as &dyn std::error::Error, "telemetry batch failed; it will be delivered again");
}

/// How many tickets wait in a queue.
pub fn tickets_waiting(queue: &str, waiting: u64) {
    gauge!("muster_tickets_waiting", "queue" => queue.to_owned()).set(waiting as f64);
}

/// The counts that staff see, as gauges.
pub fn live_counts(counts: &LiveCounts) {
    gauge!("muster_players_online").set(counts.players_online as f64);
    gauge!("muster_matches_running").set(counts.matches_running as f64);
    gauge!("muster_matches_finished").set(counts.matches_finished as f64);
    gauge!("muster_telemetry_events_stored").set(counts.events_stored as f64);
}
