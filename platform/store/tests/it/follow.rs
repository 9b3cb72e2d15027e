use std::time::Duration;

use futures::StreamExt;
use muster_core::game::{GameEvent, Seat};
use muster_store::{EventStream, fresh_id};
use muster_testkit::Scratch;
use tokio::time::timeout;

use crate::given;

const WITHIN: Duration = Duration::from_secs(10);

async fn seqs(stream: &mut EventStream) -> Option<Vec<u64>> {
    let events = timeout(WITHIN, stream.next()).await.expect("the stream says something in time")?;
    Some(events.unwrap().iter().map(|event| event.seq).collect())
}

#[tokio::test]
async fn gives_what_is_there_then_what_comes_and_ends_with_the_match() {
    let scratch = Scratch::new().await;
    let (matches, log) = (&scratch.store.matches, &scratch.store.match_log);
    let new = given::new_match([fresh_id(), fresh_id()]);
    let turn = |seat| GameEvent::TurnBegan { seat };
    matches.create(&new).await.unwrap();
    let opening = vec![turn(Seat::First), turn(Seat::Second), turn(Seat::First)];
    let last = log.append(new.match_id, 0, &given::created(&new, opening)).await.unwrap();

    let mut stream = matches.follow(new.match_id, 2).await.unwrap().unwrap();
    assert_eq!(seqs(&mut stream).await, Some(vec![3]));
    let last = log.append(new.match_id, last, &given::decided(vec![turn(Seat::Second)])).await.unwrap();
    assert_eq!(seqs(&mut stream).await, Some(vec![4]));
    let end = GameEvent::Ended { outcome: given::won_by(Seat::First) };
    log.append(new.match_id, last, &given::decided(vec![turn(Seat::First), end])).await.unwrap();
    assert_eq!(seqs(&mut stream).await, Some(vec![5, 6]));
    assert_eq!(seqs(&mut stream).await, None);
    scratch.finish().await;
}

#[tokio::test]
async fn finds_the_end_in_the_database_when_the_log_went_first() {
    let scratch = Scratch::new().await;
    let matches = &scratch.store.matches;
    let new = given::new_match([fresh_id(), fresh_id()]);
    matches.create(&new).await.unwrap();
    let mut stream = matches.follow(new.match_id, 0).await.unwrap().unwrap();
    // Settled without a word in the log that this follower could have read.
    matches.settle(&given::settlement(new.match_id, given::won_by(Seat::First))).await.unwrap();
    assert_eq!(seqs(&mut stream).await, Some(vec![1, 2]));
    assert_eq!(seqs(&mut stream).await, None);

    let mut late = matches.follow(new.match_id, 1).await.unwrap().unwrap();
    assert_eq!(seqs(&mut late).await, Some(vec![2]));
    assert_eq!(seqs(&mut late).await, None);
    assert!(matches.follow(fresh_id(), 0).await.unwrap().is_none());
    scratch.finish().await;
}
