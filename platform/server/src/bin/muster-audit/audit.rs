//! One check after the other.

use muster_core::id::{Id, MatchId};
use muster_store::Store;

use crate::args::{Args, Check};
use crate::calm;
use crate::checks::{leaderboards, matches, ratings, running, telemetry, tickets};
use crate::findings::{Report, Violation};

/// Between two looks at what is in motion: what is seen in both is stuck.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(2);

/// Looks at everything that is wanted.
pub async fn audit(store: &Store, args: &Args) -> anyhow::Result<Report> {
    let mut report = Report::new(muster_store::now(), args.most);
    if let Some(within) = args.calm_within {
        report.calm = Some(calm::wait(store, within).await);
    }
    let since = args.since.map_or(MatchId::from_uuid(uuid::Uuid::nil()), |age| {
        // An id tells when it was made, so the matches since a moment are those whose ids are above.
        <MatchId as Id>::new(muster_store::now() - age, [0; 10])
    });
    if args.wants(Check::Matches) {
        matches::check(store, since, &mut report).await?;
    }
    if args.wants(Check::Ratings) {
        ratings::check(store, since, args.most, &mut report).await?;
    }
    if args.wants(Check::Leaderboards) {
        leaderboards::check(store, args, &mut report).await?;
    }
    if args.wants(Check::Telemetry) {
        telemetry::check(store, args, &mut report).await?;
    }
    if args.wants(Check::Stuck) {
        stuck(store, args, &mut report).await?;
    }
    Ok(report)
}

/// What is in motion looks odd for a moment now and then: only what is there twice counts.
async fn stuck(store: &Store, args: &Args, report: &mut Report) -> anyhow::Result<()> {
    let first = look(store, args, report).await?;
    if first.is_empty() {
        return Ok(());
    }
    tokio::time::sleep(LOOK_AGAIN).await;
    let second = look(store, args, report).await?;
    report.extend(first.into_iter().filter(|seen| second.iter().any(|again| again.is_same(seen))));
    Ok(())
}

async fn look(store: &Store, args: &Args, report: &mut Report) -> anyhow::Result<Vec<Violation>> {
    let mut found = running::look(store, args, report).await?;
    found.extend(tickets::look(store, args, report).await?);
    Ok(found)
}
