//! How patient a connection is.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// How long saying goodbye may take.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);

/// A connection's patience; the defaults suit a game.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Longest time for the TCP and TLS handshakes, the upgrade and the welcome.
    pub connect_timeout: Duration,
    /// How long a verb waits for its answer, reconnects included.
    pub request_timeout: Duration,
    /// The first wait before connecting again; it doubles from loss to loss, and as much again is added by chance, so that
    /// a whole player base does not come back in one moment.
    pub min_delay: Duration,
    /// Where doubling stops.
    pub max_delay: Duration,
    /// A connection that held this long starts the doubling afresh.
    pub steady_after: Duration,
    /// Events that may wait to be read.
    pub event_capacity: usize,
    /// Verbs that may wait to be sent.
    pub request_capacity: usize,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            min_delay: Duration::from_millis(200),
            max_delay: Duration::from_secs(10),
            steady_after: Duration::from_secs(10),
            event_capacity: 1024,
            request_capacity: 64,
        }
    }
}

impl ConnectOptions {
    /// The waits between attempts, without an end.
    pub(super) fn delays(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::default()
            .with_min_delay(self.min_delay)
            .with_max_delay(self.max_delay)
            .without_max_times()
            .with_jitter()
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_never_end() {
        let options = ConnectOptions::default();
        let waits: Vec<Duration> = options.delays().take(200).collect();
        assert_eq!(waits.len(), 200);
        assert!(waits[0] >= options.min_delay && waits[0] <= options.min_delay * 2);
        assert!(waits[1] >= options.min_delay * 2);
        assert!(waits.iter().all(|wait| *wait <= options.max_delay * 2));
        assert!(waits[199] >= options.max_delay);
    }
}
