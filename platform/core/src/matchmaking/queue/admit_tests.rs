use chrono::DateTime;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::id::{PlayerId, TicketId};
use crate::matchmaking::shipped_queues;
use crate::rating::Rating;

fn player(number: u128) -> PlayerId {
    PlayerId::from_uuid(Uuid::from_u128(number))
}

fn party<const N: usize>(wishes: [&[&str]; N]) -> Ticket {
    let id = TicketId::from_uuid(Uuid::from_u128(1));
    let mut ticket = Ticket::solo(id, player(0), Rating::default(), DateTime::UNIX_EPOCH);
    let member = |(number, wishes): (u128, &[&str])| Member {
        roles: wishes.iter().map(|wish| (*wish).to_owned()).collect(),
        ..Member::new(player(number), Rating::default())
    };
    ticket.members = (1..).zip(wishes).map(member).collect();
    ticket
}

fn raid() -> QueueDefinition {
    QueueDefinition::from_json(&json!({
        "name": "raid", "version": 1, "ranked": false,
        "teams": { "count": 2, "size": { "min": 5, "max": 5 } },
        "roles": [{ "name": "tank", "count": 1 }, { "name": "healer", "count": 1 }, { "name": "damage", "count": 3 }],
        "regions": [{ "name": "us-east" }, { "name": "asia" }],
        "party": { "max_size": 4 },
        "properties": { "build": "string" }
    }))
    .unwrap()
}

fn paths(queue: &QueueDefinition, ticket: &Ticket) -> Vec<String> {
    queue.admits(ticket).err().unwrap_or_default().into_iter().map(|fault| fault.path).collect()
}

#[test]
fn lets_in_what_fits() {
    let mut ticket = party([&["tank", "damage"], &[], &["healer"]]);
    ticket.latencies_ms = [("asia".to_owned(), 30)].into();
    ticket.properties = [("build".to_owned(), "1.2".into())].into();
    assert_eq!(raid().admits(&ticket), Ok(()));
    for queue in shipped_queues() {
        assert_eq!(queue.admits(&party([&[]])), Ok(()));
    }
}

#[test]
fn tells_everything_that_does_not_fit() {
    let mut ticket = party([&["bard"], &["tank", "tank"]]);
    ticket.members[1].player_id = player(1);
    ticket.members[0].rating.points = f64::NAN;
    ticket.members[0].rating.deviation = 0.0;
    ticket.members[1].blocked = (0..257).map(player).collect();
    ticket.latencies_ms = [("asia".to_owned(), 30), ("mars".to_owned(), 3)].into();
    ticket.properties = [("build".to_owned(), 1.0.into()), ("luck".to_owned(), 1.0.into())].into();
    assert_eq!(
        paths(&raid(), &ticket),
        [
            "players[0].rating.points",
            "players[0].rating.deviation",
            "players[0].roles[0]",
            "players[1].player_id",
            "players[1].blocked",
            "players[1].roles[1]",
            "latencies_ms.mars",
            "properties.build",
            "properties.luck",
        ]
    );
}

#[test]
fn ratings_have_bounds() {
    let faults = |points: f64, deviation: f64| {
        let mut ticket = party([&["tank"]]);
        ticket.members[0].rating = Rating { points, deviation };
        raid().admits(&ticket).err().unwrap_or_default().into_iter().map(|fault| fault.message).collect::<Vec<_>>()
    };
    assert_eq!(faults(-1_000_000.0, 10_000.0), Vec::<String>::new());
    assert_eq!(faults(1_000_000.0, f64::MIN_POSITIVE), Vec::<String>::new());
    let (points, deviation) = ("has to be from -1000000 to 1000000", "has to be above 0 and at most 10000");
    for beyond in [1_000_000.1, -1_000_000.1, 1e308, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert_eq!(faults(beyond, 80.0), [points], "{beyond}");
    }
    for beyond in [10_000.1, 0.0, -80.0, 1e308, f64::INFINITY, f64::NAN] {
        assert_eq!(faults(1500.0, beyond), [deviation], "{beyond}");
    }
}

#[test]
fn parties_have_a_size() {
    assert_eq!(paths(&raid(), &party([])), ["players"]);
    assert_eq!(paths(&raid(), &party([&[], &[], &[], &[]])), Vec::<String>::new());
    assert_eq!(paths(&raid(), &party([&[], &[], &[], &[], &[]])), ["players"]);
    let duel = shipped_queues().remove(0);
    assert_eq!(duel.admits(&party([&[], &[]])).unwrap_err()[0].message, "in this queue everybody queues alone");
}

#[test]
fn a_queue_without_roles_regions_and_properties_takes_none() {
    let mut queue = raid();
    queue.roles.clear();
    queue.regions.clear();
    queue.properties.clear();
    let mut ticket = party([&["tank"]]);
    ticket.latencies_ms = [("asia".to_owned(), 30)].into();
    ticket.properties = [("build".to_owned(), "1".into())].into();
    assert_eq!(paths(&queue, &ticket), ["players[0].roles[0]", "latencies_ms.asia", "properties.build"]);
}

#[test]
fn a_party_has_to_fit_into_a_team() {
    assert_eq!(paths(&raid(), &party([&["tank"], &["tank"]])), ["players"]);
    assert_eq!(paths(&raid(), &party([&["tank", "healer"], &["healer", "tank"]])), Vec::<String>::new());
    assert_eq!(paths(&raid(), &party([&["tank", "healer"], &["healer", "tank"], &["tank", "healer"]])), ["players"]);
    // The first has to make room for the second, and the second for the third.
    let chain = party([&["tank", "healer", "damage"], &["tank", "healer"], &["tank"]]);
    assert_eq!(paths(&raid(), &chain), Vec::<String>::new());
    assert_eq!(paths(&raid(), &party([&["damage"], &["damage"], &["damage"], &["damage"]])), ["players"]);
}
