use chrono::TimeDelta;
use muster_core::matchmaking::Ticket;
use muster_store::{
    BackfillOpening, CancelledBy, Changes, Claim, ClaimRequest, Creation, NewTicket, OpenShard, Shard, Store,
    TicketChange, fresh_id, now,
};
use muster_testkit::Scratch;

use crate::given;

async fn changes(store: &Store, cursor: u64) -> (Vec<TicketChange>, u64) {
    match store.tickets.changes(&given::shard(), cursor).await.unwrap() {
        Changes::Since { items, cursor } => (items, cursor),
        Changes::Gap => panic!("there is no gap"),
    }
}

#[tokio::test]
async fn a_leader_follows_every_change_from_its_snapshot_on() {
    let scratch = Scratch::new().await;
    let (store, shard) = (&scratch.store, given::shard());
    let tickets = &store.tickets;
    let (mut young, mut old) = (given::new_ticket(fresh_id()), given::new_ticket(fresh_id()));
    old.ticket.enqueued_at -= TimeDelta::seconds(5);
    young.ticket.members[0].rating.points = 1712.25;
    young.ticket.members[0].blocked = vec![fresh_id()];
    young.ticket.latencies_ms.insert("eu-west".to_owned(), 31);
    let elsewhere = NewTicket { shard: Shard::new("other", "all"), ..given::new_ticket(fresh_id()) };
    let group = NewTicket { shard: Shard::new(given::QUEUE, "asia"), ..given::new_ticket(fresh_id()) };
    tickets.create_many(&[young.clone(), old.clone(), elsewhere, group]).await.unwrap();

    let snapshot = tickets.snapshot(&shard).await.unwrap();
    assert_eq!(snapshot.tickets, [old.ticket.clone(), young.ticket.clone()]);
    assert_eq!(changes(store, snapshot.cursor).await, (vec![], snapshot.cursor));
    assert_eq!(tickets.waiting_count().await.unwrap(), 4);
    assert_eq!(tickets.waiting_count_of(given::QUEUE).await.unwrap(), 3);
    assert_eq!(tickets.waiting(given::QUEUE).await.unwrap(), [("all".to_owned(), 2), ("asia".to_owned(), 1)]);
    let shards = [shard.clone(), Shard::new(given::QUEUE, "asia"), Shard::new("other", "all")];
    assert_eq!(tickets.shards().await.unwrap(), shards);
    let open = shards.into_iter().zip([2, 1, 1]);
    assert_eq!(
        tickets.open_shards().await.unwrap(),
        open.map(|(shard, waiting)| OpenShard { shard, waiting, proposals: 0 }).collect::<Vec<_>>()
    );

    let third = given::new_ticket(fresh_id());
    given::create(store, &third).await;
    let player = young.ticket.members[0].player_id;
    tickets.cancel(young.ticket.ticket_id, CancelledBy::Player(player), now()).await.unwrap();
    let claimed = given::claimed(store, &[&old, &third]).await;
    tickets.release(&claimed[..1]).await.unwrap();

    let mut back = old.ticket.clone();
    back.returned = true;
    let (items, cursor) = changes(store, snapshot.cursor).await;
    assert_eq!(
        items,
        [
            TicketChange::Added(third.ticket.clone()),
            TicketChange::Removed(young.ticket.ticket_id),
            TicketChange::Removed(old.ticket.ticket_id),
            TicketChange::Removed(third.ticket.ticket_id),
            TicketChange::Added(back.clone()),
        ]
    );
    assert_eq!(tickets.snapshot(&shard).await.unwrap().tickets, [back]);
    assert_eq!(changes(store, cursor).await, (vec![], cursor));
    scratch.finish().await;
}

#[tokio::test]
async fn a_leader_that_is_too_far_behind_or_of_another_past_is_told_to_start_anew() {
    let scratch = Scratch::new().await;
    let (store, shard) = (&scratch.store, given::shard());
    for _ in 0..3 {
        given::waiting(store, 1).await;
    }
    assert_eq!(store.tickets.changes(&shard, 4).await.unwrap(), Changes::Gap);
    let (items, _) = changes(store, 1).await;
    assert_eq!(items.len(), 2);

    let mut redis = given::redis(&scratch).await;
    let stream = format!("{}{{mm}}:changes:{shard}", scratch.prefix());
    let () = redis::cmd("XTRIM").arg(&stream).arg("MAXLEN").arg(1).query_async(&mut redis).await.unwrap();
    assert_eq!(store.tickets.changes(&shard, 1).await.unwrap(), Changes::Gap);
    assert_eq!(changes(store, 2).await.0.len(), 1);
    scratch.finish().await;
}

#[tokio::test]
async fn the_changes_that_are_kept_do_not_grow_without_end() {
    let scratch = Scratch::new().await;
    let (store, shard) = (&scratch.store, given::shard());
    let mut redis = given::redis(&scratch).await;
    // One by one: tickets that are made together are one change.
    for _ in 0..20 {
        let new: Vec<[NewTicket; 1]> = (0..300).map(|_| [given::new_ticket(fresh_id())]).collect();
        futures::future::join_all(new.iter().map(|new| store.tickets.create_many(new))).await;
    }
    let stream = format!("{}{{mm}}:changes:{shard}", scratch.prefix());
    let kept: u64 = redis::cmd("XLEN").arg(&stream).query_async(&mut redis).await.unwrap();
    assert!((4_000..5_000).contains(&kept), "{kept}");
    assert_eq!(store.tickets.changes(&shard, 10).await.unwrap(), Changes::Gap);
    let (items, cursor) = changes(store, 2_500).await;
    assert_eq!((items.len(), cursor), (2_500, 5_000), "many changes come in several readings");
    scratch.finish().await;
}

#[tokio::test]
async fn tickets_made_together_are_followed_one_by_one() {
    let scratch = Scratch::new().await;
    let (store, shard) = (&scratch.store, given::shard());
    let mut new: Vec<NewTicket> = (0..100).map(|_| given::new_ticket(fresh_id())).collect();
    // The last one's player has a ticket of the same call already.
    new.push(NewTicket { ticket: Ticket { ticket_id: fresh_id(), ..new[99].ticket.clone() }, ..new[99].clone() });
    let made = store.tickets.create_many(&new).await.unwrap();
    let refused = made.iter().filter(|made| matches!(made, Creation::Exists { .. })).count();
    assert_eq!((made.len(), refused), (101, 1));
    assert!(matches!(&made[100], Creation::Exists { record, .. } if record.ticket == new[99].ticket));
    let (items, cursor) = changes(store, 0).await;
    let expected: Vec<_> = new[..100].iter().map(|new| TicketChange::Added(new.ticket.clone())).collect();
    assert_eq!((items, cursor), (expected, 4));
    assert_eq!(store.tickets.snapshot(&shard).await.unwrap().tickets.len(), 100);
    scratch.finish().await;
}

#[tokio::test]
async fn a_running_match_has_one_wish_which_the_leader_follows() {
    let scratch = Scratch::new().await;
    let (store, shard) = (&scratch.store, given::shard());
    let tickets = &store.tickets;
    let match_id = fresh_id();
    let backfill = given::backfill(match_id);
    assert_eq!(tickets.open_backfill(&shard, &backfill).await.unwrap(), BackfillOpening::Opened);
    let again = tickets.open_backfill(&Shard::new("other", "all"), &given::backfill(match_id)).await.unwrap();
    assert_eq!(again, BackfillOpening::Exists { shard: shard.clone(), backfill: backfill.clone() });
    assert_eq!(tickets.backfill_of(match_id).await.unwrap(), Some((shard.clone(), backfill.clone())));
    assert_eq!(tickets.snapshot(&shard).await.unwrap().backfills, std::slice::from_ref(&backfill));
    assert_eq!(tickets.backfills(&shard).await.unwrap(), std::slice::from_ref(&backfill));

    assert_eq!(tickets.close_backfill(match_id).await.unwrap(), Some(backfill.clone()));
    assert_eq!(tickets.close_backfill(match_id).await.unwrap(), None);
    assert_eq!(tickets.backfill_of(match_id).await.unwrap(), None);
    let (items, _) = changes(store, 0).await;
    let id = backfill.backfill_id;
    assert_eq!(items, [TicketChange::BackfillAdded(backfill), TicketChange::BackfillRemoved(id)]);
    scratch.finish().await;
}

#[tokio::test]
async fn a_wish_is_fulfilled_once_and_a_claim_without_its_wish_takes_nobody() {
    let scratch = Scratch::new().await;
    let (store, shard) = (&scratch.store, given::shard());
    let backfill = given::backfill(fresh_id());
    store.tickets.open_backfill(&shard, &backfill).await.unwrap();
    let (one, two) = (given::waiting(store, 1).await, given::waiting(store, 1).await);
    let request = |new: &NewTicket| ClaimRequest { backfill: Some(backfill.clone()), ..given::claim_of(&[new]) };
    let requests = [request(&one), request(&two)];
    let claims = store.tickets.claim_many(&shard, &requests, now()).await.unwrap();
    assert!(matches!(&claims[0], Claim::Claimed(claimed) if claimed.len() == 1));
    assert_eq!(claims[1], Claim::Lost(vec![]));
    assert_eq!(store.tickets.snapshot(&shard).await.unwrap().tickets, [two.ticket]);
    assert_eq!(store.tickets.backfill_of(backfill.match_id).await.unwrap(), None);
    // The claim came to nothing: the wish can be made anew.
    assert_eq!(store.tickets.open_backfill(&shard, &backfill).await.unwrap(), BackfillOpening::Opened);
    scratch.finish().await;
}
