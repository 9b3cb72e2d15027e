use chrono::TimeDelta;
use muster_store::{KeyPurpose, ServiceKeyError, fresh_secret, now};
use muster_testkit::Scratch;

#[tokio::test]
async fn a_secret_opens_until_its_key_is_revoked() {
    let scratch = Scratch::new().await;
    let keys = &scratch.store.service_keys;
    let start = now();
    let (key, secret) = keys.create("backend", KeyPurpose::Game, start).await.unwrap();
    assert!(secret.starts_with("msk_") && secret.len() == 68, "{secret}");
    assert_eq!(keys.find(&secret).await.unwrap(), Some(key.clone()));
    let (operator, its_secret) = keys.create("operator", KeyPurpose::Operations, start).await.unwrap();
    assert_eq!(keys.find(&its_secret).await.unwrap(), Some(operator.clone()));
    assert_eq!((key.purpose, operator.purpose), (KeyPurpose::Game, KeyPurpose::Operations));
    for wrong in ["", "msk_", &secret[4..], &format!("{secret}0"), &format!("msk_{}", hex::encode(fresh_secret()))] {
        assert_eq!(keys.find(wrong).await.unwrap(), None, "{wrong}");
    }

    let revoked_at = start + TimeDelta::seconds(5);
    let revoked = keys.revoke("backend", revoked_at).await.unwrap().unwrap();
    assert_eq!((revoked.service_key_id, revoked.revoked_at), (key.service_key_id, Some(revoked_at)));
    assert_eq!(keys.find(&secret).await.unwrap(), None);
    assert_eq!(keys.revoke("backend", now()).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn names_are_of_one_valid_key_each_and_every_change_is_audited() {
    let scratch = Scratch::new().await;
    let keys = &scratch.store.service_keys;
    let start = now();
    let (first, _) = keys.create("backend", KeyPurpose::Game, start).await.unwrap();
    assert!(matches!(keys.create("backend", KeyPurpose::Game, start).await, Err(ServiceKeyError::NameTaken)));
    for wrong in ["", "Backend", "a b", &"x".repeat(65)] {
        assert!(
            matches!(keys.create(wrong, KeyPurpose::Game, start).await, Err(ServiceKeyError::InvalidName)),
            "{wrong}"
        );
    }
    keys.revoke("backend", start).await.unwrap();
    let (second, secret) = keys.create("backend", KeyPurpose::Game, start + TimeDelta::seconds(1)).await.unwrap();
    let listed: Vec<_> = keys.list().await.unwrap().iter().map(|key| key.service_key_id).collect();
    assert_eq!(listed, [second.service_key_id, first.service_key_id]);

    let log = scratch.store.audit.list(None, 50).await.unwrap();
    let actions: Vec<_> = log.iter().map(|entry| entry.entry.action.as_str()).collect();
    let mut sorted = actions.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["service_key.create", "service_key.create", "service_key.revoke"]);
    assert!(!format!("{log:?}").contains(&secret[4..]));
    scratch.finish().await;
}
