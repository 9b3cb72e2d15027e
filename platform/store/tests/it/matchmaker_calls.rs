use std::time::{Duration, Instant};

use futures::StreamExt;
use muster_core::matchmaking::Pool;
use muster_store::{Answer, AskError, Question, Shard, ShardLook, StoreError, fresh_id, now};
use muster_testkit::Scratch;

use crate::given;

fn look() -> ShardLook {
    let queue = muster_core::matchmaking::shipped_queues().remove(0);
    let group = queue.groups()[0].to_owned();
    let pool = Pool::new(queue, &group).unwrap();
    ShardLook {
        tickets: 3,
        players: 5,
        held_tickets: 0,
        oldest_ms: Some(1_250),
        histogram: pool.histogram(now()),
        leader_since: now(),
        queue_version: 7,
    }
}

#[tokio::test]
async fn the_leader_of_a_shard_answers() {
    let scratch = Scratch::new().await;
    let leader = scratch.reconnect().await;
    let mut questions = leader.matchmaker_calls.serve(&given::shard()).await.unwrap();
    let ticket = fresh_id();
    let look = look();
    let answering = async {
        for _ in 0..2 {
            let (question, responder) = questions.next().await.unwrap();
            let answer = match question {
                Question::Explain(asked) => {
                    assert_eq!(asked, ticket);
                    Answer::Explanation(None)
                }
                Question::Look => Answer::Look(look.clone()),
            };
            responder.reply(&answer).await.unwrap();
        }
    };
    let asking = async {
        let calls = &scratch.store.matchmaker_calls;
        let why = calls.ask(&given::shard(), &Question::Explain(ticket)).await.unwrap();
        (why, calls.ask(&given::shard(), &Question::Look).await.unwrap())
    };
    let ((why, how), ()) = tokio::join!(asking, answering);
    assert_eq!((why, how), (Answer::Explanation(None), Answer::Look(look)));
    scratch.finish().await;
}

#[tokio::test]
async fn without_a_leader_the_asker_knows_at_once() {
    let scratch = Scratch::new().await;
    let calls = &scratch.store.matchmaker_calls;
    let _other = calls.serve(&Shard::new(given::QUEUE, "asia")).await.unwrap();
    let started = Instant::now();
    assert!(matches!(calls.ask(&given::shard(), &Question::Look).await, Err(AskError::NoLeader)));
    assert!(started.elapsed() < Duration::from_secs(2));
    for name in ["", "*", "a.b", "a b", ">"] {
        let wrong = calls.ask(&Shard::new(name, "all"), &Question::Look).await;
        assert!(matches!(wrong, Err(AskError::Store(StoreError::Settings(_)))), "{name:?}");
    }
    scratch.finish().await;
}
