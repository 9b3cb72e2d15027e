//! What is worth counting: each event is one function that logs and counts together, so the two never disagree.
//!
//! Labels are bounded: modes and queues are data that staff make, outcomes and codes are enums. Ids are fields of log lines only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use metrics::{Label, counter, gauge, histogram};
use muster_core::game::Outcome;
use muster_core::id::{MatchId, PlayerId, ServerId, ServiceKeyId};
use muster_core::matchmaking::QueueDefinition;
use muster_core::telemetry::EventSource;
use muster_core::wire::EventVerdict;
use muster_core::wire::ServerMatchReason;
use muster_core::wire::WatchEnd;
use muster_store::{Allocation, LiveCounts, PublishError, ServerCounts, Shard, StoreError, Stored};

use crate::error::Code;
use crate::referee::AdoptError;

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

/// How many matches are watched on this gateway.
pub fn watched_matches(matches: usize) {
    gauge!("muster_watched_matches").set(matches as f64);
}

/// Somebody watches a match.
pub fn watch_began(match_id: MatchId, player: PlayerId) {
    counter!("muster_watches_began_total").increment(1);
    tracing::debug!(match_id = %match_id, player_id = %player, "match watched");
}

/// Somebody was told that a match is watched no more, and why.
pub fn watch_ended(reason: WatchEnd) {
    counter!("muster_watches_ended_total", "reason" => reason.as_str()).increment(1);
}

/// A batch of wishes was admitted: how many tickets it made in which queue.
pub fn tickets_created(created: &BTreeMap<&str, u64>, wishes: usize, took: Duration) {
    for (queue, tickets) in created {
        counter!("muster_tickets_created_total", "queue" => (*queue).to_owned()).increment(*tickets);
    }
    histogram!("muster_admission_batch_size").record(wishes as f64);
    histogram!("muster_admission_batch_seconds").record(took.as_secs_f64());
    tracing::debug!(wishes, created = created.values().sum::<u64>(), ?took, "wishes admitted");
}

/// This process now leads a shard.
pub fn shard_led(shard: &Shard, waiting: usize) {
    gauge!("muster_matchmaker_leads", shard_labels(shard)).set(1.0);
    tracing::info!(queue = shard.queue, group = shard.group, waiting, "leading this queue's matchmaking");
}

/// This process no longer leads a shard.
pub fn shard_left(shard: &Shard, reason: &str) {
    gauge!("muster_matchmaker_leads", shard_labels(shard)).set(0.0);
    tracing::info!(queue = shard.queue, group = shard.group, reason, "no longer leading this queue's matchmaking");
}

/// A leader now goes by another version of its queue.
pub fn queue_followed(shard: &Shard, version: u32) {
    tracing::info!(queue = shard.queue, group = shard.group, version, "following a new version of this queue");
}

/// A leader now goes by other closures: no match begins in these regions.
pub fn closures_followed(shard: &Shard, closed: &BTreeSet<String>) {
    tracing::info!(queue = shard.queue, group = shard.group, ?closed, "following other closed regions");
}

/// A program closed a region, or opened it.
pub fn region_switched(key: ServiceKeyId, queue: Option<&str>, region: &str, closed: bool) {
    counter!("muster_region_switches_total", "closed" => if closed { "true" } else { "false" }).increment(1);
    tracing::info!(service_key_id = %key, queue, region, closed, "a region was closed or opened");
}

/// A tick of a leader failed; the next one reads everything anew.
pub fn tick_failed(shard: &Shard, error: &StoreError) {
    counter!("muster_matchmaker_tick_failures_total", "queue" => shard.queue.clone()).increment(1);
    tracing::warn!(
        queue = shard.queue,
        group = shard.group,
        error = error as &dyn std::error::Error,
        "a tick failed; the tickets are read anew"
    );
}

/// A ticket began to wait while somebody led its shard. `muster_tickets_created_total` has all of them, without regions.
pub fn ticket_arrived(queue: &str, region: &str, players: usize) {
    let labels = region_labels(queue, region);
    counter!("muster_ticket_arrivals_total", labels.clone()).increment(1);
    counter!("muster_player_arrivals_total", labels).increment(players as u64);
}

/// Who waits in one region of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Tickets; a party is one.
    pub tickets: u64,
    /// Players.
    pub players: u64,
    /// How long the oldest of the tickets has waited.
    pub oldest: Duration,
}

/// Who waits in one region of a pool, as its leader knows it.
pub fn pool_depth(queue: &str, region: &str, depth: Depth) {
    let labels = region_labels(queue, region);
    gauge!("muster_pool_tickets", labels.clone()).set(depth.tickets as f64);
    gauge!("muster_pool_players", labels.clone()).set(depth.players as f64);
    gauge!("muster_pool_oldest_seconds", labels).set(depth.oldest.as_secs_f64());
}

/// One pass over a pool.
pub fn pass_done(shard: &Shard, took: Duration, waiting: usize, proposals: usize) {
    histogram!("muster_matchmaker_pass_seconds", "queue" => shard.queue.clone()).record(took.as_secs_f64());
    if proposals > 0 {
        tracing::debug!(queue = shard.queue, group = shard.group, waiting, proposals, ?took, "pass");
    }
}

/// One tick of a leader that had something to do: from the beat to the last claim.
pub fn tick_done(shard: &Shard, took: Duration) {
    histogram!("muster_matchmaker_tick_seconds", "queue" => shard.queue.clone()).record(took.as_secs_f64());
}

/// A proposal could not be claimed because one of its tickets was no longer waiting.
pub fn claim_lost(shard: &Shard) {
    counter!("muster_matchmaker_claims_lost_total", "queue" => shard.queue.clone()).increment(1);
    tracing::debug!(queue = shard.queue, group = shard.group, "a ticket of the proposal was no longer waiting");
}

/// Tickets whose match never came to be wait again.
pub fn claim_released(shard: &Shard, tickets: usize, reason: &str) {
    counter!("muster_matchmaker_claims_released_total", "queue" => shard.queue.clone()).increment(1);
    tracing::warn!(
        queue = shard.queue,
        group = shard.group,
        tickets,
        reason,
        "claimed tickets were given back to their queue"
    );
}

/// Claims of a matchmaker that died half way were completed, settled or given back.
pub fn claims_recovered(matches: usize) {
    counter!("muster_matchmaker_claims_recovered_total").increment(matches as u64);
    tracing::info!(matches, "claims of a matchmaker that is gone were brought to their end");
}

/// What became of the question whether a match is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalEnd {
    /// All have said yes.
    Accepted,
    /// Somebody has said no.
    Declined,
    /// Somebody has said nothing.
    TimedOut,
}

/// The players of a match have been asked, and this came of it.
pub fn proposal_ended(shard: &Shard, end: ProposalEnd) {
    let outcome = match end {
        ProposalEnd::Accepted => "accepted",
        ProposalEnd::Declined => "declined",
        ProposalEnd::TimedOut => "timed_out",
    };
    counter!("muster_proposals_ended_total", "queue" => shard.queue.clone(), "outcome" => outcome).increment(1);
    tracing::debug!(queue = shard.queue, group = shard.group, outcome, "proposal ended");
}

/// What became of a match that needs somebody's own server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignmentEnd {
    /// It has one.
    Assigned,
    /// A trusted server refused it.
    Refused,
    /// Nobody has answered in time.
    Overdue,
}

/// A match that needed somebody's own server has one, or comes to nothing.
pub fn assignment_ended(match_id: MatchId, shard: &Shard, end: AssignmentEnd, reason: &str) {
    let outcome = match end {
        AssignmentEnd::Assigned => "assigned",
        AssignmentEnd::Refused => "refused",
        AssignmentEnd::Overdue => "overdue",
    };
    counter!("muster_assignments_ended_total", "queue" => shard.queue.clone(), "outcome" => outcome).increment(1);
    if end == AssignmentEnd::Assigned {
        tracing::info!(match_id = %match_id, queue = shard.queue, "match assigned to a server");
    } else {
        tracing::warn!(match_id = %match_id, queue = shard.queue, outcome, reason, "no server took a match");
    }
}

/// A server of a game has registered.
pub fn server_registered(server: ServerId, region: Option<&str>, capacity: u16) {
    counter!("muster_servers_registered_total").increment(1);
    tracing::info!(server_id = %server, region, capacity, "server registered");
}

/// Servers fell silent, and the matches they had are over.
pub fn servers_lost(servers: &[ServerId], matches: usize) {
    counter!("muster_servers_lost_total").increment(servers.len() as u64);
    counter!("muster_server_matches_orphaned_total").increment(matches as u64);
    for server in servers {
        tracing::warn!(server_id = %server, "server lost: no heartbeat in time; its matches are over");
    }
}

/// What a look at the matches that want servers came to.
pub fn matches_allocated(shard: &Shard, done: Allocation) {
    counter!("muster_allocations_total", "queue" => shard.queue.clone(), "outcome" => "allocated")
        .increment(done.allocated.into());
    counter!("muster_allocations_total", "queue" => shard.queue.clone(), "outcome" => "refused")
        .increment(done.refused.into());
    gauge!("muster_allocations_waiting", shard_labels(shard)).set(f64::from(done.waiting));
    if done.allocated > 0 || done.refused > 0 {
        tracing::debug!(queue = shard.queue, group = shard.group, ?done, "matches given to servers");
    }
}

/// A match on a server of its game is over, and everybody is told.
pub fn server_match_ended(id: MatchId, queue: &str, reason: ServerMatchReason) {
    let outcome = reason.as_str();
    counter!("muster_server_matches_ended_total", "queue" => queue.to_owned(), "outcome" => outcome).increment(1);
    tracing::info!(match_id = %id, queue, outcome, "match on a server ended");
}

/// The servers that are registered now. Every director tells the same.
pub fn servers_counted(counts: &ServerCounts) {
    let states = [
        ("starting", counts.starting),
        ("ready", counts.ready),
        ("allocated", counts.allocated),
        ("draining", counts.draining),
    ];
    for (state, servers) in states {
        gauge!("muster_servers", "state" => state).set(servers as f64);
    }
    gauge!("muster_server_matches").set(counts.matches as f64);
    gauge!("muster_server_places_free").set(counts.free as f64);
}

/// A match began.
pub fn match_started(id: MatchId, queue: &QueueDefinition, region: &str, quality: f64) {
    let labels = region_labels(&queue.name, region);
    let mode = queue.mode.map_or("none", |mode| mode.as_str());
    counter!("muster_matches_started_total", "queue" => queue.name.clone(), "region" => region.to_owned(), "mode" => mode)
        .increment(1);
    histogram!("muster_match_quality_ratio", labels).record(quality);
    tracing::info!(match_id = %id, queue = queue.name, region, quality, "match started");
}

/// A ticket has its match: how long it waited, for it and for each of its players.
pub fn ticket_matched(queue: &str, region: &str, players: usize, waited: Duration) {
    let labels = region_labels(queue, region);
    histogram!("muster_ticket_wait_seconds", labels.clone()).record(waited.as_secs_f64());
    histogram!("muster_player_wait_seconds", labels).record_many(waited.as_secs_f64(), players);
    ticket_ended(queue, region, players, "matched", None);
}

/// A ticket is over: `matched`, `cancelled`, `expired` or `failed`, and why. Reasons are those of the platform, never a text that
/// somebody wrote.
pub fn ticket_ended(queue: &str, region: &str, players: usize, outcome: &'static str, reason: Option<&str>) {
    let labels = [
        ("queue", queue.to_owned()),
        ("region", region.to_owned()),
        ("outcome", outcome.to_owned()),
        ("reason", reason.unwrap_or_default().to_owned()),
    ];
    counter!("muster_tickets_ended_total", &labels).increment(1);
    counter!("muster_players_ended_total", &labels).increment(players as u64);
}

/// How many matches have begun here whose rows are not written yet.
pub fn matches_to_finish(waiting: usize) {
    gauge!("muster_matchmaker_unfinished_matches").set(waiting as f64);
}

fn shard_labels(shard: &Shard) -> Vec<Label> {
    vec![Label::new("queue", shard.queue.clone()), Label::new("group", shard.group.clone())]
}

fn region_labels(queue: &str, region: &str) -> Vec<Label> {
    vec![Label::new("queue", queue.to_owned()), Label::new("region", region.to_owned())]
}

/// This referee takes its share of the matches, or, as its region is closed, only those that no other takes.
pub fn referee_willing(willing: bool, region: &str) {
    gauge!("muster_referee_willing").set(if willing { 1.0 } else { 0.0 });
    if willing {
        tracing::info!(region, "this referee takes its share of the matches");
    } else {
        tracing::info!(region, "this referee's region is closed: it takes only matches that no other takes");
    }
}

/// This referee could not be moved to or from those that take what no other takes.
pub fn referee_unmoved(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(
        error,
        "this referee's region was opened or closed, and NATS could not be told; the next look tries again"
    );
}

/// This process became a match's owner: `replayed` events came from its log.
pub fn match_owned(id: MatchId, replayed: usize, taken_over: bool) {
    gauge!("muster_referee_matches").increment(1.0);
    if taken_over {
        counter!("muster_match_takeovers_total").increment(1);
        histogram!("muster_match_replay_size").record(replayed as f64);
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

/// A match could not go on because of a fault of this program.
pub fn match_panicked(id: MatchId) {
    gauge!("muster_referee_matches").decrement(1.0);
    counter!("muster_match_panics_total").increment(1);
    tracing::error!(match_id = %id, "a match panicked; its owner lets go of it");
}

/// The log of a match that was never settled is gone; the match was ended as abandoned.
pub fn match_lost(id: MatchId) {
    counter!("muster_matches_lost_total").increment(1);
    tracing::error!(match_id = %id, "the log of a running match is gone; the match was abandoned");
}

/// A match that was settled before has a log; it is cleared.
pub(crate) fn log_left_over(id: MatchId, entries: usize) {
    counter!("muster_match_logs_left_over_total").increment(1);
    tracing::warn!(match_id = %id, entries, "a settled match has a log; did NATS lose a purge?");
}

/// The result of a match could not be stored; it is tried again.
pub(crate) fn settlement_failed(id: MatchId, error: &AdoptError) {
    counter!("muster_match_settlements_failed_total").increment(1);
    tracing::warn!(match_id = %id, error = error as &dyn std::error::Error, "the result of a match could not be stored yet");
}

/// Players could not be told what has happened; it is tried again.
pub fn tell_failed(id: MatchId, error: &StoreError) {
    counter!("muster_match_tells_failed_total").increment(1);
    tracing::warn!(match_id = %id, error = error as &dyn std::error::Error, "players could not be told of an event yet");
}

/// A decision stands in the log of its match.
pub fn match_appended(took: Duration) {
    histogram!("muster_match_append_seconds").record(took.as_secs_f64());
}

/// What was decided is kept for both players, and on its way to them.
pub fn match_told(took: Duration) {
    histogram!("muster_match_tell_seconds").record(took.as_secs_f64());
}

/// Nobody has heard of a player of a running match for too long.
pub fn player_absent(player: PlayerId) {
    counter!("muster_match_absences_total").increment(1);
    tracing::info!(player_id = %player, "a player in a match fell silent");
}

/// A match is over and settled.
pub fn match_ended(id: MatchId, queue: &str, outcome: &Outcome, took: Duration) {
    counter!("muster_matches_ended_total", "queue" => queue.to_owned(), "outcome" => outcome.kind.as_str())
        .increment(1);
    histogram!("muster_match_seconds", "queue" => queue.to_owned()).record(took.as_secs_f64());
    tracing::info!(match_id = %id, queue, outcome = outcome.kind.as_str(), "match ended");
}

/// Leaderboards were made again from the ratings, with so many standings.
pub fn leaderboards_made(standings: u64, took: Duration) {
    counter!("muster_leaderboard_rebuilds_total", "outcome" => "made").increment(1);
    histogram!("muster_leaderboard_rebuild_seconds").record(took.as_secs_f64());
    tracing::info!(standings, ?took, "leaderboards were made again");
}

/// Leaderboards could not be looked at, or made again; the next look tries again.
pub fn leaderboards_not_made(error: &StoreError) {
    counter!("muster_leaderboard_rebuilds_total", "outcome" => "failed").increment(1);
    tracing::warn!(error = error as &dyn std::error::Error, "leaderboards could not be looked at or made again");
}

/// Leaderboards could not be told of so many settled matches; they are told again.
pub fn leaderboards_not_told(matches: usize, error: &StoreError) {
    counter!("muster_leaderboard_tells_failed_total").increment(1);
    tracing::warn!(matches, error = error as &dyn std::error::Error, "leaderboards could not be told of results yet");
}

/// Players could not be told how so many matches ended; they are told again.
pub fn results_not_told(matches: usize, error: &StoreError) {
    counter!("muster_match_results_untold_total").increment(1);
    tracing::warn!(matches, error = error as &dyn std::error::Error, "players could not be told of results yet");
}

/// A writer begins. What an alert asks for is there from 0 on: of a count that begins at its first event, that one is no increase.
pub fn writer_begins() {
    counter!("muster_telemetry_events_dead_total").increment(0);
}

/// A batch of telemetry was committed; what could not be stored went to the dead letters, or stays in the stream as long as they have
/// no room, which counts as a failure.
pub fn telemetry_stored(stored: &Stored, took: Duration) {
    let Stored { new, duplicates, dead, quarantined, switched_off, kept_back } = *stored;
    counter!("muster_telemetry_events_stored_total").increment(new);
    counter!("muster_telemetry_events_duplicate_total").increment(duplicates);
    counter!("muster_telemetry_events_dead_total").increment(dead);
    counter!("muster_telemetry_events_quarantined_total").increment(quarantined);
    counter!("muster_telemetry_events_switched_off_total").increment(switched_off);
    counter!("muster_telemetry_batch_failures_total").increment(u64::from(kept_back > 0));
    histogram!("muster_telemetry_batch_seconds").record(took.as_secs_f64());
    tracing::debug!(new, duplicates, dead, quarantined, switched_off, kept_back, ?took, "telemetry stored");
}

/// Events of a client or a trusted server were judged.
pub fn telemetry_received(source: EventSource, verdicts: &[EventVerdict]) {
    let mut counts = BTreeMap::<&'static str, u64>::new();
    verdicts.iter().for_each(|told| *counts.entry(told.verdict.as_str()).or_default() += 1);
    for (verdict, count) in counts {
        counter!("muster_telemetry_events_received_total", "source" => source.as_str(), "verdict" => verdict)
            .increment(count);
    }
}

/// Telemetry of the platform's own was let go: the queue was full, or the stream did not take it however often it was tried.
pub fn telemetry_dropped(events: usize, error: Option<&PublishError>) {
    counter!("muster_telemetry_events_dropped_total").increment(events as u64);
    // A full queue drops one by one, and the stream's refusal that filled it has been told.
    if let Some(error) = error {
        tracing::error!(
            error = error as &dyn std::error::Error,
            events,
            "telemetry could not be published and was dropped"
        );
    }
}

/// A batch of telemetry could not be committed; it is delivered again.
pub fn telemetry_batch_failed(error: &StoreError) {
    counter!("muster_telemetry_batch_failures_total").increment(1);
    tracing::warn!(error = error as &dyn std::error::Error, "telemetry batch failed; it will be delivered again");
}

/// Messages of the stream that its consumer had passed over are on their way to the writers again.
pub fn telemetry_brought_again(messages: u64) {
    counter!("muster_telemetry_messages_brought_again_total").increment(messages);
    tracing::warn!(messages, "telemetry that NATS had passed over was put at the end of its stream; was NATS killed?");
}

/// What writers left for the questions of staff became facts.
pub fn facts_folded(batches: u64) {
    counter!("muster_facts_batches_folded_total").increment(batches);
    tracing::trace!(batches, "facts folded");
}

/// Facts could not be folded, packed or sampled (`fold`, `pack`, `sample`); what waits goes on waiting, and it is tried again.
pub fn facts_failed(doing: &'static str, error: &StoreError) {
    counter!("muster_facts_failures_total", "doing" => doing).increment(1);
    tracing::warn!(error = error as &dyn std::error::Error, doing, "facts could not be looked after; trying again");
}

/// How many tickets wait in a shard, as Redis has it: told by every matchmaker, also where nobody leads.
pub fn tickets_waiting(shard: &Shard, waiting: u64) {
    gauge!("muster_tickets_waiting", shard_labels(shard)).set(waiting as f64);
}

/// The counts that staff see, as gauges.
pub fn live_counts(counts: &LiveCounts) {
    gauge!("muster_players_online").set(counts.players_online as f64);
    gauge!("muster_matches_running").set(counts.matches_running as f64);
    gauge!("muster_matches_finished").set(counts.matches_finished as f64);
    gauge!("muster_telemetry_events_stored").set(counts.events_stored as f64);
}
