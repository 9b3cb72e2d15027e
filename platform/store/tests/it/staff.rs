use chrono::TimeDelta;
use muster_store::{Actor, AuditOutcome, NewStaff, StaffError, StaffRole, Store, fresh_id, now};
use muster_testkit::Scratch;

fn ada() -> NewStaff {
    NewStaff {
        staff_id: fresh_id(),
        email: "Ada@Example.com".to_owned(),
        display_name: "Ada".to_owned(),
        role: StaffRole::Operator,
        password_hash: "$argon2id$one".to_owned(),
    }
}

fn console() -> Actor {
    Actor::System("console".to_owned())
}

async fn audited(store: &Store) -> Vec<(String, AuditOutcome)> {
    let entries = store.audit.list(None, 50).await.unwrap();
    entries.into_iter().rev().map(|entry| (entry.entry.action, entry.entry.outcome)).collect()
}

#[tokio::test]
async fn an_address_belongs_to_one_member_whatever_the_case_of_its_letters() {
    let scratch = Scratch::new().await;
    let staff = &scratch.store.staff;
    let new = ada();
    let member = staff.add(&new, &console(), "the first of all", now()).await.unwrap();
    assert_eq!((member.role, member.disabled), (StaffRole::Operator, false));
    let twin = NewStaff { email: "ada@example.COM".to_owned(), ..ada() };
    assert!(matches!(staff.add(&twin, &console(), "again", now()).await, Err(StaffError::EmailTaken)));

    let credentials = staff.credentials("ADA@example.com").await.unwrap().unwrap();
    assert_eq!((credentials.member, credentials.password_hash.as_str()), (member.clone(), "$argon2id$one"));
    assert_eq!(staff.get(new.staff_id).await.unwrap(), Some(member));
    assert!(staff.credentials("bo@example.com").await.unwrap().is_none());
    // What did not happen is not in the log.
    assert_eq!(audited(&scratch.store).await, [("staff.add".to_owned(), AuditOutcome::Succeeded)]);
    scratch.finish().await;
}

#[tokio::test]
async fn a_session_lasts_until_it_expires_is_closed_or_its_member_is_disabled() {
    let scratch = Scratch::new().await;
    let staff = &scratch.store.staff;
    let id = staff.add(&ada(), &console(), "the first of all", now()).await.unwrap().staff_id;
    let start = now();
    let expires_at = start + TimeDelta::hours(8);
    for token in [[1; 32], [2; 32], [3; 32]] {
        staff.open_session(id, &token, expires_at, start).await.unwrap();
    }
    let session = staff.session(&[1; 32], start).await.unwrap().unwrap();
    assert_eq!((session.member.staff_id, session.expires_at), (id, expires_at));
    assert!(staff.session(&[1; 32], expires_at).await.unwrap().is_none());
    assert!(staff.session(&[9; 32], start).await.unwrap().is_none());

    assert!(staff.close_session(&[1; 32], now()).await.unwrap());
    assert!(!staff.close_session(&[1; 32], now()).await.unwrap());
    assert!(staff.session(&[1; 32], start).await.unwrap().is_none());
    assert!(staff.session(&[2; 32], start).await.unwrap().is_some());

    staff.set_disabled(id, true, &console(), "has left", now()).await.unwrap();
    assert!(staff.session(&[2; 32], start).await.unwrap().is_none());
    assert!(staff.get(id).await.unwrap().unwrap().disabled);
    staff.set_disabled(id, false, &console(), "has come back", now()).await.unwrap();
    assert!(staff.session(&[2; 32], start).await.unwrap().is_none(), "a closed session stays closed");
    staff.open_session(id, &[4; 32], expires_at, start).await.unwrap();
    staff.set_password(id, "$argon2id$two", &console(), "was told to somebody", now()).await.unwrap();
    assert!(staff.session(&[4; 32], start).await.unwrap().is_none());
    assert_eq!(staff.credentials("ada@example.com").await.unwrap().unwrap().password_hash, "$argon2id$two");

    let nobody = staff.set_disabled(fresh_id(), true, &console(), "has left", now()).await;
    assert!(matches!(nobody, Err(StaffError::Unknown)));
    let actions: Vec<String> = audited(&scratch.store).await.into_iter().map(|(action, _)| action).collect();
    let mut expected = vec!["staff.add"];
    expected.extend(["staff.sign_in"; 3]);
    expected.extend(["staff.sign_out", "staff.disable", "staff.enable", "staff.sign_in", "staff.set_password"]);
    let sorted = |mut actions: Vec<String>| {
        actions.sort();
        actions
    };
    assert_eq!(sorted(actions), sorted(expected.into_iter().map(str::to_owned).collect()));
    scratch.finish().await;
}

#[tokio::test]
async fn failures_are_counted_until_a_sign_in_succeeds_and_unknown_addresses_are_not_kept() {
    let scratch = Scratch::new().await;
    let staff = &scratch.store.staff;
    let id = staff.add(&ada(), &console(), "the first of all", now()).await.unwrap().staff_id;
    let start = now();
    let since = start - TimeDelta::minutes(15);
    for n in 1..=3 {
        staff.failed_sign_in("ada@example.com", "wrong password", start).await.unwrap();
        assert_eq!(staff.recent_failures("ADA@example.com", since).await.unwrap(), n);
    }
    assert_eq!(staff.recent_failures("ada@example.com", start + TimeDelta::seconds(1)).await.unwrap(), 0);
    let later = start + TimeDelta::seconds(5);
    staff.open_session(id, &[1; 32], later + TimeDelta::hours(8), later).await.unwrap();
    assert_eq!(staff.recent_failures("ada@example.com", since).await.unwrap(), 0);

    staff.failed_sign_in("hunter2", "unknown address", start).await.unwrap();
    assert_eq!(staff.recent_failures("hunter2", since).await.unwrap(), 1);
    assert_eq!(staff.recent_failures("somebody@else", since).await.unwrap(), 0);
    let log = scratch.store.audit.list(None, 50).await.unwrap();
    assert!(!format!("{log:?}").contains("hunter2"));
    scratch.finish().await;
}
