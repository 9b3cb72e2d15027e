//! What the status says of a decision.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    decide::{Decision, Held},
    policy::Wish,
    seconds,
};
use crate::{
    crd::{RegionAutoscaler, region_autoscaler::RegionAutoscalerStatus},
    reconcile::conditions::{self, Conditioned, DEGRADED, PROGRESSING, READY, Says},
};

/// Something holds the number where it is.
const LIMITED: &str = "Limited";

/// A status in the making.
pub struct Report {
    /// How many processes there are to be now.
    pub current: Option<i32>,
    status: RegionAutoscalerStatus,
    says: Vec<Says>,
    scaling: bool,
}

impl Report {
    /// Begins with what was said before.
    pub fn of(resource: &RegionAutoscaler) -> Self {
        Self { current: None, status: resource.status.clone().unwrap_or_default(), says: Vec::new(), scaling: false }
    }

    /// When the number last changed, in whatever direction.
    pub fn changed(&self) -> Option<Timestamp> {
        let changes = [&self.status.last_scaled_up_at, &self.status.last_scaled_down_at];
        changes.into_iter().flatten().map(|time: &Time| time.0).max()
    }

    /// Nothing is decided, on purpose.
    pub fn idle(&mut self, reason: &'static str, message: String) {
        self.status.desired_replicas = None;
        self.status.decided_by = None;
        self.status.why = None;
        self.says = vec![
            Says::yes(READY, reason, message),
            Says::no(DEGRADED, "AsExpected", "Every measure can be had."),
            Says::no(LIMITED, "NotLimited", "Nothing holds the number."),
        ];
    }

    /// Another RegionAutoscaler decides the same number.
    pub fn yields_to(&mut self, elder: &str) {
        let message = format!(
            "RegionAutoscaler {elder} is older and decides the number of this role: delete one of the two, or join their policies in a chain."
        );
        self.idle("AnotherAutoscaler", message.clone());
        self.replace(Says::no(READY, "AnotherAutoscaler", message));
    }

    /// This was decided.
    pub fn decided(&mut self, wish: &Wish, decision: &Decision, left_out: Vec<String>, error_percent: Option<i32>) {
        // What was measured when it was decided: told anew with every look, it would be a write each time a player comes.
        let news = self.status.desired_replicas != Some(decision.replicas)
            || self.status.decided_by.as_deref() != Some(wish.policy);
        if news || self.status.why.is_none() {
            self.status.why = Some(wish.why.clone());
        }
        self.status.desired_replicas = Some(decision.replicas);
        self.status.decided_by = Some(wish.policy.to_owned());
        self.status.forecast_error_percent = error_percent;
        let limited = match decision.held {
            Some(held) => Says::yes(LIMITED, held.reason(), held.sentence()),
            None => Says::no(LIMITED, "NotLimited", "Nothing holds the number."),
        };
        let degraded = if left_out.is_empty() {
            Says::no(DEGRADED, "AsExpected", "Every measure can be had.")
        } else {
            Says::yes(DEGRADED, "MeasureUnknown", format!("A measure of the chain is left out: {}", left_out.join(" ")))
        };
        self.says = vec![Says::yes(READY, "Following", "The number follows the policy."), degraded, limited];
        self.scaling = !matches!(decision.held, Some(Held::Stabilizing)) && self.current != Some(decision.replicas);
    }

    /// Somebody else decides the number.
    pub fn owned_by_others(&mut self, others: &[String]) {
        let who = others.join(", ");
        let message = format!(
            "{who} has set the number of processes and keeps it: delete that autoscaler, or give spec.replicas of the \
             Deployment up, and this one goes on."
        );
        self.scaling = false;
        self.replace(Says::no(READY, "OwnedByOthers", message));
    }

    /// The number would be changed, and is not.
    pub fn dry_run(&mut self) {
        self.scaling = false;
        self.replace(Says::yes(READY, "DryRun", "Only says what would be done."));
    }

    /// The number was changed.
    pub fn scaled(&mut self, before: i32, after: i32, now: Timestamp) {
        self.current = Some(after);
        let slot =
            if after > before { &mut self.status.last_scaled_up_at } else { &mut self.status.last_scaled_down_at };
        *slot = Some(seconds(now));
    }

    /// The whole status.
    pub fn status(mut self, resource: &RegionAutoscaler, now: Timestamp) -> RegionAutoscalerStatus {
        self.status.current_replicas = self.current;
        let progressing = if self.scaling {
            Says::yes(PROGRESSING, "Scaling", "The number of processes is being changed.")
        } else {
            Says::no(PROGRESSING, "Steady", "The number of processes is not being changed.")
        };
        self.says.push(progressing);
        conditions::set(&mut self.status.conditions, resource.metadata.generation, now, self.says);
        self.status
    }

    fn replace(&mut self, says: Says) {
        self.says.retain(|other| other.type_ != says.type_);
        self.says.push(says);
    }
}

impl Conditioned for RegionAutoscalerStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn conditions_mut(&mut self) -> &mut Vec<Condition> {
        &mut self.conditions
    }

    fn observed_generation_mut(&mut self) -> &mut Option<i64> {
        &mut self.observed_generation
    }
}
