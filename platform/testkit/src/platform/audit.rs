//! Whether what a test has played is stored as it was.

use muster_store::MatchFilter;

use crate::{Scratch, binaries::run};

/// Replays every stored match and recomputes the ratings, when there is any.
///
/// # Panics
/// When something does not hold; with all that was found.
pub(super) async fn played(scratch: &Scratch) {
    let settled = MatchFilter { finished: Some(true), ..MatchFilter::default() };
    // Without tables nothing was played: not every test migrates, and some take the database away.
    if !matches!(scratch.store.matches.count(&settled).await, Ok(1..)) {
        return;
    }
    let mut envs = scratch.env();
    envs.push(("MUSTER__LOG__FILTER".to_owned(), "error".to_owned()));
    let audit = run("muster-audit", &["--only", "matches", "--only", "ratings"], &envs, "").await;
    assert_eq!(audit.code, 0, "what was played is not what is stored:\n{}{}", audit.stdout, audit.stderr);
}
