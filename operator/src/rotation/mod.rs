//! Replaces secrets while both versions work.
//!
//! A reconcile looks at the world ([`observe`]), asks [`step::next`] what is to be done, does it ([`perform`]), and writes the state that
//! follows ([`state`]) to the status before the next step. So a process that dies anywhere is followed by one that carries on.
//! Versions come from a [`source`]; the [`target`] Secret, the [`workloads`] and the [`probe`]s follow the [`layout`].

mod events;
mod keeper;
mod layout;
mod memory;
mod names;
mod observe;
mod perform;
mod probe;
mod report;
mod sole;
mod source;
mod state;
mod step;
mod target;
mod workloads;

#[cfg(test)]
mod model;

use std::{sync::Arc, time::Duration};

use kube::{
    ResourceExt,
    runtime::{Controller, reflector::Store},
};
use tokio_util::sync::CancellationToken;

pub use keeper::keeper_name;
pub use names::{ROLLBACK, ROTATE};

use self::{
    keeper::Keeper,
    memory::Memory,
    report::Remarks,
    source::Source,
    step::{Plan, Seen, Step, Validity},
    workloads::Workloads,
};
use crate::{
    context::Context,
    crd::{
        SecretRotation,
        secret_rotation::{RotationState, SecretRotationStatus},
    },
    reconcile::{
        Action, Class, Error, WhilePaused, Work,
        conditions::Conditioned,
        drive, readable,
        status::{self, While},
    },
    timing::duration,
    vault::{Owner, Vault},
};

/// Looks after all SecretRotations until `term` is cancelled.
///
/// # Errors
/// It could not go on.
pub async fn run(context: Context, term: CancellationToken) -> anyhow::Result<()> {
    let (resources, reader) = readable::<SecretRotation>(&context);
    let all = reader.clone();
    let controller = Controller::for_stream(resources, reader);
    let vault = Vault::new(context.settings.vault.clone());
    drive(controller, Rotation { context, vault, memory: Memory::default(), all }, term).await;
    Ok(())
}

struct Rotation {
    context: Context,
    vault: Vault,
    memory: Memory,
    /// All of them, as they were last seen.
    all: Store<SecretRotation>,
}

/// One SecretRotation while it is worked on.
struct Rotating<'r> {
    context: &'r Context,
    memory: &'r Memory,
    source: Source,
    plan: Plan,
    /// As it is on the API server, not as a watch remembers it: steps are chosen by its status.
    resource: SecretRotation,
    namespace: String,
    name: String,
}

/// Steps in one reconcile; a whole rotation without a wait has about fifteen.
const MOST_STEPS: usize = 40;
/// Times that one state is written while somebody else writes the same resource.
const MOST_CONFLICTS: u32 = 20;

impl Work for Rotation {
    type Kind = SecretRotation;

    /// Nothing is left to do: versions in use stay valid, and what nobody keeps alive ends by itself.
    const FINALIZER: Option<&'static str> = None;

    fn context(&self) -> &Context {
        &self.context
    }

    async fn reconcile(&self, resource: Arc<SecretRotation>) -> Result<Action, Error> {
        let uid = resource.uid();
        let api = self.context.beside::<SecretRotation>(&*resource);
        let fresh = api.get_opt(&resource.name_any()).await?;
        let Some(fresh) = fresh.filter(|fresh| fresh.uid() == uid && fresh.metadata.deletion_timestamp.is_none())
        else {
            self.memory.forget(&uid.unwrap_or_default());
            return Ok(Action::await_change());
        };
        sole::check(&fresh, self.all.state().iter().map(AsRef::as_ref))?;
        self.rotating(fresh)?.go().await
    }

    /// Database users in use are prolonged: Vault would end them, and with them the processes' work.
    async fn while_paused(&self, resource: Arc<SecretRotation>) -> Result<WhilePaused, Error> {
        let rotating = self.rotating((*resource).clone())?;
        Ok(if rotating.plan.owned { rotating.only_prolong().await } else { WhilePaused::default() })
    }
}

impl Rotation {
    fn rotating(&self, resource: SecretRotation) -> Result<Rotating<'_>, Error> {
        let keeper = Keeper::of(self.context.client.clone(), &resource);
        let source = Source::of(&resource.spec, self.vault.clone(), keeper)?;
        let plan = Plan {
            two: resource.spec.target.second_key.is_some(),
            owned: source.is_owned(),
            overlap: duration("overlap", &resource.spec.overlap)?,
            rollout_timeout: duration("rolloutTimeout", &resource.spec.rollout_timeout)?,
            suspended: resource.spec.suspended,
        };
        let (namespace, name) = (resource.namespace().unwrap_or_default(), resource.name_any());
        Ok(Rotating { context: &self.context, memory: &self.memory, source, plan, resource, namespace, name })
    }
}

impl Rotating<'_> {
    /// Takes steps until there is something to wait for.
    async fn go(mut self) -> Result<Action, Error> {
        let mut state = self.state();
        let mut owner: Option<Owner> = None;
        for _ in 0..MOST_STEPS {
            let now = self.context.clock.now();
            let mut remarks = Remarks::default();
            let mut seen = self.observe(&state, &mut remarks).await?;
            seen.owner_at_hand = owner.is_some();
            let step = step::next(&self.plan, &state, &seen, now);
            match step {
                Step::Wait(until) => {
                    self.write(&state, &remarks).await?;
                    return Ok(Action::requeue(self.pause(until)));
                }
                Step::Watch(what) => {
                    remarks.waits_for = Some(what);
                    self.write(&state, &remarks).await?;
                    return Ok(Action::requeue(self.context.poll()));
                }
                Step::Stuck(why) => {
                    if state.failure.as_ref().is_none_or(|failure| failure.message != why) {
                        if seen.current == Validity::Lapsing {
                            events::lapsing(&self.context.notices, &self.resource, &state).await;
                        }
                        self.fail(&mut state, "RolloutStuck", why, None).await;
                    }
                    self.write(&state, &remarks).await?;
                    return Ok(Action::requeue(self.context.poll()));
                }
                step => match self.perform(step, state.clone(), &mut owner, now).await {
                    Ok(after) => {
                        state = after;
                        if !self.keep(&state, &remarks).await? {
                            return Ok(Action::requeue(Duration::ZERO));
                        }
                    }
                    // The API server's own troubles are nobody's step: they pass, or are told as such.
                    Err(error) if error.class().is_passing() => return Err(error),
                    Err(error) => {
                        let attempts = state.failure.as_ref().map_or(0, |failure| failure.attempts).unsigned_abs();
                        let pause = Class::Dependency.pause(attempts + 1, 0.5).max(Duration::from_secs(1));
                        let retry_at = now.checked_add(pause).unwrap_or(now);
                        self.fail(&mut state, error.reason(), error.to_string(), Some(retry_at)).await;
                        self.write(&state, &remarks).await?;
                        return Ok(Action::requeue(pause));
                    }
                },
            }
        }
        Ok(Action::requeue(self.context.poll()))
    }

    /// Keeps alive what is valid, and tells whether it is.
    async fn only_prolong(&self) -> WhilePaused {
        let (state, mut remarks) = (self.state(), Remarks { paused: true, ..Remarks::default() });
        self.prolong(&state, &mut Seen::default(), &mut remarks).await;
        WhilePaused { says: report::validity(&state, &remarks).into(), again: Some(self.pause(None)) }
    }

    fn state(&self) -> RotationState {
        self.resource.status.as_ref().and_then(|status| status.rotation.clone()).unwrap_or_default()
    }

    fn workloads(&self) -> Workloads<'_> {
        Workloads {
            client: &self.context.client,
            namespace: &self.namespace,
            rotation: &self.name,
            workloads: &self.resource.spec.restart,
        }
    }

    async fn fail(
        &self,
        state: &mut RotationState,
        reason: &'static str,
        message: String,
        retry_at: Option<jiff::Timestamp>,
    ) {
        let news = state.failure.as_ref().is_none_or(|failure| failure.reason != reason);
        state.failed(reason, message, retry_at);
        if let Some(failure) = &state.failure {
            events::failed(&self.context.notices, &self.resource, failure, news).await;
        }
    }

    /// Writes a state, and reads it back for the next step. `false`: somebody else is at work on it.
    async fn keep(&mut self, state: &RotationState, remarks: &Remarks) -> Result<bool, Error> {
        Ok(self.write(state, remarks).await? && self.refresh().await? && self.state() == *state)
    }

    /// Writes the state that follows the one that was read. `false`: somebody else is at work on it. Who writes something else of
    /// the resource all the time must not undo what was done.
    async fn write(&mut self, state: &RotationState, remarks: &Remarks) -> Result<bool, Error> {
        let before = self.state();
        let mut holds = While::Untouched;
        for left in (0..MOST_CONFLICTS).rev() {
            let status = report::status(&self.resource, state, remarks, self.context.clock.now());
            match status::write_while(&self.context.client, &self.resource, status, holds).await {
                Err(Error::Conflict(_)) if left > 0 => {
                    if !self.refresh().await? || self.state() != before {
                        return Ok(false);
                    }
                    // In turns: what an earlier operator has written may read otherwise than it stands there.
                    holds = if holds == While::Untouched { While::Remembered } else { While::Untouched };
                }
                written => return written.map(|_| true),
            }
        }
        Ok(false)
    }

    /// Reads the resource once more. `false`: it is gone, or says something else by now.
    async fn refresh(&mut self) -> Result<bool, Error> {
        let api = self.context.beside::<SecretRotation>(&self.resource);
        let fresh = api.get_opt(&self.name).await?.filter(|fresh| {
            fresh.uid() == self.resource.uid() && fresh.metadata.generation == self.resource.metadata.generation
        });
        let same = fresh.is_some();
        self.resource = fresh.unwrap_or_else(|| self.resource.clone());
        Ok(same)
    }

    /// Until when nothing is to be done: the moment that is waited for, or when leases or the world are looked at again.
    fn pause(&self, until: Option<jiff::Timestamp>) -> Duration {
        let now = self.context.clock.now();
        let until = until.and_then(|until| Duration::try_from(until.duration_since(now)).ok());
        let leases = self.memory.look_again_after(&self.resource.uid().unwrap_or_default());
        let compare = self.context.settings.compare_secrets;
        [until, leases].into_iter().flatten().fold(compare, Duration::min).max(Duration::from_millis(100))
    }
}

impl Conditioned for SecretRotationStatus {
    fn conditions(&self) -> &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition] {
        &self.conditions
    }

    fn conditions_mut(&mut self) -> &mut Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
        &mut self.conditions
    }

    fn observed_generation_mut(&mut self) -> &mut Option<i64> {
        &mut self.observed_generation
    }

    const MEMORY: Option<&'static str> = Some("rotation");
}
