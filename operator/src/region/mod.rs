//! Makes a Region's processes run.
//!
//! - [`objects`]: what a Region consists of. [`owned`]: what there is of it. What differs is applied.
//! - [`phase`]: serving, closing or stopped. [`platform`]: how many matches still run. [`maintenance`]: when a change may be rolled out.
//! - [`queues`]: whether the platform's queues take players for it, by the calls of [`closures`]. [`withdraw`]: what was closed is
//!   opened when it is deleted.
//! - [`secrets`]: what the processes read must be there. [`processes`]: how many there still are, until the last has ended.
//! - [`report`]: what the status says. [`turns`]: what is told by events.

mod closures;
mod duration;
mod maintenance;
pub mod objects;
pub mod owned;
mod phase;
pub mod platform;
mod processes;
mod queues;
mod report;
mod run;
mod scaled_by;
mod secrets;
mod turns;
mod withdraw;

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

pub use phase::Phase;
pub use run::run;

use crate::{
    context::Context,
    crd::{
        Region, ServerRole,
        region::{DrainStatus, RegionState},
    },
    reconcile::{Action, Error, NOW_AND_THEN, Work, status},
};
use closures::Closures;
use maintenance::Window;
use objects::{Kind, Object, process_name};
use owned::{Owned, Rollout};
use phase::{Leaving, Matches};
use platform::Platform;
use queues::Queues;

/// A drain waits, with everything as it is, until the platform lets nobody in any more.
fn is_held(phase: Phase, queues: &Queues) -> bool {
    phase == Phase::Closing && queues.trouble.is_some()
}

/// Its drain has come to its end.
fn has_stopped(region: &Region) -> bool {
    let drain = region.status.as_ref().and_then(|status| status.drain.as_ref());
    drain.is_some_and(|drain| drain.stopped_at.is_some())
}

/// Looks after Regions.
struct Regions<P> {
    context: Context,
    owned: Arc<Owned>,
    platform: P,
    closures: Closures,
}

impl<P: Platform> Work for Regions<P> {
    type Kind = Region;
    const FINALIZER: Option<&'static str> = Some("muster.dev/region");

    fn context(&self) -> &Context {
        &self.context
    }

    async fn reconcile(&self, region: Arc<Region>) -> Result<Action, Error> {
        let mut queues = Queues::known(&region);
        let (phase, drain) = match region.spec.state {
            RegionState::Active => (Phase::Serving, None),
            RegionState::Draining => {
                // First of all: whatever is stopped later, nobody is let in any more.
                queues = queues::settle(&self.context, &self.closures, &region).await;
                self.drain(&region, &queues).await
            }
            RegionState::Disabled => (Phase::Stopped, None),
        };
        if phase == Phase::Serving {
            secrets::check(&self.context, &region).await?;
        }
        let window = maintenance::window_of(phase, region.spec.maintenance.as_ref(), self.context.clock.now())?;
        let held_until = match is_held(phase, &queues) {
            true => None,
            false => self.make_so(&region, phase, window).await?,
        };
        if phase == Phase::Serving {
            queues = queues::settle(&self.context, &self.closures, &region).await;
        }
        let left = match phase {
            Phase::Stopped => processes::left(&self.context, &region).await?.all(),
            Phase::Serving | Phase::Closing => 0,
        };
        let next = self.next_look(&region, phase, drain.as_ref(), &queues, held_until);
        self.tell(&region, phase, drain, queues, held_until, left).await?;
        // Nothing tells when one that is ending is gone.
        Ok(if left > 0 { Action::requeue(self.context.poll()) } else { next })
    }

    /// A Region that is deleted is drained first. Its objects go with it, and at last what it closed is opened.
    async fn clean_up(&self, region: Arc<Region>) -> Result<Action, Error> {
        // What has stopped, or never ran, need not be closed any more.
        let queues = match self.runs(&region) && !has_stopped(&region) {
            true => queues::settle(&self.context, &self.closures, &region).await,
            false => Queues::known(&region),
        };
        let (phase, drain) = self.drain(&region, &queues).await;
        if phase == Phase::Stopped {
            return self.let_go(&region, drain, queues).await;
        }
        let held = is_held(phase, &queues);
        let deadline = drain.as_ref().map(|drain| drain.deadline.0);
        let again = match queues.trouble {
            Some(_) => queues::again(&self.context, &region, deadline),
            None => self.context.poll(),
        };
        // First of all, what it has closed: whatever fails from here on, that is opened in the end.
        self.tell(&region, phase, drain, queues, None, 0).await?;
        if !held {
            self.make_so(&region, phase, Window::Open).await?;
        }
        let message = "The region is deleted when its matches have come to their end.".to_owned();
        Err(Error::Waiting { message, again })
    }
}

impl<P: Platform> Regions<P> {
    /// Whether any process of it runs, or is to run.
    fn runs(&self, region: &Region) -> bool {
        let running =
            |role| self.rollout(region, role).is_some_and(|rollout| rollout.wanted > 0 || rollout.replicas > 0);
        ServerRole::ALL.into_iter().any(running)
    }

    /// How far the drain is.
    async fn drain(&self, region: &Region, queues: &Queues) -> (Phase, Option<DrainStatus>) {
        let so_far = region.status.as_ref().and_then(|status| status.drain.as_ref());
        let leaving = match has_stopped(region) {
            true => Leaving { running: self.runs(region), closed: true, matches: Matches::Unknown },
            false => self.leaving(region, queues).await,
        };
        let timeout = duration::parse(&region.spec.drain.match_timeout);
        let (phase, drain) = phase::drain(so_far, leaving, timeout, self.context.clock.now());
        (phase, Some(drain))
    }

    /// What is there of a Region that should drain. Matches are counted last: none begins after what else was seen.
    async fn leaving(&self, region: &Region, queues: &Queues) -> Leaving {
        let left = processes::left(&self.context, region).await;
        let left = left.inspect_err(|error| crate::events::processes_uncounted(error)).ok();
        let gone = |role| {
            self.rollout(region, role).is_none_or(|rollout| rollout.replicas == 0)
                && left.as_ref().is_some_and(|left| left.of(role) == 0)
        };
        let closed = queues.trouble.is_none() && gone(ServerRole::Matchmaker);
        let matches = match gone(ServerRole::Referee) {
            true => Matches::Impossible,
            false => match self.platform.matches_running(region).await {
                Ok(matches) => Matches::Counted(matches),
                Err(error) => {
                    crate::events::platform_silent(&error);
                    Matches::Unknown
                }
            },
        };
        Leaving { running: self.runs(region), closed, matches }
    }

    /// Writes what differs from what is wanted; when a change may be rolled out that is held back.
    async fn make_so(&self, region: &Region, phase: Phase, window: Window) -> Result<Option<Timestamp>, Error> {
        let namespace = region.namespace().unwrap_or_default();
        let mut wanted = objects::wanted(region, phase, self.owned.knows(Kind::PodMonitor));
        let unwanted = objects::unwanted(region, &wanted);
        let mut held_until = None;
        for object in wanted.iter_mut().filter(|object| object.kind == Kind::Deployment) {
            match window {
                // A roll-out would end the matches that a drain waits for.
                _ if phase == Phase::Closing => {
                    self.hold_back(&namespace, object);
                }
                Window::OpensAt(at) if self.hold_back(&namespace, object) => held_until = Some(at),
                _ => {}
            }
        }
        // What processes are started with comes before them.
        let (processes, rest): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|object| object.kind == Kind::Deployment);
        self.owned.apply_all(&namespace, rest).await?;
        self.owned.apply_all(&namespace, processes).await?;
        for (kind, name) in unwanted {
            self.owned.delete(kind, &namespace, &name, &region.name_any()).await?;
        }
        Ok(held_until)
    }

    /// Leaves the processes of a Deployment as they are; whether they would have been replaced.
    fn hold_back(&self, namespace: &str, object: &mut Object) -> bool {
        let Some(seen) = self.owned.get(Kind::Deployment, namespace, &object.name) else { return false };
        let running = seen.rollout.as_ref().is_some_and(|rollout| rollout.wanted > 0);
        running && objects::keep_template(object, &seen.content())
    }

    fn rollout(&self, region: &Region, role: ServerRole) -> Option<Rollout> {
        let namespace = region.namespace().unwrap_or_default();
        self.owned.get(Kind::Deployment, &namespace, &process_name(region, role))?.rollout
    }

    /// Writes the status, when it says something new, and an event at every turn.
    async fn tell(
        &self,
        region: &Region,
        phase: Phase,
        drain: Option<DrainStatus>,
        queues: Queues,
        held_until: Option<Timestamp>,
        left: usize,
    ) -> Result<(), Error> {
        let rollouts = region.spec.roles.iter().map(|role| (role.name, self.rollout(region, role.name))).collect();
        let seen = report::Seen { phase, drain, queues, rollouts, held_until, left };
        let mut news = report::status(region, &seen, self.context.clock.now());
        scaled_by::tell(&mut news, region, &self.owned, self.context.clock.now());
        let before = region.status.clone().unwrap_or_default();
        if status::write(&self.context.client, region, news.clone()).await? {
            self.tell_turns(region, &before, &news).await;
        }
        Ok(())
    }

    fn next_look(
        &self,
        region: &Region,
        phase: Phase,
        drain: Option<&DrainStatus>,
        queues: &Queues,
        held_until: Option<Timestamp>,
    ) -> Action {
        if queues.trouble.is_some() {
            let deadline = drain.filter(|_| phase == Phase::Closing).map(|drain| drain.deadline.0);
            return Action::requeue(queues::again(&self.context, region, deadline));
        }
        if phase == Phase::Closing {
            return Action::requeue(self.context.poll());
        }
        let until = held_until.map(|at| at.duration_since(self.context.clock.now()));
        let until = until.and_then(|until| Duration::try_from(until).ok());
        Action::requeue(until.map_or(NOW_AND_THEN, |until| until.clamp(Duration::from_secs(1), NOW_AND_THEN)))
    }
}
