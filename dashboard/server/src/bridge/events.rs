//! What is worth counting about sockets.

const OPEN: &str = "muster_dashboard_sockets";
const REFUSED: &str = "muster_dashboard_sockets_refused_total";
const CLOSED: &str = "muster_dashboard_sockets_closed_total";

pub(super) fn describe() {
    metrics::describe_gauge!(OPEN, "Browsers' sockets that are open.");
    metrics::describe_counter!(REFUSED, "Sockets refused, by code.");
    metrics::describe_counter!(CLOSED, "Sockets closed, by who or what ended them.");
}

/// An open socket; dropping it counts the end.
pub(super) struct OpenSocket {
    ended_by: &'static str,
}

impl OpenSocket {
    pub(super) fn new() -> Self {
        metrics::gauge!(OPEN).increment(1.0);
        tracing::debug!("socket opened");
        Self { ended_by: "aborted" }
    }

    pub(super) fn end(mut self, by: &'static str) {
        self.ended_by = by;
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        metrics::gauge!(OPEN).decrement(1.0);
        metrics::counter!(CLOSED, "by" => self.ended_by).increment(1);
        tracing::debug!(by = self.ended_by, "socket closed");
    }
}

pub(super) fn refused(code: &'static str) {
    metrics::counter!(REFUSED, "code" => code).increment(1);
    tracing::debug!(code, "socket refused");
}
