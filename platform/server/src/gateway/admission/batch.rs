//! One batch: what the accounts say of everybody in it, then the tickets, each in one round trip.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use muster_core::id::PlayerId;
use muster_core::wire::FieldError;
use muster_store::{AtTheDoor, Creation as Stored, Idempotency, Ladder, NewTicket, Shard, Store, StoreError};
use tokio::sync::oneshot;

use super::{Creation, Owner, Verdict, Waiting, Wish};
use crate::error::{ApiError, Code};
use crate::events;

/// Admits a batch; everybody in it is told.
pub(super) async fn admit(store: &Store, batch: Vec<Waiting>) {
    let began = Instant::now();
    let wishes = batch.len();
    let read = tokio::try_join!(at_the_door(store, &batch), recent_opponents(store, &batch));
    let (at_the_door, recent) = match read {
        Ok(read) => read,
        Err(error) => return fail(batch.into_iter().map(|waiting| waiting.verdict), error),
    };

    let mut tickets = Vec::with_capacity(wishes);
    let mut waiting = Vec::with_capacity(wishes);
    let mut at_the_door = at_the_door.into_iter();
    for Waiting { wish, verdict } in batch {
        let owner = wish.owner;
        match complete(wish, &mut at_the_door, &recent) {
            Ok(ticket) => {
                tickets.push(ticket);
                waiting.push((owner, verdict));
            }
            Err(refused) => tell(verdict, Err(refused)),
        }
    }
    if tickets.is_empty() {
        return;
    }
    match store.tickets.create_many(&tickets).await {
        Ok(creations) => {
            let mut created = BTreeMap::new();
            for ((creation, (owner, verdict)), ticket) in creations.into_iter().zip(waiting).zip(&tickets) {
                if let Stored::Created(_) = creation {
                    *created.entry(ticket.shard.queue.as_str()).or_insert(0_u64) += 1;
                }
                tell(verdict, told(creation, owner));
            }
            events::tickets_created(&created, wishes, began.elapsed());
        }
        Err(error) => fail(waiting.into_iter().map(|(_, verdict)| verdict), error),
    }
}

/// What the accounts say of every player of the batch, in order.
async fn at_the_door(store: &Store, batch: &[Waiting]) -> Result<Vec<Option<AtTheDoor>>, StoreError> {
    let players: Vec<_> = batch
        .iter()
        .flat_map(|waiting| {
            let ladder = Ladder::of(&waiting.wish.queue);
            waiting.wish.ticket.players().map(move |player| (player, ladder))
        })
        .collect();
    store.accounts.at_the_door(&players).await
}

/// By how far back a queue looks, in seconds: whom each of its players has met since.
type Recent = BTreeMap<u32, HashMap<PlayerId, Vec<PlayerId>>>;

/// Whom the players have met lately, for queues that care.
async fn recent_opponents(store: &Store, batch: &[Waiting]) -> Result<Recent, StoreError> {
    let mut asked: BTreeMap<u32, Vec<PlayerId>> = BTreeMap::new();
    for Waiting { wish, .. } in batch {
        if let Some(secs) = wish.queue.avoid_recent_opponents_secs {
            asked.entry(secs).or_default().extend(wish.ticket.players());
        }
    }
    let now = muster_store::now();
    let mut recent = Recent::new();
    // Queues that look equally far back share a call; there are hardly two kinds.
    for (secs, players) in asked {
        let since = now - chrono::TimeDelta::seconds(secs.into());
        recent.insert(secs, store.recents.of(&players, since).await?.into_iter().collect());
    }
    Ok(recent)
}

/// Makes a wish a ticket, with what the accounts say of its players. Takes as many from `at_the_door` as it has players.
fn complete(
    wish: Wish,
    at_the_door: &mut impl Iterator<Item = Option<AtTheDoor>>,
    recent: &Recent,
) -> Result<NewTicket, ApiError> {
    let Wish { queue, owner, group, mut ticket, rated, idempotency_key } = wish;
    let recent = queue.avoid_recent_opponents_secs.and_then(|secs| recent.get(&secs));
    let found: Vec<_> = at_the_door.take(ticket.members.len()).collect();
    let mut names = Vec::with_capacity(found.len());
    for (index, (member, found)) in ticket.members.iter_mut().zip(found).enumerate() {
        let player = found.ok_or_else(|| unknown(owner, index))?;
        if let Some(match_id) = player.running_match {
            return Err(match owner {
                Owner::Player(_) => Code::InMatch.into(),
                Owner::Server(_) => ApiError::with_detail(
                    Code::InMatch,
                    format!("Player {} has to finish match {match_id} first.", member.player_id),
                ),
            });
        }
        if !rated.get(index).copied().unwrap_or_default() {
            member.rating = player.rating;
        }
        member.blocked = player.blocked;
        if let Some(met) = recent.and_then(|recent| recent.get(&member.player_id)) {
            member.recent.clone_from(met);
        }
        names.push(player.display_name);
    }
    let shard = Shard { queue: queue.name.clone(), group };
    let idempotency = idempotency_key.map(|key| Idempotency { owner: owner.scope(), key });
    Ok(NewTicket { ticket, shard, names, idempotency })
}

/// A player without an account: one's own token has outlived it, or a trusted server named nobody.
fn unknown(owner: Owner, index: usize) -> ApiError {
    match owner {
        Owner::Player(_) => Code::TokenInvalid.into(),
        Owner::Server(_) => FieldError::new(format!("players[{index}].player_id"), "a player with an account").into(),
    }
}

fn told(creation: Stored, owner: Owner) -> Verdict {
    match creation {
        Stored::Created(record) => Ok(Creation::Created(record.view())),
        Stored::Repeated(record) => Ok(Creation::Repeated(record.view())),
        Stored::Exists { player, record } => {
            let (ticket, queue) = (record.ticket.ticket_id, &record.shard.queue);
            let advice = match owner {
                Owner::Player(_) => format!("Cancel ticket {ticket} in queue {queue} first."),
                Owner::Server(_) => format!("Cancel ticket {ticket} of player {player} in queue {queue} first."),
            };
            Err(ApiError::with_detail(Code::TicketExists, advice))
        }
    }
}

/// A store failed: logged once, told to all.
fn fail(verdicts: impl Iterator<Item = oneshot::Sender<Verdict>>, error: StoreError) {
    let code = ApiError::from(error).code();
    for verdict in verdicts {
        tell(verdict, Err(code.into()));
    }
}

/// Whoever asked may have left; the ticket is theirs all the same.
fn tell(verdict: oneshot::Sender<Verdict>, told: Verdict) {
    let _ = verdict.send(told);
}
