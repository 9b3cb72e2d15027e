use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use muster_core::id::PlayerId;
use muster_store::{SocketOpened, fresh_id, now};
use muster_testkit::Scratch;
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn each_socket_of_a_player_gets_a_higher_number_also_in_one_moment() {
    let scratch = Scratch::new().await;
    let other_gateway = scratch.reconnect().await;
    let player = fresh_id();
    let entering = (0..50).map(|n| {
        let sockets = if n % 2 == 0 { &scratch.store.sockets } else { &other_gateway.sockets };
        sockets.enter(player, now())
    });
    let mut numbers: Vec<u64> = join_all(entering).await.into_iter().map(Result::unwrap).collect();
    numbers.sort_unstable();
    let newest = numbers[49];
    numbers.dedup();
    assert_eq!(numbers.len(), 50, "no two are the same");
    let asked = [player, fresh_id()];
    assert_eq!(scratch.store.sockets.newest(&asked).await.unwrap(), [Some(newest), None]);
    assert!(scratch.store.presence.online(player, now()).await.unwrap());
    scratch.finish().await;
}

#[tokio::test]
async fn only_the_newest_socket_takes_its_player_away() {
    let scratch = Scratch::new().await;
    let (sockets, presence) = (&scratch.store.sockets, &scratch.store.presence);
    let player: PlayerId = fresh_id();
    let older = sockets.enter(player, now()).await.unwrap();
    let newer = sockets.enter(player, now()).await.unwrap();
    assert!(!sockets.leave(player, older).await.unwrap());
    assert!(presence.online(player, now()).await.unwrap());
    assert!(sockets.leave(player, newer).await.unwrap());
    assert!(!presence.online(player, now()).await.unwrap());
    assert_eq!(sockets.newest(&[player]).await.unwrap(), [None]);
    // Gone twice is gone, and what comes afterwards is newer still.
    assert!(sockets.leave(player, newer).await.unwrap());
    assert!(sockets.enter(player, now()).await.unwrap() > newer);
    scratch.finish().await;
}

#[tokio::test]
async fn every_gateway_hears_of_a_socket() {
    let scratch = Scratch::new().await;
    let other_gateway = scratch.reconnect().await;
    let mut here = scratch.store.sockets.announced().await.unwrap();
    let mut there = other_gateway.sockets.announced().await.unwrap();
    let opened = SocketOpened { player: fresh_id(), number: 7 };
    scratch.store.sockets.announce(opened).await.unwrap();
    for stream in [&mut here, &mut there] {
        assert_eq!(timeout(WITHIN, stream.next()).await.unwrap(), Some(opened));
    }
    scratch.finish().await;
}
