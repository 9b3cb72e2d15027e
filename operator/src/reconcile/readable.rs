//! The resources of a kind, as far as they can be read.

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream};
use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    runtime::{WatchStreamExt, reflector, watcher},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::conditions::{self, DEGRADED, PROGRESSING, READY, STALLED, Says};
use crate::{
    context::{Context, FIELD_MANAGER},
    events,
};

/// Resources of one answer when all are listed.
const PAGE: u32 = 100;
/// What a resource that cannot be read is told with.
const UNREADABLE: &str = "Unreadable";

/// How watches are begun: in pages, and anew before a dead connection has gone unnoticed for long.
pub fn watching(context: &Context) -> watcher::Config {
    let seconds = context.settings.watch_timeout.max(Duration::from_secs(1)).as_secs();
    watcher::Config::default().page_size(PAGE).timeout(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// Follows all resources of a kind: each when it was written, and a store of them.
///
/// One that cannot be read, because it was stored before a rule was tightened, is told so and left as it is. It must not keep the
/// operator from all the others, as it would if the API server's answers were read as a whole.
pub fn readable<K>(context: &Context) -> (impl Stream<Item = watcher::Result<K>> + Send + 'static, reflector::Store<K>)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + Sync
        + 'static,
{
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = match context.settings.namespace.as_str() {
        "" => Api::all_with(context.client.clone(), &resource),
        namespace => Api::namespaced_with(context.client.clone(), namespace, &resource),
    };
    let (reader, writer) = reflector::store();
    let told_by = context.clone();
    let resources = watcher(api, watching(context))
        .default_backoff()
        .filter_map(move |event| {
            let context = told_by.clone();
            async move { read::<K>(&context, event).await }
        })
        .reflect(writer);
    (once_stored(resources, reader.clone()), reader)
}

/// The resources that were written, each when the store has it: a controller that is told of one looks there, and lets it be if it
/// is not found. While all are listed anew, which a broken watch leads to, the store has what was new only at the end of the list.
fn once_stored<K>(
    events: impl Stream<Item = watcher::Result<watcher::Event<K>>>,
    stored: reflector::Store<K>,
) -> impl Stream<Item = watcher::Result<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    events.flat_map(move |event| {
        let (written, listed) = match event {
            Ok(watcher::Event::Apply(resource)) => (Some(Ok(resource)), Vec::new()),
            Ok(watcher::Event::InitDone) => (None, stored.state()),
            Ok(watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::Delete(_)) => (None, Vec::new()),
            Err(error) => (Some(Err(error)), Vec::new()),
        };
        stream::iter(written.into_iter().chain(listed.into_iter().map(|resource| Ok(Arc::unwrap_or_clone(resource)))))
    })
}

async fn read<K>(
    context: &Context,
    event: watcher::Result<watcher::Event<DynamicObject>>,
) -> Option<watcher::Result<watcher::Event<K>>>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    use watcher::Event;
    let (mut object, event): (_, fn(K) -> Event<K>) = match event {
        Ok(Event::Init) => return Some(Ok(Event::Init)),
        Ok(Event::InitDone) => return Some(Ok(Event::InitDone)),
        Err(error) => return Some(Err(error)),
        Ok(Event::Apply(object)) => (object, Event::Apply),
        Ok(Event::InitApply(object)) => (object, Event::InitApply),
        // What is gone need not be told anything; its place in the store is found by its name.
        Ok(Event::Delete(object)) => return object.try_parse().ok().map(|object| Ok(Event::Delete(object))),
    };
    // Half of what would be held of it otherwise.
    object.metadata.managed_fields = None;
    match object.clone().try_parse() {
        Ok(read) => Some(Ok(event(read))),
        Err(error) => {
            tell::<K>(context, &object, &error).await;
            None
        }
    }
}

/// Says by an event, and in the conditions, that the resource is left as it is. What else the status holds stays: it may be the
/// memory of a work under way. The API server refuses any status of a resource that is too far from its definition.
async fn tell<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &DynamicObject,
    error: &(dyn std::error::Error + Send + Sync + 'static),
) {
    let (kind, namespace, name) = (K::kind(&()), object.namespace().unwrap_or_default(), object.name_any());
    events::unreadable(&kind, &namespace, &name, error);
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let message = format!(
        "This {kind} cannot be read, so nothing is done about it, and what it made stays as it is: {cause}. Apply it once more as \
         its definition wants it; to delete it, take its finalizers away."
    );
    let known = told(object);
    let mut news = known.clone();
    let says = [
        Says::no(READY, UNREADABLE, message.clone()),
        Says::no(PROGRESSING, UNREADABLE, "It waits for a change of the resource."),
        Says::yes(DEGRADED, UNREADABLE, message.clone()),
        Says::yes(STALLED, UNREADABLE, message.clone()),
    ];
    conditions::set(&mut news, object.metadata.generation, context.clock.now(), says);
    if news == known {
        return;
    }
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.client.clone(), &namespace, &ApiResource::erase::<K>(&()));
    let patch = Patch::Merge(json!({ "status": { "conditions": news } }));
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch_status(&name, &parameters, &patch).await {
        Ok(_) => events::status_written(&kind),
        Err(error) => events::failure_untold(&kind, &error),
    }
    context
        .notices
        .warning_of(&object.object_ref(&ApiResource::erase::<K>(&())), UNREADABLE, "Reconcile", message)
        .await;
}

fn told(object: &DynamicObject) -> Vec<Condition> {
    let conditions: &Value = &object.data["status"]["conditions"];
    serde_json::from_value(conditions.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::runtime::{reflector::ObjectRef, watcher::Event};

    use super::*;

    fn named(name: &str) -> ConfigMap {
        serde_json::from_value(json!({ "metadata": { "name": name, "namespace": "default" } })).expect("an object")
    }

    #[tokio::test]
    async fn a_resource_is_told_of_when_the_store_has_it() {
        let (reader, writer) = reflector::store();
        let events = [
            Event::Init,
            Event::InitApply(named("old")),
            Event::InitDone,
            Event::Apply(named("written")),
            // A watch that broke: all are listed anew, and one of them is new.
            Event::Init,
            Event::InitApply(named("old")),
            Event::InitApply(named("written")),
            Event::InitApply(named("made-meanwhile")),
            Event::InitDone,
            Event::Delete(named("old")),
        ];
        let events = stream::iter(events.map(Ok)).reflect(writer);
        let store = reader.clone();
        let told: Vec<String> = once_stored(events, reader)
            .map(|resource| {
                let resource = resource.expect("no error");
                assert!(store.get(&ObjectRef::from_obj(&resource)).is_some(), "{} is not stored", resource.name_any());
                resource.name_any()
            })
            .collect()
            .await;
        assert_eq!(&told[..2], ["old", "written"]);
        let after: BTreeSet<&str> = told[2..].iter().map(String::as_str).collect();
        assert_eq!(after, BTreeSet::from(["made-meanwhile", "old", "written"]));
    }
}
