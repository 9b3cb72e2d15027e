//! Calls a [`Work`] for every resource that changed.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Resource, ResourceExt,
    core::object::HasStatus,
    runtime::{
        Controller,
        controller::{self, Action},
        finalizer::{self, finalizer},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Class, Error, PAUSED,
    conditions::{self, Conditioned, DEGRADED, PROGRESSING, READY, STALLED, Says},
    status,
};
use crate::{context::Context, events};

/// Brings the world to what a resource says.
pub trait Work: Send + Sync + 'static {
    /// The kind of resource.
    type Kind: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + HasStatus<Status: Conditioned + Default + Clone + Serialize + Send + Sync>
        + Clone
        + DeserializeOwned
        + Serialize
        + Debug
        + Send
        + Sync
        + 'static;

    /// The finalizer of the kind. `None`: nothing is left to do when a resource is deleted.
    const FINALIZER: Option<&'static str>;

    /// What the controller was given.
    fn context(&self) -> &Context;

    /// Makes it so, as far as it goes now, and says when to look again. Must be able to begin again from wherever it was
    /// interrupted, and write nothing when everything is as it should be. Writes the status of what went well; what
    /// goes wrong is told by [`drive`].
    fn reconcile(&self, resource: Arc<Self::Kind>) -> impl Future<Output = Result<Action, Error>> + Send;

    /// What must go on while the resource is paused, because what is in use would break without it. Of most kinds nothing.
    fn while_paused(&self, resource: Arc<Self::Kind>) -> impl Future<Output = Result<WhilePaused, Error>> + Send {
        drop(resource);
        async { Ok(WhilePaused::default()) }
    }

    /// The resource was deleted and waits for its finalizer; called until it succeeds. Owned objects go by themselves.
    fn clean_up(&self, resource: Arc<Self::Kind>) -> impl Future<Output = Result<Action, Error>> + Send {
        drop(resource);
        async { Ok(Action::await_change()) }
    }
}

/// What is said of a paused resource beside that it is paused, and when to look at it again.
#[derive(Debug, Default)]
pub struct WhilePaused {
    /// What changes in its conditions.
    pub says: Vec<Says>,
    /// `None`: when somebody changes it.
    pub again: Option<Duration>,
}

/// Runs `controller` with `work` until `term` is cancelled and the reconciles under way are done.
pub async fn drive<W: Work>(controller: Controller<W::Kind>, work: W, term: CancellationToken) {
    let concurrency = work.context().settings.concurrency;
    let driver = Arc::new(Driver { work, failures: Mutex::default() });
    controller
        .with_config(controller::Config::default().concurrency(concurrency))
        .graceful_shutdown_on(term.cancelled_owned())
        .run(|resource, driver| driver.look(resource), |resource, error, driver| driver.again(&resource, error), driver)
        .for_each(|result| async {
            if let Err(controller::Error::QueueError(error)) = result {
                events::watch_failed(&W::Kind::kind(&()), &error);
            }
        })
        .await;
}

struct Driver<W> {
    work: W,
    /// By uid, how often in a row and in which class a resource has failed.
    failures: Mutex<HashMap<String, (Class, u32)>>,
}

impl<W: Work> Driver<W> {
    async fn look(self: Arc<Self>, resource: Arc<W::Kind>) -> Result<Action, Error> {
        let kind = W::Kind::kind(&());
        let span = tracing::info_span!(
            "reconcile",
            kind = %kind,
            namespace = resource.namespace().unwrap_or_default(),
            name = resource.name_any(),
        );
        async {
            let began = Instant::now();
            let (outcome, result) = if is_paused(&*resource) && resource.meta().deletion_timestamp.is_none() {
                ("paused", self.tell_paused(&resource).await)
            } else {
                ("done", self.work(resource.clone()).await)
            };
            let outcome = result.as_ref().err().map_or(outcome, |error| error.class().as_str());
            events::reconciled(&kind, outcome, began.elapsed());
            match &result {
                Ok(_) | Err(Error::Waiting { .. }) => self.forget(&*resource),
                Err(error) => self.tell_failure(&resource, error).await,
            }
            result
        }
        .instrument(span)
        .await
    }

    async fn work(&self, resource: Arc<W::Kind>) -> Result<Action, Error> {
        let Some(name) = W::FINALIZER else { return self.work.reconcile(resource).await };
        let api = self.work.context().beside::<W::Kind>(&*resource);
        let done = finalizer(&api, name, resource, |event| async {
            match event {
                finalizer::Event::Apply(resource) => self.work.reconcile(resource).await,
                finalizer::Event::Cleanup(resource) => self.work.clean_up(resource).await,
            }
        });
        done.await.map_err(|error| match error {
            finalizer::Error::ApplyFailed(error) | finalizer::Error::CleanupFailed(error) => error,
            finalizer::Error::AddFinalizer(error) | finalizer::Error::RemoveFinalizer(error) => {
                match Error::from(error) {
                    // A JSON patch whose test fails: somebody else has changed the list of finalizers.
                    Error::Invalid { message, .. } => Error::dependency("FinalizersChanged", message),
                    error => error,
                }
            }
            finalizer::Error::UnnamedObject | finalizer::Error::InvalidFinalizer => {
                Error::invalid("Nameless", "the resource has no name")
            }
        })
    }

    /// A paused resource says so, and what it said of itself before stands.
    async fn tell_paused(&self, resource: &Arc<W::Kind>) -> Result<Action, Error> {
        let WhilePaused { mut says, again } = self.work.while_paused(resource.clone()).await?;
        let resource = &**resource;
        let mut status = resource.status().cloned().unwrap_or_default();
        let message = format!("Nothing is done while the annotation {PAUSED} is there.");
        says.push(Says::no(PROGRESSING, "Paused", message));
        self.set(resource, &mut status, says);
        // Whoever waits for the newest spec goes on waiting.
        status::write_of_earlier(&self.work.context().client, resource, status).await?;
        Ok(again.map_or_else(Action::await_change, Action::requeue))
    }

    /// What has lasted, or does not pass by itself, is told in the conditions and as an event.
    async fn tell_failure(&self, resource: &W::Kind, error: &Error) {
        let class = error.class();
        let failures = self.count(resource, class);
        if class.is_passing() && failures < LASTING {
            return;
        }
        let context = self.work.context();
        let mut status = resource.status().cloned().unwrap_or_default();
        let news = conditions::reason(status.conditions(), DEGRADED) != Some(error.reason());
        let message = error.to_string();
        let mut says = vec![
            Says::yes(DEGRADED, error.reason(), message.clone()),
            Says::no(PROGRESSING, error.reason(), "It is tried again, with growing pauses."),
        ];
        if error.wants_person() {
            says.push(Says::yes(STALLED, error.reason(), message.clone()));
        }
        // A spec that was never reached cannot be ready; one that was is as ready as it was last seen.
        if resource.meta().generation != *status.observed_generation_mut()
            || conditions::holds(status.conditions(), READY) != Some(true)
        {
            says.push(Says::no(READY, error.reason(), message.clone()));
        }
        self.set(resource, &mut status, says);
        if let Err(error) = status::write(&context.client, resource, status).await {
            events::failure_untold(&W::Kind::kind(&()), &error);
        }
        if news {
            context.notices.warning(resource, error.reason(), "Reconcile", message).await;
        }
    }

    fn set(
        &self,
        resource: &W::Kind,
        status: &mut <W::Kind as HasStatus>::Status,
        all: impl IntoIterator<Item = Says>,
    ) {
        let now = self.work.context().clock.now();
        conditions::set(status.conditions_mut(), resource.meta().generation, now, all);
    }

    fn again(&self, resource: &W::Kind, error: &Error) -> Action {
        if let Error::Waiting { again, .. } = error {
            return Action::requeue(*again);
        }
        let class = error.class();
        let failures = self.failures().get(&id(resource)).map_or(1, |(_, failures)| *failures);
        let pause = class.pause(failures, chance(&id(resource), failures));
        events::reconcile_failed(&W::Kind::kind(&()), class, error, pause);
        Action::requeue(pause)
    }

    /// One failure more; how many in a row of this class.
    fn count(&self, resource: &W::Kind, class: Class) -> u32 {
        let mut failures = self.failures();
        if failures.len() >= MOST_FAILURES {
            // Those of resources that are gone are in the way; those that still fail begin again with short pauses.
            failures.clear();
        }
        let known = failures.entry(id(resource)).or_insert((class, 0));
        if known.0 != class {
            *known = (class, 0);
        }
        known.1 = known.1.saturating_add(1);
        known.1
    }

    fn forget(&self, resource: &W::Kind) {
        self.failures().remove(&id(resource));
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Class, u32)>> {
        // Each change is one call, so the map is whole even if a holder panicked.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often in a row something that usually passes must fail before anybody is told.
const LASTING: u32 = 5;

/// Resources whose failures are remembered.
const MOST_FAILURES: usize = 10_000;

/// Whether the operator was told to leave the resource alone.
pub fn is_paused(resource: &impl ResourceExt) -> bool {
    resource.annotations().get(PAUSED).is_some_and(|value| value != "false")
}

fn id(resource: &impl ResourceExt) -> String {
    resource.uid().unwrap_or_else(|| resource.name_any())
}

/// Spreads resources that failed together; the same for the same failure of the same resource.
fn chance(id: &str, failures: u32) -> f64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (id, failures).hash(&mut hasher);
    f64::from((hasher.finish() & 0xffff) as u16) / 65_536.0
}

/// A resource that is looked at again now and then, in case something changed unseen.
pub const NOW_AND_THEN: Duration = Duration::from_secs(600);
