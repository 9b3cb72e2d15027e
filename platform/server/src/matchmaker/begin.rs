//! From claimed tickets to running matches: all matches of a tick together.
//!
//! The first entry of the log is where a match begins: before it, the tickets can be given back; after it, the match is played.
//! What players wait for comes next: an owner for the match, and the news. The rest (rows, the tickets' end, facts) is done
//! behind that, by [`super::finish`]; and all of it can be done again by whoever finds it undone.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::future::join_all;
use muster_core::game::{Dice, Mode, Nonce, opening};
use muster_core::id::PlayerId;
use muster_core::matchmaking::QueueDefinition;
use muster_core::rating::Rating;
use muster_core::wire::Push;
use muster_store::{AppendError, ClaimedTicket, MatchLogEntry, StoreError};

use super::leader::ANYWHERE;
use super::plan::Plan;
use super::{Matchmaker, release};
use crate::events;
use crate::referee::MatchRecord;

/// A plan whose tickets are claimed.
pub(super) struct Claimed {
    pub plan: Plan,
    pub tickets: Vec<ClaimedTicket>,
}

/// A match whose log has begun.
pub(super) struct Begun {
    pub record: MatchRecord,
    pub tickets: Vec<ClaimedTicket>,
    /// None when it has none.
    pub region: Option<String>,
    pub queue_version: u32,
    /// Whether a referee owns it already.
    pub owned: bool,
}

impl Begun {
    pub(super) fn region(&self) -> &str {
        self.region.as_deref().unwrap_or(ANYWHERE)
    }

    /// How long each of its tickets has waited, with its number of players.
    pub(super) fn waits(&self) -> impl Iterator<Item = (Duration, usize)> {
        let at = self.record.created.created_at;
        self.tickets.iter().map(move |claimed| (claimed.ticket().waited(at), claimed.ticket().members.len()))
    }
}

enum Beginning {
    Begun(Begun),
    /// Its tickets have to go back.
    NotBegun(Vec<ClaimedTicket>, String),
    /// Perhaps it is in the log, perhaps not: recovery of stale claims looks.
    Unsure,
}

/// Makes the matches, or gives the tickets back to the head of their queue. Returns how long the tickets that now have a match
/// had waited.
pub(super) async fn begin(
    matchmaker: &Matchmaker,
    definition: &QueueDefinition,
    claimed: Vec<Claimed>,
) -> Vec<Duration> {
    let urgent = matchmaker.urgency.hold();
    let mut begun = Vec::with_capacity(claimed.len());
    let mut refused = Vec::new();
    for beginning in join_all(claimed.into_iter().map(|claimed| append(matchmaker, definition, claimed))).await {
        match beginning {
            Beginning::Begun(one) => begun.push(one),
            Beginning::NotBegun(tickets, reason) => refused.push((tickets, reason)),
            Beginning::Unsure => {}
        }
    }
    if let Some(referee) = &matchmaker.referee {
        // Before anybody is told: the first move must find its owner.
        join_all(begun.iter_mut().map(async |begun| begun.owned = referee.own(begun.record.clone()).await.is_ok()))
            .await;
    }
    let told = announce(matchmaker, &begun).await;
    drop(urgent);
    let mut waits = Vec::with_capacity(2 * begun.len());
    for one in &begun {
        events::match_started(one.record.created.match_id, definition, one.region(), one.record.created.quality);
        for (wait, players) in one.waits() {
            events::ticket_matched(&definition.name, one.region(), players, wait);
            waits.push(wait);
        }
    }
    if told {
        matchmaker.finisher.take(begun).await;
    }
    for (tickets, reason) in refused {
        release(matchmaker, &tickets, &reason).await;
    }
    waits
}

/// Tells the players of their match. False when they could not be told: then recovery of their claims tells them, and does the
/// rest.
pub(super) async fn announce(matchmaker: &Matchmaker, begun: &[Begun]) -> bool {
    let news: Vec<(PlayerId, Push)> = begun.iter().flat_map(news).collect();
    let backoff =
        ExponentialBuilder::default().with_min_delay(Duration::from_millis(20)).with_max_times(4).with_jitter();
    let sent = (|| matchmaker.store.pushes.send_many(&news)).retry(backoff).await;
    if let Err(error) = &sent {
        tracing::warn!(
            matches = begun.len(),
            error = error as &dyn std::error::Error,
            "matches have begun, but their players could not be told; recovery of their claims tells them"
        );
    }
    sent.is_ok()
}

/// What the players are told: the match, and its first events.
fn news(begun: &Begun) -> Vec<(PlayerId, Push)> {
    let record = &begun.record;
    let mut news = Vec::with_capacity(2 * record.created.players.len());
    for player in record.created.players {
        news.push((player, Push::MatchFound { r#match: record.view() }));
        let events = record.events.clone();
        news.push((player, Push::MatchEvents { match_id: record.created.match_id, events }));
    }
    news
}

/// Draws the seed and writes the first entry.
async fn append(matchmaker: &Matchmaker, definition: &QueueDefinition, claimed: Claimed) -> Beginning {
    let Claimed { plan, tickets } = claimed;
    let match_id = plan.match_id;
    let entry = match definition.mode.ok_or("the queue has no mode any more").and_then(|mode| {
        let seats = seats(&plan, &tickets).ok_or("it is no match of two")?;
        Ok(created(definition, mode, &plan, seats))
    }) {
        Ok(entry) => entry,
        Err(reason) => return Beginning::NotBegun(tickets, reason.to_owned()),
    };
    match matchmaker.store.match_log.append(match_id, 0, &entry).await {
        Ok(seq) => match MatchRecord::replay(vec![(seq, entry)]) {
            Ok(record) => Beginning::Begun(Begun {
                record,
                tickets,
                region: plan.region,
                queue_version: plan.queue_version,
                owned: false,
            }),
            Err(error) => Beginning::NotBegun(tickets, error.to_string()),
        },
        Err(AppendError::Fenced) => {
            Beginning::NotBegun(tickets, "it was called off while it was being made".to_owned())
        }
        Err(AppendError::Store(error)) => {
            unsure(&plan, &error);
            Beginning::Unsure
        }
    }
}

fn unsure(plan: &Plan, error: &StoreError) {
    tracing::warn!(
        match_id = %plan.match_id,
        error = error as &dyn std::error::Error,
        "the beginning of a match got no answer; recovery of its claim looks"
    );
}

/// A player at the table.
struct Seated {
    player: PlayerId,
    name: String,
    rating: Rating,
    nonce: Option<Nonce>,
}

/// The two players in the order of their teams; none when the plan is for another number.
fn seats(plan: &Plan, tickets: &[ClaimedTicket]) -> Option<[Seated; 2]> {
    let seated = plan.places.iter().map(|place| {
        let claimed = tickets.iter().find(|claimed| claimed.ticket().ticket_id == place.ticket_id)?;
        let index = claimed.ticket().players().position(|player| player == place.player_id)?;
        let name = claimed.names().get(index).cloned()?;
        let nonce = claimed.ticket().members.get(index)?.nonce;
        Some(Seated { player: place.player_id, name, rating: place.rating, nonce })
    });
    seated.collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn created(definition: &QueueDefinition, mode: Mode, plan: &Plan, [first, second]: [Seated; 2]) -> MatchLogEntry {
    // The nonces are known by now, and nothing chooses among seeds: the first that is drawn is the match's.
    let seed = muster_store::fresh_secret();
    let nonces = [first.nonce, second.nonce].map(|nonce| nonce.map(Nonce::bytes));
    MatchLogEntry::Created {
        match_id: plan.match_id,
        queue: definition.name.clone(),
        mode,
        ranked: definition.ranked,
        players: [first.player, second.player],
        names: [first.name, second.name],
        ratings: [first.rating, second.rating],
        seed,
        nonces,
        quality: plan.quality,
        region: plan.region.clone().filter(|region| region != ANYWHERE),
        created_at: muster_store::now(),
        events: opening(mode, &Dice::new(seed, nonces)),
    }
}
