//! Decides how many processes of a role a Region runs.
//!
//! [`measures`] says what is, [`policy`] how many that asks for, [`decide`] how many there should be (all pure but the first), and [`scale`]
//! makes it so, unless somebody else decides it.

mod decide;
mod forecast;
mod measures;
mod policy;
mod report;
mod scale;
mod sole;
mod text;
mod waits;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{api::apps::v1::Deployment, apimachinery::pkg::apis::meta::v1::Time};
use kube::{
    ResourceExt,
    runtime::{Controller, reflector::Store},
};
use metrics::counter;
use tokio_util::sync::CancellationToken;

pub use scale::SCALER;

use self::{
    decide::{Asked, Decision, Limits, decide},
    forecast::History,
    measures::{Http, Measures},
    policy::{Measured, Waited, Wish, measures, wish},
    report::Report,
    scale::Scaled,
    text::Buckets,
    waits::Waits,
};
use crate::{
    context::Context,
    crd::{
        Region, RegionAutoscaler, ServerRole,
        region::RegionState,
        region_autoscaler::{Measure, RegionAutoscalerSpec},
    },
    reconcile::{Action, Error, Work, drive, readable, status},
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

    /// Nothing is left to do: the number stays as it is until somebody else sets it.
    const FINALIZER: Option<&'static str> = None;

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
        let name = format!("{}-{}", region.name_any(), role(spec.role));
        let deployments = self.context.beside::<Deployment>(&*resource);
        let Some(scaled) = scale::look(&deployments, &name).await? else {
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
}

impl<M: Measures> Autoscaler<M> {
    /// The measure that asks for most, what had to be left out, and the forecast's error. Without any measure it is an error.
    async fn wish(
        &self,
        resource: &RegionAutoscaler,
        region: &Region,
        scaled: &Scaled,
        now: Timestamp,
    ) -> Result<(Wish, Vec<String>, Option<i32>), Error> {
        let spec = &resource.spec;
        let (mut best, mut left_out, mut error_percent, mut trouble): (Option<Wish>, Vec<String>, _, _) =
            (None, Vec::new(), None, None);
        let all = measures(&spec.policy);
        self.forget_waits(&resource.uid().unwrap_or_default(), &all);
        for measure in all {
            let measured = self.measure(resource, region, &measure, scaled.ready, now).await;
            if let (Some(_), Ok(forecast)) = (&measure.predictive, &measured.forecast) {
                #[allow(clippy::cast_possible_truncation, reason = "it is within 0 and 1,000")]
                let percent = forecast.error.map(|error| (error * 100.0).round().clamp(0.0, 1_000.0) as i32);
                error_percent = percent;
            }
            match wish(&measure, &measured, scaled.replicas, spec.min, now) {
                Ok(wish) if best.as_ref().is_none_or(|best| wish.replicas > best.replicas) => best = Some(wish),
                Ok(_) => {}
                Err(error) => {
                    left_out.push(error.to_string());
                    trouble = Some(error);
                }
            }
        }
        match (best, trouble) {
            (Some(best), _) => Ok((best, left_out, error_percent)),
            (None, Some(trouble)) => Err(trouble),
            (None, None) => Err(Error::invalid("PolicyInvalid", "the policy has no measure")),
        }
    }

    /// Asks only for what the measure needs.
    async fn measure(
        &self,
        resource: &RegionAutoscaler,
        region: &Region,
        measure: &Measure,
        ready: i32,
        now: Timestamp,
    ) -> Measured {
        let nobody = || "nobody was asked".to_owned();
        let mut measured =
            Measured { players: Err(nobody()), tickets: Err(nobody()), wait: Err(nobody()), forecast: Err(nobody()) };
        let source = &resource.spec.metrics;
        if measure.buffer.is_some() || measure.queue_depth.is_some() {
            let queues = measure.queue_depth.as_ref().map_or(&[][..], |depth| &depth.queues);
            match self.measures.now(region, source, queues).await {
                Ok(seen) => {
                    let missing = |metric: &str| format!("no process of the region tells {metric}");
                    measured.players = seen.players.ok_or_else(|| missing("muster_sockets"));
                    measured.tickets = seen.tickets.ok_or_else(|| missing("muster_tickets_waiting"));
                    if measure.queue_depth.is_some() {
                        measured.wait =
                            Ok(self.waited(&resource.uid().unwrap_or_default(), queues, seen.waits, ready, now));
                    }
                }
                Err(error) => {
                    measured.players = Err(error.clone());
                    measured.tickets = Err(error.clone());
                    measured.wait = Err(error);
                }
            }
        }
        if let Some(predictive) = &measure.predictive {
            let prometheus = source.prometheus.as_deref().unwrap_or_default();
            let past = self.past(&resource.uid().unwrap_or_default(), prometheus, &predictive.query, now).await;
            measured.forecast = match (past, policy::horizon(predictive)) {
                (Ok(past), Ok(horizon)) => past
                    .forecast(now, horizon)
                    .ok_or_else(|| "Prometheus remembers less than a day: nothing can be foretold".to_owned()),
                (Err(error), _) => Err(error),
                (_, Err(error)) => Err(error.to_string()),
            };
        }
        measured
    }

    /// The last two weeks, as they were a moment ago.
    async fn past(&self, id: &str, prometheus: &str, query: &str, now: Timestamp) -> Result<Arc<History>, String> {
        let known = self.memory().get(id).and_then(|known| known.past.clone());
        if let Some((at, asked, past)) = known
            && asked == query
            && now.duration_since(at) < PAST_STAYS
        {
            return Ok(past);
        }
        let past = Arc::new(self.measures.history(prometheus, query, now).await?);
        self.memory().entry(id.to_owned()).or_default().past = Some((now, query.to_owned(), past.clone()));
        Ok(past)
    }

    /// How long tickets of `queues` waited that were matched lately.
    fn waited(&self, id: &str, queues: &[String], waits: Buckets, ready: i32, now: Timestamp) -> Option<Waited> {
        let mut memory = self.memory();
        let known = memory.entry(id.to_owned()).or_default();
        known.waits.entry(queues.to_vec()).or_default().look(waits, ready, now)
    }

    /// Forgets those of queues that no measure names any more.
    fn forget_waits(&self, id: &str, all: &[Measure]) {
        if let Some(known) = self.memory().get_mut(id) {
            let named =
                |queues: &Vec<String>| all.iter().filter_map(|m| m.queue_depth.as_ref()).any(|d| d.queues == *queues);
            known.waits.retain(|queues, _| named(queues));
        }
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

fn role(role: ServerRole) -> &'static str {
    match role {
        ServerRole::Gateway => "gateway",
        ServerRole::Matchmaker => "matchmaker",
        ServerRole::Referee => "referee",
        ServerRole::Writer => "writer",
    }
}

/// Whole seconds, as Kubernetes keeps them.
fn seconds(moment: Timestamp) -> Time {
    Time(Timestamp::from_second(moment.as_second()).unwrap_or(moment))
}
