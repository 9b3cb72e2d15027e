//! The servers that games have registered: where they are, how they are, and how many matches they have.

use std::collections::BTreeMap;

use async_graphql::{Context, Enum, ID, Json, Object, SimpleObject};
use muster_core::{
    id::ServerId,
    wire::{RegisterServer, ServerView},
};
use muster_store::{ServerFilter, Store};

use super::{
    cost::MAX_PAGE,
    errors::ApiError,
    of_schema,
    page::{self, PageInfo, within},
    time::Time,
};
use crate::auth::{Needs, Permission};

/// The most characters of a region.
const MAX_REGION: usize = 32;

/// A server of a game, from its start to its end.
#[derive(SimpleObject)]
pub struct GameServer {
    /// Server id, `srv_…`.
    id: ID,
    /// Where players connect to.
    address: String,
    /// Where it stands; null where the queues have no regions.
    region: Option<String>,
    /// Which build of the game it runs.
    build: Option<String>,
    /// What a queue may ask for.
    labels: Json<BTreeMap<String, String>>,
    /// Whose matches it plays: names of queues; any queue's when empty.
    queues: Vec<String>,
    /// How it is.
    state: GameServerState,
    /// How many matches it has.
    matches: u32,
    /// How many it plays at once.
    capacity: u32,
    /// What it said last of how busy its machine is.
    load_percent: Option<u32>,
    /// Since when it is there.
    registered_at: Time,
    /// Without a heartbeat until then it counts as lost.
    lease_until: Time,
}

/// How a server is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "muster_core::wire::ServerState")]
pub enum GameServerState {
    /// Registered, not ready for matches.
    Starting,
    /// Ready, and has none.
    Ready,
    /// Ready, and has matches.
    Allocated,
    /// Gets nothing new.
    Draining,
    /// Fell silent: its matches were ended.
    Lost,
    /// It drained, and is done.
    Gone,
}

impl From<ServerView> for GameServer {
    fn from(server: ServerView) -> Self {
        let RegisterServer { address, region, build, labels, queues, capacity } = server.registered;
        Self {
            id: server.server_id.to_string().into(),
            address,
            region,
            build,
            labels: Json(labels),
            queues,
            state: server.state.into(),
            matches: server.matches.into(),
            capacity: capacity.into(),
            load_percent: server.load_percent.map(u32::from),
            registered_at: Time(server.registered_at),
            lease_until: Time(server.lease_until),
        }
    }
}

/// One page of servers, newest first.
#[derive(SimpleObject)]
pub struct GameServerConnection {
    /// The servers of this page.
    edges: Vec<GameServerEdge>,
    /// Whether and where it goes on.
    page_info: PageInfo,
}

/// A server and where it stands in the list.
#[derive(SimpleObject)]
pub struct GameServerEdge {
    /// For `after`.
    cursor: String,
    /// The server.
    node: GameServer,
}

/// Queries about servers.
#[derive(Default)]
pub struct GameServerQuery;

#[Object]
impl GameServerQuery {
    /// Servers that games have registered, newest first: the first (1 to 100) after a cursor. Those that ended stay in the list for a
    /// while.
    #[graphql(
        guard = "Needs(Permission::ReadServers)",
        complexity = "crate::schema::cost::list(first, 25, crate::schema::cost::MAX_PAGE, child_complexity)"
    )]
    async fn game_servers(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(25)")] first: Option<i32>,
        after: Option<String>,
        region: Option<String>,
        state: Option<GameServerState>,
    ) -> Result<GameServerConnection, ApiError> {
        let first = within("first", first.unwrap_or(25), MAX_PAGE)?;
        let after = after.as_deref().map(page::decode::<ServerId>).transpose()?;
        if region.as_ref().is_some_and(|region| region.chars().count() > MAX_REGION) {
            return Err(ApiError::bad_input(format!("region has {MAX_REGION} characters at most")));
        }
        let filter = ServerFilter { region, state: state.map(Into::into) };
        let found = of_schema::<Store>(context)?.servers.list(&filter, after, first + 1).await;
        let mut found = found.map_err(ApiError::internal("list_servers"))?.into_iter();
        let edges: Vec<GameServerEdge> = found
            .by_ref()
            .take(first as usize)
            .map(|server| GameServerEdge { cursor: page::encode(&server.server_id), node: server.into() })
            .collect();
        let end_cursor = edges.last().map(|edge| edge.cursor.clone());
        Ok(GameServerConnection { edges, page_info: PageInfo::new(found.next().is_some(), end_cursor) })
    }
}
