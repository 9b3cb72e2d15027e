use futures::future::join_all;
use muster_core::id::PlayerId;
use muster_store::{BlockError, MAX_BLOCKS, Store, fresh_id, now};
use muster_testkit::Scratch;

async fn player(store: &Store, device: u8) -> PlayerId {
    store.accounts.sign_in(&[device; 32], None, now()).await.unwrap().account.player_id
}

#[tokio::test]
async fn a_player_blocks_and_unblocks_others() {
    let scratch = Scratch::new().await;
    let (store, blocks) = (&scratch.store, &scratch.store.blocks);
    let (ada, bo, cy) = (player(store, 1).await, player(store, 2).await, player(store, 3).await);
    assert!(blocks.add(ada, bo, now()).await.unwrap());
    assert!(!blocks.add(ada, bo, now()).await.unwrap());
    assert!(blocks.add(ada, cy, now() + chrono::TimeDelta::seconds(1)).await.unwrap());
    assert_eq!(blocks.of(ada).await.unwrap(), [cy, bo]);
    assert!(blocks.of(bo).await.unwrap().is_empty());
    assert!(blocks.remove(ada, bo).await.unwrap());
    assert!(!blocks.remove(ada, bo).await.unwrap());
    assert_eq!(blocks.of(ada).await.unwrap(), [cy]);

    assert!(matches!(blocks.add(ada, ada, now()).await, Err(BlockError::Oneself)));
    assert!(matches!(blocks.add(ada, fresh_id(), now()).await, Err(BlockError::UnknownPlayer)));
    assert!(matches!(blocks.add(fresh_id(), ada, now()).await, Err(BlockError::UnknownPlayer)));
    scratch.finish().await;
}

#[tokio::test]
async fn a_list_is_bounded_even_when_many_are_added_at_once() {
    let scratch = Scratch::new().await;
    let (store, blocks) = (&scratch.store, &scratch.store.blocks);
    let ada = player(store, 0).await;
    let sql = scratch.sql().await;
    let others: Vec<PlayerId> = (0..MAX_BLOCKS + 4).map(|_| fresh_id()).collect();
    for other in &others {
        sqlx::query(
            "INSERT INTO player.accounts (player_id, display_name, created_at, signed_in_at) VALUES ($1, 'x', now(), now())",
        )
        .bind(other.uuid())
        .execute(&sql)
        .await
        .unwrap();
    }
    for other in &others[..MAX_BLOCKS - 2] {
        blocks.add(ada, *other, now()).await.unwrap();
    }
    let last = join_all(others[MAX_BLOCKS - 2..].iter().map(|other| blocks.add(ada, *other, now()))).await;
    assert_eq!(last.iter().filter(|added| matches!(added, Ok(true))).count(), 2);
    assert_eq!(last.iter().filter(|added| matches!(added, Err(BlockError::TooMany))).count(), 4);
    assert_eq!(blocks.of(ada).await.unwrap().len(), MAX_BLOCKS);
    scratch.finish().await;
}
