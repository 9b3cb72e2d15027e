use chrono::TimeDelta;
use muster_store::{Changes, Claim, NewTicket, Store, TicketChange, fresh_id, now};
use muster_testkit::Scratch;

use crate::given;

const QUEUE: &str = "classic-ranked";

async fn changes(store: &Store, cursor: u64) -> (Vec<TicketChange>, u64) {
    match store.tickets.changes(QUEUE, cursor).await.unwrap() {
        Changes::Since { items, cursor } => (items, cursor),
        Changes::Gap => panic!("there is no gap"),
    }
}

#[tokio::test]
async fn a_leader_follows_every_change_from_its_snapshot_on() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    let (mut young, mut old) = (given::new_ticket(fresh_id()), given::new_ticket(fresh_id()));
    old.ticket.enqueued_at -= TimeDelta::seconds(5);
    young.ticket.rating = 1712.25;
    tickets.create(&young).await.unwrap();
    tickets.create(&old).await.unwrap();
    tickets.create(&NewTicket { queue: "other".to_owned(), ..given::new_ticket(fresh_id()) }).await.unwrap();

    let snapshot = tickets.snapshot(QUEUE).await.unwrap();
    assert_eq!(snapshot.tickets, [old.ticket.clone(), young.ticket.clone()]);
    assert_eq!(changes(&scratch.store, snapshot.cursor).await, (vec![], snapshot.cursor));
    assert_eq!(tickets.waiting_count().await.unwrap(), 3);
    assert_eq!(tickets.waiting_count_of(QUEUE).await.unwrap(), 2);

    let third = given::new_ticket(fresh_id());
    tickets.create(&third).await.unwrap();
    tickets.cancel(young.ticket.ticket_id, young.ticket.player_id, now()).await.unwrap();
    let pair = [old.ticket.ticket_id, third.ticket.ticket_id];
    let Claim::Claimed(claimed) = tickets.claim(QUEUE, &pair, fresh_id(), now()).await.unwrap() else {
        panic!("they wait")
    };
    tickets.release(&claimed[..1]).await.unwrap();

    let (items, cursor) = changes(&scratch.store, snapshot.cursor).await;
    assert_eq!(
        items,
        [
            TicketChange::Added(third.ticket.clone()),
            TicketChange::Removed(young.ticket.ticket_id),
            TicketChange::Removed(old.ticket.ticket_id),
            TicketChange::Removed(third.ticket.ticket_id),
            TicketChange::Added(old.ticket.clone()),
        ]
    );
    assert_eq!(tickets.snapshot(QUEUE).await.unwrap().tickets, [old.ticket]);
    assert_eq!(changes(&scratch.store, cursor).await, (vec![], cursor));
    scratch.finish().await;
}

#[tokio::test]
async fn a_leader_that_is_too_far_behind_or_of_another_past_is_told_to_start_anew() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    for _ in 0..3 {
        tickets.create(&given::new_ticket(fresh_id())).await.unwrap();
    }
    assert_eq!(tickets.changes(QUEUE, 4).await.unwrap(), Changes::Gap);
    let (items, _) = changes(&scratch.store, 1).await;
    assert_eq!(items.len(), 2);

    let mut redis = redis::Client::open(scratch.settings.redis_url.as_str())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let stream = format!("{}{{mm}}:changes:{QUEUE}", scratch.prefix());
    let () = redis::cmd("XTRIM").arg(&stream).arg("MAXLEN").arg(1).query_async(&mut redis).await.unwrap();
    assert_eq!(tickets.changes(QUEUE, 1).await.unwrap(), Changes::Gap);
    assert_eq!(changes(&scratch.store, 2).await.0.len(), 1);
    scratch.finish().await;
}
