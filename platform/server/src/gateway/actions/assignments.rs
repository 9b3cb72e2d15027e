//! Matches that are played on servers of their own: what waits for one, and the answer of whoever runs them.

use muster_core::id::MatchId;
use muster_core::wire::AssignmentView;
use muster_store::{Assignment, AssignmentState, Decision};

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;

impl Gateway {
    /// What waits for a server, the longest wait first.
    pub(in crate::gateway) async fn list_assignments(
        &self,
        queue: Option<&str>,
        first: u32,
    ) -> Result<Vec<AssignmentView>, ApiError> {
        let waiting = self.store.assignments.list(queue, first, muster_store::now()).await?;
        Ok(waiting.into_iter().map(view).collect())
    }

    /// Says where a match is played. The same answer again is as good; another one is too late.
    pub(in crate::gateway) async fn assign(
        &self,
        match_id: MatchId,
        connection: String,
    ) -> Result<AssignmentView, ApiError> {
        let decision = self.store.assignments.assign(match_id, connection, muster_store::now()).await?;
        decided(decision).map(view)
    }

    /// Says that there is no server for a match: its tickets return to the head of their queue.
    pub(in crate::gateway) async fn refuse_assignment(
        &self,
        match_id: MatchId,
        reason: String,
    ) -> Result<(), ApiError> {
        let decision = self.store.assignments.refuse(match_id, reason, muster_store::now()).await?;
        decided(decision).map(drop)
    }
}

/// An answer that counts. When another one did, the reason tells which.
fn decided(decision: Decision) -> Result<Assignment, ApiError> {
    match decision {
        Decision::Done(assignment) => Ok(assignment),
        Decision::AlreadyDecided(assignment) => Err(match assignment.state {
            AssignmentState::Assigned { .. } => Code::AlreadyAssigned.into(),
            // Its tickets are on their way back to their queue: it is no match any more.
            AssignmentState::Open | AssignmentState::Refused { .. } | AssignmentState::Expired => Code::NotFound.into(),
        }),
        Decision::NotFound => Err(Code::NotFound.into()),
    }
}

fn view(Assignment { new, state, .. }: Assignment) -> AssignmentView {
    AssignmentView {
        match_id: new.match_id,
        queue: new.shard.queue,
        region: new.region,
        teams: new.teams,
        quality: new.quality,
        expires_at: new.expires_at,
        connection: match state {
            AssignmentState::Assigned { connection } => Some(connection),
            AssignmentState::Open | AssignmentState::Refused { .. } | AssignmentState::Expired => None,
        },
        backfill_of: new.backfill_of,
    }
}
