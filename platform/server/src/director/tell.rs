//! The end of a match on a server: told to its players and to telemetry, by whoever comes first, until it is told.
//!
//! Every step may be done again: events of telemetry have ids that follow from the match, and a player who is told twice has lost
//! nothing.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::try_join_all;
use muster_core::id::{EventId, MatchId, PlayerId};
use muster_core::telemetry::kind;
use muster_core::wire::{Push, RatingChange, ServerMatchReason};
use muster_store::{EndedMatch, EndedPlayer, GameClient, PublishError, Store, TelemetryEvent, TelemetrySource};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::events;
use crate::telemetry::clients_of;

/// Between two looks for what nobody has told.
const LOOK: Duration = Duration::from_millis(500);
/// How long whoever took an end may take to tell it, before another one does.
const HOLD: Duration = Duration::from_secs(5);
/// Ends that are told together.
const AT_ONCE: u32 = 64;

/// Why ends were not told: they are still to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TellError {
    /// A store failed.
    #[error(transparent)]
    Store(#[from] muster_store::StoreError),
    /// Telemetry did not take them.
    #[error(transparent)]
    Telemetry(#[from] PublishError),
}

/// Tells what is left to tell until the process drains.
pub(super) async fn run(store: Store, drain: CancellationToken) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            _ = looks.tick() => {}
        }
        while !drain.is_cancelled() {
            match tell(&store, None).await {
                Ok(told) if told < AT_ONCE as usize => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "ends of matches could not be told; trying again"
                    );
                    break;
                }
            }
        }
    }
}

/// Tells the ends that nobody has told or is telling, of these matches or of any, and says of how many.
pub(crate) async fn tell(store: &Store, only: Option<&[MatchId]>) -> Result<usize, TellError> {
    let ended = store.servers.untold(only, AT_ONCE, muster_store::now(), HOLD).await?;
    if ended.is_empty() {
        return Ok(0);
    }
    let players: Vec<PlayerId> = ended.iter().flat_map(|ended| &ended.players).map(|player| player.player_id).collect();
    let clients = clients_of(store, &players).await;
    let facts: Vec<TelemetryEvent> = ended.iter().flat_map(|ended| facts(ended, &clients)).collect();
    for result in store.telemetry.publish_all(&facts).await {
        result?;
    }
    let news: Vec<_> = ended
        .iter()
        .flat_map(|ended| {
            let stayed = ended.players.iter().filter(|player| player.stayed);
            stayed.map(move |player| (player.player_id, closed(ended, player)))
        })
        .collect();
    store.pushes.send_many(&news).await?;
    // Nobody is to be found for a match that is over.
    try_join_all(ended.iter().map(|ended| store.tickets.close_backfill(ended.match_id))).await?;
    let ids: Vec<MatchId> = ended.iter().map(|ended| ended.match_id).collect();
    store.servers.told(&ids).await?;
    for ended in &ended {
        events::server_match_ended(ended.match_id, &ended.queue, ended.end.reason);
    }
    Ok(ended.len())
}

fn closed(ended: &EndedMatch, player: &EndedPlayer) -> Push {
    Push::MatchClosed {
        match_id: ended.match_id,
        queue: ended.queue.clone(),
        end: ended.end.clone(),
        rating: player.points.map(|(before, after)| RatingChange { player_id: player.player_id, before, after }),
    }
}

/// How the match began and ended, for each of its players.
fn facts<'a>(
    ended: &'a EndedMatch,
    clients: &'a HashMap<PlayerId, GameClient>,
) -> impl Iterator<Item = TelemetryEvent> + 'a {
    let common = GameClient::common(ended.players.iter().filter_map(|player| clients.get(&player.player_id)));
    let best = ended.end.teams.iter().map(|team| team.rank).min();
    let winners = ended.end.teams.iter().filter(|team| Some(team.rank) == best).count();
    ended.players.iter().flat_map(move |player| {
        let client = clients.get(&player.player_id);
        let rank = ended.end.teams.get(usize::from(player.team)).map(|team| team.rank);
        let started = ended.started_at.map(|started_at| {
            let properties = json!({ "team": player.team, "quality": ended.quality });
            fact(ended, player, client, kind::MATCH_STARTED, started_at, properties)
        });
        let duration = ended.started_at.map(|started_at| (ended.ended_at - started_at).num_milliseconds());
        let properties = json!({
            "team": player.team,
            "outcome": ended.end.reason,
            "rank": rank,
            "won": ended.end.reason == ServerMatchReason::Finished && winners == 1 && rank.is_some() && rank == best,
            "stayed": player.stayed,
            "duration_ms": duration,
            "match_platform": common.platform,
            "match_build": common.build,
        });
        started.into_iter().chain([fact(ended, player, client, kind::MATCH_ENDED, ended.ended_at, properties)])
    })
}

/// An event whose id follows from the match, the kind and the player: made again, it is the same event.
fn fact(
    ended: &EndedMatch,
    player: &EndedPlayer,
    client: Option<&GameClient>,
    kind: &str,
    at: chrono::DateTime<chrono::Utc>,
    properties: Value,
) -> TelemetryEvent {
    let name = format!("{kind}/{}", player.player_id);
    let event_id = EventId::from_uuid(Uuid::new_v5(&ended.match_id.uuid(), name.as_bytes()));
    TelemetryEvent {
        subject_id: player.subject_id,
        match_id: Some(ended.match_id),
        queue: Some(ended.queue.clone()),
        region: ended.region.clone(),
        platform: client.and_then(|client| client.platform.clone()),
        build: client.and_then(|client| client.build.clone()),
        properties: match properties {
            Value::Object(properties) => properties,
            _ => serde_json::Map::new(),
        },
        ..TelemetryEvent::new(event_id, TelemetrySource::Server, kind, at, ended.ended_at)
    }
}
