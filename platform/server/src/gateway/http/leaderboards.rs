//! Who stands where in a mode.

use axum::Json;
use axum::extract::State;
use muster_core::game::Mode;
use muster_core::id::PlayerId;
use muster_core::wire::{Leaderboard, PlayerStanding, Problem};
use muster_store::BoardCursor;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::gateway::Gateway;
use crate::gateway::extract::{OnBoard, PathMode, Query, Reader};

/// Which part of a leaderboard is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BoardRange {
    /// Players after this place: the `end_cursor` of an earlier page. Absent: from the best.
    after: Option<String>,
    /// At most so many, 1 to 100.
    #[serde(default = "default_first")]
    #[param(minimum = 1, maximum = 100, default = 50)]
    first: u32,
}

fn default_first() -> u32 {
    50
}

/// The leaderboard of a mode, by pages. While it is made again (its store was lost), it shows what is there already.
#[utoipa::path(get, path = "/v1/leaderboards/{mode}", tag = "players", security(("token" = [])), params(("mode" = Mode, Path), BoardRange), responses(
    (status = 200, body = Leaderboard),
    (status = 404, body = Problem, description = "No such mode", content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_leaderboard(
    State(gateway): State<Gateway>,
    _reader: Reader,
    PathMode(mode): PathMode,
    Query(range): Query<BoardRange>,
) -> Result<Json<Leaderboard>, ApiError> {
    if !(1..=100).contains(&range.first) {
        return Err(ApiError::field("first", "must be between 1 and 100"));
    }
    let after: Option<BoardCursor> = range
        .after
        .map(|text| text.parse::<BoardCursor>())
        .transpose()
        .map_err(|error| ApiError::field("after", error.to_string()))?;
    gateway.leaderboard(mode, after, range.first).await.map(Json)
}

/// Who else is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Neighbours {
    /// At most so many on either side, 0 to 25.
    #[serde(default)]
    #[param(minimum = 0, maximum = 25, default = 0)]
    around: u32,
}

/// Where a player stands in a mode, with their neighbours.
#[utoipa::path(get, path = "/v1/leaderboards/{mode}/players/{player_id}", tag = "players", security(("token" = [])), params(("mode" = Mode, Path), ("player_id" = PlayerId, Path), Neighbours), responses(
    (status = 200, body = PlayerStanding),
    (status = 404, body = Problem, description = "No such mode, or the player has not played it ranked", content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_standing(
    State(gateway): State<Gateway>,
    _reader: Reader,
    OnBoard(mode, player): OnBoard,
    Query(neighbours): Query<Neighbours>,
) -> Result<Json<PlayerStanding>, ApiError> {
    if neighbours.around > 25 {
        return Err(ApiError::field("around", "must be between 0 and 25"));
    }
    gateway.standing(mode, player, neighbours.around).await.map(Json)
}
