//! The caller's own profile.

use axum::Json;
use axum::extract::State;
use muster_core::wire::{Problem, Profile, ProfileRating, QueueRating};

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;
use crate::gateway::extract::Reader;

/// The caller: name, ratings, and what they are in right now.
#[utoipa::path(get, path = "/v1/me", tag = "players", security(("token" = [])), responses(
    (status = 200, body = Profile),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn read_me(State(gateway): State<Gateway>, Reader(player): Reader) -> Result<Json<Profile>, ApiError> {
    let store = &gateway.store;
    // A token can outlive its account.
    let account = store.accounts.get(player).await?.ok_or(Code::TokenInvalid)?;
    let ratings = store.ratings.all(player).await?;
    Ok(Json(Profile {
        player_id: player,
        display_name: account.display_name,
        ratings: ratings
            .into_iter()
            .map(|row| ProfileRating {
                mode: row.mode,
                points: row.rating.points,
                deviation: row.rating.deviation,
                matches: row.matches,
                wins: row.wins,
            })
            .collect(),
        ticket: store.tickets.of_player(player).await?.map(|record| record.view()),
        match_id: store.matches.running_of(player).await?,
        queue_ratings: store
            .servers
            .ratings_of(player)
            .await?
            .into_iter()
            .map(|row| QueueRating {
                queue: row.queue,
                points: row.rating.points,
                deviation: row.rating.deviation,
                matches: row.matches,
                wins: row.wins,
            })
            .collect(),
        server_match_id: store.servers.running_of(player).await?,
    }))
}
