//! A queue that changes while tickets wait in it.

use std::time::{Duration, Instant};

use muster_core::matchmaking::QueueDefinition;
use muster_core::wire::TicketState;
use muster_store::{Actor, Answer, NewTicket, Question, QueueChange, Shard, Store};
use muster_testkit::{Platform, eventually};
use serde_json::json;

use crate::matchmaking_given::{becomes, create, doorless, member, placed, player, solo, ticket, told};
use crate::queue;

fn narrow() -> QueueDefinition {
    queue(json!({
        "name": "changing", "version": 1, "mode": "classic", "ranked": false, "rating_window": {"start": 50},
    }))
}

pub async fn put(store: &Store, definition: QueueDefinition) -> QueueDefinition {
    let change = QueueChange {
        expected_version: Some(definition.version),
        definition,
        author: Actor::System("test".to_owned()),
        reason: "a test changes it".to_owned(),
    };
    store.queues.put(&change, muster_store::now()).await.unwrap()
}

/// The version that the leader goes by; none when it does not answer.
async fn followed(store: &Store, shard: &Shard) -> Option<u32> {
    match store.matchmaker_calls.ask(shard, &Question::Look).await {
        Ok(Answer::Look(look)) => Some(look.queue_version),
        _ => None,
    }
}

#[tokio::test]
async fn the_leader_goes_by_a_new_version_within_a_second() {
    let platform = doorless().queue(narrow()).start().await;
    let store = &platform.scratch.store;
    let tickets = [solo(&narrow(), 1500.0), solo(&narrow(), 1900.0)];
    create(store, &tickets).await;
    let shard = Shard::new("changing", "all");
    eventually(Duration::from_secs(10), "somebody to lead", async || followed(store, &shard).await).await;

    let mut wide = narrow();
    wide.rating_window.start = None;
    let changed = Instant::now();
    put(store, wide).await;
    eventually(Duration::from_secs(5), "the new version", async || {
        followed(store, &shard).await.filter(|version| *version == 2)
    })
    .await;
    let took = changed.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    for ticket in &tickets {
        becomes(store, ticket, TicketState::Matched).await;
    }
    platform.finish().await;
}

#[tokio::test]
async fn who_does_not_fit_the_new_version_has_to_leave_and_is_told_why() {
    let pairs = queue(json!({
        "name": "changing", "version": 1, "ranked": false, "teams": {"count": 2, "size": {"min": 2, "max": 2}},
    }));
    let platform = doorless().queue(pairs.clone()).start().await;
    let store = &platform.scratch.store;
    let (party, single) = (ticket(&pairs, vec![member(1500.0), member(1500.0)]), solo(&pairs, 1500.0));
    create(store, &[party.clone(), single.clone()]).await;
    let mut alone = pairs.clone();
    alone.party.max_size = Some(1);
    put(store, alone).await;
    let gone = becomes(store, &party, TicketState::Failed).await;
    assert_eq!(gone.reason.as_deref(), Some("queue_changed"));
    eventually(Duration::from_secs(5), "both of the party to be told", async || {
        for member in &party.ticket.members {
            told(store, member.player_id).await.pop()?;
        }
        Some(())
    })
    .await;
    assert_eq!(store.tickets.get(single.ticket.ticket_id).await.unwrap().unwrap().state, TicketState::Waiting);
    assert!(told(store, player(&single)).await.is_empty());
    platform.finish().await;
}

#[tokio::test]
async fn a_ticket_of_a_version_that_the_leader_has_not_heard_of_is_not_turned_away() {
    let platform = doorless().queue(narrow()).start().await;
    let store = &platform.scratch.store;
    let shard = Shard::new("changing", "all");
    eventually(Duration::from_secs(10), "somebody to lead", async || followed(store, &shard).await).await;
    // A gateway hears of the version a moment earlier than the leader.
    let mut playable = narrow();
    playable.properties.insert("build".to_owned(), serde_json::from_value(json!("string")).unwrap());
    let with_build = |points: f64| {
        let mut new = solo(&playable, points);
        new.ticket.properties.insert("build".to_owned(), serde_json::from_value(json!("1.2")).unwrap());
        new
    };
    let early = [with_build(1500.0), with_build(1510.0)];
    create(store, &early).await;
    put(store, playable.clone()).await;
    for ticket in &early {
        becomes(store, ticket, TicketState::Matched).await;
    }
    platform.finish().await;
}

#[tokio::test]
async fn groups_have_pools_of_their_own_and_one_that_goes_ends_its_tickets() {
    let split = queue(json!({
        "name": "changing", "version": 1, "mode": "classic", "ranked": false,
        "regions": [{"name": "eu-west", "group": "eu"}, {"name": "asia", "group": "far"}],
    }));
    let platform = doorless().queue(split.clone()).start().await;
    let store = &platform.scratch.store;
    let (eu, asia): (NewTicket, NewTicket) = (
        placed(&split, vec![member(1500.0)], &[("eu-west", 20)]),
        placed(&split, vec![member(1500.0)], &[("asia", 20)]),
    );
    create(store, &[eu.clone(), asia.clone()]).await;
    for group in ["eu", "far"] {
        let shard = Shard::new("changing", group);
        eventually(Duration::from_secs(10), "a leader who has seen the ticket", async || {
            match store.matchmaker_calls.ask(&shard, &Question::Look).await {
                Ok(Answer::Look(look)) if look.tickets == 1 => Some(()),
                _ => None,
            }
        })
        .await;
    }
    let mut closer = split.clone();
    closer.regions.retain(|region| region.name == "eu-west");
    put(store, closer).await;
    let gone = becomes(store, &asia, TicketState::Failed).await;
    assert_eq!(gone.reason.as_deref(), Some("shard_gone"));
    let partner = placed(&split, vec![member(1500.0)], &[("eu-west", 20)]);
    create(store, std::slice::from_ref(&partner)).await;
    becomes(store, &eu, TicketState::Matched).await;
    platform.finish().await;
}

#[tokio::test]
async fn a_new_queue_is_led_at_once() {
    let platform: Platform = doorless().start().await;
    let store = &platform.scratch.store;
    let change = QueueChange {
        definition: narrow(),
        expected_version: None,
        author: Actor::System("test".to_owned()),
        reason: "a test makes it".to_owned(),
    };
    store.queues.put(&change, muster_store::now()).await.unwrap();
    let tickets = [solo(&narrow(), 1500.0), solo(&narrow(), 1500.0)];
    create(store, &tickets).await;
    becomes(store, &tickets[1], TicketState::Matched).await;
    platform.finish().await;
}

#[tokio::test]
async fn a_process_that_serves_some_queues_leads_no_other() {
    let named = |name: &str| {
        let mut definition = narrow();
        definition.name = name.to_owned();
        definition
    };
    let platform = Platform::builder()
        .server(2)
        // The first has been there for a while before the second comes.
        .server_roles(0, "matchmaker,referee,writer")
        .server_env(0, "MUSTER__MATCHMAKER__QUEUES", r#"["first"]"#)
        .server_roles(1, "matchmaker")
        .server_env(1, "MUSTER__MATCHMAKER__QUEUES", r#"["second", "none-such"]"#)
        .queue(named("first"))
        .queue(named("second"))
        .queue(named("nobodys"))
        .start()
        .await;
    let store = &platform.scratch.store;
    let tickets =
        ["first", "second", "nobodys"].map(|queue| [solo(&named(queue), 1500.0), solo(&named(queue), 1510.0)]);
    for pair in &tickets {
        create(store, pair).await;
    }
    for ticket in tickets[..2].iter().flatten() {
        becomes(store, ticket, TicketState::Matched).await;
    }

    for (server, queue) in [(0, "first"), (1, "second")] {
        let metrics = eventually(Duration::from_secs(10), "what nobody serves to be counted", async || {
            let metrics = platform.metrics(platform.server_ops_url(server)).await;
            metrics.contains(r#"muster_tickets_waiting{queue="nobodys",group="all"} 2"#).then_some(metrics)
        })
        .await;
        let led = metrics.lines().filter(|line| line.starts_with("muster_matchmaker_leads{")).collect::<Vec<_>>();
        assert_eq!(led, [format!(r#"muster_matchmaker_leads{{queue="{queue}",group="all"}} 1"#)]);
    }
    platform.finish().await;
}
