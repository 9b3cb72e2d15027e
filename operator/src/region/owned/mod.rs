//! What there is of the operator's own objects in the cluster, kept small: a thousand Regions have ten thousand of them.
//!
//! The cache is filled by watches of everything that carries the operator's label. Nothing is ever written to find out
//! whether it has to be: an object [agrees](agrees::agrees) with what is wanted, or it is applied, unless it is [somebody else's](Owner).

mod agrees;
mod fights;
mod follow;
mod owner;
mod seen;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::future::try_join_all;
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
    runtime::reflector::ObjectRef,
};
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

pub use owner::Owner;
pub use seen::{Rollout, Seen};

use self::fights::Fights;
use super::objects::{Kind, Object, REGION, WANTED};
use crate::{
    context::{Context, FIELD_MANAGER},
    crd::Region,
    events,
    reconcile::Error,
};

/// The operator's own objects, as last seen.
pub struct Owned {
    context: Context,
    seen: Mutex<HashMap<Key, Seen>>,
    fights: Mutex<Fights>,
    /// By kind, whether all there is has been seen once.
    filled: watch::Sender<Vec<Kind>>,
    /// Regions whose objects have changed.
    changed: mpsc::Sender<ObjectRef<Region>>,
}

/// Kind, namespace, name.
type Key = (Kind, Box<str>, Box<str>);

impl Owned {
    /// Nothing seen yet. Regions whose objects change are told on `changed`.
    pub fn new(context: Context, changed: mpsc::Sender<ObjectRef<Region>>) -> Self {
        Self { context, seen: Mutex::default(), fights: Mutex::default(), filled: watch::Sender::default(), changed }
    }

    /// Returns when all there is of the kinds has been seen once.
    pub async fn filled(&self, kinds: &[Kind]) {
        // An error would say that the sender is gone, and it is ours.
        let _ = self.filled.subscribe().wait_for(|filled| kinds.iter().all(|kind| filled.contains(kind))).await;
    }

    /// Whether all there is of the kind has been seen once.
    pub fn knows(&self, kind: Kind) -> bool {
        self.filled.borrow().contains(&kind)
    }

    /// What was last seen of an object.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Seen> {
        self.lock().get(&key(kind, namespace, name)).cloned()
    }

    /// Makes an object so, unless it is; whether it had to be written. How many processes there are is left to whoever else
    /// decides it, unless none are wanted. `exists`: there is one, and it may be written.
    async fn apply(&self, namespace: &str, mut object: Object, exists: bool) -> Result<bool, Error> {
        let seen = self.get(object.kind, namespace, &object.name);
        if seen.as_ref().is_some_and(|seen| !seen.scaled_by.is_empty())
            && object.manifest["spec"]["replicas"].as_i64().is_some_and(|replicas| replicas > 0)
            && seen.as_ref().and_then(|seen| seen.rollout.as_ref()).is_some_and(|rollout| rollout.wanted > 0)
            && let Some(spec) = object.manifest["spec"].as_object_mut()
        {
            spec.remove("replicas");
        }
        if seen.as_ref().is_some_and(|seen| seen.agrees_with(&object.manifest)) {
            return Ok(false);
        }
        if seen.is_some_and(|seen| seen.was_changed(&object.manifest)) {
            self.may_correct(&key(object.kind, namespace, &object.name))?;
        }
        let parameters = PatchParams::apply(FIELD_MANAGER);
        // Of what somebody else makes at this moment nothing is taken over: that is a conflict, and looked at again.
        let parameters = if exists { parameters.force() } else { parameters };
        let (api, patch) = (self.api(object.kind, namespace), Patch::Apply(&object.manifest));
        let applied = api.patch(&object.name, &parameters, &patch).await?;
        self.put(object.kind, applied);
        events::object_applied(object.kind.as_str(), namespace, &object.name);
        Ok(true)
    }

    /// Somebody else has changed what the operator wants no differently than before.
    fn may_correct(&self, key: &Key) -> Result<(), Error> {
        // Each change is one call, so the map is whole even if a holder panicked.
        let mut fights = self.fights.lock().unwrap_or_else(PoisonError::into_inner);
        if fights.may_correct(key, Instant::now()) {
            return Ok(());
        }
        let (kind, _, name) = key;
        let kind = kind.as_str();
        Err(Error::FoughtOver(format!(
            "Somebody else changes the {kind} {name} again and again, and the operator does not fight them at full speed: find out who \
             with `kubectl get {kind} {name} -o yaml --show-managed-fields`."
        )))
    }

    /// Whether there is an object of that name already. One that was not seen has lost its labels, or never had them: it is looked for.
    ///
    /// # Errors
    /// There is one, and it is somebody else's.
    async fn claim(&self, namespace: &str, object: &Object) -> Result<bool, Error> {
        let owner = match self.get(object.kind, namespace, &object.name) {
            Some(seen) => Some(seen.owner),
            None => {
                // A list, as `get` would be one more right.
                let named = ListParams::default().fields(&format!("metadata.name={}", object.name));
                let found = self.api(object.kind, namespace).list(&named).await?;
                found.items.first().map(|found| Owner::of(&found.metadata))
            }
        };
        let Some(owner) = owner else { return Ok(false) };
        let region = object.manifest["metadata"]["labels"][REGION].as_str().unwrap_or_default();
        owner.allows(region, object.kind.as_str(), &object.name)?;
        Ok(true)
    }

    /// Deletes an object, if it was seen and is the operator's work; whether it had to be.
    ///
    /// # Errors
    /// The API server refused it.
    pub async fn delete(&self, kind: Kind, namespace: &str, name: &str, region: &str) -> Result<bool, Error> {
        let seen = self.get(kind, namespace, name).filter(|seen| &*seen.region == region);
        if seen.is_none_or(|seen| seen.owner.allows(region, kind.as_str(), name).is_err()) {
            return Ok(false);
        }
        match self.api(kind, namespace).delete(name, &DeleteParams::background()).await {
            Ok(_) => events::object_deleted(kind.as_str(), namespace, name),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        self.lock().remove(&key(kind, namespace, name));
        Ok(true)
    }

    /// Makes all of them so at once; whether any had to be written.
    ///
    /// # Errors
    /// The API server refused one. [`Error::NotOurs`]: one of them is somebody else's, and none was written.
    pub async fn apply_all(&self, namespace: &str, objects: Vec<Object>) -> Result<bool, Error> {
        let exist = try_join_all(objects.iter().map(|object| self.claim(namespace, object))).await?;
        let objects = objects.into_iter().zip(exist);
        let written = try_join_all(objects.map(|(object, exists)| self.apply(namespace, object, exists))).await?;
        Ok(written.contains(&true))
    }

    fn api(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.context.client.clone(), namespace, &kind.resource())
    }

    /// Remembers an object; the Region it belongs to when that is news.
    fn put(&self, kind: Kind, object: DynamicObject) -> Option<ObjectRef<Region>> {
        let (namespace, name) = (object.metadata.namespace.clone()?, object.metadata.name.clone()?);
        let seen = Seen::of(object)?;
        let region = ObjectRef::new(&seen.region).within(&namespace);
        let mut all = self.lock();
        let known = all.entry(key(kind, &namespace, &name));
        match known {
            std::collections::hash_map::Entry::Occupied(mut known) => {
                // A watch may tell of a moment before the answer to an apply.
                if known.get().version > seen.version {
                    return None;
                }
                let news = !known.get().is_same_as(&seen);
                known.insert(seen);
                news.then_some(region)
            }
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(seen);
                Some(region)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Seen>> {
        // Each change is one call, so the map is whole even if a holder panicked.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(kind: Kind, namespace: &str, name: &str) -> Key {
    (kind, namespace.into(), name.into())
}

/// The digest of what the operator wanted of an object when it last wrote it.
fn wanted_digest(manifest: &Value) -> Option<&str> {
    manifest["metadata"]["annotations"][WANTED].as_str()
}
