use chrono::TimeDelta;
use futures::future::join_all;
use muster_core::wire::AssignedPlayer;
use muster_store::{Assignment, AssignmentState, Decision, NewAssignment, Shard, Store, fresh_id, now};
use muster_testkit::Scratch;

use crate::given;

fn new() -> NewAssignment {
    let player = |role: Option<&str>| AssignedPlayer {
        player_id: fresh_id(),
        ticket_id: fresh_id(),
        role: role.map(str::to_owned),
    };
    NewAssignment {
        match_id: fresh_id(),
        shard: given::shard(),
        region: Some("asia".to_owned()),
        teams: vec![vec![player(Some("tank")), player(None)], vec![player(None)]],
        quality: 0.75,
        created_at: now(),
        expires_at: now() + TimeDelta::seconds(30),
        backfill_of: Some(fresh_id()),
    }
}

/// The shards whose matches are not finished, in order.
async fn unfinished(store: &Store) -> Vec<Shard> {
    let mut shards = store.assignments.unfinished().await.unwrap();
    shards.sort_unstable();
    shards
}

fn ids(found: &[Assignment]) -> Vec<muster_core::id::MatchId> {
    found.iter().map(|assignment| assignment.new.match_id).collect()
}

#[tokio::test]
async fn a_match_waits_for_a_server_until_one_says_where_it_is_played() {
    let scratch = Scratch::new().await;
    let assignments = &scratch.store.assignments;
    let (one, two) = (new(), NewAssignment { created_at: now() + TimeDelta::seconds(1), ..new() });
    let other = NewAssignment { shard: Shard::new("other", "all"), region: None, backfill_of: None, ..new() };
    assignments.open_many(&[two.clone(), one.clone(), other.clone()]).await.unwrap();
    assignments.open(&one).await.unwrap();
    assignments.open_many(&[]).await.unwrap();

    let waiting = assignments.list(Some(given::QUEUE), 10, now()).await.unwrap();
    assert_eq!(ids(&waiting), [one.match_id, two.match_id]);
    assert_eq!(
        waiting[0],
        Assignment { new: one.clone(), state: AssignmentState::Open, decided_at: None, server: None }
    );
    assert_eq!(assignments.list(None, 10, now()).await.unwrap().len(), 3);
    assert_eq!(assignments.list(None, 1, now()).await.unwrap().len(), 1);
    assert_eq!(unfinished(&scratch.store).await, [given::shard(), Shard::new("other", "all")]);

    let here = || "203.0.113.7:7777".to_owned();
    let Decision::Done(assigned) = assignments.assign(one.match_id, here(), now()).await.unwrap() else {
        panic!("it is open")
    };
    assert_eq!(assigned.state, AssignmentState::Assigned { connection: here() });
    assert_eq!(assignments.assign(one.match_id, here(), now()).await.unwrap(), Decision::Done(assigned.clone()));
    let elsewhere = assignments.assign(one.match_id, "elsewhere".to_owned(), now()).await.unwrap();
    assert_eq!(elsewhere, Decision::AlreadyDecided(assigned.clone()));
    let refused = assignments.refuse(one.match_id, "no".to_owned(), now()).await.unwrap();
    assert_eq!(refused, Decision::AlreadyDecided(assigned.clone()));
    assert_eq!(assignments.assign(fresh_id(), here(), now()).await.unwrap(), Decision::NotFound);
    assert_eq!(assignments.get(one.match_id).await.unwrap(), Some(assigned.clone()));

    // It stays to be done until somebody has done it.
    assert_eq!(assignments.decided(&given::shard()).await.unwrap(), [assigned]);
    assignments.close(&[one.match_id, two.match_id], now()).await.unwrap();
    assert!(assignments.decided(&given::shard()).await.unwrap().is_empty());
    assert_eq!(unfinished(&scratch.store).await.len(), 2, "one of the shard's matches still waits");
    assignments.refuse(two.match_id, "no".to_owned(), now()).await.unwrap();
    assert_eq!(unfinished(&scratch.store).await.len(), 2, "nobody has carried the answer out");
    assignments.close(&[two.match_id], now()).await.unwrap();
    assert_eq!(unfinished(&scratch.store).await, [Shard::new("other", "all")]);
    scratch.finish().await;
}

#[tokio::test]
async fn of_many_answers_at_once_one_counts() {
    let scratch = Scratch::new().await;
    let assignments = &scratch.store.assignments;
    let new = new();
    assignments.open(&new).await.unwrap();
    let answers = join_all((0..8).map(|n| assignments.assign(new.match_id, format!("server-{n}"), now()))).await;
    let done = answers.iter().filter(|answer| matches!(answer, Ok(Decision::Done(_)))).count();
    assert_eq!(done, 1);
    scratch.finish().await;
}

#[tokio::test]
async fn what_nobody_takes_in_time_expires_and_an_answer_is_too_late_then() {
    let scratch = Scratch::new().await;
    let assignments = &scratch.store.assignments;
    let (late, refused) = (new(), new());
    assignments.open_many(&[late.clone(), refused.clone()]).await.unwrap();
    let Decision::Done(no) = assignments.refuse(refused.match_id, "no capacity".to_owned(), now()).await.unwrap()
    else {
        panic!("it is open")
    };
    assert_eq!(no.state, AssignmentState::Refused { reason: "no capacity".to_owned() });

    assert!(assignments.overdue(&given::shard(), now()).await.unwrap().is_empty());
    let over = late.expires_at;
    // The matchmaker has not looked yet, but the time is over: it is neither shown nor taken.
    assert!(assignments.list(None, 10, over).await.unwrap().is_empty());
    let answer = assignments.assign(late.match_id, "here".to_owned(), over).await.unwrap();
    assert!(matches!(answer, Decision::AlreadyDecided(there) if there.state == AssignmentState::Open));
    assert!(assignments.overdue(&Shard::new("other", "all"), over).await.unwrap().is_empty());
    let expired = assignments.overdue(&given::shard(), over).await.unwrap();
    assert_eq!(ids(&expired), [late.match_id]);
    assert_eq!(expired[0].state, AssignmentState::Expired);
    assert!(assignments.overdue(&given::shard(), over).await.unwrap().is_empty());
    assert_eq!(ids(&assignments.decided(&given::shard()).await.unwrap()), [refused.match_id, late.match_id]);

    assignments.close(&[refused.match_id, late.match_id], over).await.unwrap();
    assert_eq!(assignments.forget(over).await.unwrap(), 0);
    assert_eq!(assignments.forget(over + TimeDelta::seconds(1)).await.unwrap(), 2);
    assert_eq!(assignments.get(late.match_id).await.unwrap(), None);
    scratch.finish().await;
}
