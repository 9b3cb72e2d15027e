//! Regions that are closed while tickets wait.

use std::collections::BTreeSet;

use muster_core::matchmaking::{Pool, Proposal, QueueDefinition, RatingWindow, Region, Ticket};
use proptest::prelude::*;

use crate::given::{duel, solo, team_queue, ticket_id};
use crate::table::start;

const NAMES: [&str; 3] = ["eu-west", "eu-north", "asia"];

fn regions() -> Vec<Region> {
    NAMES.map(|name| Region { name: name.to_owned(), group: "all".to_owned(), latency: None }).into()
}

fn regional() -> QueueDefinition {
    QueueDefinition { regions: regions(), ..duel(RatingWindow::any()) }
}

fn near(mut ticket: Ticket, latencies: &[(&str, u16)]) -> Ticket {
    ticket.latencies_ms = latencies.iter().map(|(region, ms)| ((*region).to_owned(), *ms)).collect();
    ticket
}

fn pass(pool: &mut Pool) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    pool.pass(start(), &mut proposals);
    proposals
}

#[test]
fn a_match_goes_to_an_open_region_and_none_is_made_where_all_are_closed() {
    let mut pool = Pool::new(regional(), "all").unwrap();
    let both = [("eu-west", 20), ("asia", 150)];
    for number in 1..=2 {
        pool.insert(&near(solo(number, 1500.0, 0), &both)).unwrap();
    }
    pool.close_regions(&BTreeSet::from(["eu-west", "asia"]));
    assert_eq!(pass(&mut pool), []);
    let explanation = pool.explain(ticket_id(1), start()).unwrap();
    assert_eq!((explanation.regions.len(), explanation.rules[0].alone), (0, 1));
    assert_eq!(explanation.verdict, "Every region that is near enough by now is closed.");
    pool.close_regions(&BTreeSet::from(["eu-west"]));
    let proposals = pass(&mut pool);
    assert_eq!(proposals.iter().map(|proposal| proposal.region.as_deref()).collect::<Vec<_>>(), [Some("asia")]);
}

#[test]
fn who_could_play_in_closed_regions_only_is_shut_out() {
    let mut pool = Pool::new(regional(), "all").unwrap();
    let (here, both, anywhere) = (
        near(solo(1, 1500.0, 0), &[("eu-west", 20)]),
        near(solo(2, 1500.0, 0), &[("eu-west", 20), ("asia", 90)]),
        solo(3, 1500.0, 0),
    );
    assert!(!pool.shuts_out(&here), "all are open");
    pool.close_regions(&BTreeSet::from(["eu-west"]));
    assert_eq!([&here, &both, &anywhere].map(|ticket| pool.shuts_out(ticket)), [true, false, false]);
    pool.close_regions(&NAMES.into());
    assert_eq!([&here, &both, &anywhere].map(|ticket| pool.shuts_out(ticket)), [true, true, true]);
    pool.close_regions(&BTreeSet::new());
    assert!(!pool.shuts_out(&here));
    let nowhere = Pool::new(duel(RatingWindow::any()), "all").unwrap();
    assert!(!nowhere.shuts_out(&anywhere), "a queue without regions has none to close");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_match_is_made_in_a_closed_region(
        teams in any::<bool>(),
        tickets in prop::collection::vec((0u8..8, 1200u32..1800), 0..40),
        closed in 0u8..8,
    ) {
        let queue = if teams { QueueDefinition { regions: regions(), ..team_queue(2, 1, 3) } } else { regional() };
        let mut pool = Pool::new(queue, "all").unwrap();
        let named = |set: u8| (0..3).filter(move |index| set & 1 << index != 0).map(|index| NAMES[index]);
        for (number, (near_to, points)) in (1..).zip(tickets) {
            let latencies: Vec<_> = named(near_to).map(|name| (name, 30)).collect();
            pool.insert(&near(solo(number, points.into(), 0), &latencies)).unwrap();
        }
        let closed: BTreeSet<&str> = named(closed).collect();
        pool.close_regions(&closed);
        for proposal in pass(&mut pool) {
            let region = proposal.region.expect("the queue has regions");
            prop_assert!(!closed.contains(&*region), "{region} is closed");
        }
    }
}
