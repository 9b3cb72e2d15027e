//! A running match asks for players.

use std::collections::{BTreeMap, BTreeSet};

use muster_core::id::MatchId;
use muster_core::matchmaking::{Backfill, BackfillPlayer, BackfillTeam, DEFAULT_GROUP, Filters, QueueDefinition};
use muster_core::rating::Rating;
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
            teams: self.rated_teams(&queue, request.teams).await?,
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

    /// The teams with everybody's rating: the one that was given, else the account's.
    async fn rated_teams(&self, queue: &QueueDefinition, teams: Vec<OpenTeam>) -> Result<Vec<BackfillTeam>, ApiError> {
        let unrated: Vec<_> = teams
            .iter()
            .flat_map(|team| &team.players)
            .filter(|player| player.rating.is_none())
            .map(|player| (player.player_id, Ladder::of(queue)))
            .collect();
        let accounts: BTreeMap<_, _> = match unrated.is_empty() {
            true => BTreeMap::new(),
            false => {
                let found = self.store.accounts.at_the_door(&unrated).await?;
                found.into_iter().flatten().map(|account| (account.player_id, account.rating)).collect()
            }
        };
        let rated = |player: PresentPlayer| BackfillPlayer {
            player_id: player.player_id,
            // Somebody without an account here may well be in a match of a game's own: like a new player.
            rating: player.rating.or_else(|| accounts.get(&player.player_id).copied()).unwrap_or_default(),
            role: player.role,
        };
        Ok(teams
            .into_iter()
            .map(|team| BackfillTeam { players: team.players.into_iter().map(rated).collect(), open: team.open })
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
            let sound =
                |rating: Rating| rating.points.is_finite() && rating.deviation.is_finite() && rating.deviation > 0.0;
            if !player.rating.is_none_or(sound) {
                fault(path("rating"), "finite points, and a finite deviation above 0".into());
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
        let nonsense = |request: &mut RequestBackfill| {
            request.teams[0].players[0].rating = Some(Rating { points: f64::NAN, deviation: 1.0 });
        };
        assert_eq!(paths(&queue, nonsense), ["teams[0].players[0].rating"]);
    }
}
