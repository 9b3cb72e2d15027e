//! What is worth counting: each event is one function that logs and counts together, so the two never disagree.
//!
//! Labels are enums of this crate. Ids are fields of log lines only; e-mail addresses and tokens are in neither.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use muster_core::{game::Mode, id::StaffId};
use muster_store::TelemetrySource;

/// One GraphQL operation was answered; `outcome` is `ok` or the code of its first error.
pub fn operation_answered(kind: &'static str, outcome: &'static str, took: Duration) {
    counter!("muster_staff_operations_total", "kind" => kind, "outcome" => outcome).increment(1);
    histogram!("muster_staff_operation_seconds", "kind" => kind).record(took.as_secs_f64());
    tracing::debug!(kind, outcome, ?took, "operation answered");
}

/// A subscription began.
pub fn subscription_opened() {
    gauge!("muster_staff_subscriptions").increment(1.0);
    counter!("muster_staff_subscriptions_opened_total").increment(1);
    tracing::debug!("subscription opened");
}

/// A subscription is over: `completed`, `cancelled` or `session_over`.
pub fn subscription_closed(reason: &'static str) {
    gauge!("muster_staff_subscriptions").decrement(1.0);
    counter!("muster_staff_subscriptions_closed_total", "reason" => reason).increment(1);
    tracing::debug!(reason, "subscription closed");
}

/// A socket was upgraded.
pub fn socket_opened() {
    gauge!("muster_staff_sockets").increment(1.0);
    counter!("muster_staff_sockets_opened_total").increment(1);
    tracing::debug!("staff socket opened");
}

/// A socket is gone.
pub fn socket_closed(reason: &'static str) {
    gauge!("muster_staff_sockets").decrement(1.0);
    counter!("muster_staff_sockets_closed_total", "reason" => reason).increment(1);
    tracing::debug!(reason, "staff socket closed");
}

/// Somebody of the staff signed in.
pub fn signed_in(staff: StaffId) {
    counter!("muster_staff_sign_ins_total", "outcome" => "ok").increment(1);
    tracing::info!(staff_id = %staff, "staff signed in");
}

/// A sign-in was refused: `unknown_account`, `disabled_account`, `wrong_password`.
pub fn sign_in_refused(reason: &'static str) {
    counter!("muster_staff_sign_ins_total", "outcome" => reason).increment(1);
    tracing::warn!(reason, "staff sign-in refused");
}

/// A sign-in was not even looked at, because there were too many before it: `account` or `total`.
pub fn sign_in_limited(limit: &'static str) {
    counter!("muster_staff_sign_ins_limited_total", "limit" => limit).increment(1);
    tracing::warn!(limit, "too many staff sign-in attempts");
}

/// Somebody of the staff signed out.
pub fn signed_out(staff: StaffId) {
    counter!("muster_staff_sign_outs_total").increment(1);
    tracing::info!(staff_id = %staff, "staff signed out");
}

/// A session ended while a socket was open on it.
pub fn session_over(staff: StaffId) {
    counter!("muster_staff_sessions_cut_total").increment(1);
    tracing::info!(staff_id = %staff, "session ended; its socket is closed");
}

/// A session could not be looked up again; it stays valid until it can, or until it expires.
pub fn session_recheck_failed(error: &(dyn std::error::Error + 'static)) {
    counter!("muster_staff_session_recheck_failures_total").increment(1);
    tracing::warn!(error, "session could not be looked at again");
}

/// The live counts were read once.
pub fn live_sampled(took: Duration) {
    counter!("muster_live_samples_total", "outcome" => "ok").increment(1);
    histogram!("muster_live_sample_seconds").record(took.as_secs_f64());
}

/// The live counts could not be read; subscribers keep the last ones.
pub fn live_sample_failed(error: &(dyn std::error::Error + 'static)) {
    counter!("muster_live_samples_total", "outcome" => "failed").increment(1);
    tracing::warn!(error, "live counts could not be read");
}

/// What was done to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueAct {
    /// It was made.
    Created,
    /// It has a new version.
    Changed,
}

/// Somebody of the staff made a queue, or a version of one.
pub fn queue_put(staff: StaffId, act: QueueAct, queue: &str, version: u32) {
    let act = match act {
        QueueAct::Created => "created",
        QueueAct::Changed => "changed",
    };
    counter!("muster_staff_queue_changes_total", "act" => act).increment(1);
    tracing::info!(staff_id = %staff, queue, version, act, "staff changed a queue");
}

/// Somebody of the staff closed a region of a queue, or of every queue, or opened it.
pub fn region_switched(staff: StaffId, queue: Option<&str>, region: &str, closed: bool) {
    counter!("muster_staff_region_switches_total", "closed" => if closed { "true" } else { "false" }).increment(1);
    tracing::info!(staff_id = %staff, queue, region, closed, "staff closed or opened a region");
}

/// Somebody of the staff asked for a leaderboard to be made again.
pub fn leaderboard_rebuild_asked(staff: StaffId, mode: Mode) {
    counter!("muster_staff_leaderboard_rebuilds_total", "mode" => mode.as_str()).increment(1);
    tracing::info!(staff_id = %staff, %mode, "staff asked for a leaderboard to be made again");
}

/// Somebody of the staff made an event type, or a version of one.
pub fn event_type_put(staff: StaffId, event_type: &str, version: u32, enabled: bool) {
    counter!("muster_staff_event_type_changes_total").increment(1);
    tracing::info!(staff_id = %staff, event_type, version, enabled, "staff changed an event type");
}

/// Somebody of the staff made a season, or changed one.
pub fn season_put(staff: StaffId, season: &str, version: u32) {
    counter!("muster_staff_season_changes_total").increment(1);
    tracing::info!(staff_id = %staff, season, version, "staff changed a season");
}

/// Somebody of the staff closed a source of events, or opened it.
pub fn event_source_switched(staff: StaffId, source: TelemetrySource, closed: bool) {
    counter!("muster_staff_event_source_switches_total", "source" => source.as_str()).increment(1);
    tracing::warn!(staff_id = %staff, %source, closed, "staff switched a source of events");
}

/// Somebody of the staff released events from quarantine.
pub fn quarantine_released(staff: StaffId, released: u64, refused: u64) {
    counter!("muster_telemetry_events_released_total").increment(released);
    tracing::info!(staff_id = %staff, released, refused, "staff released quarantined events");
}

/// Somebody of the staff sent dead letters on their way again.
pub fn dead_letters_replayed(staff: StaffId, replayed: u64) {
    counter!("muster_telemetry_dead_letters_replayed_total").increment(replayed);
    tracing::info!(staff_id = %staff, replayed, "staff replayed dead letters");
}

/// How a dry run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRunOutcome {
    /// It was told.
    Done,
    /// Others took its turn.
    Busy,
    /// It was given up.
    TookTooLong,
    /// It could not be made.
    Failed,
}

/// A dry run is over; `took` has its wait for a turn.
pub fn dry_run_ended(outcome: DryRunOutcome, tickets: usize, took: Duration) {
    let outcome = match outcome {
        DryRunOutcome::Done => "done",
        DryRunOutcome::Busy => "busy",
        DryRunOutcome::TookTooLong => "took_too_long",
        DryRunOutcome::Failed => "failed",
    };
    counter!("muster_staff_dry_runs_total", "outcome" => outcome).increment(1);
    histogram!("muster_staff_dry_run_seconds").record(took.as_secs_f64());
    tracing::info!(outcome, tickets, ?took, "dry run ended");
}

/// Somebody of the staff took an answer out of the house as a file.
pub fn insights_exported(staff: StaffId, question: &'static str, format: &'static str, rows: usize) {
    counter!("muster_staff_exports_total", "question" => question, "format" => format).increment(1);
    tracing::info!(staff_id = %staff, question, format, rows, "staff exported an answer");
}

/// The events that come in could not be followed; it is tried again.
pub fn event_feed_failed(error: &(dyn std::error::Error + 'static)) {
    counter!("muster_event_feed_failures_total").increment(1);
    tracing::warn!(error, "the events that come in could not be followed");
}

/// Something went wrong that the caller can do nothing about.
pub fn internal_error(doing: &'static str, error: &(dyn std::error::Error + 'static)) {
    counter!("muster_staff_internal_errors_total", "doing" => doing).increment(1);
    tracing::error!(error, doing, "staff API failed");
}
