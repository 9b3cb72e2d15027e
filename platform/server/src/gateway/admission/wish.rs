//! What is asked for, as far as it can be judged without asking anybody.

use std::sync::Arc;

use muster_core::id::{PlayerId, ServiceKeyId};
use muster_core::matchmaking::{MAX_PARTY, Member, QueueDefinition, Ticket};
use muster_core::rating::Rating;
use muster_core::wire::{CreateTicket, FieldError};
use muster_store::ClosedRegions;

use crate::error::ApiError;
use crate::gateway::actions::closed;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A player, for themselves.
    Player(PlayerId),
    /// A trusted server, for the players it names.
    Server(ServiceKeyId),
}

impl Owner {
    /// Whose idempotency keys these are.
    pub fn scope(self) -> String {
        match self {
            Owner::Player(player) => player.to_string(),
            Owner::Server(key) => key.to_string(),
        }
    }
}

/// A ticket that is wanted: what its players' accounts say is filled in when it is admitted.
#[derive(Debug)]
pub struct Wish {
    pub(super) queue: Arc<QueueDefinition>,
    pub(super) owner: Owner,
    /// The group of regions where it waits.
    pub(super) group: String,
    pub(super) ticket: Ticket,
    /// For which members the asker gave a rating; none when empty.
    pub(super) rated: Vec<bool>,
    pub(super) idempotency_key: Option<String>,
}

impl Wish {
    /// Judges a request by the rules of its queue.
    ///
    /// # Errors
    /// Every field with a value that is not allowed.
    pub fn new(
        queue: Arc<QueueDefinition>,
        owner: Owner,
        request: CreateTicket,
        idempotency_key: Option<String>,
    ) -> Result<Self, ApiError> {
        let CreateTicket { queue: _, roles, latencies_ms, properties, nonce, players } = request;
        let mut rated = Vec::new();
        let members = match owner {
            Owner::Player(player_id) => {
                if !players.is_empty() {
                    return Err(ApiError::field("players", "only trusted servers name players; leave it out"));
                }
                vec![Member { roles, nonce, ..Member::new(player_id, Rating::default()) }]
            }
            Owner::Server(_) => {
                if !roles.is_empty() {
                    return Err(ApiError::field("roles", "say the roles of each of `players` instead"));
                }
                if nonce.is_some() {
                    return Err(ApiError::field("nonce", "say the nonce of each of `players` instead"));
                }
                // More than any queue takes: not worth a look at each.
                if players.len() > MAX_PARTY {
                    return Err(ApiError::field("players", format!("1 to {} players", queue.max_party())));
                }
                rated.extend(players.iter().map(|player| player.rating.is_some()));
                let member = |player: muster_core::wire::TicketPlayer| Member {
                    roles: player.roles,
                    nonce: player.nonce,
                    ..Member::new(player.player_id, player.rating.unwrap_or_default())
                };
                players.into_iter().map(member).collect()
            }
        };
        let ticket = Ticket {
            ticket_id: muster_store::fresh_id(),
            enqueued_at: muster_store::now(),
            returned: false,
            members,
            latencies_ms,
            properties,
        };
        queue.admits(&ticket).map_err(|errors| as_written(errors, owner))?;
        let group = queue.group_of(&ticket.latencies_ms).to_owned();
        Ok(Self { queue, owner, group, ticket, rated, idempotency_key })
    }

    /// Has it wait where it may be matched although some regions are closed.
    ///
    /// # Errors
    /// `queue_closed`: it could play in closed regions only.
    pub fn in_open_regions(mut self, closures: &ClosedRegions) -> Result<Self, ApiError> {
        let latencies = &self.ticket.latencies_ms;
        match self.queue.open_group_of(latencies, &closures.in_queue(&self.queue)) {
            Some(group) if group == self.group => {}
            Some(group) => self.group = group.to_owned(),
            None => {
                let named: Vec<_> = latencies.keys().map(String::as_str).collect();
                return Err(closed(&self.queue, closures, &named));
            }
        }
        Ok(self)
    }
}

/// The paths as the asker wrote the fields: a player's own are not in a list.
fn as_written(mut errors: Vec<FieldError>, owner: Owner) -> ApiError {
    if let Owner::Player(_) = owner {
        for error in &mut errors {
            if let Some(own) = error.path.strip_prefix("players[0].") {
                error.path = own.to_owned();
            }
        }
    }
    errors.into()
}

#[cfg(test)]
mod tests {
    use muster_core::matchmaking::shipped_queues;
    use muster_core::wire::TicketPlayer;

    use super::*;

    fn queue(name: &str) -> Arc<QueueDefinition> {
        Arc::new(shipped_queues().into_iter().find(|queue| queue.name == name).unwrap())
    }

    fn player() -> Owner {
        Owner::Player(muster_store::fresh_id())
    }

    fn server() -> Owner {
        Owner::Server(muster_store::fresh_id())
    }

    fn party(players: &[PlayerId]) -> CreateTicket {
        let players = players.iter().map(|player_id| TicketPlayer {
            player_id: *player_id,
            rating: None,
            roles: Vec::new(),
            nonce: None,
        });
        CreateTicket { players: players.collect(), ..CreateTicket::plain("classic-ranked") }
    }

    fn refused(owner: Owner, request: CreateTicket) -> String {
        let error = Wish::new(queue("classic-ranked"), owner, request, None).unwrap_err();
        assert_eq!(error.code(), crate::error::Code::InvalidField);
        error.detail().split(':').next().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_players_own_wish_is_of_that_player_alone() {
        let owner = player();
        let wish = Wish::new(queue("classic-ranked"), owner, CreateTicket::plain("classic-ranked"), None).unwrap();
        let Owner::Player(player_id) = owner else { unreachable!() };
        assert_eq!(wish.ticket.players().collect::<Vec<_>>(), [player_id]);
        assert_eq!(refused(owner, party(&[muster_store::fresh_id()])), "players");
    }

    #[test]
    fn paths_are_as_the_asker_wrote_them() {
        let roles = CreateTicket { roles: vec!["tank".to_owned()], ..CreateTicket::plain("classic-ranked") };
        assert!(refused(player(), roles.clone()).starts_with("roles"), "{}", refused(player(), roles.clone()));
        assert_eq!(refused(server(), roles), "roles");
        let mut mars = CreateTicket::plain("classic-ranked");
        mars.latencies_ms.insert("mars".to_owned(), 30);
        assert_eq!(refused(player(), mars), "latencies_ms.mars");
    }

    #[test]
    fn a_trusted_server_names_each_player_once_and_as_many_as_the_queue_takes() {
        let (one, two) = (muster_store::fresh_id(), muster_store::fresh_id());
        assert!(Wish::new(queue("classic-ranked"), server(), party(&[one]), None).is_ok());
        assert_eq!(refused(server(), party(&[])), "players");
        assert_eq!(refused(server(), party(&[one, two])), "players", "a queue of one against one");
        assert_eq!(refused(server(), party(&[one; 17])), "players", "more than any queue takes");
    }
}
