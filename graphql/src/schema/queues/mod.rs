//! Queues: their rules, who changed them when and why, who waits in them, and how they do.

mod closures;
mod dry_run;
mod edit;
mod facts;
mod history;
mod shards;

use async_graphql::{Context, Json, Object};
use futures::future::try_join_all;
use muster_core::matchmaking::QueueDefinition;
use muster_store::{Shard, Store};
use tokio::sync::OnceCell;

use super::{
    cost::MAX_VERSIONS,
    errors::ApiError,
    of_schema,
    page::{self, within},
    time::Time,
};
use crate::auth::{Needs, Permission};
use closures::QueueClosure;
use facts::{FactsSpan, QueueFacts};
use history::QueueVersionConnection;
use shards::{QueueLive, QueueShard};

pub use closures::{ClosureMutation, ClosureQuery};
pub use dry_run::DryRunQuery;
pub use edit::QueueMutation;
pub(super) use edit::read_reason;

/// A queue as it is now: the newest version of its rules.
pub struct Queue {
    definition: QueueDefinition,
    /// Who made this version: read for those who ask.
    version: OnceCell<muster_store::QueueVersion>,
    /// The leaders are asked once, for `live` and `shards` together.
    shards: OnceCell<Vec<QueueShard>>,
}

/// A queue as it is now: the newest version of its rules.
#[Object]
impl Queue {
    /// Its stable name.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn name(&self) -> &str {
        &self.definition.name
    }

    /// Counts from 1; every change makes the next one.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn version(&self) -> u32 {
        self.definition.version
    }

    /// The rules of the built-in game that its matches are played by; null for a game that runs on its own servers.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn mode(&self) -> Option<String> {
        self.definition.mode.map(|mode| mode.to_string())
    }

    /// Whether its matches move ratings.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn ranked(&self) -> bool {
        self.definition.ranked
    }

    /// All of its rules, as `updateQueue` takes them.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn definition(&self) -> Json<&QueueDefinition> {
        Json(&self.definition)
    }

    /// When this version was made.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn updated_at(&self, context: &Context<'_>) -> Result<Time, ApiError> {
        Ok(Time(self.newest(context).await?.created_at))
    }

    /// Who made this version: a staff id, `stf_…`, or the part of the platform that did.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn author(&self, context: &Context<'_>) -> Result<&str, ApiError> {
        Ok(&self.newest(context).await?.author)
    }

    /// How the author is called; null when it was the platform.
    #[graphql(guard = "Needs(Permission::ReadQueues)", complexity = 2)]
    async fn author_name(&self, context: &Context<'_>) -> Result<Option<String>, ApiError> {
        history::author_name(of_schema(context)?, &self.newest(context).await?.author).await
    }

    /// Why this version was made.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn reason(&self, context: &Context<'_>) -> Result<&str, ApiError> {
        Ok(&self.newest(context).await?.reason)
    }

    /// Who waits in it now, in all shards together.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn live(&self, context: &Context<'_>) -> Result<QueueLive, ApiError> {
        Ok(QueueLive::of(self.looked_at(context).await?))
    }

    /// Its parts, each with a matchmaker of its own: one for each group of regions, in the order of the definition; and those
    /// of groups that are no more, while tickets wait there.
    #[graphql(
        guard = "Needs(Permission::ReadQueues)",
        complexity = "crate::schema::cost::Reckoned::Shards.of(child_complexity)"
    )]
    async fn shards(&self, context: &Context<'_>) -> Result<&[QueueShard], ApiError> {
        self.looked_at(context).await
    }

    /// The closures that keep regions of it closed: one for each such region, in the order of the definition.
    #[graphql(
        guard = "Needs(Permission::ReadQueues)",
        complexity = "crate::schema::cost::Reckoned::Regions.of(child_complexity)"
    )]
    async fn closures(&self, context: &Context<'_>) -> Result<Vec<QueueClosure>, ApiError> {
        let closed = of_schema::<Store>(context)?.closures.standing().await.map_err(ApiError::internal("closures"))?;
        let regions = self.definition.regions.iter();
        let closures = regions.filter_map(|region| closed.of(&self.definition.name, &region.name));
        Ok(closures.cloned().map(QueueClosure::from).collect())
    }

    /// Its versions, newest first: the first (1 to 100) after a cursor.
    #[graphql(
        guard = "Needs(Permission::ReadQueues)",
        complexity = "crate::schema::cost::list(first, 25, crate::schema::cost::MAX_VERSIONS, child_complexity)"
    )]
    async fn history(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(25)")] first: Option<i32>,
        after: Option<String>,
    ) -> Result<QueueVersionConnection, ApiError> {
        let first = within("first", first.unwrap_or(25), MAX_VERSIONS)?;
        let after = after.as_deref().map(page::decode::<u32>).transpose()?;
        let versions = of_schema::<Store>(context)?
            .queues
            .history(&self.definition.name)
            .await
            .map_err(ApiError::internal("queue_history"))?;
        Ok(QueueVersionConnection::new(versions, after, first))
    }

    /// How the tickets ended that ended from a moment (an hour ago) until before another (now), by region. 31 days at most.
    #[graphql(
        guard = "Needs(Permission::ReadQueues)",
        complexity = "crate::schema::cost::FACTS + crate::schema::cost::Reckoned::Regions.of(child_complexity)"
    )]
    async fn facts(
        &self,
        context: &Context<'_>,
        from: Option<Time>,
        to: Option<Time>,
    ) -> Result<Vec<QueueFacts>, ApiError> {
        let span = FactsSpan::new(from, to, muster_store::now())?;
        span.facts_of(of_schema(context)?, &self.definition.name).await
    }
}

impl Queue {
    fn new(definition: QueueDefinition) -> Self {
        Self { definition, version: OnceCell::new(), shards: OnceCell::new() }
    }

    async fn newest(&self, context: &Context<'_>) -> Result<&muster_store::QueueVersion, ApiError> {
        let QueueDefinition { name, version, .. } = &self.definition;
        self.version
            .get_or_try_init(|| async {
                let queues = &of_schema::<Store>(context)?.queues;
                let found = queues.version(name, *version).await.map_err(ApiError::internal("queue_version"))?;
                // Versions are never taken away, so what was just read as the newest is there.
                found.ok_or(ApiError::Internal)
            })
            .await
    }

    /// Every shard, with what its leader says of it.
    async fn looked_at(&self, context: &Context<'_>) -> Result<&[QueueShard], ApiError> {
        let store = of_schema::<Store>(context)?;
        let name = &self.definition.name;
        let looked_at = self.shards.get_or_try_init(|| async {
            let waiting = store.tickets.waiting(name).await.map_err(ApiError::internal("waiting_tickets"))?;
            let waiting_in =
                |group: &str| waiting.iter().find(|(other, _)| other == group).map_or(0, |(_, tickets)| *tickets);
            let groups = self.definition.groups();
            let gone = waiting
                .iter()
                .filter(|(group, tickets)| *tickets > 0 && !groups.contains(&group.as_str()))
                .map(|(group, _)| group.as_str());
            let all = groups.iter().copied().chain(gone);
            try_join_all(all.map(|group| QueueShard::ask(store, Shard::new(name, group), waiting_in(group)))).await
        });
        Ok(looked_at.await?)
    }
}

/// Queries about queues.
#[derive(Default)]
pub struct QueueQuery;

#[Object]
impl QueueQuery {
    /// All queues, by name.
    #[graphql(
        guard = "Needs(Permission::ReadQueues)",
        complexity = "crate::schema::cost::Reckoned::Queues.of(child_complexity)"
    )]
    async fn queues(&self, context: &Context<'_>) -> Result<Vec<Queue>, ApiError> {
        let found = of_schema::<Store>(context)?.queues.list().await.map_err(ApiError::internal("list_queues"))?;
        Ok(found.into_iter().map(Queue::new).collect())
    }

    /// One queue; null when there is none of this name.
    #[graphql(guard = "Needs(Permission::ReadQueues)")]
    async fn queue(&self, context: &Context<'_>, name: String) -> Result<Option<Queue>, ApiError> {
        let found = of_schema::<Store>(context)?.queues.get(&name).await.map_err(ApiError::internal("get_queue"))?;
        Ok(found.map(Queue::new))
    }
}

/// The newest version of a queue that has to be there.
async fn newest_of(store: &Store, name: &str) -> Result<QueueDefinition, ApiError> {
    let found = store.queues.get(name).await.map_err(ApiError::internal("get_queue"))?;
    found.ok_or_else(|| no_queue(name))
}

fn no_queue(name: &str) -> ApiError {
    ApiError::NotFound { what: "queue", id: name.to_owned() }
}
