//! Queues that ask: a match is made when all its players have accepted it in time. Who declines, or says nothing, leaves the
//! queue, a party as one; the rest return to its head.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::try_join_all;
use futures::stream;
use muster_core::matchmaking::Acceptance;
use muster_core::time;
use muster_store::{ClaimedTicket, OpenProposal, ProposeRequest, Proposed, StoreError, TicketRecord};

use super::Leader;
use super::claim::{CLAIMING, lots};
use crate::events::{self, ProposalEnd};
use crate::matchmaker::begin::Claimed;
use crate::matchmaker::plan::Plan;
use crate::matchmaker::{release, tell};

impl Leader<'_> {
    /// Asks the players of each plan.
    pub(super) async fn propose(&mut self, plans: Vec<Plan>, acceptance: Acceptance) -> Result<(), StoreError> {
        let accept_by = muster_store::now() + Duration::from_secs(acceptance.within_secs.into());
        let accept_by = time::truncate(accept_by);
        let (matchmaker, shard) = (self.matchmaker, self.shard);
        let mut answers = stream::iter(lots(plans))
            .map(|lot| async move {
                let requests: Vec<ProposeRequest> = lot.iter().map(|plan| request(plan, accept_by)).collect();
                let answers = matchmaker.store.tickets.propose_many(shard, &requests).await?;
                let asked: Vec<TicketRecord> = answers.iter().flat_map(asked).cloned().collect();
                tell(matchmaker, &asked).await;
                Ok::<_, StoreError>((lot, answers))
            })
            .buffered(CLAIMING);
        while let Some(answer) = answers.next().await {
            let (lot, answers) = answer?;
            for (plan, answer) in lot.into_iter().zip(answers) {
                match answer {
                    Proposed::Proposed(_) => {
                        self.gone(&plan);
                        self.open_proposals += 1;
                    }
                    Proposed::Lost(lost) => self.lost(plan, &lost),
                }
            }
        }
        Ok(())
    }

    /// Makes or dissolves the matches whose players have all answered, or had the time to.
    pub(super) async fn decide(&mut self) -> Result<(), StoreError> {
        let now = muster_store::now();
        let due = self.matchmaker.store.tickets.due_proposals(self.shard, now).await?;
        let (accepted, failed): (Vec<_>, Vec<_>) = due.into_iter().partition(OpenProposal::is_accepted);
        self.confirm(accepted).await?;
        self.dissolve(failed).await
    }

    async fn confirm(&mut self, accepted: Vec<OpenProposal>) -> Result<(), StoreError> {
        let (tickets, shard) = (&self.matchmaker.store.tickets, self.shard);
        let confirmed = try_join_all(
            accepted.iter().map(async |proposal| tickets.confirm(shard, proposal.match_id, muster_store::now()).await),
        );
        let (mut claimed, mut shut_out) = (Vec::new(), Vec::new());
        for (proposal, confirmed) in accepted.iter().zip(confirmed.await?) {
            self.open_proposals = self.open_proposals.saturating_sub(1);
            // None: another leader has decided it, or somebody has changed their mind; then it is due again.
            let Some(tickets) = confirmed else { continue };
            events::proposal_ended(shard, ProposalEnd::Accepted);
            match Plan::from_json(&proposal.plan) {
                Ok(plan) if !self.plays_in(plan.region.as_deref()) => shut_out.extend(tickets),
                Ok(plan) => claimed.push(Claimed { plan, tickets }),
                Err(error) => release(self.matchmaker, &tickets, &format!("its plan cannot be read: {error}")).await,
            }
        }
        self.make(claimed).await;
        self.put_back(&shut_out).await
    }

    /// Whether matches may begin in a region: the queue has it, and it is open. One without a region may begin anywhere.
    fn plays_in(&self, region: Option<&str>) -> bool {
        let has = |region| self.definition.regions.iter().any(|of| of.name == region) && !self.closed.contains(region);
        region.is_none_or(has)
    }

    /// Everybody said yes to a match in a region that was closed meanwhile, or that the queue has no more: they wait again, for one
    /// that is open.
    async fn put_back(&self, tickets: &[ClaimedTicket]) -> Result<(), StoreError> {
        if tickets.is_empty() {
            return Ok(());
        }
        let released = self.matchmaker.store.tickets.release(tickets).await?;
        events::claim_released(self.shard, tickets.len(), "its region was closed, or taken out of the queue");
        tell(self.matchmaker, &released).await;
        Ok(())
    }

    async fn dissolve(&mut self, failed: Vec<OpenProposal>) -> Result<(), StoreError> {
        let (tickets, shard) = (&self.matchmaker.store.tickets, self.shard);
        let dissolved = try_join_all(
            failed.iter().map(async |proposal| tickets.dissolve(shard, proposal.match_id, muster_store::now()).await),
        );
        let mut ended = Vec::new();
        for (proposal, records) in failed.iter().zip(dissolved.await?) {
            self.open_proposals = self.open_proposals.saturating_sub(1);
            if records.is_empty() {
                continue;
            }
            let end = if proposal.declined.is_empty() { ProposalEnd::TimedOut } else { ProposalEnd::Declined };
            events::proposal_ended(shard, end);
            ended.extend(records);
        }
        // Those who wait again come back through the changes.
        self.ended(&ended).await;
        Ok(())
    }
}

fn request(plan: &Plan, accept_by: DateTime<Utc>) -> ProposeRequest {
    ProposeRequest {
        match_id: plan.match_id,
        tickets: plan.tickets.clone(),
        backfill: plan.backfill.clone(),
        accept_by,
        plan: plan.to_json(),
    }
}

/// The tickets whose players are asked now.
fn asked(answer: &Proposed) -> &[TicketRecord] {
    match answer {
        Proposed::Proposed(records) => records,
        Proposed::Lost(_) => &[],
    }
}
