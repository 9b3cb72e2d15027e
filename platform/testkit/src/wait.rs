//! Waiting for a condition, with a deadline and a name.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(25);

/// Asks `probe` every 25 ms until it gives a value, which is returned.
///
/// # Panics
/// With "waited 5s for …" and `what`, when `within` has passed without one.
pub async fn eventually<T>(within: Duration, what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {within:?} for {what}");
        sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_the_first_value() {
        let mut asked = 0;
        let value = eventually(Duration::from_secs(5), "the third answer", async || {
            asked += 1;
            (asked == 3).then_some(asked)
        })
        .await;
        assert_eq!(value, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "for a value that never comes")]
    async fn says_what_it_waited_for() {
        eventually(Duration::from_millis(60), "a value that never comes", async || None::<()>).await;
    }
}
