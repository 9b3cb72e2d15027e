use std::time::Duration;

use futures::StreamExt;
use muster_core::game::{GameEvent, Seat};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::{LoggedEvent, Push};
use muster_store::{NextPush, OrderedPushes, fresh_id, now};
use muster_testkit::Scratch;
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(5);

fn push(seq: u64) -> Push {
    let event = GameEvent::TurnBegan { seat: Seat::First };
    let match_id = MatchId::new(now(), [9; 10]);
    Push::MatchEvents { match_id, events: vec![LoggedEvent { seq, at: now(), event }] }
}

/// Where pushes to a player are sent.
async fn inbox_subject(scratch: &Scratch, player: PlayerId) -> String {
    let redis = redis::Client::open(scratch.settings.redis_url.as_str()).unwrap();
    let mut redis = redis.get_multiplexed_async_connection().await.unwrap();
    let key = format!("{}push:{{{player}}}:at", scratch.prefix());
    let at: String = redis::cmd("GET").arg(key).query_async(&mut redis).await.unwrap();
    format!("{}push.{at}.{player}", scratch.prefix())
}

async fn next(pushes: &mut OrderedPushes) -> NextPush {
    timeout(WITHIN, pushes.next()).await.expect("a push comes in time").unwrap().unwrap()
}

async fn next_seq(pushes: &mut OrderedPushes) -> u64 {
    match next(pushes).await {
        NextPush::Item(item) => item.seq,
        NextPush::Gap { .. } => panic!("nothing is missing"),
    }
}

#[tokio::test]
async fn a_push_reaches_its_subscriber_as_it_is_kept() {
    let scratch = Scratch::new().await;
    let gateway = scratch.reconnect().await;
    let player = fresh_id();
    let mut live = gateway.pushes.subscribe(player).await.unwrap();
    let begins_after = gateway.pushes.seq(player).await.unwrap();

    let sent = push(1);
    let seq = scratch.store.pushes.send(player, &sent).await.unwrap();
    assert_eq!(seq, begins_after + 1, "nothing can hide between the number asked for and the first push");
    scratch.store.pushes.send(fresh_id(), &push(2)).await.unwrap();
    let item = timeout(WITHIN, live.next()).await.unwrap().unwrap();
    assert_eq!((item.seq, item.push().unwrap()), (seq, sent));
    let replay = gateway.pushes.since(player, seq - 1).await.unwrap();
    assert_eq!((replay.complete, replay.items, replay.seq), (true, vec![item], seq));
    assert_eq!(gateway.pushes.seq(player).await.unwrap(), seq);
    scratch.finish().await;
}

#[tokio::test]
async fn who_comes_back_gets_what_they_missed_or_is_told_that_it_is_gone() {
    let scratch = Scratch::new().await;
    let pushes = &scratch.store.pushes;
    let player = fresh_id();
    let mut seqs = Vec::new();
    for n in 0..300 {
        seqs.push(pushes.send(player, &push(n)).await.unwrap());
    }
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let last = seqs[299];

    let replay = pushes.since(player, seqs[289]).await.unwrap();
    assert!(replay.complete);
    assert_eq!(replay.items.iter().map(|item| item.seq).collect::<Vec<_>>(), seqs[290..]);
    let nothing = pushes.since(player, last).await.unwrap();
    assert_eq!((nothing.complete, nothing.items.len()), (true, 0));
    // 256 are kept: the 44 oldest of 300 are gone.
    assert!(pushes.since(player, seqs[43]).await.unwrap().complete);
    let gone = pushes.since(player, seqs[42]).await.unwrap();
    assert_eq!((gone.complete, gone.items.len(), gone.seq), (false, 256, last));
    // A number that was never given out.
    assert!(!pushes.since(player, last + 1).await.unwrap().complete);
    assert!(pushes.since(fresh_id(), 0).await.unwrap().complete);
    scratch.finish().await;
}

#[tokio::test]
async fn numbers_stay_ahead_when_redis_forgets_them() {
    let scratch = Scratch::new().await;
    let player: PlayerId = fresh_id();
    let before = scratch.store.pushes.send(player, &push(1)).await.unwrap();
    let mut redis = redis::Client::open(scratch.settings.redis_url.as_str())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let keys = ["seq", "latest"].map(|key| format!("{}push:{{{player}}}:{key}", scratch.prefix()));
    let deleted: u64 = redis::cmd("DEL").arg(&keys).query_async(&mut redis).await.unwrap();
    assert_eq!(deleted, 2);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(scratch.store.pushes.send(player, &push(2)).await.unwrap() > before);
    assert!(!scratch.store.pushes.since(player, before).await.unwrap().complete);
    scratch.finish().await;
}

#[tokio::test]
async fn in_order_means_every_one_once_even_when_nats_mixes_them_up() {
    let scratch = Scratch::new().await;
    let pushes = &scratch.store.pushes;
    let player: PlayerId = fresh_id();
    let first = pushes.send(player, &push(1)).await.unwrap();
    let second = pushes.send(player, &push(2)).await.unwrap();

    let mut ordered = pushes.ordered(player, first).await.unwrap();
    assert_eq!(next_seq(&mut ordered).await, second);

    // Kept, and lost on its way out.
    let nats = async_nats::connect(&scratch.settings.nats_url).await.unwrap();
    let subject = inbox_subject(&scratch, player).await;
    let third = pushes.send(player, &push(3)).await.unwrap();
    let fourth = pushes.send(player, &push(4)).await.unwrap();
    assert_eq!(next_seq(&mut ordered).await, third);
    assert_eq!(next_seq(&mut ordered).await, fourth);
    // An old one again, and one from the future: the first is skipped, the second makes it look at what is kept.
    let text = |seq| format!(r#"{{"type":"push","seq":{seq},"push":{{}}}}"#);
    nats.publish(subject.clone(), text(third).into()).await.unwrap();
    nats.publish(subject.clone(), "not a push".into()).await.unwrap();
    nats.publish(subject, text(fourth + 7).into()).await.unwrap();
    nats.flush().await.unwrap();
    let fifth = pushes.send(player, &push(5)).await.unwrap();
    assert_eq!(next_seq(&mut ordered).await, fifth);
    assert_eq!(ordered.last_seq(), fifth);
    scratch.finish().await;
}

#[tokio::test]
async fn in_order_tells_of_a_gap_that_cannot_be_filled() {
    let scratch = Scratch::new().await;
    let pushes = &scratch.store.pushes;
    let player = fresh_id();
    let seq = pushes.send(player, &push(1)).await.unwrap();
    let mut ordered = pushes.ordered(player, seq - 100).await.unwrap();
    assert_eq!(next(&mut ordered).await, NextPush::Gap { seq });
    let after = pushes.send(player, &push(2)).await.unwrap();
    assert_eq!(next_seq(&mut ordered).await, after);
    scratch.finish().await;
}

#[tokio::test]
async fn many_at_once_reach_each_player_in_order() {
    let scratch = Scratch::new().await;
    let pushes = &scratch.store.pushes;
    let (ada, bo) = (fresh_id(), fresh_id());
    let mut ordered = pushes.ordered(ada, pushes.seq(ada).await.unwrap()).await.unwrap();
    let many: Vec<(PlayerId, Push)> = (0..100).map(|n| (if n % 2 == 0 { ada } else { bo }, push(n))).collect();
    let seqs = pushes.send_many(&many).await.unwrap();
    assert_eq!(seqs.len(), 100);
    for n in (0..100).step_by(2) {
        let NextPush::Item(item) = next(&mut ordered).await else { panic!("nothing is missing") };
        assert_eq!((item.seq, item.push().unwrap()), (seqs[n], many[n].1.clone()));
    }
    assert_eq!(pushes.since(bo, seqs[1] - 1).await.unwrap().items.len(), 50);
    assert!(pushes.send_many(&[]).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn many_in_a_row_to_one_player_go_out_as_they_are_kept() {
    let scratch = Scratch::new().await;
    let pushes = &scratch.store.pushes;
    let (ada, bo) = (fresh_id(), fresh_id());
    let mut live = pushes.subscribe(ada).await.unwrap();
    let row: Vec<(PlayerId, Push)> = (0..20).map(|n| (ada, push(n))).collect();
    let first = pushes.send_many(&row).await.unwrap()[0];
    for kept in pushes.since(ada, first - 1).await.unwrap().items {
        assert_eq!(timeout(WITHIN, live.next()).await.unwrap(), Some(kept), "what went out is what is kept");
    }
    let before = first + 19;
    let many: Vec<(PlayerId, Push)> =
        (1..=300).map(|n| (ada, push(n))).chain([(bo, push(301)), (ada, push(302))]).collect();
    let seqs = pushes.send_many(&many).await.unwrap();
    assert_eq!(seqs[..300], (before + 1..=before + 300).collect::<Vec<_>>());
    assert_eq!(seqs[301], before + 301);
    let kept = pushes.since(ada, before + 45).await.unwrap();
    assert_eq!((kept.complete, kept.items.len()), (true, 256), "the last 256 are kept");
    scratch.finish().await;
}

#[tokio::test]
async fn one_push_to_several_players_is_each_ones_next() {
    let scratch = Scratch::new().await;
    let pushes = &scratch.store.pushes;
    let players: Vec<PlayerId> = (0..3).map(|_| fresh_id()).collect();
    let mut before = Vec::new();
    for player in &players {
        before.push(pushes.seq(*player).await.unwrap());
    }
    let mut live = pushes.subscribe(players[2]).await.unwrap();
    for round in 1..=2 {
        let sent = push(round);
        let seqs = pushes.send_to_all(&players, &sent).await.unwrap();
        assert_eq!(seqs, before.iter().map(|seq| seq + round).collect::<Vec<_>>());
        let item = timeout(WITHIN, live.next()).await.unwrap().unwrap();
        assert_eq!((item.seq, item.push().unwrap()), (seqs[2], sent));
    }
    for (player, before) in players.iter().zip(before) {
        let replay = pushes.since(*player, before).await.unwrap();
        let kept: Vec<Push> = replay.items.iter().map(|item| item.push().unwrap()).collect();
        assert!(replay.complete);
        assert_eq!(kept.len(), 2);
    }
    assert!(pushes.send_to_all(&[], &push(3)).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn what_comes_while_the_caller_is_busy_is_bounded_and_nothing_of_it_is_lost() {
    let scratch = Scratch::new().await;
    let player = fresh_id();
    let begins_after = scratch.store.pushes.seq(player).await.unwrap();
    let mut ordered = scratch.store.pushes.ordered(player, begins_after).await.unwrap();
    let send = async |count: u64| {
        let pushes: Vec<_> = (0..count).map(|n| (player, push(n))).collect();
        // More than wait for a caller, and more than one message of NATS at a time.
        *scratch.store.pushes.send_many(&pushes).await.unwrap().last().unwrap()
    };
    let last = send(200).await;
    for seq in begins_after + 1..=last {
        assert_eq!(next_seq(&mut ordered).await, seq);
    }
    // More than is kept: then it says so, and goes on after that.
    send(400).await;
    let last = send(100).await;
    let mut gap = None;
    while gap.is_none() {
        if let NextPush::Gap { seq } = next(&mut ordered).await {
            gap = Some(seq);
        }
    }
    assert_eq!(gap, Some(last));
    let newer = send(1).await;
    assert_eq!(next_seq(&mut ordered).await, newer);
    scratch.finish().await;
}

#[tokio::test]
async fn pushes_go_where_the_player_was_last() {
    let scratch = Scratch::new().await;
    let (here, there) = (scratch.store.clone(), scratch.reconnect().await);
    let player = fresh_id();
    let seq = here.pushes.seq(player).await.unwrap();
    let mut older = here.pushes.ordered(player, seq).await.unwrap();
    assert_eq!(here.pushes.send(player, &push(1)).await.unwrap(), seq + 1);
    assert_eq!(next_seq(&mut older).await, seq + 1);

    let mut newer = there.pushes.ordered(player, seq + 1).await.unwrap();
    let mut beside = there.pushes.subscribe(player).await.unwrap();
    here.pushes.send(player, &push(2)).await.unwrap();
    assert_eq!(next_seq(&mut newer).await, seq + 2);
    assert_eq!(timeout(WITHIN, beside.next()).await.unwrap().unwrap().seq, seq + 2, "both readers of a process get it");
    drop(beside);
    // Who is left alone finds out when it looks, and does not take the player back by looking.
    timeout(Duration::from_secs(20), async {
        assert!(matches!(older.next().await, Ok(Some(NextPush::Item(item))) if item.seq == seq + 2));
    })
    .await
    .unwrap();
    here.pushes.send(player, &push(3)).await.unwrap();
    assert_eq!(next_seq(&mut newer).await, seq + 3);
    scratch.finish().await;
}

#[tokio::test]
async fn a_reader_is_found_again_when_redis_forgets_where_it_is() {
    let scratch = Scratch::new().await;
    let player: PlayerId = fresh_id();
    let seq = scratch.store.pushes.seq(player).await.unwrap();
    let mut ordered = scratch.store.pushes.ordered(player, seq).await.unwrap();
    scratch.store.pushes.send(player, &push(1)).await.unwrap();
    assert_eq!(next_seq(&mut ordered).await, seq + 1);
    let redis = redis::Client::open(scratch.settings.redis_url.as_str()).unwrap();
    let mut redis = redis.get_multiplexed_async_connection().await.unwrap();
    let key = format!("{}push:{{{player}}}:at", scratch.prefix());
    let deleted: u64 = redis::cmd("DEL").arg(key).query_async(&mut redis).await.unwrap();
    assert_eq!(deleted, 1);
    scratch.store.pushes.send(player, &push(2)).await.unwrap();
    let found = timeout(Duration::from_secs(20), ordered.next()).await.expect("it looks by itself").unwrap().unwrap();
    assert!(matches!(found, NextPush::Item(item) if item.seq == seq + 2));
    scratch.store.pushes.send(player, &push(3)).await.unwrap();
    assert_eq!(next_seq(&mut ordered).await, seq + 3);
    scratch.finish().await;
}
