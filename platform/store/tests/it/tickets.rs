use chrono::TimeDelta;
use futures::future::join_all;
use muster_core::id::PlayerId;
use muster_core::matchmaking::PropertyValue;
use muster_core::wire::TicketState;
use muster_store::{
    Cancellation, CancelledBy, Claim, ClaimedTicket, Creation, EndReason, Idempotency, NewTicket, Shard, StoreError,
    fresh_id, now,
};
use muster_testkit::Scratch;

use crate::given::{self, claimed, waiting};

fn player(new: &NewTicket) -> PlayerId {
    new.ticket.members[0].player_id
}

fn keyed(player: PlayerId, key: &str) -> NewTicket {
    let idempotency = Idempotency { owner: player.to_string(), key: key.to_owned() };
    NewTicket { idempotency: Some(idempotency), ..given::new_ticket(player) }
}

#[tokio::test]
async fn a_player_has_one_live_ticket_however_many_are_wished_for_at_once() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let stores = [&scratch.store, &other];
    let player = fresh_id();
    let wish =
        |n: usize| NewTicket { shard: Shard::new(format!("queue-{}", n % 3), "all"), ..given::new_ticket(player) };
    let batches: Vec<Vec<NewTicket>> = (0..5).map(|batch| (0..4).map(|n| wish(batch + n)).collect()).collect();
    let answers = join_all(batches.iter().enumerate().map(|(n, batch)| stores[n % 2].tickets.create_many(batch))).await;

    let mut created = Vec::new();
    let mut exists = Vec::new();
    for answer in answers.into_iter().flat_map(Result::unwrap) {
        match answer {
            Creation::Created(record) => created.push(record),
            Creation::Exists { player: whose, record } => exists.push((whose, record)),
            Creation::Repeated(_) => panic!("no key was given"),
        }
    }
    assert_eq!((created.len(), exists.len()), (1, 19));
    assert!(exists.iter().all(|(whose, record)| *whose == player && *record == created[0]));
    assert_eq!(scratch.store.tickets.waiting_count().await.unwrap(), 1);
    assert_eq!(scratch.store.tickets.of_player(player).await.unwrap().as_ref(), created.first());
    scratch.finish().await;
}

#[tokio::test]
async fn each_wish_of_a_crowd_is_told_what_became_of_it() {
    let scratch = Scratch::new().await;
    let tickets = &scratch.store.tickets;
    let at = |n: usize, wish: NewTicket| NewTicket {
        shard: Shard::new("classic-ranked", format!("group-{}", n % 3)),
        ..wish
    };
    let (busy, again): (Vec<_>, Vec<_>) = (0..10).map(|_| (fresh_id::<PlayerId>(), fresh_id::<PlayerId>())).unzip();
    let before: Vec<NewTicket> =
        busy.iter().chain(&again).enumerate().map(|(n, player)| at(n, keyed(*player, "before"))).collect();
    tickets.create_many(&before).await.unwrap();

    // In turn: somebody new, somebody who waits, a request that was made before, and the one before it once more.
    let mut wishes = Vec::new();
    for n in 0..10 {
        let new = at(n, keyed(fresh_id(), "now"));
        wishes.extend((0..4).map(|_| at(n, keyed(fresh_id(), "now"))));
        wishes.extend([new.clone(), at(n, keyed(busy[n], "now")), at(n + 1, keyed(again[n], "before"))]);
        wishes.push(NewTicket { ticket: given::new_ticket(new.ticket.members[0].player_id).ticket, ..new });
    }
    let answers = tickets.create_many(&wishes).await.unwrap();
    assert_eq!(answers.len(), wishes.len());
    for (n, answers) in answers.chunks(8).enumerate() {
        let [fresh @ .., new, exists, repeated, once_more] = answers else { panic!("eight each") };
        for (wish, answer) in wishes[n * 8..].iter().zip(fresh.iter().chain([new])) {
            let Creation::Created(record) = answer else { panic!("{answer:?}") };
            assert_eq!((&record.ticket, &record.shard), (&wish.ticket, &wish.shard));
            assert_eq!(tickets.get(wish.ticket.ticket_id).await.unwrap().as_ref(), Some(record));
        }
        let Creation::Exists { player, record } = exists else { panic!("{exists:?}") };
        assert_eq!((*player, &record.ticket), (busy[n], &before[n].ticket));
        let Creation::Repeated(record) = repeated else { panic!("{repeated:?}") };
        assert_eq!((&record.ticket, &record.shard), (&before[10 + n].ticket, &before[10 + n].shard));
        let (Creation::Created(record), Creation::Repeated(same)) = (new, once_more) else { panic!("{once_more:?}") };
        assert_eq!(record, same);
    }
    assert_eq!(tickets.waiting_count().await.unwrap(), 20 + 50);
    scratch.finish().await;
}

#[tokio::test]
async fn a_party_waits_wholly_or_not_at_all() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let busy = waiting(store, 1).await;
    let friends: [PlayerId; 2] = [fresh_id(), fresh_id()];
    let party = given::new_party(&[friends[0], player(&busy), friends[1]]);
    let Creation::Exists { player: whose, record } = given::create(store, &party).await else { panic!("one is busy") };
    assert_eq!((whose, record.ticket), (player(&busy), busy.ticket.clone()));
    assert_eq!(tickets.of_player(friends[0]).await.unwrap(), None);
    assert_eq!(tickets.get(party.ticket.ticket_id).await.unwrap(), None);

    tickets.cancel(busy.ticket.ticket_id, CancelledBy::Server, now()).await.unwrap();
    let Creation::Created(record) = given::create(store, &party).await else { panic!("nobody is busy") };
    assert_eq!((record.names.len(), record.view().players.len()), (3, 3));
    for friend in party.ticket.players() {
        assert_eq!(tickets.of_player(friend).await.unwrap().as_ref(), Some(&record));
    }
    // Any of them gives it up for all.
    let gone = tickets.cancel(party.ticket.ticket_id, CancelledBy::Player(friends[1]), now()).await.unwrap();
    assert!(matches!(gone, Cancellation::Cancelled(_)));
    assert_eq!(tickets.of_player(friends[0]).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn a_ticket_without_members_or_names_is_refused_before_anything_is_done() {
    let scratch = Scratch::new().await;
    let fine = given::new_ticket(fresh_id());
    let mut empty = given::new_ticket(fresh_id());
    empty.ticket.members.clear();
    let nameless = NewTicket { names: Vec::new(), ..given::new_ticket(fresh_id()) };
    for wrong in [empty, nameless] {
        let result = scratch.store.tickets.create_many(&[fine.clone(), wrong]).await;
        assert!(matches!(result, Err(StoreError::Settings(_))), "{result:?}");
    }
    assert_eq!(scratch.store.tickets.waiting_count().await.unwrap(), 0);
    assert_eq!(scratch.store.tickets.create_many(&[]).await.unwrap(), []);
    scratch.finish().await;
}

#[tokio::test]
async fn an_idempotency_key_gives_the_same_ticket_even_when_it_is_over() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let player = fresh_id();
    let Creation::Created(first) = given::create(store, &keyed(player, "k1")).await else { panic!("it is the first") };
    assert_eq!(given::create(store, &keyed(player, "k1")).await, Creation::Repeated(first.clone()));

    tickets.cancel(first.ticket.ticket_id, CancelledBy::Player(player), now()).await.unwrap();
    let Creation::Repeated(over) = given::create(store, &keyed(player, "k1")).await else { panic!("the key was used") };
    assert_eq!((over.ticket, over.state), (first.ticket, TicketState::Cancelled));

    assert!(matches!(given::create(store, &keyed(player, "k2")).await, Creation::Created(_)));
    // The same key of another owner is another key.
    assert!(matches!(given::create(store, &keyed(fresh_id(), "k1")).await, Creation::Created(_)));
    scratch.finish().await;
}

#[tokio::test]
async fn a_new_ticket_is_told_how_long_others_have_waited_in_its_shard() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    tickets.set_estimate(&given::shard(), Some(4_200)).await.unwrap();
    let elsewhere = NewTicket { shard: Shard::new("other", "asia"), ..given::new_ticket(fresh_id()) };
    let here = given::new_ticket(fresh_id());
    let made = tickets.create_many(&[elsewhere, here.clone(), given::new_ticket(fresh_id())]).await.unwrap();
    let estimates: Vec<_> = made
        .iter()
        .map(|made| match made {
            Creation::Created(record) => record.view().estimated_wait_ms,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(estimates, [None, Some(4_200), Some(4_200)]);
    assert_eq!(tickets.get(here.ticket.ticket_id).await.unwrap().unwrap().estimated_wait_ms, Some(4_200));
    tickets.set_estimate(&given::shard(), None).await.unwrap();
    assert_eq!(tickets.of_player(player(&here)).await.unwrap().unwrap().estimated_wait_ms, None);
    claimed(store, &[&here]).await;
    scratch.finish().await;
}

#[tokio::test]
async fn a_waiting_ticket_is_cancelled_by_its_player_only_and_frees_them() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let new = waiting(store, 1).await;
    let (ticket, by) = (new.ticket.ticket_id, CancelledBy::Player(player(&new)));
    let stranger = CancelledBy::Player(fresh_id());
    assert_eq!(tickets.cancel(ticket, stranger, now()).await.unwrap(), Cancellation::NotFound);
    assert_eq!(tickets.cancel(fresh_id(), by, now()).await.unwrap(), Cancellation::NotFound);

    let Cancellation::Cancelled(record) = tickets.cancel(ticket, by, now()).await.unwrap() else { panic!("it waited") };
    assert_eq!((record.state, record.reason.as_deref()), (TicketState::Cancelled, Some("player")));
    assert!(record.ended_at.is_some());
    assert_eq!(tickets.of_player(player(&new)).await.unwrap(), None);
    assert!(matches!(tickets.cancel(ticket, by, now()).await.unwrap(), Cancellation::TooLate(_)));
    assert_eq!(tickets.get(ticket).await.unwrap().unwrap().view().state, TicketState::Cancelled);
    assert!(matches!(given::create(store, &given::new_ticket(player(&new))).await, Creation::Created(_)));
    scratch.finish().await;
}

#[tokio::test]
async fn what_is_over_is_forgotten_after_a_while() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (given_up, matched) = (keyed(fresh_id(), "k"), [keyed(fresh_id(), "k"), keyed(fresh_id(), "k")]);
    for new in [&given_up].into_iter().chain(&matched) {
        given::create(store, new).await;
    }
    tickets.cancel(given_up.ticket.ticket_id, CancelledBy::Server, now()).await.unwrap();
    let claims = claimed(store, &matched.each_ref()).await;
    tickets.settle(&claims, now()).await.unwrap();

    // Everything that is left of the two has an end, but what there is one of for a shard, or for all.
    let mut redis = given::redis(&scratch).await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg(format!("{}*", scratch.prefix())).query_async(&mut redis).await.unwrap();
    let mut endless = Vec::new();
    for key in keys {
        let ttl: i64 = redis::cmd("TTL").arg(&key).query_async(&mut redis).await.unwrap();
        if ttl < 0 {
            endless.push(key.rsplit("}:").next().unwrap().to_owned());
        }
    }
    endless.sort();
    assert_eq!(endless, ["changes:classic-ranked/all", "revision:classic-ranked/all", "shards"]);
    scratch.finish().await;
}

#[tokio::test]
async fn a_waiting_ticket_ends_once_and_a_claimed_one_does_not() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (one, two, three) = (waiting(store, 1).await, waiting(store, 1).await, waiting(store, 1).await);
    let id = |new: &NewTicket| new.ticket.ticket_id;
    let expired = tickets.end(id(&one), EndReason::MaxWait, now()).await.unwrap().unwrap();
    assert_eq!((expired.state, expired.reason.as_deref()), (TicketState::Expired, Some("max_wait")));
    assert_eq!(tickets.end(id(&one), EndReason::MaxWait, now()).await.unwrap(), None);
    claimed(store, &[&two]).await;
    let all = [id(&one), id(&two), fresh_id(), id(&three)];
    let failed = tickets.end_many(&all, EndReason::QueueChanged, now()).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].ticket, three.ticket);
    assert_eq!((failed[0].state, failed[0].reason.as_deref()), (TicketState::Failed, Some("queue_changed")));
    assert_eq!(tickets.of_player(player(&three)).await.unwrap(), None);
    scratch.finish().await;
}

#[tokio::test]
async fn two_claimers_of_overlapping_proposals_at_once_get_all_or_nothing() {
    let scratch = Scratch::new().await;
    let (store, other) = (&scratch.store, scratch.reconnect().await);
    let shard = given::shard();
    for _ in 0..20 {
        let (a, b, c) = (waiting(store, 1).await, waiting(store, 2).await, waiting(store, 1).await);
        let (left, right) = (given::claim_of(&[&a, &b]), given::claim_of(&[&b, &c]));
        let (one, two) =
            tokio::join!(given::claim(store, &shard, &left, now()), given::claim(&other, &shard, &right, now()));
        let (won, lost, free) = match (one, two) {
            (Claim::Claimed(won), Claim::Lost(lost)) => (won, lost, &c),
            (Claim::Lost(lost), Claim::Claimed(won)) => (won, lost, &a),
            other => panic!("one gets both and the other none, not {other:?}"),
        };
        assert_eq!(won.len(), 2);
        assert_eq!(lost, [b.ticket.ticket_id]);
        let left_alone = store.tickets.snapshot(&shard).await.unwrap().tickets;
        assert_eq!(left_alone, std::slice::from_ref(&free.ticket));
        store.tickets.cancel(free.ticket.ticket_id, CancelledBy::Server, now()).await.unwrap();
    }
    scratch.finish().await;
}

#[tokio::test]
async fn many_claims_at_once_each_get_their_own_answer() {
    let scratch = Scratch::new().await;
    let (store, shard) = (&scratch.store, given::shard());
    let new: Vec<NewTicket> = (0..300).map(|_| given::new_ticket(fresh_id())).collect();
    store.tickets.create_many(&new).await.unwrap();
    let mut requests: Vec<_> = new.chunks(2).map(|pair| given::claim_of(&[&pair[0], &pair[1]])).collect();
    // One that overlaps the first, and one of nobody's tickets.
    requests.push(given::claim_of(&[&new[0], &new[299]]));
    let unknown = given::claim_of(&[&given::new_ticket(fresh_id())]);
    requests.push(unknown.clone());

    let claims = store.tickets.claim_many(&shard, &requests, now()).await.unwrap();
    for (request, claim) in requests.iter().zip(&claims).take(150) {
        let Claim::Claimed(claimed) = claim else { panic!("{claim:?}") };
        assert_eq!(claimed.iter().map(|one| one.ticket().ticket_id).collect::<Vec<_>>(), request.tickets);
        assert!(claimed.iter().all(|one| one.match_id() == request.match_id && one.names() == ["Player 1"]));
    }
    assert_eq!(claims[150], Claim::Lost(vec![new[0].ticket.ticket_id, new[299].ticket.ticket_id]));
    assert_eq!(claims[151], Claim::Lost(unknown.tickets));
    scratch.finish().await;
}

#[tokio::test]
async fn a_ticket_of_another_shard_cannot_be_claimed_for_this_one() {
    let scratch = Scratch::new().await;
    let new = waiting(&scratch.store, 1).await;
    for other in [Shard::new("classic-casual", "all"), Shard::new(given::QUEUE, "asia")] {
        let claim = given::claim(&scratch.store, &other, &given::claim_of(&[&new]), now()).await;
        assert_eq!(claim, Claim::Lost(vec![new.ticket.ticket_id]));
    }
    scratch.finish().await;
}

#[tokio::test]
async fn settled_tickets_are_matched_and_their_players_free() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (one, two) = (waiting(store, 2).await, waiting(store, 1).await);
    let claims = claimed(store, &[&one, &two]).await;
    assert_eq!(claims.iter().map(ClaimedTicket::ticket).collect::<Vec<_>>(), [&one.ticket, &two.ticket]);

    // While it is claimed, it is still the player's ticket and cannot be taken back.
    let held = tickets.of_player(player(&one)).await.unwrap().unwrap();
    assert_eq!((held.state, held.match_id), (TicketState::Waiting, None));
    let late = tickets.cancel(one.ticket.ticket_id, CancelledBy::Player(player(&one)), now()).await.unwrap();
    assert!(matches!(late, Cancellation::TooLate(_)));

    let first = tickets.settle(&claims, now()).await.unwrap();
    let again = tickets.settle(&claims, now() + TimeDelta::seconds(5)).await.unwrap();
    assert_eq!(first, again, "what the first call says is what Redis has");
    assert!(first.iter().all(|record| record.state == TicketState::Matched));
    assert!(first.iter().all(|record| record.match_id == Some(claims[0].match_id())));
    for player in one.ticket.players() {
        assert_eq!(tickets.of_player(player).await.unwrap(), None);
    }
    let readable = tickets.get(two.ticket.ticket_id).await.unwrap().unwrap();
    assert_eq!(readable.view().match_id, Some(claims[0].match_id()));
    // Too late to change one's mind: it stays matched.
    assert_eq!(tickets.release(&claims).await.unwrap(), first);
    assert_eq!(tickets.get(two.ticket.ticket_id).await.unwrap().unwrap().state, TicketState::Matched);
    assert!(tickets.stale_claims(now() + TimeDelta::hours(1)).await.unwrap().is_empty());
    scratch.finish().await;
}

#[tokio::test]
async fn released_tickets_wait_again_before_others_as_long_as_they_had_waited() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let mut new = given::new_ticket(fresh_id());
    // A player who writes the mark into a text of their own.
    new.ticket.properties.insert("note".to_owned(), PropertyValue::Text("\"returned\":true".to_owned()));
    given::create(store, &new).await;
    let claims = claimed(store, &[&new]).await;
    assert_eq!(tickets.waiting_count_of(given::QUEUE).await.unwrap(), 0);
    let mut back = new.ticket.clone();
    back.returned = true;
    for _ in 0..2 {
        let released = tickets.release(&claims).await.unwrap();
        assert_eq!((released[0].state, &released[0].ticket), (TicketState::Waiting, &back));
    }
    assert_eq!(tickets.snapshot(&given::shard()).await.unwrap().tickets, std::slice::from_ref(&back));
    assert_eq!(tickets.get(back.ticket_id).await.unwrap().unwrap().ticket, back);

    // Claimed for another match meanwhile, the old claim has no say any more.
    let again = claimed(store, &[&new]).await;
    assert_eq!(again[0].ticket(), &back);
    tickets.settle(&claims, now()).await.unwrap();
    tickets.release(&claims).await.unwrap();
    assert_eq!(tickets.waiting_count_of(given::QUEUE).await.unwrap(), 0);
    assert_eq!(tickets.stale_claims(now() + TimeDelta::seconds(1)).await.unwrap(), again);
    tickets.release(&again).await.unwrap();
    assert_eq!(tickets.snapshot(&given::shard()).await.unwrap().tickets, [back]);
    scratch.finish().await;
}

#[tokio::test]
async fn what_a_dead_matchmaker_claimed_is_found() {
    let scratch = Scratch::new().await;
    let (store, shard) = (&scratch.store, given::shard());
    let (one, two) = (waiting(store, 2).await, waiting(store, 1).await);
    let start = now();
    let (early, late) = (given::claim_of(&[&one]), given::claim_of(&[&two]));
    given::claim(store, &shard, &early, start - TimeDelta::seconds(30)).await;
    given::claim(store, &shard, &late, start).await;

    let stale = store.tickets.stale_claims(start - TimeDelta::seconds(10)).await.unwrap();
    assert_eq!(stale.len(), 1);
    assert_eq!((stale[0].ticket(), stale[0].shard(), stale[0].match_id()), (&one.ticket, &shard, early.match_id));
    assert_eq!((stale[0].claimed_at(), stale[0].names()), (start - TimeDelta::seconds(30), &one.names[..]));
    scratch.finish().await;
}
