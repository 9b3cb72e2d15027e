//! The events of a namespace.

use k8s_openapi::api::core::v1::Event;
use kube::{ResourceExt, api::ListParams};

use crate::kubectl::cluster::Cluster;

/// Events that are told.
const MOST: usize = 20_000;

/// All of them, a line each, the oldest first.
///
/// # Errors
/// The API server did not answer, or not with them.
pub async fn text(here: &Cluster) -> Result<String, kube::Error> {
    let mut events = here.some(&here.here::<Event>(), ListParams::default(), MOST).await?;
    let when = |event: &Event| {
        let last = event.last_timestamp.as_ref().map(|time| time.0).or(event.event_time.as_ref().map(|time| time.0));
        last.or(event.creation_timestamp().map(|time| time.0))
    };
    events.sort_by_key(when);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let line = |event: &Event| {
        format!(
            "{} {} {}/{} {} x{}: {}",
            when(event).map(|when| when.to_string()).unwrap_or_default(),
            text(&event.type_),
            text(&event.involved_object.kind),
            text(&event.involved_object.name),
            text(&event.reason),
            event.count.unwrap_or(1),
            text(&event.message).replace('\n', " "),
        )
    };
    Ok(events.iter().map(line).collect::<Vec<_>>().join("\n"))
}
