//! What is seen of the world before a step is chosen.

use k8s_openapi::{api::core::v1::Secret, jiff::Timestamp};
use kube::ResourceExt;

use super::{
    Rotating, events,
    layout::Layout,
    names::{ROLLBACK, ROTATE},
    report::Remarks,
    source::Material,
    step::{Rollout, Seen, Validity},
    target,
};
use crate::{
    crd::secret_rotation::{Phase, Request, RequestKind, RotationState, Version},
    reconcile::{Class, Error},
    rotation::probe::Expected,
    timing::{ZonedCron, duration},
};

impl Rotating<'_> {
    /// Looks at everything that the next step may depend on.
    pub(super) async fn observe(&self, state: &RotationState, remarks: &mut Remarks) -> Result<Seen, Error> {
        let mut seen = Seen { asked: self.asked(), due: self.due(state)?, ..Seen::default() };
        remarks.due = seen.due;
        if let Some(layout) = Layout::of(state, self.plan.two) {
            seen.secret_matches = self.secret_matches(state, layout).await?;
            let (marked, rollout) = self.workloads().look(layout).await?;
            seen.marked = marked || rollout_is_hopeless(&rollout);
            seen.rollout = rollout;
        }
        let found = async |seen: &mut Seen| {
            seen.found = state.phase == Phase::Idle && self.source.found(state).await?;
            Ok(())
        };
        if self.prolong(state, &mut seen, remarks).await
            && let Err(error) = found(&mut seen).await
        {
            unattended(&error, remarks);
        }
        Ok(seen)
    }

    /// Keeps valid versions alive, and nothing else. `false`: Vault cannot be asked.
    pub(super) async fn prolong(&self, state: &RotationState, seen: &mut Seen, remarks: &mut Remarks) -> bool {
        let kept = self.keep_alive(state, seen, remarks).await;
        remarks.current = seen.current;
        kept.inspect_err(|error| unattended(error, remarks)).is_ok()
    }

    fn asked(&self) -> Vec<Request> {
        let annotations = self.resource.annotations();
        let request = |kind, key: &str| {
            let value: String = annotations.get(key)?.chars().take(256).collect();
            Some(Request { kind, value })
        };
        [request(RequestKind::Rollback, ROLLBACK), request(RequestKind::Rotate, ROTATE)].into_iter().flatten().collect()
    }

    fn due(&self, state: &RotationState) -> Result<Option<Timestamp>, Error> {
        let spec = &self.resource.spec;
        let Some(since) = state.in_use_since.as_ref().map(|since| since.0) else { return Ok(None) };
        match &spec.schedule {
            Some(schedule) => Ok(ZonedCron::new("schedule", &schedule.cron, &schedule.time_zone)?.next_after(since)),
            None => Ok(since.checked_add(duration("interval", &spec.interval)?).ok()),
        }
    }

    /// Whether the Secret says it holds the layout, and holds it.
    async fn secret_matches(&self, state: &RotationState, layout: Layout) -> Result<bool, Error> {
        let secrets = self.context.beside::<Secret>(&self.resource);
        let Some(secret) = secrets.get_opt(&self.resource.spec.target.secret).await? else { return Ok(false) };
        let (held, fingerprint) = target::held(&secret, &self.resource.name_any(), &self.resource.spec.target);
        if held.as_deref() != Some(&layout.to_string()) {
            return Ok(false);
        }
        let uid = self.resource.uid().unwrap_or_default();
        if let Some(expected) = self.memory.expected(&uid, layout) {
            return Ok(expected == fingerprint);
        }
        // Asked once a process and layout. While the source is silent the Secret's own word must do.
        match self.expected(state, layout).await {
            Ok(expected) => {
                let wanted = target::fingerprint(&self.entries(&expected));
                self.memory.remember(&uid, layout, wanted);
                Ok(wanted == fingerprint)
            }
            Err(error) if error.class() == Class::Dependency => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Keeps valid versions alive, and sees whether they are.
    async fn keep_alive(&self, state: &RotationState, seen: &mut Seen, remarks: &mut Remarks) -> Result<(), Error> {
        let mut soonest: Option<std::time::Duration> = None;
        let mut keep = async |version: &Option<Version>| -> Result<Validity, Error> {
            let Some(version) = version else { return Ok(Validity::Valid) };
            let (validity, again) = self.source.keep_alive(version).await?;
            soonest = [soonest, again].into_iter().flatten().min();
            Ok(validity)
        };
        seen.current = keep(&state.current).await?;
        seen.next = keep(&state.next).await?;
        seen.previous = keep(&state.previous).await?;
        if seen.previous == Validity::Lost && state.phase == Phase::Overlap {
            remarks.trouble =
                Some(("PreviousLost", "Vault has ended the old version before the overlap is over.".to_owned()));
        }
        self.memory.look_again(&self.resource.uid().unwrap_or_default(), soonest);
        Ok(())
    }

    /// What processes should have under `layout`.
    pub(super) async fn expected(&self, state: &RotationState, layout: Layout) -> Result<Expected, Error> {
        Ok(Expected {
            active: self.material(state, layout.active).await?,
            second: match layout.second {
                Some(second) => Some(self.material(state, second).await?),
                None => None,
            },
        })
    }

    pub(super) fn entries(&self, expected: &Expected) -> target::Entries {
        target::entries(&self.resource.spec.target, &expected.active, expected.second.as_ref())
    }

    async fn material(&self, state: &RotationState, number: i64) -> Result<Material, Error> {
        let known = [&state.current, &state.next, &state.previous];
        let version = known.into_iter().flatten().find(|version| version.number == number);
        match version {
            Some(version) => self.source.material(version).await,
            None => Err(Error::dependency("VersionMissing", format!("version {number} is not known any more"))),
        }
    }
}

/// What cannot be asked is taken as it was: nothing is thrown away because Vault is silent.
fn unattended(error: &Error, remarks: &mut Remarks) {
    events::unattended(error);
    remarks.trouble = Some((error.reason(), error.to_string()));
}

/// A missing workload cannot be told anything.
fn rollout_is_hopeless(rollout: &Rollout) -> bool {
    matches!(rollout, Rollout::Stuck(why) if why.ends_with("does not exist."))
}
