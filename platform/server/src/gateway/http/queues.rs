//! What a player can queue for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use muster_core::matchmaking::QueueDefinition;
use muster_core::wire::QueueView;

use crate::gateway::Gateway;

/// Every queue, by name.
#[utoipa::path(get, path = "/v1/queues", tag = "matchmaking", responses((status = 200, body = Vec<QueueView>)))]
pub(super) async fn list_queues(State(gateway): State<Gateway>) -> Json<Vec<QueueView>> {
    let closed = gateway.closures.now();
    let view = |queue: &Arc<QueueDefinition>| QueueView {
        closed_regions: closed.in_queue(queue).into_iter().map(str::to_owned).collect(),
        ..QueueView::from(&**queue)
    };
    Json(gateway.queues.all().values().map(view).collect())
}
