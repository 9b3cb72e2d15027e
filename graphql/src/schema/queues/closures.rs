//! Regions in which queues are closed: which, by whom and why; closing and opening them.

use async_graphql::{Context, Object, SimpleObject};
use muster_store::{Actor, CloseError, NewClosure, OpenError, Opening, Store};

use super::edit::read_reason;
use crate::{
    auth::{Needs, Permission, session_of},
    events,
    schema::{errors::ApiError, of_schema, time::Time},
};

/// A queue, or every queue, takes nobody in a region.
#[derive(SimpleObject)]
pub struct QueueClosure {
    /// Which queue; null when it is every queue that has the region.
    queue: Option<String>,
    /// In which region.
    region: String,
    /// Whether staff closed it. What a program closed, such as the operator while a region drains, it also opens again.
    by_staff: bool,
    /// Who closed it: a staff id, `stf_…`, or a service key's, `svk_…`.
    author: String,
    /// Why.
    reason: String,
    /// Since when.
    closed_at: Time,
}

impl From<muster_store::Closure> for QueueClosure {
    fn from(closure: muster_store::Closure) -> Self {
        let muster_store::Closure { queue, region, by_staff, author, reason, closed_at } = closure;
        Self { queue, region, by_staff, author, reason, closed_at: Time(closed_at) }
    }
}

/// Queries about closures.
#[derive(Default)]
pub struct ClosureQuery;

#[Object]
impl ClosureQuery {
    /// What is closed now, by region and queue.
    #[graphql(
        guard = "Needs(Permission::ReadQueues)",
        complexity = "crate::schema::cost::Reckoned::Queues.of(child_complexity)"
    )]
    async fn closures(&self, context: &Context<'_>) -> Result<Vec<QueueClosure>, ApiError> {
        standing(context).await
    }
}

/// Acts on closures.
#[derive(Default)]
pub struct ClosureMutation;

#[Object]
impl ClosureMutation {
    /// Closes a queue in a region, or every queue when `queue` is null; every gateway and matchmaker knows within a second. Nobody
    /// is let in who could play only there, tickets that wait for it alone fail with the reason `region_closed`, and no match
    /// begins there; running matches go on. What a program has closed is the staff's from then on. Refused with `invalid_field`.
    #[graphql(guard = "Needs(Permission::EditQueues)")]
    async fn close_queue(
        &self,
        context: &Context<'_>,
        queue: Option<String>,
        region: String,
        reason: String,
    ) -> Result<QueueClosure, ApiError> {
        let staff = session_of(context)?.member.staff_id;
        let new = NewClosure { queue, region, author: Actor::Staff(staff), reason: read_reason(&reason)? };
        let closed = of_schema::<Store>(context)?.closures.close(&new, muster_store::now()).await;
        let closure = closed.map_err(|error| match error {
            CloseError::Invalid(fault) => ApiError::InvalidFields(vec![fault]),
            CloseError::Store(error) => ApiError::internal("close_queue")(error),
        })?;
        events::region_switched(staff, closure.queue.as_deref(), &closure.region, true);
        Ok(closure.into())
    }

    /// Opens a queue in a region again, or takes back the closure of every queue when `queue` is null, whoever closed it. Returns
    /// what is still closed: a queue may be closed for itself and with every other.
    #[graphql(
        guard = "Needs(Permission::EditQueues)",
        complexity = "crate::schema::cost::Reckoned::Queues.of(child_complexity)"
    )]
    async fn open_queue(
        &self,
        context: &Context<'_>,
        queue: Option<String>,
        region: String,
        reason: String,
    ) -> Result<Vec<QueueClosure>, ApiError> {
        let staff = session_of(context)?.member.staff_id;
        let opening = Opening { queue, region, author: Actor::Staff(staff), reason: Some(read_reason(&reason)?) };
        let opened = of_schema::<Store>(context)?.closures.open(&opening, muster_store::now()).await;
        let opened = opened.map_err(|error| match error {
            OpenError::Invalid(fault) => ApiError::InvalidFields(vec![fault]),
            OpenError::Store(error) => ApiError::internal("open_queue")(error),
            // Only programs are refused so.
            held @ OpenError::HeldByStaff(_) => ApiError::internal("open_queue")(held),
        })?;
        if opened {
            events::region_switched(staff, opening.queue.as_deref(), &opening.region, false);
        }
        standing(context).await
    }
}

async fn standing(context: &Context<'_>) -> Result<Vec<QueueClosure>, ApiError> {
    let found = of_schema::<Store>(context)?.closures.standing().await.map_err(ApiError::internal("closures"))?;
    Ok(found.all().iter().cloned().map(QueueClosure::from).collect())
}
