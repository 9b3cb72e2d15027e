//! Queues, and the pool that proposes matches: pure, so that the matchmaker's only decision is when to ask.

mod dry_run;
mod explanation;
mod pool;
mod proposal;
mod queue;
mod ticket;

pub use dry_run::{
    Difference, DryRun, DryRunComparison, DryRunError, MetricUnit, QualitySummary, RecordedMember, RecordedOutcome,
    RecordedTicket, WaitSummary, compare as compare_dry_runs, dry_run,
};
pub use explanation::{Explanation, RoleSupply, RuleCost};
pub use pool::{Bucket, Histogram, Pool, PoolCounts};
pub use proposal::{Place, Proposal, ProposedTicket};
pub use queue::*;
pub use ticket::{Backfill, BackfillPlayer, BackfillTeam, Member, Ticket};
