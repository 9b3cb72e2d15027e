//! Makes leaderboards again that Redis has lost, or that staff want anew.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Referee;
use crate::events;

/// Between two looks whether they are whole.
const LOOK: Duration = Duration::from_secs(5);

/// Looks until the process drains. A rebuild that is broken off is begun again by somebody else.
pub(super) async fn run(referee: Referee) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mending = async {
            looks.tick().await;
            let began = Instant::now();
            (referee.0.store.leaderboards.mend(muster_store::now()).await, began.elapsed())
        };
        let (mended, took) = tokio::select! {
            () = referee.0.drain.cancelled() => return,
            mended = mending => mended,
        };
        match mended {
            Ok(None) => {}
            Ok(Some(standings)) => events::leaderboards_made(standings, took),
            Err(error) => events::leaderboards_not_made(&error),
        }
    }
}
