use chrono::TimeDelta;
use futures::future::join_all;
use muster_core::wire::TicketState;
use muster_store::{Cancellation, Claim, ClaimedTicket, Creation, NewTicket, Store, fresh_id, now};
use muster_testkit::Scratch;

use crate::given;

const QUEUE: &str = "classic-ranked";

async fn waiting(store: &Store) -> NewTicket {
    let new = given::new_ticket(fresh_id());
    assert!(matches!(store.tickets.create(&new).await.unwrap(), Creation::Created(_)));
    new
}

async fn claimed(store: &Store, tickets: &[&NewTicket]) -> Vec<ClaimedTicket> {
    let ids: Vec<_> = tickets.iter().map(|new| new.ticket.ticket_id).collect();
    match store.tickets.claim(QUEUE, &ids, fresh_id(), now()).await.unwrap() {
        Claim::Claimed(claimed) => claimed,
        Claim::Lost(lost) => panic!("lost {lost:?}"),
    }
}

#[tokio::test]
async fn a_player_has_one_live_ticket_however_many_are_wished_for_at_once() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let stores = [&scratch.store, &other];
    let player = fresh_id();
    let wishes: Vec<NewTicket> =
        (0..20).map(|n| NewTicket { queue: format!("queue-{}", n % 3), ..given::new_ticket(player) }).collect();
    let answers = join_all(wishes.iter().enumerate().map(|(n, wish)| stores[n % 2].tickets.create(wish))).await;

    let mut created = Vec::new();
    let mut exists = Vec::new();
    for answer in answers {
        match answer.unwrap() {
            Creation::Created(record) => created.push(record),
            Creation::Exists(record) => exists.push(record),
            Creation::Repeated(_) => panic!("no key was given"),
        }
    }
    assert_eq!(created.len(), 1);
    assert!(exists.iter().all(|record| *record == created[0]));
    assert_eq!(scratch.store.tickets.waiting_count().await.unwrap(), 1);
    assert_eq!(scratch.store.tickets.of_player(player).await.unwrap().as_ref(), created.first());
    scratch.finish().await;
}

#[tokio::test]
async fn an_idempotency_key_gives_the_same_ticket_even_when_it_is_over() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    let player = fresh_id();
    let wish = || NewTicket { idempotency_key: Some("k1".to_owned()), ..given::new_ticket(player) };
    let Creation::Created(first) = tickets.create(&wish()).await.unwrap() else { panic!("it is the first") };
    assert_eq!(tickets.create(&wish()).await.unwrap(), Creation::Repeated(first.clone()));

    tickets.cancel(first.ticket.ticket_id, player, now()).await.unwrap();
    let Creation::Repeated(over) = tickets.create(&wish()).await.unwrap() else { panic!("the key was used") };
    assert_eq!((over.ticket, over.state), (first.ticket, TicketState::Cancelled));

    let another_key = NewTicket { idempotency_key: Some("k2".to_owned()), ..given::new_ticket(player) };
    assert!(matches!(tickets.create(&another_key).await.unwrap(), Creation::Created(_)));
    // The same key of another player is another key.
    let somebody = NewTicket { idempotency_key: Some("k1".to_owned()), ..given::new_ticket(fresh_id()) };
    assert!(matches!(tickets.create(&somebody).await.unwrap(), Creation::Created(_)));
    scratch.finish().await;
}

#[tokio::test]
async fn a_waiting_ticket_is_cancelled_by_its_player_only_and_frees_them() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    let new = waiting(&scratch.store).await;
    let (ticket, player) = (new.ticket.ticket_id, new.ticket.player_id);
    assert_eq!(tickets.cancel(ticket, fresh_id(), now()).await.unwrap(), Cancellation::NotFound);
    assert_eq!(tickets.cancel(fresh_id(), player, now()).await.unwrap(), Cancellation::NotFound);

    let Cancellation::Cancelled(record) = tickets.cancel(ticket, player, now()).await.unwrap() else {
        panic!("it waited")
    };
    assert_eq!(record.state, TicketState::Cancelled);
    assert!(record.ended_at.is_some());
    assert_eq!(tickets.of_player(player).await.unwrap(), None);
    assert!(matches!(tickets.cancel(ticket, player, now()).await.unwrap(), Cancellation::TooLate(_)));
    assert_eq!(tickets.get(ticket).await.unwrap().unwrap().view().state, TicketState::Cancelled);
    assert!(matches!(tickets.create(&given::new_ticket(player)).await.unwrap(), Creation::Created(_)));
    scratch.finish().await;
}

#[tokio::test]
async fn a_waiting_ticket_expires_once_and_a_claimed_one_does_not() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    let (one, two) = (waiting(&scratch.store).await, waiting(&scratch.store).await);
    let expired = tickets.expire(one.ticket.ticket_id, now()).await.unwrap().unwrap();
    assert_eq!(expired.state, TicketState::Expired);
    assert_eq!(tickets.expire(one.ticket.ticket_id, now()).await.unwrap(), None);
    claimed(&scratch.store, &[&two]).await;
    assert_eq!(tickets.expire(two.ticket.ticket_id, now()).await.unwrap(), None);
    assert_eq!(tickets.expire(fresh_id(), now()).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn two_claimers_of_overlapping_proposals_at_once_get_all_or_nothing() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    for _ in 0..20 {
        let (a, b, c) = (waiting(&scratch.store).await, waiting(&scratch.store).await, waiting(&scratch.store).await);
        let id = |new: &NewTicket| new.ticket.ticket_id;
        let (left, right) = ([id(&a), id(&b)], [id(&b), id(&c)]);
        let (one, two) = tokio::join!(
            scratch.store.tickets.claim(QUEUE, &left, fresh_id(), now()),
            other.tickets.claim(QUEUE, &right, fresh_id(), now()),
        );
        let (won, lost, free) = match (one.unwrap(), two.unwrap()) {
            (Claim::Claimed(won), Claim::Lost(lost)) => (won, lost, &c),
            (Claim::Lost(lost), Claim::Claimed(won)) => (won, lost, &a),
            other => panic!("one gets both and the other none, not {other:?}"),
        };
        assert_eq!(won.len(), 2);
        assert_eq!(lost, [id(&b)]);
        let left_alone = scratch.store.tickets.snapshot(QUEUE).await.unwrap().tickets;
        assert_eq!(left_alone, std::slice::from_ref(&free.ticket));
        scratch.store.tickets.cancel(id(free), free.ticket.player_id, now()).await.unwrap();
    }
    scratch.finish().await;
}

#[tokio::test]
async fn a_ticket_of_another_queue_cannot_be_claimed_for_this_one() {
    let scratch = Scratch::new().await;
    let new = waiting(&scratch.store).await;
    let ids = [new.ticket.ticket_id];
    let claim = scratch.store.tickets.claim("classic-casual", &ids, fresh_id(), now()).await.unwrap();
    assert_eq!(claim, Claim::Lost(ids.to_vec()));
    scratch.finish().await;
}

#[tokio::test]
async fn settled_tickets_are_matched_and_their_players_free() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    let (one, two) = (waiting(&scratch.store).await, waiting(&scratch.store).await);
    let claims = claimed(&scratch.store, &[&one, &two]).await;
    assert_eq!(claims.iter().map(ClaimedTicket::ticket).collect::<Vec<_>>(), [&one.ticket, &two.ticket]);

    // While it is claimed, it is still the player's ticket and cannot be taken back.
    let held = tickets.of_player(one.ticket.player_id).await.unwrap().unwrap();
    assert_eq!((held.state, held.match_id), (TicketState::Waiting, None));
    let late = tickets.cancel(one.ticket.ticket_id, one.ticket.player_id, now()).await.unwrap();
    assert!(matches!(late, Cancellation::TooLate(_)));

    for _ in 0..2 {
        let settled = tickets.settle(&claims, now()).await.unwrap();
        assert!(settled.iter().all(|record| record.state == TicketState::Matched));
        assert!(settled.iter().all(|record| record.match_id == Some(claims[0].match_id())));
    }
    assert_eq!(tickets.of_player(one.ticket.player_id).await.unwrap(), None);
    let readable = tickets.get(two.ticket.ticket_id).await.unwrap().unwrap();
    assert_eq!(readable.view().match_id, Some(claims[0].match_id()));
    // Too late to change one's mind: it stays matched.
    tickets.release(&claims).await.unwrap();
    assert_eq!(tickets.get(two.ticket.ticket_id).await.unwrap().unwrap().state, TicketState::Matched);
    assert!(tickets.stale_claims(now() + TimeDelta::hours(1)).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn released_tickets_wait_again_as_long_as_they_had_waited() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    let new = waiting(&scratch.store).await;
    let claims = claimed(&scratch.store, &[&new]).await;
    assert_eq!(tickets.waiting_count_of(QUEUE).await.unwrap(), 0);
    for _ in 0..2 {
        let released = tickets.release(&claims).await.unwrap();
        assert_eq!((released[0].state, released[0].ticket.enqueued_at), (TicketState::Waiting, new.ticket.enqueued_at));
    }
    assert_eq!(tickets.snapshot(QUEUE).await.unwrap().tickets, std::slice::from_ref(&new.ticket));

    // Claimed for another match meanwhile, the old claim has no say any more.
    let again = claimed(&scratch.store, &[&new]).await;
    tickets.settle(&claims, now()).await.unwrap();
    tickets.release(&claims).await.unwrap();
    assert_eq!(tickets.waiting_count_of(QUEUE).await.unwrap(), 0);
    assert_eq!(tickets.stale_claims(now() + TimeDelta::seconds(1)).await.unwrap(), again);
    scratch.finish().await;
}

#[tokio::test]
async fn what_a_dead_matchmaker_claimed_is_found() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    let (one, two) = (waiting(&scratch.store).await, waiting(&scratch.store).await);
    let start = now();
    let match_id = fresh_id();
    tickets.claim(QUEUE, &[one.ticket.ticket_id], match_id, start - TimeDelta::seconds(30)).await.unwrap();
    tickets.claim(QUEUE, &[two.ticket.ticket_id], fresh_id(), start).await.unwrap();

    let stale = tickets.stale_claims(start - TimeDelta::seconds(10)).await.unwrap();
    assert_eq!(stale.len(), 1);
    assert_eq!((stale[0].ticket(), stale[0].queue(), stale[0].match_id()), (&one.ticket, QUEUE, match_id));
    assert_eq!(stale[0].claimed_at(), start - TimeDelta::seconds(30));
    scratch.finish().await;
}
