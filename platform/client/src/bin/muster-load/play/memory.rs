//! What sockets and matches weigh: the server's memory before and after.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::gauges::{Gauges, Server};

/// Between two looks at the server.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What was begun is done by then, or goes on for ever.
const CALM_WITHIN: Duration = Duration::from_secs(8);
/// Memory that changes by less than this from look to look is calm, in bytes.
const CALM: f64 = 64.0 * 1024.0;

/// The server's memory once it has stopped changing, or after eight seconds; none without its metrics.
///
/// # Errors
/// The server does not answer.
pub async fn calm(gauges: &Gauges) -> anyhow::Result<Option<Server>> {
    let deadline = Instant::now() + CALM_WITHIN;
    let Some(mut last) = gauges.server().await? else { return Ok(None) };
    loop {
        sleep(LOOK_EVERY).await;
        let Some(now) = gauges.server().await? else { return Ok(None) };
        let change = (now.resident_bytes - last.resident_bytes).abs();
        last = now;
        if change < CALM || Instant::now() >= deadline {
            return Ok(Some(last));
        }
    }
}

/// What each of so many is heavier by.
pub fn each(before: Option<Server>, after: Option<Server>, count: u32) -> Option<f64> {
    let (before, after) = before.zip(after)?;
    (count > 0).then(|| ((after.resident_bytes - before.resident_bytes) / f64::from(count)).round())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_difference_by_count() {
        let server = |resident_bytes| Some(Server { cpu_seconds: 0.0, resident_bytes });
        assert_eq!(each(server(1_000.0), server(21_000.0), 10), Some(2_000.0));
        assert_eq!(each(server(1_000.0), server(21_000.0), 0), None);
        assert_eq!(each(None, server(21_000.0), 10), None);
    }
}
