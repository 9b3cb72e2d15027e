use muster_store::{Actor, AuditOutcome, NewAudit, fresh_id, now};
use muster_testkit::Scratch;
use serde_json::json;

fn act(action: &str) -> NewAudit {
    NewAudit {
        actor: Actor::Staff(fresh_id()),
        action: action.to_owned(),
        target: Some("classic-ranked".to_owned()),
        reason: Some("it is quiet".to_owned()),
        outcome: AuditOutcome::Succeeded,
        details: json!({"version": 2}),
    }
}

#[tokio::test]
async fn entries_come_back_newest_first_and_page_by_page() {
    let scratch = Scratch::new().await;
    let audit = &scratch.store.audit;
    let mut ids = Vec::new();
    for action in ["queue.open", "queue.close", "queue.drop"] {
        ids.push(audit.append(&act(action), now()).await.unwrap());
        // Ids sort by the millisecond.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let page = audit.list(None, 2).await.unwrap();
    assert_eq!(page.iter().map(|entry| entry.audit_id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    assert_eq!(page[0].entry.action, "queue.drop");
    assert_eq!(page[0].entry.details, json!({"version": 2}));
    let rest = audit.list(Some(ids[1]), 2).await.unwrap();
    assert_eq!(rest.iter().map(|entry| entry.audit_id).collect::<Vec<_>>(), [ids[0]]);
    scratch.finish().await;
}

#[tokio::test]
async fn the_database_refuses_to_change_or_forget_an_entry() {
    let scratch = Scratch::new().await;
    scratch.store.audit.append(&act("queue.open"), now()).await.unwrap();
    let sql = scratch.sql().await;
    for statement in ["UPDATE staff.audit SET reason = 'none'", "DELETE FROM staff.audit", "TRUNCATE staff.audit"] {
        let error = sqlx::query(statement).execute(&sql).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{statement}: {error}");
    }
    assert_eq!(scratch.store.audit.list(None, 10).await.unwrap().len(), 1);
    scratch.finish().await;
}
