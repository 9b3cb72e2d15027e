//! What every controller is given.

use std::{fmt, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::{NamespaceResourceScope, jiff::Timestamp};
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use crate::{events, settings::OperatorSettings};

/// The one name under which the operator owns fields.
pub const FIELD_MANAGER: &str = "muster-operator";

/// What every controller is given. Clones share everything.
#[derive(Clone)]
pub struct Context {
    /// The API server.
    pub client: Client,
    /// What time it is.
    pub clock: Clock,
    /// What people are told beside the status.
    pub notices: Notices,
    /// Settings of the operator.
    pub settings: Arc<OperatorSettings>,
}

impl Context {
    /// Of a client, with the clock of the machine.
    pub fn new(client: Client, settings: OperatorSettings, instance: &str) -> Self {
        let notices = Notices::new(client.clone(), instance);
        Self { client, clock: Clock::system(), notices, settings: Arc::new(settings) }
    }

    /// The resources of a kind that this operator looks after.
    pub fn watched<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self.settings.namespace.as_str() {
            "" => Api::all(self.client.clone()),
            namespace => Api::namespaced(self.client.clone(), namespace),
        }
    }

    /// The resources of a kind in the namespace of `beside`.
    pub fn beside<K>(&self, beside: &impl ResourceExt) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &beside.namespace().unwrap_or_default())
    }

    /// How often something outside the cluster is asked again.
    pub fn poll(&self) -> Duration {
        self.settings.poll
    }
}

/// What time it is: the machine's, or a test's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock of one's own.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now, UTC.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// Kubernetes events about a resource: what `kubectl describe` shows below its status.
///
/// Equal events of six minutes are one that is counted; the note of the first stands. So a note says what happened, and the
/// status has the numbers that change.
#[derive(Clone)]
pub struct Notices(Recorder);

impl Notices {
    fn new(client: Client, instance: &str) -> Self {
        let reporter = Reporter { controller: FIELD_MANAGER.to_owned(), instance: Some(instance.to_owned()) };
        Self(Recorder::new(client, reporter))
    }

    /// Something went as it should. `reason` is one stable word, `action` what was being done, such as `Rotate`.
    pub async fn normal<K>(&self, about: &K, reason: &str, action: &str, note: impl Into<String>)
    where
        K: Resource<DynamicType = ()>,
    {
        self.publish(&about.object_ref(&()), EventType::Normal, reason, action, note.into()).await;
    }

    /// Something wants a person's attention.
    pub async fn warning<K>(&self, about: &K, reason: &str, action: &str, note: impl Into<String>)
    where
        K: Resource<DynamicType = ()>,
    {
        self.publish(&about.object_ref(&()), EventType::Warning, reason, action, note.into()).await;
    }

    /// The same about what is not at hand as a whole.
    pub async fn warning_of(&self, about: &ObjectReference, reason: &str, action: &str, note: impl Into<String>) {
        self.publish(about, EventType::Warning, reason, action, note.into()).await;
    }

    /// An event that cannot be written is only logged: the status tells the same, and no work may fail over it.
    async fn publish(&self, about: &ObjectReference, type_: EventType, reason: &str, action: &str, mut note: String) {
        // The API server takes 1,024 bytes.
        if note.len() > MOST_NOTE {
            let end = (0..=MOST_NOTE).rev().find(|at| note.is_char_boundary(*at)).unwrap_or(0);
            note.truncate(end);
            note.push('…');
        }
        let event =
            Event { type_, reason: reason.to_owned(), note: Some(note), action: action.to_owned(), secondary: None };
        if let Err(error) = self.0.publish(&event, about).await {
            events::notice_failed(reason, &error);
        }
    }
}

const MOST_NOTE: usize = 1000;
