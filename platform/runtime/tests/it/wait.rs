//! Waiting for a condition, with a deadline.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// How long anything may take here before the test fails.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Looks until there is something to see, and panics with `what` when the deadline has passed.
pub async fn until<T, F, Fut>(what: &str, mut look: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {DEADLINE:?} in vain for {what}");
        sleep(LOOK).await;
    }
}

/// Waits for a future, and panics with `what` when the deadline has passed.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("waited {DEADLINE:?} in vain for {what}"))
}
