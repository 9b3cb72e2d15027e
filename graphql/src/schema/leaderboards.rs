//! Who stands where in a mode: pages, one player, how the board is; and having it made again.

use std::collections::HashMap;

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use muster_core::{game::Mode, id::PlayerId};
use muster_store::{Actor, AuditOutcome, BoardCursor, BoardPart, BoardState, NewAudit, Store, StoreError};
use serde_json::json;

use super::{
    cost::MAX_PAGE,
    errors::ApiError,
    matches::parse_mode,
    of_schema,
    page::{self, PageInfo, within},
    queues::read_reason,
    time::Time,
};
use crate::{
    auth::{Needs, Permission, session_of},
    events,
};

/// The leaderboard of a mode: players by their rating less three times its deviation.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Leaderboard {
    /// The rules: quickfire, classic, zero-hour, last-line or true-grit.
    mode: String,
    /// Whether it has all ratings. If not, referees make it again within seconds.
    whole: bool,
    /// Whether it is being made again now; until that is done, it shows what it had.
    rebuilding: bool,
    /// When it was made from the ratings last; every match since then has changed it.
    made_at: Option<Time>,
    #[graphql(skip)]
    of: Mode,
}

#[ComplexObject]
impl Leaderboard {
    /// Those who have played the mode ranked, the best first: the first (1 to 100) after a cursor.
    #[graphql(
        guard = "Needs(Permission::ReadLeaderboards)",
        complexity = "crate::schema::cost::list(first, 50, crate::schema::cost::MAX_PAGE, child_complexity)"
    )]
    async fn standings(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(50)")] first: Option<i32>,
        after: Option<String>,
    ) -> Result<StandingConnection, ApiError> {
        let first = within("first", first.unwrap_or(50), MAX_PAGE)?;
        let after = after.as_deref().map(page::decode::<BoardCursor>).transpose()?;
        let store = of_schema::<Store>(context)?;
        let part = store.leaderboards.page(self.of, after, first).await;
        StandingConnection::read(store, part.map_err(ApiError::internal("leaderboard_page"))?).await
    }

    /// Where a player stands; null for who has not played the mode ranked.
    #[graphql(guard = "Needs(Permission::ReadLeaderboards)", complexity = "1 + child_complexity")]
    async fn standing(&self, context: &Context<'_>, player_id: ID) -> Result<Option<Standing>, ApiError> {
        let player: PlayerId =
            player_id.parse().map_err(|error| ApiError::bad_input(format!("playerId is not a player id: {error}")))?;
        let store = of_schema::<Store>(context)?;
        let found = store.leaderboards.around(self.of, player, 0).await;
        let Some(part) = found.map_err(ApiError::internal("leaderboard_standing"))? else { return Ok(None) };
        Ok(StandingConnection::read(store, part).await?.edges.pop().map(|edge| edge.node))
    }
}

impl From<BoardState> for Leaderboard {
    fn from(state: BoardState) -> Self {
        let BoardState { mode, whole, building, made_at } = state;
        Self { mode: mode.to_string(), whole, rebuilding: building, made_at: made_at.map(Time), of: mode }
    }
}

/// One page of a leaderboard.
#[derive(SimpleObject)]
pub struct StandingConnection {
    /// The standings of this page.
    edges: Vec<StandingEdge>,
    /// Whether and where it goes on.
    page_info: PageInfo,
    /// How many stand on the board.
    total_count: u64,
}

/// A standing and where it is in the list.
#[derive(SimpleObject)]
pub struct StandingEdge {
    /// For `after`.
    cursor: String,
    /// The standing.
    node: Standing,
}

/// A player on a leaderboard.
#[derive(SimpleObject)]
pub struct Standing {
    /// 1 is the best. Everybody has their own: of the same score, whoever has the older account stands before.
    rank: u64,
    /// Player id, `ply_…`.
    player_id: ID,
    /// How they are called, while they have an account.
    display_name: Option<String>,
    /// In points: the rating less three times its deviation.
    score: f64,
}

impl StandingConnection {
    /// With the players' names.
    async fn read(store: &Store, part: BoardPart) -> Result<Self, ApiError> {
        let players: Vec<PlayerId> = part.ranked.iter().map(|ranked| ranked.player_id).collect();
        let accounts = store.accounts.get_many(&players).await.map_err(ApiError::internal("leaderboard_names"))?;
        let mut names: HashMap<PlayerId, String> =
            accounts.into_iter().map(|account| (account.player_id, account.display_name)).collect();
        let has_next = part.ranked.last().is_some_and(|last| last.rank < part.players);
        let edges: Vec<StandingEdge> = part
            .ranked
            .into_iter()
            .map(|ranked| StandingEdge {
                cursor: page::encode(&BoardCursor { score: ranked.score, player_id: ranked.player_id }),
                node: Standing {
                    rank: ranked.rank,
                    player_id: ranked.player_id.to_string().into(),
                    display_name: names.remove(&ranked.player_id),
                    score: ranked.score,
                },
            })
            .collect();
        let end_cursor = edges.last().map(|edge| edge.cursor.clone());
        Ok(Self { edges, page_info: PageInfo::new(has_next, end_cursor), total_count: part.players })
    }
}

/// Queries about leaderboards.
#[derive(Default)]
pub struct LeaderboardQuery;

#[Object]
impl LeaderboardQuery {
    /// The leaderboards of all modes.
    #[graphql(
        guard = "Needs(Permission::ReadLeaderboards)",
        complexity = "crate::schema::cost::list(Some(5), 5, 5, child_complexity)"
    )]
    async fn leaderboards(&self, context: &Context<'_>) -> Result<Vec<Leaderboard>, ApiError> {
        let states = of_schema::<Store>(context)?.leaderboards.states().await;
        Ok(states.map_err(ApiError::internal("leaderboard_states"))?.into_iter().map(Leaderboard::from).collect())
    }

    /// The leaderboard of one mode.
    #[graphql(guard = "Needs(Permission::ReadLeaderboards)")]
    async fn leaderboard(&self, context: &Context<'_>, mode: String) -> Result<Leaderboard, ApiError> {
        board_of(of_schema(context)?, parse_mode(&mode)?).await
    }
}

/// Acts on leaderboards.
#[derive(Default)]
pub struct LeaderboardMutation;

#[Object]
impl LeaderboardMutation {
    /// Has a leaderboard made again from the ratings: a referee begins within seconds, and the board shows what it had until the new
    /// one is whole. Asking again does no harm.
    #[graphql(guard = "Needs(Permission::RebuildLeaderboards)")]
    async fn rebuild_leaderboard(
        &self,
        context: &Context<'_>,
        mode: String,
        reason: String,
    ) -> Result<Leaderboard, ApiError> {
        let mode = parse_mode(&mode)?;
        let reason = read_reason(&reason)?;
        let staff = session_of(context)?.member.staff_id;
        let store = of_schema::<Store>(context)?;
        let asked = store.leaderboards.ask_rebuild(mode).await;
        let entry = NewAudit {
            actor: Actor::Staff(staff),
            action: "leaderboard.rebuild".to_owned(),
            target: Some(mode.to_string()),
            reason: Some(reason),
            outcome: if asked.is_ok() { AuditOutcome::Succeeded } else { AuditOutcome::Failed },
            details: json!({}),
        };
        let noted: Result<_, StoreError> = store.audit.append(&entry, muster_store::now()).await;
        asked.map_err(ApiError::internal("rebuild_leaderboard"))?;
        noted.map_err(ApiError::internal("note_rebuild"))?;
        events::leaderboard_rebuild_asked(staff, mode);
        board_of(store, mode).await
    }
}

async fn board_of(store: &Store, mode: Mode) -> Result<Leaderboard, ApiError> {
    let states = store.leaderboards.states().await.map_err(ApiError::internal("leaderboard_states"))?;
    // Every mode has a state.
    states.into_iter().find(|state| state.mode == mode).map(Leaderboard::from).ok_or(ApiError::Internal)
}
