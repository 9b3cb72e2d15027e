//! The versions of a queue: what its rules were, who changed them, and why.

use async_graphql::{ComplexObject, Context, Json, SimpleObject};
use muster_core::{id::StaffId, matchmaking::QueueDefinition};
use muster_store::Store;

use crate::{
    auth::{Needs, Permission},
    schema::{
        errors::ApiError,
        of_schema,
        page::{self, PageInfo},
        time::Time,
    },
};

/// One version of a queue's rules.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct QueueVersion {
    /// Counts from 1.
    version: u32,
    /// The rules.
    definition: Json<QueueDefinition>,
    /// Who made it: a staff id, `stf_…`, or the part of the platform that did.
    author: String,
    /// Why.
    reason: String,
    /// When.
    created_at: Time,
}

#[ComplexObject]
impl QueueVersion {
    /// How the author is called; null when it was the platform.
    #[graphql(guard = "Needs(Permission::ReadQueues)", complexity = 2)]
    async fn author_name(&self, context: &Context<'_>) -> Result<Option<String>, ApiError> {
        author_name(of_schema(context)?, &self.author).await
    }
}

impl From<muster_store::QueueVersion> for QueueVersion {
    fn from(version: muster_store::QueueVersion) -> Self {
        Self {
            version: version.definition.version,
            definition: Json(version.definition),
            author: version.author,
            reason: version.reason,
            created_at: Time(version.created_at),
        }
    }
}

/// How an author is called, when it is somebody of the staff.
pub(super) async fn author_name(store: &Store, author: &str) -> Result<Option<String>, ApiError> {
    let Ok(staff_id) = author.parse::<StaffId>() else { return Ok(None) };
    let member = store.staff.get(staff_id).await.map_err(ApiError::internal("get_staff"))?;
    Ok(member.map(|member| member.display_name))
}

/// One page of a queue's versions, newest first.
#[derive(SimpleObject)]
pub struct QueueVersionConnection {
    /// The versions of this page.
    edges: Vec<QueueVersionEdge>,
    /// Whether and where it goes on.
    page_info: PageInfo,
    /// All versions, on every page together.
    total_count: u64,
}

/// A version and where it stands in the list.
#[derive(SimpleObject)]
pub struct QueueVersionEdge {
    /// For `after`.
    cursor: String,
    /// The version.
    node: QueueVersion,
}

impl QueueVersionConnection {
    /// Of all versions, newest first, the first ones older than `after`. A version's number is its cursor: it never changes,
    /// and newer versions do not move older ones to another page.
    pub(super) fn new(versions: Vec<muster_store::QueueVersion>, after: Option<u32>, first: u32) -> Self {
        let total_count = versions.len() as u64;
        let mut rest = versions
            .into_iter()
            .filter(|version| after.is_none_or(|after| version.definition.version < after))
            .map(QueueVersion::from);
        let edges: Vec<QueueVersionEdge> = rest
            .by_ref()
            .take(first as usize)
            .map(|node| QueueVersionEdge { cursor: page::encode(&node.version), node })
            .collect();
        let end_cursor = edges.last().map(|edge| edge.cursor.clone());
        Self { page_info: PageInfo::new(rest.next().is_some(), end_cursor), edges, total_count }
    }
}
