//! A running match asks for players.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use muster_core::id::{MatchId, PlayerId};
use muster_core::matchmaking::{Backfill, BackfillPlayer, BackfillTeam, DEFAULT_GROUP, Filters, QueueDefinition};
use muster_core::rating::{MAX_DEVIATION, MAX_POINTS, Rating};
use muster_core::wire::{BackfillView, FieldError, OpenTeam, PresentPlayer, RequestBackfill};
use muster_store::{BackfillOpening, Ladder, Shard};

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;
use crate::gateway::actions::closed;

/// How often a wish may meet one that another server has made for the same match in the same moment.
const TRIES: usize = 4;

impl Gateway {
    /// Asks for players, in the place of what the match had asked for before.
    pub(in crate::gateway) async fn request_backfill(
        &self,
        match_id: MatchId,
        request: RequestBackfill,
    ) -> Result<BackfillView, ApiError> {
        let queue = self.queue(&request.queue)?;
        let errors = faults(&queue, &request);
        if !errors.is_empty() {
            return Err(errors.into());
        }
        if let Some(region) = request.region.as_deref() {
            let closures = self.closures.now();
            if closures.of(&queue.name, region).is_some() {
                return Err(closed(&queue, &closures, &[region]));
            }
        }
        let shard = Shard::new(&queue.name, group_of(&queue, request.region.as_deref()));
        let backfill = Backfill {
            backfill_id: muster_store::fresh_id(),
            match_id,
            requested_at: muster_store::now(),
            teams: self.known_teams(&queue, request.teams).await?,
            region: request.region,
            properties: request.properties,
        };
        let backfill = self.replace_backfill(&shard, backfill).await?;
        Ok(BackfillView {
            backfill_id: backfill.backfill_id,
            match_id,
            queue: queue.name.clone(),
            requested_at: backfill.requested_at,
            open: backfill.teams.iter().map(|team| u32::from(team.open)).sum(),
        })
    }

    /// Makes the wish in the place of the one there is; it goes on waiting since when that did.
    async fn replace_backfill(&self, shard: &Shard, mut backfill: Backfill) -> Result<Backfill, ApiError> {
        for _ in 0..TRIES {
            match self.store.tickets.open_backfill(shard, &backfill).await? {
                BackfillOpening::Opened => return Ok(backfill),
                BackfillOpening::Exists { backfill: older, .. } => {
                    backfill.requested_at = older.requested_at;
                    self.store.tickets.close_backfill(backfill.match_id).await?;
                }
                BackfillOpening::Full => break,
            }
        }
        Err(ApiError::from(Code::Busy).retry_after(1))
    }

    /// Asks for nobody any more. Players who are on their way already still come.
    pub(in crate::gateway) async fn withdraw_backfill(&self, match_id: MatchId) -> Result<(), ApiError> {
        self.store.tickets.close_backfill(match_id).await?.map(drop).ok_or(Code::NotFound.into())
    }

    /// The teams with what is known of everybody: the rating that was given, else the account's; whom they block; and whom they have
    /// met lately, where the queue cares.
    async fn known_teams(&self, queue: &QueueDefinition, teams: Vec<OpenTeam>) -> Result<Vec<BackfillTeam>, ApiError> {
        let players: Vec<PlayerId> =
            teams.iter().flat_map(|team| &team.players).map(|player| player.player_id).collect();
        let asked: Vec<_> = players.iter().map(|player| (*player, Ladder::of(queue))).collect();
        let met = async {
            let Some(secs) = queue.avoid_recent_opponents_secs else { return Ok(HashMap::new()) };
            self.store.recents.of(&players, muster_store::now() - TimeDelta::seconds(secs.into())).await
        };
        let (accounts, mut met) = tokio::try_join!(self.store.accounts.at_the_door(&asked), met)?;
        let mut accounts: HashMap<_, _> =
            accounts.into_iter().flatten().map(|account| (account.player_id, account)).collect();
        let mut known = |player: PresentPlayer| {
            // Somebody without an account here may well be in a match of a game's own: like a new player.
            let account = accounts.remove(&player.player_id);
            let (rated, blocked) = account.map(|account| (account.rating, account.blocked)).unwrap_or_default();
            BackfillPlayer {
                player_id: player.player_id,
                rating: player.rating.unwrap_or(rated),
                role: player.role,
                blocked,
                recent: met.remove(&player.player_id).unwrap_or_default(),
            }
        };
        Ok(teams
            .into_iter()
            .map(|team| BackfillTeam { players: team.players.into_iter().map(&mut known).collect(), open: team.open })
            .collect())
    }
}

fn group_of<'a>(queue: &'a QueueDefinition, region: Option<&str>) -> &'a str {
    let named = queue.regions.iter().find(|known| Some(known.name.as_str()) == region);
    named.map_or(DEFAULT_GROUP, |region| &region.group)
}

/// Everything about a request that its queue does not allow.
fn faults(queue: &QueueDefinition, request: &RequestBackfill) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut fault = |path: String, allowed: String| faults.push(FieldError::new(path, allowed));

    if !queue.backfill {
        fault("queue".into(), "a queue that allows backfill".into());
    }
    let regions: Vec<_> = queue.regions.iter().map(|region| region.name.as_str()).collect();
    match request.region.as_deref() {
        None if !regions.is_empty() => fault("region".into(), format!("one of: {}", regions.join(", "))),
        Some(region) if !regions.contains(&region) => fault(
            "region".into(),
            if regions.is_empty() {
                "none, as the queue has none".into()
            } else {
                format!("one of: {}", regions.join(", "))
            },
        ),
        _ => {}
    }
    if request.teams.len() != usize::from(queue.teams.count) {
        fault("teams".into(), format!("the queue's {} teams, in order", queue.teams.count));
    } else if request.teams.iter().all(|team| team.open == 0) {
        fault("teams".into(), "at least one team with an open place".into());
    }

    // Filters of a queue that is in force compile: they did when it was made.
    if let Some(unfit) = Filters::compile(queue).ok().and_then(|filters| filters.row(&request.properties).err()) {
        faults.extend(unfit);
    }
    let mut fault = |path: String, allowed: String| faults.push(FieldError::new(path, allowed));

    let most = usize::from(queue.teams.size.max);
    let roles: Vec<_> = queue.roles.iter().map(|role| role.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    for (index, team) in request.teams.iter().enumerate() {
        if team.players.len() + usize::from(team.open) > most {
            fault(format!("teams[{index}].open"), format!("with who is there, at most {most} players"));
        }
        for (place, player) in team.players.iter().enumerate() {
            let path = |field: &str| format!("teams[{index}].players[{place}].{field}");
            if !seen.insert(player.player_id) {
                fault(path("player_id"), "each player once".into());
            }
            let sound = |rating: Rating| {
                (-MAX_POINTS..=MAX_POINTS).contains(&rating.points)
                    && rating.deviation > 0.0
                    && rating.deviation <= MAX_DEVIATION
            };
            if !player.rating.is_none_or(sound) {
                let message = format!(
                    "-{MAX_POINTS} to {MAX_POINTS} points, and a deviation above 0 and of at most {MAX_DEVIATION}"
                );
                fault(path("rating"), message);
            }
            match player.role.as_deref() {
                None if !roles.is_empty() => fault(path("role"), format!("one of: {}", roles.join(", "))),
                Some(_) if roles.is_empty() => fault(path("role"), "none, as the queue has no roles".into()),
                Some(role) if !roles.contains(&role) => fault(path("role"), format!("one of: {}", roles.join(", "))),
                _ => {}
            }
        }
        for role in &queue.roles {
            let there = team.players.iter().filter(|player| player.role.as_deref() == Some(&*role.name)).count();
            if there > usize::from(role.count) {
                fault(format!("teams[{index}].players"), format!("at most {} with the role {}", role.count, role.name));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use muster_core::matchmaking::PropertyValue;
    use serde_json::json;

    use super::*;

    fn queue() -> QueueDefinition {
        serde_json::from_value(json!({
            "name": "trios", "version": 1, "ranked": false, "backfill": true,
            "teams": {"count": 2, "size": {"min": 3, "max": 3}},
            "roles": [{"name": "tank", "count": 1}, {"name": "damage", "count": 2}],
            "regions": [{"name": "eu-west", "group": "europe"}, {"name": "asia"}],
            "properties": {"build": "string"},
        }))
        .unwrap()
    }

    fn player(role: &str) -> PresentPlayer {
        PresentPlayer { player_id: muster_store::fresh_id(), rating: None, role: Some(role.to_owned()) }
    }

    fn request() -> RequestBackfill {
        RequestBackfill {
            queue: "trios".to_owned(),
            region: Some("eu-west".to_owned()),
            properties: BTreeMap::new(),
            teams: vec![
                OpenTeam { players: vec![player("tank"), player("damage")], open: 1 },
                OpenTeam { players: vec![player("damage"), player("damage"), player("tank")], open: 0 },
            ],
        }
    }

    fn paths(queue: &QueueDefinition, change: impl FnOnce(&mut RequestBackfill)) -> Vec<String> {
        let mut request = request();
        change(&mut request);
        faults(queue, &request).into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn what_the_queue_allows_is_taken() {
        assert_eq!(paths(&queue(), |_| {}), Vec::<String>::new());
        assert_eq!(group_of(&queue(), Some("eu-west")), "europe");
        assert_eq!(group_of(&queue(), Some("asia")), DEFAULT_GROUP);
    }

    #[test]
    fn each_fault_is_told_with_its_place() {
        let queue = queue();
        let closed = QueueDefinition { backfill: false, ..queue.clone() };
        assert_eq!(paths(&closed, |_| {}), ["queue"]);
        assert_eq!(paths(&queue, |request| request.region = Some("mars".into())), ["region"]);
        assert_eq!(paths(&queue, |request| request.region = None), ["region"]);
        let build = |request: &mut RequestBackfill| {
            request.properties.insert("build".into(), PropertyValue::Number(1.0));
        };
        assert_eq!(paths(&queue, build), ["properties.build"]);
        assert_eq!(paths(&queue, |request| request.teams.truncate(1)), ["teams"]);
        assert_eq!(paths(&queue, |request| request.teams[0].open = 0), ["teams"]);
        assert_eq!(paths(&queue, |request| request.teams[1].open = 1), ["teams[1].open"]);
        assert_eq!(
            paths(&queue, |request| request.teams[0].players[1].role = Some("bard".into())),
            ["teams[0].players[1].role"]
        );
        assert_eq!(paths(&queue, |request| request.teams[0].players[1].role = None), ["teams[0].players[1].role"]);
        assert_eq!(
            paths(&queue, |request| request.teams[0].players[1].role = Some("tank".into())),
            ["teams[0].players"]
        );
        let twice = |request: &mut RequestBackfill| {
            request.teams[1].players[0].player_id = request.teams[0].players[0].player_id;
        };
        assert_eq!(paths(&queue, twice), ["teams[1].players[0].player_id"]);
        for (points, deviation) in [(f64::NAN, 1.0), (2e6, 1.0), (0.0, f64::INFINITY), (0.0, 0.0), (0.0, 10_001.0)] {
            let nonsense = |request: &mut RequestBackfill| {
                request.teams[0].players[0].rating = Some(Rating { points, deviation });
            };
            assert_eq!(paths(&queue, nonsense), ["teams[0].players[0].rating"]);
        }
    }
}
