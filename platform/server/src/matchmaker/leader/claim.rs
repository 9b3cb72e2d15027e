//! From a pass to claims: whose tickets are ours, and what is made of them.

use futures::StreamExt;
use futures::stream;
use muster_core::id::TicketId;
use muster_core::matchmaking::Proposal;
use muster_store::{Claim, ClaimRequest, StoreError};

use super::{Leader, assignments};
use crate::events;
use crate::matchmaker::begin::{Claimed, begin};
use crate::matchmaker::plan::Plan;

/// Matches that are claimed together, and made together.
const AT_ONCE: usize = 64;
/// Such lots that are being claimed at the same time: Redis is never idle, nor has anybody to wait for all of them.
pub(super) const CLAIMING: usize = 4;
/// Such lots that are being made at the same time; past that, the next tick waits.
const MAKING: usize = 16;
/// From so many tickets on, a pass may take long enough for others to notice.
const LARGE: usize = 5_000;

impl Leader<'_> {
    /// Looks for matches among those who wait.
    pub(super) fn pass(&mut self) -> Vec<Plan> {
        let began = std::time::Instant::now();
        let now = muster_store::now();
        let waiting = self.pool.len();
        let mut proposals: Vec<Proposal> = Vec::new();
        if waiting < LARGE {
            self.pool.pass(now, &mut proposals);
        } else {
            // Whatever else this thread was to do goes to another meanwhile.
            tokio::task::block_in_place(|| self.pool.pass(now, &mut proposals));
        }
        events::pass_done(self.shard, began.elapsed(), waiting, proposals.len());
        let version = self.definition.version;
        let plans = proposals.into_iter().map(|proposal| {
            let wish = proposal.backfill.and_then(|id| self.wishes.get(&id).cloned());
            Plan::of(proposal, wish, muster_store::fresh_id(), version)
        });
        plans.collect()
    }

    /// Claims the tickets of each plan, and lets matches be made of those that are ours.
    pub(super) async fn claim(&mut self, plans: Vec<Plan>) -> Result<(), StoreError> {
        let (tickets, shard) = (&self.matchmaker.store.tickets, self.shard);
        let mut claims = stream::iter(lots(plans))
            .map(|lot| async move {
                let requests: Vec<ClaimRequest> = lot.iter().map(request).collect();
                let claims = tickets.claim_many(shard, &requests, muster_store::now()).await?;
                Ok::<_, StoreError>((lot, claims))
            })
            .buffered(CLAIMING);
        while let Some(answer) = claims.next().await {
            let (lot, claims) = answer?;
            let mut claimed = Vec::with_capacity(lot.len());
            for (plan, claim) in lot.into_iter().zip(claims) {
                match claim {
                    Claim::Claimed(tickets) => {
                        self.gone(&plan);
                        claimed.push(Claimed { plan, tickets });
                    }
                    Claim::Lost(lost) => self.lost(plan, &lost),
                }
            }
            self.make(claimed).await;
        }
        Ok(())
    }

    /// Lets matches be made of claimed tickets.
    pub(super) async fn make(&mut self, claimed: Vec<Claimed>) {
        if claimed.is_empty() {
            return;
        }
        while self.making.len() >= MAKING
            && let Some(made) = self.making.join_next().await
        {
            self.made(made);
        }
        let (matchmaker, definition) = (self.matchmaker.clone(), self.definition.clone());
        match &self.assignments {
            Some(assignments) if definition.mode.is_none() => {
                let (shard, opened) = (self.shard.clone(), assignments.opened());
                self.making.spawn(async move {
                    assignments::open(&matchmaker, &shard, claimed).await;
                    opened.notify_one();
                });
            }
            _ => {
                let waits = self.waits.clone();
                self.making.spawn(async move {
                    let waited = begin(&matchmaker, &definition, claimed).await;
                    waited.into_iter().for_each(|wait| waits.add(wait));
                });
            }
        }
    }

    /// The plan's tickets wait here no more.
    pub(super) fn gone(&mut self, plan: &Plan) {
        for ticket in &plan.tickets {
            self.pool.remove(*ticket);
            self.ledger.remove(*ticket);
        }
        if let Some(wish) = &plan.backfill {
            self.wishes.remove(&wish.backfill_id);
        }
    }

    /// Some tickets of the plan, or the wish it was to fulfil (then none), do not wait any more: the others still do.
    pub(super) fn lost(&mut self, plan: Plan, lost: &[TicketId]) {
        events::claim_lost(self.shard);
        for ticket in plan.tickets {
            if lost.contains(&ticket) {
                self.pool.remove(ticket);
                self.ledger.remove(ticket);
            } else {
                self.pool.put_back(ticket);
            }
        }
        if let Some(wish) = plan.backfill
            && !lost.is_empty()
        {
            self.admit_wish(wish);
        }
    }
}

fn request(plan: &Plan) -> ClaimRequest {
    ClaimRequest { match_id: plan.match_id, tickets: plan.tickets.clone(), backfill: plan.backfill.clone() }
}

/// The plans in lots that are claimed and made together.
pub(super) fn lots(plans: Vec<Plan>) -> Vec<Vec<Plan>> {
    let mut lots = Vec::with_capacity(plans.len().div_ceil(AT_ONCE));
    let mut plans = plans.into_iter().peekable();
    while plans.peek().is_some() {
        lots.push(plans.by_ref().take(AT_ONCE).collect());
    }
    lots
}
