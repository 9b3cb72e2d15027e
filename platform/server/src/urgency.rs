//! Who is in a hurry: work that can wait steps back meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Whether somebody is in a hurry; nobody is, by default.
#[derive(Clone, Default)]
pub struct Urgency(Arc<watch::Sender<usize>>);

/// Somebody is in a hurry as long as this lives.
pub(crate) struct Urgent(Arc<watch::Sender<usize>>);

impl Urgency {
    /// Somebody is.
    pub(crate) fn hold(&self) -> Urgent {
        self.0.send_modify(|held| *held += 1);
        Urgent(self.0.clone())
    }

    /// Waits until somebody is.
    pub(crate) async fn hurries(&self) {
        // It cannot fail: this holds the sender.
        let _ = self.0.subscribe().wait_for(|held| *held > 0).await;
    }

    /// Waits until nobody is any more, `longest` at most.
    pub(crate) async fn calm(&self, longest: Duration) {
        let mut held = self.0.subscribe();
        // Neither outcome is a fault: past the longest wait, what can wait has waited enough.
        let _ = tokio::time::timeout(longest, held.wait_for(|held| *held == 0)).await;
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        self.0.send_modify(|held| *held -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COURTESY: Duration = Duration::from_millis(250);

    #[tokio::test(start_paused = true)]
    async fn what_can_wait_waits_for_the_last_who_is_in_a_hurry_but_not_for_ever() {
        let urgency = Urgency::default();
        let (first, second) = (urgency.hold(), urgency.hold());
        drop(first);
        let start = tokio::time::Instant::now();
        urgency.calm(COURTESY).await;
        assert_eq!(start.elapsed(), COURTESY, "somebody was in a hurry all the time");
        drop(second);
        urgency.calm(COURTESY).await;
        assert_eq!(start.elapsed(), COURTESY, "nobody was");
    }
}
