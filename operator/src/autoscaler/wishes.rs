//! What the measures of a RegionAutoscaler ask for.

use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;

use super::{
    Autoscaler, PAST_STAYS,
    forecast::History,
    measures::Measures,
    policy::{self, Measured, Waited, Wish, measures, wish},
    scale::Scaled,
    text::Buckets,
};
use crate::{
    crd::{Region, RegionAutoscaler, region_autoscaler::Measure},
    reconcile::Error,
};

impl<M: Measures> Autoscaler<M> {
    /// The measure that asks for most, what had to be left out, and the forecast's error. Without any measure it is an error.
    pub(super) async fn wish(
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
}
