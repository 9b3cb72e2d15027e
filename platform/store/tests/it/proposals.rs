//! Matches that all players have to accept.

use chrono::{DateTime, TimeDelta, Utc};
use muster_core::id::{MatchId, PlayerId};
use muster_core::wire::TicketState;
use muster_store::{
    Answered, Cancellation, CancelledBy, ClaimedTicket, EndReason, NewTicket, OpenProposal, ProposeRequest, Proposed,
    Store, TicketRecord, fresh_id, now,
};
use muster_testkit::Scratch;

use crate::given::{self, shard, waiting};

fn request(tickets: &[&NewTicket], accept_by: DateTime<Utc>) -> ProposeRequest {
    let tickets = tickets.iter().map(|new| new.ticket.ticket_id).collect();
    ProposeRequest { match_id: fresh_id(), tickets, backfill: None, accept_by, plan: r#"{"region":"asia"}"#.to_owned() }
}

/// A match that is proposed to these tickets for ten seconds.
async fn proposed(store: &Store, tickets: &[&NewTicket]) -> (MatchId, Vec<TicketRecord>) {
    let request = request(tickets, now() + TimeDelta::seconds(10));
    match store.tickets.propose_many(&shard(), std::slice::from_ref(&request)).await.unwrap().remove(0) {
        Proposed::Proposed(records) => (request.match_id, records),
        Proposed::Lost(lost) => panic!("lost {lost:?}"),
    }
}

async fn answer(store: &Store, new: &NewTicket, member: usize, accept: bool) -> Answered {
    let player = new.ticket.members[member].player_id;
    store.tickets.answer(new.ticket.ticket_id, player, accept, now()).await.unwrap()
}

async fn accept(store: &Store, new: &NewTicket, member: usize) -> TicketRecord {
    match answer(store, new, member, true).await {
        Answered::Recorded(record) => record,
        other => panic!("it is proposed: {other:?}"),
    }
}

async fn due(store: &Store) -> Vec<OpenProposal> {
    store.tickets.due_proposals(&shard(), now()).await.unwrap()
}

fn outcomes(records: &[TicketRecord]) -> Vec<(TicketState, Option<&str>)> {
    records.iter().map(|record| (record.state, record.reason.as_deref())).collect()
}

fn players(new: &NewTicket) -> Vec<PlayerId> {
    new.ticket.players().collect()
}

#[tokio::test]
async fn a_match_that_all_accept_becomes_a_claim() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (party, solo) = (waiting(store, 2).await, waiting(store, 1).await);
    let (match_id, records) = proposed(store, &[&party, &solo]).await;
    assert_eq!(outcomes(&records), [(TicketState::Proposed, None); 2]);
    let view = records[1].view();
    assert_eq!(
        view.proposal.map(|proposal| (proposal.match_id, proposal.accepted, proposal.players)),
        Some((match_id, 0, 3))
    );
    assert_eq!(tickets.get(solo.ticket.ticket_id).await.unwrap().as_ref(), Some(&records[1]));
    assert!(tickets.snapshot(&shard()).await.unwrap().tickets.is_empty());
    assert_eq!(tickets.of_player(players(&party)[1]).await.unwrap().as_ref(), Some(&records[0]));

    assert_eq!(accept(store, &party, 0).await.state, TicketState::Proposed);
    assert_eq!(accept(store, &party, 0).await.state, TicketState::Proposed, "a yes counts once");
    let record = accept(store, &party, 1).await;
    assert_eq!(record.state, TicketState::Accepted);
    assert_eq!(record.proposal.as_ref().map(|proposal| proposal.accepted.len()), Some(2));
    assert!(due(store).await.is_empty());
    assert_eq!(tickets.confirm(&shard(), match_id, now()).await.unwrap(), None);
    let open = tickets.open_proposals(&shard()).await.unwrap();
    assert_eq!((open[0].plan.as_str(), open[0].declined.len()), (r#"{"region":"asia"}"#, 0));
    assert!(open[0].accepted.len() == 2 && players(&party).iter().all(|player| open[0].accepted.contains(player)));
    assert!(!open[0].is_accepted() && !open[0].has_failed(now()));

    accept(store, &solo, 0).await;
    let open = due(store).await.remove(0);
    assert!(open.is_accepted());
    assert_eq!(open.tickets.iter().map(|record| &record.ticket).collect::<Vec<_>>(), [&party.ticket, &solo.ticket]);
    let elsewhere = muster_store::Shard::new("other", "all");
    assert_eq!(tickets.confirm(&elsewhere, match_id, now()).await.unwrap(), None);
    let claimed = tickets.confirm(&shard(), match_id, now()).await.unwrap().expect("all have accepted");
    assert_eq!(claimed.iter().map(ClaimedTicket::ticket).collect::<Vec<_>>(), [&party.ticket, &solo.ticket]);
    assert_eq!((claimed[0].match_id(), claimed[0].names().len()), (match_id, 2));
    let by_id = |mut claims: Vec<ClaimedTicket>| {
        claims.sort_by_key(|claim| claim.ticket().ticket_id);
        claims
    };
    let stale = tickets.stale_claims(now() + TimeDelta::seconds(1)).await.unwrap();
    assert_eq!(by_id(stale), by_id(claimed.clone()));

    // Decided once: the second look finds nothing to decide.
    assert_eq!(tickets.confirm(&shard(), match_id, now()).await.unwrap(), None);
    assert!(tickets.dissolve(&shard(), match_id, now()).await.unwrap().is_empty());
    assert!(tickets.open_proposals(&shard()).await.unwrap().is_empty());
    assert_eq!(tickets.get(party.ticket.ticket_id).await.unwrap().unwrap().state, TicketState::Accepted);
    let settled = tickets.settle(&claimed, now()).await.unwrap();
    assert_eq!(outcomes(&settled), [(TicketState::Matched, None); 2]);
    scratch.finish().await;
}

#[tokio::test]
async fn a_no_ends_it_for_the_decliners_party_and_the_rest_return_to_the_head() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (party, solo) = (waiting(store, 2).await, waiting(store, 1).await);
    let (match_id, _) = proposed(store, &[&party, &solo]).await;
    accept(store, &solo, 0).await;
    accept(store, &party, 1).await;
    assert!(matches!(answer(store, &party, 0, false).await, Answered::Recorded(_)));
    assert!(matches!(answer(store, &party, 0, false).await, Answered::Recorded(_)));
    assert!(matches!(answer(store, &party, 0, true).await, Answered::NotProposed(_)), "a no stands");
    let open = due(store).await.remove(0);
    assert_eq!(open.declined, [players(&party)[0]]);
    assert!(open.has_failed(now()));
    assert_eq!(tickets.confirm(&shard(), match_id, now()).await.unwrap(), None);

    let records = tickets.dissolve(&shard(), match_id, now()).await.unwrap();
    assert_eq!(outcomes(&records), [(TicketState::Failed, Some("declined")), (TicketState::Waiting, None)]);
    assert!(records[0].ended_at.is_some() && records[0].proposal.is_none());
    let pool = tickets.snapshot(&shard()).await.unwrap().tickets;
    assert_eq!(pool.len(), 1);
    assert!(pool[0].returned);
    assert_eq!((pool[0].ticket_id, pool[0].enqueued_at), (solo.ticket.ticket_id, solo.ticket.enqueued_at));
    for player in players(&party) {
        assert_eq!(tickets.of_player(player).await.unwrap(), None);
    }
    assert!(tickets.dissolve(&shard(), match_id, now()).await.unwrap().is_empty());
    assert!(matches!(answer(store, &solo, 0, true).await, Answered::NotProposed(_)));
    scratch.finish().await;
}

#[tokio::test]
async fn a_server_answers_for_a_whole_party_at_once() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (party, solo) = (waiting(store, 3).await, waiting(store, 1).await);
    let id = party.ticket.ticket_id;
    let for_all = async |accept| tickets.answer_for_all(id, accept, now()).await.unwrap();
    assert!(matches!(for_all(true).await, Answered::NotProposed(_)));
    let (match_id, _) = proposed(store, &[&party, &solo]).await;
    let Answered::Recorded(record) = for_all(true).await else { panic!("it is proposed") };
    assert_eq!(
        (record.state, record.proposal.map(|proposal| proposal.accepted.len())),
        (TicketState::Accepted, Some(3))
    );
    assert!(matches!(for_all(true).await, Answered::Recorded(_)), "said twice is said once");
    assert!(due(store).await.is_empty());
    assert!(matches!(for_all(false).await, Answered::Recorded(_)));
    assert!(matches!(for_all(false).await, Answered::Recorded(_)));
    assert!(matches!(for_all(true).await, Answered::NotProposed(_)), "a no stands");
    let mut members = players(&party);
    members.sort();
    assert_eq!(due(store).await.remove(0).declined, members);
    let records = tickets.dissolve(&shard(), match_id, now()).await.unwrap();
    assert_eq!(outcomes(&records), [(TicketState::Failed, Some("declined")), (TicketState::Waiting, None)]);
    assert_eq!(tickets.answer_for_all(fresh_id(), true, now()).await.unwrap(), Answered::NotFound);
    scratch.finish().await;
}

#[tokio::test]
async fn who_says_nothing_leaves_when_the_time_is_over_and_a_late_yes_does_not_count() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (quick, silent) = (waiting(store, 1).await, waiting(store, 2).await);
    let asked = now();
    let request = request(&[&quick, &silent], asked + TimeDelta::seconds(10));
    tickets.propose_many(&shard(), std::slice::from_ref(&request)).await.unwrap();
    accept(store, &quick, 0).await;
    accept(store, &silent, 0).await;
    let over = asked + TimeDelta::seconds(11);
    let late = tickets.answer(silent.ticket.ticket_id, players(&silent)[1], true, over).await.unwrap();
    assert!(matches!(late, Answered::NotProposed(_)));
    assert!(tickets.due_proposals(&shard(), asked + TimeDelta::seconds(10)).await.unwrap().is_empty());
    let open = tickets.due_proposals(&shard(), over).await.unwrap().remove(0);
    assert!(open.has_failed(over) && open.accept_by == request.accept_by);

    let records = tickets.dissolve(&shard(), request.match_id, over).await.unwrap();
    assert_eq!(outcomes(&records), [(TicketState::Waiting, None), (TicketState::Failed, Some("not_accepted"))]);
    scratch.finish().await;
}

#[tokio::test]
async fn only_members_answer_and_to_give_up_is_to_decline() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (one, two, free) = (waiting(store, 1).await, waiting(store, 1).await, waiting(store, 1).await);
    let (match_id, _) = proposed(store, &[&one, &two]).await;
    let id = one.ticket.ticket_id;
    assert_eq!(tickets.answer(id, players(&two)[0], true, now()).await.unwrap(), Answered::NotFound);
    assert_eq!(tickets.answer(fresh_id(), players(&two)[0], true, now()).await.unwrap(), Answered::NotFound);
    assert!(matches!(answer(store, &free, 0, true).await, Answered::NotProposed(_)));

    // The platform does not end a proposed ticket on its own; its match is decided first.
    assert_eq!(tickets.end(id, EndReason::MaxWait, now()).await.unwrap(), None);
    accept(store, &one, 0).await;
    accept(store, &two, 0).await;
    // A yes may become a no for as long as it has not been taken at its word.
    let by = CancelledBy::Player(players(&one)[0]);
    let Cancellation::Declined(record) = tickets.cancel(id, by, now()).await.unwrap() else { panic!("it is proposed") };
    assert_eq!(record.state, TicketState::Proposed);
    assert_eq!(tickets.confirm(&shard(), match_id, now()).await.unwrap(), None);
    let records = tickets.dissolve(&shard(), match_id, now()).await.unwrap();
    assert_eq!(outcomes(&records), [(TicketState::Failed, Some("declined")), (TicketState::Waiting, None)]);

    let (match_id, _) = proposed(store, &[&two, &free]).await;
    let given_up = tickets.cancel(two.ticket.ticket_id, CancelledBy::Server, now()).await.unwrap();
    assert!(matches!(given_up, Cancellation::Declined(_)));
    let open = due(store).await.remove(0);
    assert_eq!((open.match_id, open.declined), (match_id, players(&two)));
    scratch.finish().await;
}

#[tokio::test]
async fn a_proposal_takes_all_its_tickets_or_none_and_answers_stand_in_order() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let (a, b, c, d) =
        (waiting(store, 1).await, waiting(store, 1).await, waiting(store, 1).await, waiting(store, 1).await);
    let by = now() + TimeDelta::seconds(10);
    let requests = [request(&[&a, &b], by), request(&[&b, &c], by), request(&[&c, &d], by)];
    let answers = tickets.propose_many(&shard(), &requests).await.unwrap();
    assert!(matches!(&answers[0], Proposed::Proposed(records) if records.len() == 2));
    assert_eq!(answers[1], Proposed::Lost(vec![b.ticket.ticket_id]));
    assert!(matches!(&answers[2], Proposed::Proposed(_)));
    let open = tickets.open_proposals(&shard()).await.unwrap();
    assert_eq!(open.len(), 2);

    // Nothing of them is left when they are decided.
    tickets.dissolve(&shard(), requests[0].match_id, by).await.unwrap();
    for new in [&c, &d] {
        accept(store, new, 0).await;
    }
    tickets.confirm(&shard(), requests[2].match_id, now()).await.unwrap().unwrap();
    let mut redis = given::redis(&scratch).await;
    for pattern in ["*proposal*", "*plan*"] {
        let pattern = format!("{}{pattern}", scratch.prefix());
        let left: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
    scratch.finish().await;
}

#[tokio::test]
async fn a_wish_that_is_not_fulfilled_waits_again_unless_there_is_a_newer_one() {
    let scratch = Scratch::new().await;
    let (store, tickets) = (&scratch.store, &scratch.store.tickets);
    let backfill = given::backfill(fresh_id());
    tickets.open_backfill(&shard(), &backfill).await.unwrap();
    let new = waiting(store, 1).await;
    let by = now() + TimeDelta::seconds(10);
    let wish = |new: &NewTicket| ProposeRequest { backfill: Some(backfill.clone()), ..request(&[new], by) };
    let first = wish(&new);
    tickets.propose_many(&shard(), std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(tickets.backfill_of(backfill.match_id).await.unwrap(), None);
    tickets.dissolve(&shard(), first.match_id, now()).await.unwrap();
    assert_eq!(tickets.backfills(&shard()).await.unwrap(), std::slice::from_ref(&backfill));

    let new = waiting(store, 1).await;
    let second = wish(&new);
    tickets.propose_many(&shard(), std::slice::from_ref(&second)).await.unwrap();
    let newer = given::backfill(backfill.match_id);
    tickets.open_backfill(&shard(), &newer).await.unwrap();
    tickets.dissolve(&shard(), second.match_id, now()).await.unwrap();
    assert_eq!(tickets.backfills(&shard()).await.unwrap(), [newer]);
    scratch.finish().await;
}
