//! Does a step. Each may be done again after a crash.

use k8s_openapi::{api::core::v1::Secret, jiff::Timestamp};
use kube::ResourceExt;
use serde_json::json;

use super::{
    Rotating, events,
    layout::Layout,
    names::{ROLLBACK, ROTATE},
    probe,
    state::seconds,
    step::Step,
    target,
};
use crate::{
    crd::{
        SecretRotation,
        secret_rotation::{Phase, Request, RequestKind, RotationState, Version},
    },
    reconcile::{Error, guarded},
    vault::Owner,
};

impl Rotating<'_> {
    /// Does `step`, and gives the state after it. `owner` is what [`Step::Prepare`] made, for the step after it.
    pub(super) async fn perform(
        &self,
        step: Step,
        mut state: RotationState,
        owner: &mut Option<Owner>,
        now: Timestamp,
    ) -> Result<RotationState, Error> {
        let (notices, rotation) = (&self.context.notices, &self.resource);
        match step {
            Step::Wait(_) | Step::Watch(_) | Step::Stuck(_) => {}
            Step::Begin(cause, asked) => {
                state.begin(cause, asked, now);
                events::began(notices, rotation, cause).await;
            }
            Step::Prepare => {
                if let Some(made) = self.source.prepare(state.next_number()).await? {
                    state.prepared(Version {
                        number: state.next_number(),
                        source_version: None,
                        accessor: Some(made.accessor.clone()),
                        lease_id: None,
                        made_at: Some(seconds(now)),
                    });
                    *owner = Some(made);
                }
            }
            Step::Make => {
                let made = self.source.make(&state, owner.as_ref(), now).await?;
                *owner = None;
                events::made(notices, rotation, &made).await;
                state.made(made, self.plan.two, now);
            }
            Step::Abandon => {
                if let Some(version) = &state.next {
                    self.source.abandon(version).await?;
                    events::abandoned(notices, rotation, version.number).await;
                }
                state.abandoned(now);
            }
            Step::Sync(layout) => self.sync(&state, layout).await?,
            Step::Roll(layout) => self.workloads().roll(layout).await?,
            Step::Verify(layout) => {
                let expected = self.expected(&state, layout).await?;
                probe::prove(self.resource.spec.verify.as_ref(), &expected).await?;
                let switched = matches!(state.phase, Phase::Switch | Phase::Back);
                state.verified(self.plan.overlap, now);
                if switched {
                    events::verified(notices, rotation, &state).await;
                }
            }
            Step::EndOverlap => {
                if state.overlap_until.as_ref().is_some_and(|until| now < until.0) {
                    events::overlap_cut(notices, rotation, &state).await;
                }
                state.overlap_over(self.plan.two, now);
            }
            Step::Retire => {
                let restored = self.source.retire(&state).await?;
                if let Some(previous) = &state.previous {
                    events::retired(notices, rotation, previous.number).await;
                }
                state.retired(restored, now);
            }
            Step::Leave => {
                if let Some(previous) = &state.previous {
                    self.source.leave(previous).await?;
                    events::left(notices, rotation, previous.number).await;
                }
                state.retired(None, now);
            }
            Step::Supersede => {
                if let Some(next) = &state.next {
                    events::superseded(notices, rotation, next.number).await;
                }
                state.superseded(now);
            }
            Step::GoOn => {
                events::gone_on(notices, rotation).await;
                state.go_on(now);
            }
            Step::TurnBack(asked) => {
                state.turn_back(asked, now);
                events::turned_back(notices, rotation).await;
            }
            Step::Refuse(asked) => {
                events::refused(notices, rotation, asked.kind).await;
                state.answered = Some(asked);
            }
            Step::ClearRequest(asked) => self.clear(&asked).await?,
            Step::ForgetRequest => state.answered = None,
        }
        Ok(state)
    }

    async fn sync(&self, state: &RotationState, layout: Layout) -> Result<(), Error> {
        let expected = self.expected(state, layout).await?;
        let entries = self.entries(&expected);
        let secrets = self.context.beside::<Secret>(&self.resource);
        let (namespace, name) = (self.resource.namespace().unwrap_or_default(), self.resource.name_any());
        target::write(&secrets, &namespace, &name, &self.resource.spec.target, layout, &entries).await?;
        self.memory.remember(&self.resource.uid().unwrap_or_default(), layout, target::fingerprint(&entries));
        Ok(())
    }

    /// Takes an annotation away, if it still has the value that was answered.
    async fn clear(&self, asked: &Request) -> Result<(), Error> {
        let key = match asked.kind {
            RequestKind::Rotate => ROTATE,
            RequestKind::Rollback => ROLLBACK,
        };
        let Some(value) = self.resource.annotations().get(key) else { return Ok(()) };
        let path = ["metadata", "annotations", key];
        let patch = guarded::patch([guarded::is(&path, json!(value)), guarded::remove(&path)]);
        let api = self.context.beside::<SecretRotation>(&self.resource);
        api.patch_metadata(&self.resource.name_any(), &guarded::parameters(), &patch)
            .await
            .map_err(guarded::refused)?;
        Ok(())
    }
}
