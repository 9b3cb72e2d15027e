use futures::future::join_all;
use muster_store::{fresh_id, now};
use muster_testkit::Scratch;

#[tokio::test]
async fn the_first_sight_of_a_device_makes_an_account_and_the_next_finds_it() {
    let scratch = Scratch::new().await;
    let accounts = &scratch.store.accounts;

    let first = accounts.sign_in(&[1; 32], None, now()).await.unwrap();
    assert!(first.new_account);
    assert!(first.account.display_name.starts_with("Player "), "{}", first.account.display_name);
    // The subject must tell nothing about the account, not even its age: no UUIDv7.
    assert_eq!(first.account.subject_id.uuid().get_version_num(), 4);

    let again = accounts.sign_in(&[1; 32], None, now()).await.unwrap();
    assert!(!again.new_account);
    assert_eq!(again.account, first.account);

    let renamed = accounts.sign_in(&[1; 32], Some("Ada"), now()).await.unwrap();
    assert_eq!(renamed.account.player_id, first.account.player_id);
    assert_eq!(renamed.account.display_name, "Ada");
    scratch.finish().await;
}

#[tokio::test]
async fn one_device_signing_in_many_times_at_once_gets_one_account() {
    let scratch = Scratch::new().await;
    let sign_ins = (0..8).map(|_| scratch.store.accounts.sign_in(&[7; 32], Some("Ada"), now()));
    let sign_ins: Vec<_> = join_all(sign_ins).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(sign_ins.iter().filter(|sign_in| sign_in.new_account).count(), 1);
    assert!(sign_ins.iter().all(|sign_in| sign_in.account == sign_ins[0].account));

    let sql = scratch.sql().await;
    let accounts: i64 = sqlx::query_scalar("SELECT count(*) FROM player.accounts").fetch_one(&sql).await.unwrap();
    assert_eq!(accounts, 1);
    scratch.finish().await;
}

#[tokio::test]
async fn finds_many_accounts_and_leaves_out_the_unknown() {
    let scratch = Scratch::new().await;
    let accounts = &scratch.store.accounts;
    let ada = accounts.sign_in(&[1; 32], Some("Ada"), now()).await.unwrap().account;
    let bo = accounts.sign_in(&[2; 32], Some("Bo"), now()).await.unwrap().account;

    let mut found = accounts.get_many(&[bo.player_id, fresh_id(), ada.player_id]).await.unwrap();
    found.sort_by_key(|account| account.player_id);
    assert_eq!(found, [ada.clone(), bo]);
    assert_eq!(accounts.get(ada.player_id).await.unwrap(), Some(ada));
    assert_eq!(accounts.get(fresh_id()).await.unwrap(), None);
    scratch.finish().await;
}
