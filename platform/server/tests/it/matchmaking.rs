//! Matches of the built-in game: who meets whom, what players are told, and what is kept of it.

use std::time::Duration;

use muster_core::matchmaking::QueueDefinition;
use muster_core::wire::{Push, TicketState};
use muster_store::{Answer, AskError, MatchCall, MatchReply, NewTicket, Question, Shard, TicketRecord};
use muster_testkit::{Platform, eventually};
use serde_json::json;

use crate::matchmaking_given::{SOON, becomes, create, doorless, leader, player, reaches, solo, told};
use crate::queue;

fn casual() -> QueueDefinition {
    queue(json!({"name": "any", "version": 1, "mode": "classic", "ranked": false}))
}

/// Only players of almost the same strength meet.
fn narrow() -> QueueDefinition {
    queue(json!({
        "name": "narrow", "version": 1, "mode": "classic", "ranked": true, "rating_window": {"start": 50},
    }))
}

#[tokio::test]
async fn a_match_is_told_with_its_first_events_and_answers_its_players_at_once() {
    let platform = doorless().queue(casual()).start().await;
    let store = &platform.scratch.store;
    let tickets = [solo(&casual(), 1500.0), solo(&casual(), 1600.0)];
    create(store, &tickets).await;
    let found = eventually(SOON, "both to be told", async || {
        let told = [told(store, player(&tickets[0])).await, told(store, player(&tickets[1])).await];
        told.iter().all(|told| !told.is_empty()).then_some(told)
    })
    .await;
    assert_eq!(found[0], found[1], "both are told the same");
    let [Push::MatchFound { r#match }, Push::MatchEvents { match_id, events }] = found[0].as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((r#match.match_id, r#match.version), (*match_id, events.last().unwrap().seq));
    // Who came first sits first; two who came within the same millisecond sit in either order.
    let name = |ticket: &NewTicket| (player(ticket), ticket.names[0].clone());
    let mut seated: Vec<_> = r#match.players.iter().map(|seat| (seat.player_id, seat.display_name.clone())).collect();
    seated.sort();
    let mut expected = [name(&tickets[0]), name(&tickets[1])];
    expected.sort();
    assert_eq!(seated, expected);
    // Who was told finds the match's owner, whatever else is still to be done for it.
    let reply = store.match_calls.call(*match_id, &MatchCall::View, Duration::from_secs(1)).await.unwrap();
    assert!(matches!(&reply, MatchReply::View(view) if view.match_id == *match_id), "{reply:?}");

    for ticket in &tickets {
        let record = becomes(store, ticket, TicketState::Matched).await;
        assert_eq!(record.match_id, Some(*match_id));
    }
    let row = store.matches.get(*match_id).await.unwrap().expect("tickets end when their match has its row");
    assert!(row.players.iter().map(|seat| seat.player_id).eq(r#match.players.iter().map(|seat| seat.player_id)));
    let since = muster_store::now() - Duration::from_secs(60);
    eventually(SOON, "the two to have met", async || {
        let met = store.recents.of(&[player(&tickets[0])], since).await.unwrap();
        met.get(&player(&tickets[0])).filter(|met| **met == [player(&tickets[1])]).map(drop)
    })
    .await;
    platform.finish().await;
}

#[tokio::test]
async fn the_end_of_every_ticket_is_a_fact_that_knows_no_player() {
    let mut expiring = narrow();
    expiring.max_wait_secs = Some(1);
    let platform = doorless().queue(expiring.clone()).start().await;
    let store = &platform.scratch.store;
    eventually(SOON, "somebody to lead", async || leader(&platform, &[0], "narrow").await).await;
    let tickets = [solo(&expiring, 1500.0), solo(&expiring, 1510.0), solo(&expiring, 2500.0)];
    create(store, &tickets).await;
    becomes(store, &tickets[0], TicketState::Matched).await;
    let expired = becomes(store, &tickets[2], TicketState::Expired).await;
    assert_eq!(expired.reason.as_deref(), Some("max_wait"));
    eventually(SOON, "the player to be told", async || {
        let told = told(store, player(&tickets[2])).await;
        matches!(told.as_slice(), [Push::TicketUpdated { ticket }] if ticket.state == TicketState::Expired)
            .then_some(())
    })
    .await;

    let pool = platform.scratch.sql().await;
    let facts: Vec<(String, serde_json::Value)> = eventually(Duration::from_secs(15), "three facts", async || {
        let facts: Vec<(String, serde_json::Value)> = sqlx::query_as(
            "select properties ->> 'outcome', properties from telemetry.events where kind = 'ticket.ended' order by 1, properties #>> '{recorded,members,0,rating,points}'",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        (facts.len() == 3).then_some(facts)
    })
    .await;
    assert_eq!(
        facts.iter().map(|(outcome, _)| outcome.as_str()).collect::<Vec<_>>(),
        ["expired", "matched", "matched"]
    );
    assert_eq!(facts[0].1["reason"], "max_wait");
    assert!(facts[0].1["wait_ms"].as_u64().unwrap() >= 1000, "{}", facts[0].1);
    assert!(facts[1].1["quality"].as_f64().unwrap() > 0.9, "{}", facts[1].1);
    assert_eq!(facts[1].1["recorded"]["members"][0]["rating"]["points"], 1500.0);
    for (_, fact) in &facts {
        assert!(!fact.to_string().contains("ply_"), "{fact}");
    }
    pool.close().await;

    let metrics = platform.metrics(platform.server_ops_url(0)).await;
    for line in [
        r#"muster_ticket_arrivals_total{queue="narrow",region="any"} 3"#,
        r#"muster_player_arrivals_total{queue="narrow",region="any"} 3"#,
        r#"muster_tickets_ended_total{queue="narrow",region="any",outcome="matched",reason=""} 2"#,
        r#"muster_players_ended_total{queue="narrow",region="any",outcome="expired",reason="max_wait"} 1"#,
        r#"muster_matches_started_total{queue="narrow",region="any",mode="classic"} 1"#,
        r#"muster_ticket_wait_seconds_count{queue="narrow",region="any"} 2"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "no line {line}");
    }
    platform.finish().await;
}

#[tokio::test]
async fn the_leader_says_why_a_ticket_has_not_matched_and_how_its_pool_looks() {
    let platform = doorless().queue(narrow()).start().await;
    let store = &platform.scratch.store;
    let tickets = [solo(&narrow(), 1500.0), solo(&narrow(), 1700.0), solo(&narrow(), 1900.0)];
    create(store, &tickets).await;
    let shard = Shard::new("narrow", "all");
    let explanation = eventually(SOON, "the leader to know all three", async || {
        match store.matchmaker_calls.ask(&shard, &Question::Explain(tickets[0].ticket.ticket_id)).await {
            Ok(Answer::Explanation(explanation)) => explanation.filter(|explanation| explanation.candidates == 2),
            Ok(Answer::Look(_)) => panic!("another answer"),
            Err(AskError::NoLeader) => None,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    assert_eq!((explanation.left, explanation.rating_window), (0, Some(50.0)));
    let window = explanation.rules.iter().find(|rule| rule.rule == "rating_window").unwrap();
    assert_eq!(window.alone, 2, "{explanation:?}");

    let Ok(Answer::Look(look)) = store.matchmaker_calls.ask(&shard, &Question::Look).await else { panic!("no look") };
    assert_eq!((look.tickets, look.players, look.held_tickets, look.queue_version), (3, 3, 0, 1));
    assert_eq!(look.histogram.by_rating.iter().map(|bucket| bucket.tickets).sum::<u32>(), 3);
    let unknown = Question::Explain(muster_store::fresh_id());
    assert_eq!(store.matchmaker_calls.ask(&shard, &unknown).await.unwrap(), Answer::Explanation(None));
    platform.finish().await;
}

#[tokio::test]
async fn tickets_survive_a_restart_with_the_time_they_have_waited() {
    let mut platform = doorless().queue(narrow()).start().await;
    let store = platform.scratch.store.clone();
    let lonely = solo(&narrow(), 1500.0);
    create(&store, std::slice::from_ref(&lonely)).await;
    platform.server(0).kill9().await;
    let meanwhile = solo(&narrow(), 2500.0);
    create(&store, std::slice::from_ref(&meanwhile)).await;
    platform.restart_server(0).await;
    let late = [solo(&narrow(), 1520.0), solo(&narrow(), 2510.0)];
    create(&store, &late).await;
    let old = becomes(&store, &lonely, TicketState::Matched).await;
    assert_eq!(old.ticket.enqueued_at, lonely.ticket.enqueued_at);
    assert_eq!(old.match_id, becomes(&store, &late[0], TicketState::Matched).await.match_id);
    assert_eq!(
        becomes(&store, &meanwhile, TicketState::Matched).await.match_id,
        becomes(&store, &late[1], TicketState::Matched).await.match_id
    );
    platform.finish().await;
}

#[tokio::test]
async fn who_comes_later_is_told_how_long_others_have_waited() {
    let platform = doorless().queue(casual()).start().await;
    let store = &platform.scratch.store;
    for _ in 0..3 {
        create(store, &[solo(&casual(), 1500.0), solo(&casual(), 1500.0)]).await;
    }
    let record: TicketRecord = eventually(SOON, "an estimate", async || {
        let newcomer = solo(&casual(), 1500.0);
        create(store, std::slice::from_ref(&newcomer)).await;
        let record = store.tickets.get(newcomer.ticket.ticket_id).await.unwrap()?;
        record.estimated_wait_ms.is_some().then_some(record)
    })
    .await;
    assert!(record.estimated_wait_ms.unwrap() <= 5_000, "{record:?}");
    platform.finish().await;
}

#[tokio::test]
async fn a_thousand_at_once_are_all_matched_once() {
    let platform = doorless().queue(casual()).start().await;
    let store = &platform.scratch.store;
    let tickets: Vec<_> = (0..1000).map(|n| solo(&casual(), 1000.0 + f64::from(n))).collect();
    for lot in tickets.chunks(250) {
        create(store, lot).await;
    }
    for ticket in &tickets {
        reaches(store, ticket.ticket.ticket_id, TicketState::Matched, Duration::from_secs(30)).await;
    }
    once_each(&platform, 1000).await;
    platform.finish().await;
}

/// As many players have a seat, each in one match.
async fn once_each(platform: &Platform, players: i64) {
    let pool = platform.scratch.sql().await;
    let seats: (i64, i64, i64) =
        sqlx::query_as("select count(*), count(distinct player_id), count(distinct match_id) from play.match_players")
            .fetch_one(&pool)
            .await
            .unwrap();
    pool.close().await;
    assert_eq!(seats, (players, players, players / 2));
}
