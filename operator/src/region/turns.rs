//! What is told by events at the turns of a Region.

use super::{Regions, platform::Platform, report};
use crate::{
    crd::{
        Region,
        region::{DrainStatus, QueuesState, QueuesStatus, RegionStatus},
    },
    reconcile::conditions::{self, DEGRADED, READY},
};

impl<P: Platform> Regions<P> {
    /// Says by events what has turned since `before`.
    pub(super) async fn tell_turns(&self, region: &Region, before: &RegionStatus, now: &RegionStatus) {
        let notices = &self.context.notices;
        let ready = |status: &RegionStatus| conditions::holds(&status.conditions, READY) == Some(true);
        let message = || {
            let condition = now.conditions.iter().find(|condition| condition.type_ == READY);
            condition.map(|condition| (condition.reason.clone(), condition.message.clone())).unwrap_or_default()
        };
        self.tell_queues(region, before, now).await;
        if before.drain.is_none() && now.drain.is_some() {
            notices.normal(region, "DrainBegan", "Drain", "No player comes in any more; running matches go on.").await;
        }
        if let (Some(DrainStatus { stopped_at: None, .. }), Some(drain)) = (&before.drain, &now.drain)
            && drain.stopped_at.is_some()
            && drain.matches_left != Some(0)
        {
            let left = drain.matches_left.map_or("An unknown number of".to_owned(), |matches| matches.to_string());
            let note = format!("{left} matches were left when spec.drain.matchTimeout was over; the processes stop.");
            notices.warning(region, "DrainTimedOut", "Drain", note).await;
        }
        if !ready(before) && ready(now) {
            let (reason, note) = message();
            notices.normal(region, &reason, "Reconcile", note).await;
        }
    }

    async fn tell_queues(&self, region: &Region, before: &RegionStatus, now: &RegionStatus) {
        let notices = &self.context.notices;
        if let Some(queues) = now.queues.as_ref().filter(|_| now.queues != before.queues) {
            self.tell_turn_of_queues(region, queues).await;
        }
        let reason = |status: &RegionStatus| conditions::reason(&status.conditions, DEGRADED).map(str::to_owned);
        if let Some(trouble) = reason(now).filter(|reason| report::QUEUES_REASONS.contains(&reason.as_str()))
            && reason(before).as_ref() != Some(&trouble)
        {
            let told = now.conditions.iter().find(|condition| condition.type_ == DEGRADED);
            let note = told.map(|condition| condition.message.clone()).unwrap_or_default();
            notices.warning(region, &trouble, "Reconcile", note).await;
        }
    }

    pub(super) async fn tell_turn_of_queues(&self, region: &Region, queues: &QueuesStatus) {
        let (notices, name) = (&self.context.notices, &queues.region);
        match queues.state {
            QueuesState::Closed => {
                notices.normal(region, "QueuesClosed", "Drain", format!("The queues are closed in {name}.")).await;
            }
            QueuesState::Open => {
                notices.normal(region, "QueuesOpened", "Reconcile", format!("The queues are open in {name}.")).await;
            }
            QueuesState::KeptClosed => {
                let note = format!("Staff keep the queues closed in {name}: only they open them.");
                notices.warning(region, "QueuesKeptClosed", "Reconcile", note).await;
            }
        }
    }
}
