//! Closing queues in a region, and opening them.

use muster_core::id::ServiceKeyId;
use muster_core::matchmaking::QueueDefinition;
use muster_core::wire::{CloseRegion, ClosureView};
use muster_store::{Actor, CloseError, ClosedRegions, NewClosure, OpenError, Opening};

use crate::error::{ApiError, Code};
use crate::events;
use crate::gateway::Gateway;

/// When it is worth asking again, in seconds: a region is closed for minutes, not for moments.
const ASK_AGAIN: u64 = 30;

impl Gateway {
    /// Closes a queue, or every queue, in a region. What is closed stays as it is.
    pub(in crate::gateway) async fn close_region(
        &self,
        key: ServiceKeyId,
        queue: Option<String>,
        region: String,
        request: CloseRegion,
    ) -> Result<ClosureView, ApiError> {
        let new = NewClosure { queue, region, author: program(key), reason: request.reason };
        let closure = self.store.closures.close(&new, muster_store::now()).await.map_err(|error| match error {
            CloseError::Invalid(fault) => ApiError::from(fault),
            CloseError::Store(error) => error.into(),
        })?;
        events::region_switched(key, closure.queue.as_deref(), &closure.region, true);
        let muster_store::Closure { queue, region, by_staff, reason, closed_at, author: _ } = closure;
        Ok(ClosureView { queue, region, reason, closed_at, by_staff })
    }

    /// Takes a closure back; not closed is as good.
    pub(in crate::gateway) async fn open_region(
        &self,
        key: ServiceKeyId,
        queue: Option<String>,
        region: String,
    ) -> Result<(), ApiError> {
        let opening = Opening { queue, region, author: program(key), reason: None };
        let opened = self.store.closures.open(&opening, muster_store::now()).await.map_err(|error| match error {
            OpenError::HeldByStaff(closure) => {
                let since = muster_core::time::format(closure.closed_at);
                let why = format!("Closed since {since}: {}. Open it in the staff API.", sentence(&closure.reason));
                ApiError::with_detail(Code::ClosedByStaff, why)
            }
            OpenError::Invalid(fault) => ApiError::from(fault),
            OpenError::Store(error) => error.into(),
        })?;
        if opened {
            events::region_switched(key, opening.queue.as_deref(), &opening.region, false);
        }
        Ok(())
    }
}

/// Nobody is let into a queue: it is closed wherever the asker could play.
pub(in crate::gateway) fn closed(queue: &QueueDefinition, closed: &ClosedRegions, named: &[&str]) -> ApiError {
    let regions = queue.regions.iter().map(|region| region.name.as_str());
    let here: Vec<_> = regions
        .filter(|region| named.is_empty() || named.contains(region))
        .filter_map(|region| closed.of(&queue.name, region).map(|closure| (region, closure)))
        .collect();
    let names: Vec<_> = here.iter().map(|(region, _)| *region).collect();
    let why = here.first().map_or("", |(_, closure)| closure.reason.as_str());
    let detail = format!("{} is closed in {}: {}.", queue.name, names.join(", "), sentence(why));
    ApiError::with_detail(Code::QueueClosed, detail).retry_after(ASK_AGAIN)
}

/// Without the full stop that follows anyway.
fn sentence(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

fn program(key: ServiceKeyId) -> Actor {
    Actor::System(key.to_string())
}
