//! What a matchmaker leaves that dies between a match's row and the end of its tickets.

use std::time::Duration;

use chrono::TimeDelta;
use muster_core::game::{Dice, Mode, opening};
use muster_core::id::{EventId, MatchId};
use muster_core::matchmaking::QueueDefinition;
use muster_core::rating::Rating;
use muster_core::wire::TicketState;
use muster_store::{
    Claim, ClaimRequest, MatchLogEntry, NewMatch, NewMatchPlayer, NewTicket, Store, TelemetryEvent, TelemetrySource,
};
use muster_testkit::{Platform, eventually};
use serde_json::json;
use uuid::Uuid;

use crate::matchmaking_given::{SOON, becomes, create, member, placed, player, told};
use crate::queue;

/// Far apart, so that no leader takes those whom the test claims.
fn apart() -> QueueDefinition {
    queue(json!({
        "name": "apart", "version": 1, "mode": "classic", "ranked": false, "rating_window": {"start": 10},
        "regions": [{"name": "asia"}],
    }))
}

/// Two claimed tickets whose match has its log and its row.
async fn half_done(store: &Store) -> ([NewTicket; 2], MatchLogEntry) {
    let tickets = [1500.0, 1900.0].map(|points| placed(&apart(), vec![member(points)], &[("asia", 20)]));
    let match_id: MatchId = muster_store::fresh_id();
    let (players, names) = ([player(&tickets[0]), player(&tickets[1])], ["Ada", "Grace"].map(str::to_owned));
    let (dice, created_at) = (Dice::new([7; 32], [None; 2]), muster_store::now());
    let (mode, rating) = (Mode::Classic, Rating::default());
    let created = MatchLogEntry::Created {
        match_id,
        queue: "apart".to_owned(),
        mode,
        ranked: false,
        players,
        names: names.clone(),
        ratings: [rating; 2],
        seed: [7; 32],
        nonces: [None; 2],
        quality: 0.75,
        region: Some("asia".to_owned()),
        created_at,
        events: opening(mode, &dice),
    };
    store.match_log.append(match_id, 0, &created).await.unwrap();
    let [ada, grace] = names;
    let row = NewMatch {
        match_id,
        queue: "apart".to_owned(),
        mode,
        ranked: false,
        players: [(players[0], ada), (players[1], grace)].map(|(player_id, display_name)| NewMatchPlayer {
            player_id,
            display_name,
            rating,
        }),
        commitment: dice.commitment(),
        quality: 0.75,
        created_at,
    };
    store.matches.create(&row).await.unwrap();
    create(store, &tickets).await;
    let ids = tickets.iter().map(|new| new.ticket.ticket_id).collect();
    let request = ClaimRequest { match_id, tickets: ids, backfill: None };
    let claims = store.tickets.claim_many(&tickets[0].shard, &[request], muster_store::now()).await.unwrap();
    assert!(matches!(&claims[..], [Claim::Claimed(_)]), "{claims:?}");
    (tickets, created)
}

#[tokio::test]
async fn the_end_of_its_tickets_is_all_that_their_matchmaker_owed_and_told_once() {
    let platform = Platform::builder()
        .server_roles(0, "matchmaker,writer")
        .env_of("muster-server", "MUSTER__MATCHMAKER__STALE_CLAIM", "1s")
        .queue(apart())
        .start()
        .await;
    let store = &platform.scratch.store;
    let (tickets, created) = half_done(store).await;
    let MatchLogEntry::Created { match_id, created_at, .. } = created else { unreachable!("made so") };
    // Of the one ticket the matchmaker had told already when it died.
    let id = EventId::from_uuid(Uuid::new_v5(&tickets[0].ticket.ticket_id.uuid(), b"ticket.ended"));
    let known = TelemetryEvent {
        queue: Some("apart".to_owned()),
        region: Some("asia".to_owned()),
        match_id: Some(match_id),
        properties: json!({"outcome": "matched", "wait_ms": 7, "quality": 0.75}).as_object().unwrap().clone(),
        ..TelemetryEvent::new(id, TelemetrySource::Server, "ticket.ended", created_at, created_at)
    };
    store.telemetry.write_batch(&[known]).await.unwrap();

    for ticket in &tickets {
        assert_eq!(becomes(store, ticket, TicketState::Matched).await.match_id, Some(match_id));
        assert_eq!(store.tickets.of_player(player(ticket)).await.unwrap(), None);
        assert!(!told(store, player(ticket)).await.is_empty());
    }
    let since = created_at - TimeDelta::minutes(1);
    let met = store.recents.of(&[player(&tickets[0])], since).await.unwrap();
    assert_eq!(met[&player(&tickets[0])], [player(&tickets[1])]);
    let facts = eventually(SOON, "the facts of both tickets", async || {
        let until = muster_store::now() + Duration::from_secs(60);
        let facts = store.queue_facts.summary(Some("apart"), since, until).await.unwrap().pop()?;
        (facts.tickets >= 2).then_some(facts)
    })
    .await;
    assert_eq!((facts.region.as_deref(), facts.tickets, facts.matched, facts.matches), (Some("asia"), 2, 2, 1));
    platform.finish().await;
}
