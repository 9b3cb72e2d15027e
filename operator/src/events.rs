//! What is worth counting: each event is one function that logs and counts together, so the two never disagree.
//!
//! Labels are enums and kinds of resources. Names of resources are fields of log lines only.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::reconcile::Class;

/// A resource was looked at: `done`, `paused`, or the class of the error.
pub(crate) fn reconciled(kind: &str, outcome: &'static str, took: Duration) {
    counter!("muster_reconciles_total", "kind" => kind.to_owned(), "outcome" => outcome).increment(1);
    histogram!("muster_reconcile_seconds", "kind" => kind.to_owned()).record(took.as_secs_f64());
    tracing::debug!(kind, outcome, ?took, "reconciled");
}

/// A resource could not be made what it says; it is tried again.
pub(crate) fn reconcile_failed(kind: &str, class: Class, error: &(dyn std::error::Error + 'static), again: Duration) {
    if class.is_passing() {
        tracing::info!(kind, class = class.as_str(), error, ?again, "could not be reconciled yet");
    } else {
        tracing::warn!(kind, class = class.as_str(), error, ?again, "could not be reconciled");
    }
}

/// The failure of a resource could not be told in its status.
pub(crate) fn failure_untold(kind: &str, error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(kind, error, "the status could not be written");
}

/// An object was written: created or changed on the API server.
pub(crate) fn object_applied(kind: &str, namespace: &str, name: &str) {
    counter!("muster_operator_writes_total", "kind" => kind.to_owned()).increment(1);
    tracing::info!(kind, namespace, name, "applied");
}

/// An object was deleted.
pub(crate) fn object_deleted(kind: &str, namespace: &str, name: &str) {
    counter!("muster_operator_writes_total", "kind" => kind.to_owned()).increment(1);
    tracing::info!(kind, namespace, name, "deleted");
}

/// A status was written.
pub(crate) fn status_written(kind: &str) {
    counter!("muster_operator_status_writes_total", "kind" => kind.to_owned()).increment(1);
}

/// A watch broke; it is begun again with a growing pause.
pub(crate) fn watch_failed(kind: &str, error: &(dyn std::error::Error + 'static)) {
    counter!("muster_operator_watch_failures_total", "kind" => kind.to_owned()).increment(1);
    tracing::warn!(kind, error, "a watch broke; it is begun again");
}

/// A resource cannot be read as its definition now is; it is left as it is.
pub(crate) fn unreadable(kind: &str, namespace: &str, name: &str, error: &(dyn std::error::Error + 'static)) {
    counter!("muster_operator_unreadable_total", "kind" => kind.to_owned()).increment(1);
    tracing::warn!(kind, namespace, name, error, "a resource cannot be read");
}

/// A Kubernetes event could not be written.
pub(crate) fn notice_failed(reason: &str, error: &(dyn std::error::Error + 'static)) {
    counter!("muster_operator_notice_failures_total").increment(1);
    tracing::warn!(reason, error, "an event could not be written");
}

/// This process acts now, or no longer.
pub(crate) fn leading(leads: bool) {
    gauge!("muster_operator_leading").set(if leads { 1.0 } else { 0.0 });
    if leads {
        tracing::info!("this process acts now");
    } else {
        tracing::info!("this process stands by");
    }
}

/// The Lease could not be read or written.
pub(crate) fn lease_failed(error: &(dyn std::error::Error + 'static)) {
    counter!("muster_operator_lease_failures_total").increment(1);
    tracing::warn!(error, "the Lease could not be read or written");
}

/// The platform could not be asked how many matches run.
pub(crate) fn platform_silent(error: &(dyn std::error::Error + 'static)) {
    counter!("muster_operator_platform_failures_total").increment(1);
    tracing::warn!(error, "the platform could not be asked how many matches run");
}

/// The processes of a region that drains could not be counted.
pub(crate) fn processes_uncounted(error: &(dyn std::error::Error + 'static)) {
    tracing::warn!(error, "the processes of a draining region could not be counted");
}

/// The platform could not be told whether a region's queues take players.
pub(crate) fn queues_untold(trouble: &str) {
    counter!("muster_operator_platform_failures_total").increment(1);
    tracing::warn!(trouble, "the platform could not be told to close or open a region's queues");
}

/// A region was deleted whose queues stay closed.
pub(crate) fn queues_left_closed(why: &str) {
    counter!("muster_operator_queues_left_closed_total").increment(1);
    tracing::warn!(why, "a region goes and its queues stay closed");
}

/// The API server is called: what a role must allow for it.
pub(crate) fn api_called(verb: &'static str, group: &str, resource: &str) {
    let labels = [("verb", verb.to_owned()), ("group", group.to_owned()), ("resource", resource.to_owned())];
    counter!("muster_operator_api_calls_total", &labels).increment(1);
}
