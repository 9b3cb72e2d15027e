//! Decides how many processes of a role a Region runs.
//!
//! [`measures`] says what is, [`policy`] how many that asks for ([`wishes`] brings the two together), [`decide`] how many there should
//! be, and [`scale`] makes it so, unless somebody else decides it. [`policy`] and [`decide`] are pure.

mod decide;
mod forecast;
mod measures;
mod policy;
mod report;
mod scale;
mod sole;
mod text;
mod waits;
mod wishes;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{api::apps::v1::Deployment, apimachinery::pkg::apis::meta::v1::Time};
use kube::{
    ResourceExt,
    runtime::{
        Controller,
        reflector::{ObjectRef, Store},
    },
};
use metrics::counter;
use tokio_util::sync::CancellationToken;

pub use scale::SCALER;

use self::{
    decide::{Asked, Decision, Limits, decide},
    forecast::History,
    measures::{Http, Measures},
    policy::Wish,
    report::Report,
    waits::Waits,
};
use crate::{
    context::Context,
    crd::{Region, RegionAutoscaler, region::RegionState, region_autoscaler::RegionAutoscalerSpec},
    reconcile::{Action, Error, Work, drive, is_paused, readable, status},
    timing::duration,
};

/// Looks after all RegionAutoscalers until `term` is cancelled.
///
/// # Errors
/// It could not go on.
pub async fn run(context: Context, term: CancellationToken) -> anyhow::Result<()> {
    let (resources, reader) = readable::<RegionAutoscaler>(&context);
    let all = reader.clone();
    let controller = Controller::for_stream(resources, reader);
    let measures = Http::new()?;
    drive(controller, Autoscaler { context, measures, memory: Mutex::default(), all }, term).await;
    Ok(())
}

struct Autoscaler<M> {
    context: Context,
    measures: M,
    memory: Mutex<HashMap<String, Memory>>,
    /// All of them, as they were last seen.
    all: Store<RegionAutoscaler>,
}

/// What is remembered of a RegionAutoscaler between two looks.
#[derive(Default, Clone)]
struct Memory {
    /// The spec under which it was remembered.
    generation: Option<i64>,
    asked: Asked,
    /// By the queues of a measure: a chain may have several.
    waits: HashMap<Vec<String>, Waits>,
    /// When two weeks were last asked for, with which query, and what came.
    past: Option<(Timestamp, String, Arc<History>)>,
}

/// RegionAutoscalers that are remembered; more than any cluster has.
const MOST: usize = 10_000;
/// Two weeks are asked for no more often than this.
const PAST_STAYS: jiff::SignedDuration = jiff::SignedDuration::from_secs(20);
/// Players come and go faster than an operator that is asked to poll seldom.
const LONGEST_POLL: Duration = Duration::from_secs(15);

impl<M: Measures> Work for Autoscaler<M> {
    type Kind = RegionAutoscaler;

    const FINALIZER: Option<&'static str> = Some("muster.dev/autoscaler");

    fn context(&self) -> &Context {
        &self.context
    }

    async fn reconcile(&self, resource: Arc<RegionAutoscaler>) -> Result<Action, Error> {
        let now = self.context.clock.now();
        let again = Ok(Action::requeue(self.context.poll().min(LONGEST_POLL)));
        let spec = &resource.spec;
        let limits = limits(spec)?;
        let mut report = Report::of(&resource);

        let regions = self.context.beside::<Region>(&*resource);
        let Some(region) = regions.get_opt(&spec.region_ref.name).await? else {
            let message =
                format!("there is no Region {} in this namespace: make one, or delete this", spec.region_ref.name);
            return Err(Error::dependency("RegionMissing", message));
        };
        let name = deployment(&resource);
        let deployments = self.context.beside::<Deployment>(&*resource);
        let Some(scaled) = scale::look(&deployments, &name, &region.name_any()).await? else {
            return Err(Error::dependency(
                "NotRunning",
                format!("there is no Deployment {name} yet: the Region does not run the role"),
            ));
        };
        report.current = Some(scaled.replicas);
        if region.spec.state != RegionState::Active {
            report.idle(
                "RegionNotActive",
                "The Region does not take players; nothing is scaled until it does.".to_owned(),
            );
            self.write(&resource, report, now).await?;
            return again;
        }

        if let Some(elder) = sole::elder(&resource, self.all.state().iter().map(AsRef::as_ref)) {
            report.yields_to(&elder);
            self.write(&resource, report, now).await?;
            return again;
        }

        let (wish, left_out, error_percent) = self.wish(&resource, &region, &scaled, now).await?;
        if !self.stands(&resource) {
            // It was changed or deleted while others were asked: that is looked at next.
            return Ok(Action::await_change());
        }
        let id = resource.uid().unwrap_or_default();
        let asked = self.note(&id, resource.metadata.generation, now, wish.replicas, &limits);
        let decision = decide(&limits, &asked, scaled.replicas, report.changed(), now);
        report.decided(&wish, &decision, left_out, error_percent);
        if !scaled.others.is_empty() {
            report.owned_by_others(&scaled.others);
        } else if spec.dry_run {
            report.dry_run();
        } else if decision.replicas != scaled.replicas {
            let namespace = resource.namespace().unwrap_or_default();
            if scale::set(&deployments, &namespace, &name, decision.replicas).await? {
                report.scaled(scaled.replicas, decision.replicas, now);
                self.tell(&resource, &wish, &decision, scaled.replicas).await;
            }
        }
        self.write(&resource, report, now).await?;
        again
    }

    /// The number is handed back to the Region, unless another one goes on with it.
    async fn clean_up(&self, resource: Arc<RegionAutoscaler>) -> Result<Action, Error> {
        self.memory().remove(&resource.uid().unwrap_or_default());
        if sole::has_heir(&resource, self.all.state().iter().map(AsRef::as_ref)) {
            return Ok(Action::await_change());
        }
        let (namespace, name) = (resource.namespace().unwrap_or_default(), deployment(&resource));
        let deployments = self.context.beside::<Deployment>(&*resource);
        let notices = &self.context.notices;
        match scale::hand_back(&deployments, &namespace, &name).await {
            Ok(false) => {}
            Ok(true) => {
                let note = format!("The number of processes of {name} is the Region's again.");
                notices.normal(&*resource, "HandedBack", "Delete", note).await;
            }
            // Where the right to scale was taken away it would never go.
            Err(error @ (Error::Forbidden(_) | Error::Invalid { .. })) => {
                let note =
                    format!("The number of processes of {name} stays as it is, and is not the Region's: {error}");
                notices.warning(&*resource, "NotHandedBack", "Delete", note).await;
            }
            Err(error) => return Err(error),
        }
        Ok(Action::await_change())
    }
}

impl<M: Measures> Autoscaler<M> {
    /// Whether `resource` is still what was read: what is asked of others may take seconds.
    fn stands(&self, resource: &RegionAutoscaler) -> bool {
        self.all.get(&ObjectRef::from_obj(resource)).is_some_and(|known| {
            let [read, now] = [resource, &*known].map(|one| (one.uid(), one.metadata.generation));
            read == now && known.metadata.deletion_timestamp.is_none() && !is_paused(&*known)
        })
    }

    /// Notes what is asked for, and gives all that was.
    fn note(&self, id: &str, generation: Option<i64>, now: Timestamp, replicas: i32, limits: &Limits) -> Asked {
        let mut memory = self.memory();
        if memory.len() >= MOST && !memory.contains_key(id) {
            memory.clear();
        }
        let known = memory.entry(id.to_owned()).or_default();
        if known.generation != generation {
            known.asked.clear();
            known.generation = generation;
        }
        known.asked.note(now, replicas, limits.up_after.max(limits.down_after));
        known.asked.clone()
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, HashMap<String, Memory>> {
        // What is remembered is only ever added to, so it is whole even if a holder panicked.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, resource: &RegionAutoscaler, report: Report, now: Timestamp) -> Result<(), Error> {
        status::write(&self.context.client, resource, report.status(resource, now)).await.map(|_| ())
    }

    async fn tell(&self, resource: &RegionAutoscaler, wish: &Wish, decision: &Decision, before: i32) {
        let (reason, direction) = if decision.replicas > before { ("ScaledUp", "up") } else { ("ScaledDown", "down") };
        counter!("muster_autoscaler_changes_total", "direction" => direction, "policy" => wish.policy).increment(1);
        tracing::info!(before, after = decision.replicas, policy = wish.policy, "scaled: {}", wish.why);
        let note = format!("From {before} to {}, by {}: {}", decision.replicas, wish.policy, wish.why);
        self.context.notices.normal(resource, reason, "Scale", note).await;
    }
}

fn limits(spec: &RegionAutoscalerSpec) -> Result<Limits, Error> {
    Ok(Limits {
        min: spec.min,
        max: spec.max.max(spec.min),
        step_up: spec.up.replicas.max(1),
        step_down: spec.down.replicas.max(1),
        up_after: duration("scaleUpAfter", &spec.scale_up_after)?,
        down_after: duration("scaleDownAfter", &spec.scale_down_after)?,
        cool_up: duration("up.coolDown", &spec.up.cool_down)?,
        cool_down: duration("down.coolDown", &spec.down.cool_down)?,
    })
}

/// The Deployment whose number it decides.
fn deployment(resource: &RegionAutoscaler) -> String {
    format!("{}-{}", resource.spec.region_ref.name, resource.spec.role.as_str())
}

/// Whole seconds, as Kubernetes keeps them.
fn seconds(moment: Timestamp) -> Time {
    Time(Timestamp::from_second(moment.as_second()).unwrap_or(moment))
}
