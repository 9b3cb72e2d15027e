//! Settings of the processes that are not secret, and what the region is, for those who read it.

use kube::ResourceExt;
use serde_json::json;

use super::{Kind, OPS_PORT, Object, PLAYERS_PORT, object};
use crate::crd::Region;

/// The entry that the processes read as their configuration file.
pub const SETTINGS: &str = "muster.toml";

/// `muster.toml` is read by the processes; `region.json` says what the Region says of itself, for whoever wants to know.
pub fn of(region: &Region) -> Object {
    let facts = json!({
        "region": region.name_any(),
        "queues": region.spec.queues,
        "endpoints": region.spec.endpoints,
        "capacity": region.spec.capacity,
    });
    let rest = json!({ "data": { SETTINGS: settings(region), "region.json": facts.to_string() } });
    object(region, Kind::ConfigMap, region.name_any(), &[], rest)
}

/// The configuration file. The schema lets no name through that needs quoting beyond quotes.
pub fn settings(region: &Region) -> String {
    let name = region.name_any();
    let in_queues = region.spec.platform.as_ref().and_then(|platform| platform.region.as_deref()).unwrap_or(&name);
    let queues = match region.spec.queues.as_slice() {
        [] => String::new(),
        queues => format!("\n[matchmaker]\nqueues = {}\n", json!(queues)),
    };
    format!(
        "[log]\nenvironment = \"{name}\"\n\n[http]\nlisten = \"0.0.0.0:{PLAYERS_PORT}\"\n\n\
         [ops]\nlisten = \"0.0.0.0:{OPS_PORT}\"\n\n[shutdown]\ngrace = \"25s\"\n\n\
         [referee]\nregion = \"{in_queues}\"\n{queues}"
    )
}
