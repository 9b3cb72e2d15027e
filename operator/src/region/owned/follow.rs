//! Fills the cache by a watch.

use std::{collections::HashSet, pin::pin, sync::Arc};

use futures::StreamExt;
use kube::{
    Api,
    api::DynamicObject,
    runtime::{WatchStreamExt, reflector::ObjectRef, watcher},
};
use tokio_util::sync::CancellationToken;

use super::{Key, Owned, key};
use crate::{
    crd::Region,
    events,
    reconcile::watching,
    region::objects::{Kind, MANAGED_BY},
};

impl Owned {
    /// Follows all objects of a kind until `term` is cancelled.
    pub async fn follow(self: Arc<Self>, kind: Kind, term: CancellationToken) {
        let resource = kind.resource();
        let client = self.context.client.clone();
        let api: Api<DynamicObject> = match self.context.settings.namespace.as_str() {
            "" => Api::all_with(client, &resource),
            namespace => Api::namespaced_with(client, namespace, &resource),
        };
        let own = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
        let config = watching(&self.context).labels(&own);
        let mut stream = pin!(watcher(api, config).default_backoff().take_until(term.cancelled_owned()));
        // While all are listed anew: those that were there before and have not been named again.
        let mut missing: HashSet<Key> = HashSet::new();
        while let Some(event) = stream.next().await {
            match event {
                Ok(watcher::Event::Init) => missing = self.keys(kind),
                Ok(watcher::Event::InitApply(object)) => {
                    missing.remove(&key_of(kind, &object));
                    let news = self.put(kind, object);
                    self.tell(kind, news).await;
                }
                Ok(watcher::Event::InitDone) => {
                    for key in std::mem::take(&mut missing) {
                        self.gone(kind, &key).await;
                    }
                    self.filled.send_if_modified(|filled| {
                        let first = !filled.contains(&kind);
                        if first {
                            filled.push(kind);
                        }
                        first
                    });
                }
                Ok(watcher::Event::Apply(object)) => {
                    let news = self.put(kind, object);
                    self.tell(kind, news).await;
                }
                Ok(watcher::Event::Delete(object)) => self.gone(kind, &key_of(kind, &object)).await,
                Err(error) => events::watch_failed(kind.as_str(), &error),
            }
        }
    }

    /// What was there before all has been seen once is no news: every Region is looked at then anyway.
    async fn tell(&self, kind: Kind, news: Option<ObjectRef<Region>>) {
        if let Some(region) = news
            && self.knows(kind)
        {
            // Nobody listens any more only when this process no longer acts.
            let _ = self.changed.send(region).await;
        }
    }

    async fn gone(&self, kind: Kind, key: &Key) {
        let seen = self.lock().remove(key);
        let region = seen.map(|seen| ObjectRef::new(&seen.region).within(&key.1));
        self.tell(kind, region).await;
    }

    fn keys(&self, kind: Kind) -> HashSet<Key> {
        self.lock().keys().filter(|key| key.0 == kind).cloned().collect()
    }
}

fn key_of(kind: Kind, object: &DynamicObject) -> Key {
    let metadata = &object.metadata;
    key(kind, metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}
