//! What a player can queue for.

use axum::Json;
use axum::extract::State;
use muster_core::wire::QueueView;

use crate::gateway::Gateway;

/// Every queue, by name.
#[utoipa::path(get, path = "/v1/queues", tag = "matchmaking", responses((status = 200, body = Vec<QueueView>)))]
pub(super) async fn list_queues(State(gateway): State<Gateway>) -> Json<Vec<QueueView>> {
    Json(gateway.queues.all().values().map(|queue| QueueView::from(&**queue)).collect())
}
