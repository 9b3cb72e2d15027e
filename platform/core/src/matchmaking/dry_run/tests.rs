use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::matchmaking::{ExpansionStep, RatingWindow, WindowStep, shipped_queues};

const TICK: Duration = Duration::from_millis(100);

fn start() -> DateTime<Utc> {
    "2026-01-31T09:30:00Z".parse().unwrap()
}

fn ticket(at_ms: i64, points: f64) -> RecordedTicket {
    RecordedTicket {
        enqueued_at: start() + TimeDelta::milliseconds(at_ms),
        left_at: None,
        members: vec![RecordedMember { rating: Rating { points, deviation: 100.0 }, roles: Vec::new() }],
        latencies_ms: BTreeMap::new(),
        properties: BTreeMap::new(),
        outcome: RecordedOutcome { matched: false, wait_ms: 0, quality: None },
    }
}

fn queue() -> QueueDefinition {
    let mut queue = shipped_queues().into_iter().find(|queue| queue.name == "classic-ranked").unwrap();
    let step = |after_secs, window| WindowStep { after_secs, window };
    queue.rating_window = RatingWindow { start: Some(100), steps: vec![step(10, Some(200)), step(30, None)] };
    queue.max_wait_secs = Some(60);
    queue
}

fn to_the_end() -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn run(recorded: &[RecordedTicket]) -> DryRun {
    dry_run(&queue(), recorded, TICK, &mut to_the_end).unwrap()
}

#[test]
fn near_ratings_match_on_the_next_tick() {
    let result = run(&[ticket(0, 1500.0), ticket(250, 1520.0)]);
    let wait = result.wait_ms.unwrap();
    assert_eq!((result.tickets, result.players, result.matched), (2, 2, 2));
    // The second comes between the ticks of 200 and 300.
    assert_eq!((wait.p50, wait.p99, wait.mean), (50, 300, 175.0));
    assert!(result.quality.unwrap().mean > 0.9);
}

#[test]
fn far_ratings_match_when_both_windows_are_wide_enough() {
    let wait = |points| run(&[ticket(0, 1500.0), ticket(5_000, points)]).wait_ms.unwrap();
    assert_eq!((wait(1650.0).p50, wait(1650.0).p99), (10_000, 15_000));
    assert_eq!((wait(2500.0).p50, wait(2500.0).p99), (30_000, 35_000));
}

#[test]
fn who_gave_up_leaves_at_that_moment() {
    let mut first = ticket(0, 1500.0);
    first.left_at = Some(start() + TimeDelta::seconds(4));
    let early = run(&[first.clone(), ticket(3_000, 1500.0)]);
    assert_eq!((early.matched, early.cancelled, early.unmatched), (2, 0, 0));
    let late = run(&[first.clone(), ticket(5_000, 1500.0)]);
    assert_eq!((late.matched, late.cancelled, late.unmatched), (0, 1, 1));
    assert_eq!((late.wait_ms, late.quality), (None, None));
    first.left_at = Some(start() - TimeDelta::seconds(4));
    assert_eq!(run(&[first, ticket(0, 1500.0)]).cancelled, 1);
}

#[test]
fn nobody_waits_longer_than_the_cap() {
    let result = run(&[ticket(0, 1500.0), ticket(60_100, 1500.0)]);
    assert_eq!((result.matched, result.unmatched), (0, 2));
    let result = run(&[ticket(0, 1500.0), ticket(59_900, 1500.0)]);
    assert_eq!(result.matched, 2);
    let mut patient = queue();
    patient.max_wait_secs = None;
    let result = dry_run(&patient, &[ticket(0, 1500.0), ticket(86_400_000, 1500.0)], TICK, &mut to_the_end).unwrap();
    assert_eq!((result.matched, result.wait_ms.unwrap().p99), (2, 86_400_000));
}

#[test]
fn tells_who_would_be_refused() {
    let mut party = ticket(0, 1500.0);
    party.members.push(party.members[0].clone());
    let mut stranger = ticket(0, 1500.0);
    stranger.latencies_ms = [("mars".to_owned(), 7)].into();
    let result = run(&[party, stranger, ticket(0, 1500.0), ticket(0, 1500.0)]);
    assert_eq!((result.tickets, result.players, result.refused, result.matched), (4, 5, 2, 2));
}

#[test]
fn each_group_has_a_pool() {
    let near = |region: &str| {
        let mut ticket = ticket(0, 1500.0);
        ticket.latencies_ms = [("us-east".to_owned(), 70), ("asia".to_owned(), 70)].into();
        ticket.latencies_ms.insert(region.to_owned(), 10);
        ticket
    };
    let recorded = [near("us-east"), near("asia")];
    assert_eq!(run(&recorded).matched, 2);
    let mut split = queue();
    split.regions.iter_mut().filter(|region| region.name == "asia").for_each(|region| region.group = "east".into());
    assert_eq!(dry_run(&split, &recorded, TICK, &mut to_the_end).unwrap().matched, 0);
}

#[test]
fn teams_roles_and_filters_are_replayed() {
    let queue = QueueDefinition::from_json(&json!({
        "name": "raid", "version": 1, "ranked": false,
        "teams": { "count": 2, "size": { "min": 2, "max": 2 } },
        "roles": [{ "name": "tank", "count": 1 }, { "name": "healer", "count": 1 }],
        "properties": { "build": "string" },
        "filters": [{ "name": "same-build", "rule": "self.build == other.build" }],
        "expansion": [{ "after_secs": 20, "drop_filters": ["same-build"] }],
        "max_wait_secs": 60
    }))
    .unwrap();
    let of = |role: &str, build: &str| {
        let mut ticket = ticket(0, 1500.0);
        ticket.members[0].roles = vec![role.to_owned()];
        ticket.properties = [("build".to_owned(), build.into())].into();
        ticket
    };
    let mut recorded = vec![of("tank", "1"), of("tank", "1"), of("healer", "1"), of("healer", "1")];
    let wait = |recorded: &[RecordedTicket]| {
        dry_run(&queue, recorded, TICK, &mut to_the_end).unwrap().wait_ms.map(|wait| wait.p50)
    };
    assert_eq!(wait(&recorded), Some(0));
    recorded[3] = of("healer", "2");
    assert_eq!(wait(&recorded), Some(20_000));
    recorded[3] = of("tank", "1");
    assert_eq!(wait(&recorded), None);
}

#[test]
fn a_queue_that_makes_no_sense_is_refused() {
    let mut broken = queue();
    broken.max_wait_secs = Some(0);
    assert!(dry_run(&broken, &[], TICK, &mut to_the_end).is_err());
    assert!(compare(&queue(), &broken, &[], TICK, &mut to_the_end).is_err());
    assert_eq!(dry_run(&queue(), &[], TICK, &mut to_the_end), Ok(DryRun::default()));
    assert_eq!(
        dry_run(&queue(), &[ticket(0, 1500.0), ticket(0, 1500.0)], Duration::ZERO, &mut to_the_end).unwrap().matched,
        2
    );
}

#[test]
fn whoever_asked_can_stop_it() {
    // Two that match, and two too far apart who are looked at when they come and when their windows widen.
    let recorded = [ticket(0, 1500.0), ticket(1_000, 1500.0), ticket(2_000, 0.0), ticket(3_000, 9000.0)];
    let until = |most: usize| {
        let mut asked = 0;
        let mut go_on = || {
            asked += 1;
            if asked > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let result = dry_run(&queue(), &recorded, TICK, &mut go_on);
        (result, asked)
    };
    let (whole, passes) = until(usize::MAX);
    assert_eq!(whole, Ok(run(&recorded)));
    assert!(passes >= recorded.len(), "{passes}");
    assert_eq!(until(passes), (whole, passes));
    for most in 0..passes {
        assert_eq!(until(most), (Err(DryRunError::Stopped), most + 1));
    }

    // The second half of a comparison too.
    let mut left = passes + 1;
    let mut go_on = || {
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(compare(&queue(), &queue(), &recorded, TICK, &mut go_on), Err(DryRunError::Stopped));
}

#[test]
fn a_comparison_tells_the_difference() {
    let mut recorded = vec![ticket(0, 1500.0), ticket(1_000, 1650.0), ticket(2_000, 4000.0)];
    recorded[0].outcome = RecordedOutcome { matched: true, wait_ms: 11_000, quality: Some(0.8) };
    recorded[1].outcome = RecordedOutcome { matched: true, wait_ms: 12_000, quality: Some(0.8) };
    recorded[2].left_at = Some(start() + TimeDelta::seconds(20));
    let mut wide = queue();
    wide.rating_window.start = Some(150);
    let comparison = compare(&queue(), &wide, &recorded, TICK, &mut to_the_end).unwrap();
    let of = |metric: &str| comparison.differences().into_iter().find(|line| line.metric == metric).unwrap();
    let p50 = of("wait_p50");
    assert_eq!((p50.recorded, p50.before, p50.after), (Some(11_000.0), Some(10_000.0), Some(0.0)));
    assert_eq!((p50.change, of("matched").change), (Some(-10_000.0), Some(0.0)));
    assert_eq!(comparison.recorded, DryRun::recorded(&recorded));
    assert_eq!(
        comparison.table(),
        "               recorded  before   after   change\n\
         tickets               3       3       3        =\n\
         players               3       3       3        =\n\
         matched               2       2       2        =\n\
         matched share    66.7 %  66.7 %  66.7 %        =\n\
         unmatched             0       0       0        =\n\
         cancelled             1       1       1        =\n\
         refused               0       0       0        =\n\
         wait mean        11.5 s  10.5 s   0.5 s  −10.0 s\n\
         wait p50         11.0 s  10.0 s   0.0 s  −10.0 s\n\
         wait p95         12.0 s  11.0 s   1.0 s  −10.0 s\n\
         wait p99         12.0 s  11.0 s   1.0 s  −10.0 s\n\
         quality mean      0.800   0.806   0.806        =\n\
         quality p10       0.800   0.806   0.806        =\n\
         quality p50       0.800   0.806   0.806        =\n"
    );
    let nothing = compare(&queue(), &wide, &[], TICK, &mut to_the_end).unwrap();
    assert!(nothing.table().contains("wait p50              –       –      –       –\n"), "{}", nothing.table());
}

#[test]
fn records_are_small_json() {
    let text = r#"{"enqueued_at":"2026-01-31T09:30:00.000Z","members":[{"rating":{"points":1500.0,"deviation":100.0}}],"outcome":{"matched":false,"wait_ms":0}}"#;
    assert_eq!(serde_json::to_string(&ticket(0, 1500.0)).unwrap(), text);
    assert_eq!(serde_json::from_str::<RecordedTicket>(text).unwrap(), ticket(0, 1500.0));
}

/// The same, looking at every tick.
fn tick_by_tick(definition: &QueueDefinition, recorded: &[RecordedTicket]) -> DryRun {
    use crate::id::{PlayerId, TicketId};
    use crate::matchmaking::{Pool, Ticket};
    use summary::Fate;
    use uuid::Uuid;

    let mut pool = Pool::new(definition.clone(), "all").unwrap();
    let mut fates = vec![Fate::Unmatched; recorded.len()];
    let id = |index: usize| TicketId::from_uuid(Uuid::from_u128(index as u128));
    let first = recorded.iter().map(|ticket| ticket.enqueued_at).min().unwrap_or_else(start);
    let mut arrived = vec![false; recorded.len()];
    for tick in 0..2_000 {
        let now = first + TimeDelta::milliseconds(100 * tick);
        for (index, ticket) in recorded.iter().enumerate() {
            if !arrived[index] && ticket.enqueued_at <= now {
                arrived[index] = true;
                let player = PlayerId::from_uuid(Uuid::from_u128(index as u128));
                pool.insert(&Ticket::solo(id(index), player, ticket.members[0].rating, ticket.enqueued_at)).unwrap();
            }
            if ticket.left_at.is_some_and(|left_at| left_at <= now) && pool.remove(id(index)) {
                fates[index] = Fate::Cancelled;
            }
        }
        let mut proposals = Vec::new();
        pool.pass(now, &mut proposals);
        for proposal in proposals {
            for ticket in &proposal.tickets {
                pool.remove(ticket.ticket_id);
                let wait_ms = (now - ticket.enqueued_at).num_milliseconds() as u64;
                let index = ticket.ticket_id.uuid().as_u128() as usize;
                fates[index] = Fate::Matched { wait_ms, quality: Some(proposal.quality) };
            }
        }
        for late in pool.expired(now) {
            pool.remove(late);
        }
    }
    DryRun::of(recorded, &fates)
}

fn arrivals() -> impl Strategy<Value = Vec<RecordedTicket>> {
    let one = (0i64..90_000, 1000.0..2000.0, prop::option::weighted(0.3, 0i64..60_000));
    let ticket = |(at, points, stays): (i64, f64, Option<i64>)| {
        let mut ticket = ticket(at, points);
        ticket.left_at = stays.map(|stays| ticket.enqueued_at + TimeDelta::milliseconds(stays));
        ticket
    };
    prop::collection::vec(one.prop_map(ticket), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn looking_only_when_something_changes_misses_nothing(recorded in arrivals()) {
        let mut queue = queue();
        queue.expansion = vec![ExpansionStep { after_secs: 7, recent_opponents: true, ..Default::default() }];
        let result = dry_run(&queue, &recorded, TICK, &mut to_the_end).unwrap();
        prop_assert_eq!(&result, &tick_by_tick(&queue, &recorded));
        prop_assert_eq!(result.tickets, result.matched + result.unmatched + result.cancelled + result.refused);
    }
}

/// So many milliseconds from a region to the next.
const DISTANCES: [(&str, [u16; 4]); 4] = [
    ("us-east", [0, 65, 80, 200]),
    ("us-west", [65, 0, 140, 120]),
    ("eu-west", [80, 140, 0, 170]),
    ("asia", [200, 120, 170, 0]),
];

/// 500 players, 1500 ± 300 points, within ten minutes; from all over the world, or without saying where from.
fn an_evening(seed: u64, all_over_the_world: bool) -> Vec<RecordedTicket> {
    use rand::{RngExt, SeedableRng};
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut player = || {
        // Box and Muller: two even numbers make one that is distributed normally.
        let (radius, angle): (f64, f64) = (dice.random_range(1e-9..1.0), dice.random_range(0.0..std::f64::consts::TAU));
        let points = 1500.0 + 300.0 * (-2.0 * radius.ln()).sqrt() * angle.cos();
        let mut ticket = ticket(dice.random_range(0..600_000), points);
        let (home, to_the_next): (usize, u16) = (dice.random_range(0..4), dice.random_range(15..50));
        if all_over_the_world {
            let latency = |(region, distances): (&str, [u16; 4])| (region.to_owned(), distances[home] + to_the_next);
            ticket.latencies_ms = DISTANCES.map(latency).into();
        }
        ticket
    };
    (0..500).map(|_| player()).collect()
}

#[test]
fn the_shipped_ranked_queue_is_even_and_quick() {
    let queue = shipped_queues().into_iter().find(|queue| queue.name == "classic-ranked").unwrap();
    for (seed, all_over_the_world) in (0..4).flat_map(|seed| [(seed, false), (seed, true)]) {
        let result = dry_run(&queue, &an_evening(seed, all_over_the_world), TICK, &mut to_the_end).unwrap();
        let (wait, quality) = (result.wait_ms.unwrap(), result.quality.unwrap());
        assert!(quality.mean >= 0.9 && quality.p10 >= 0.8, "{result:?}");
        assert!(wait.p50 < 15_000 && wait.p95 < 60_000 && result.matched >= 498, "{result:?}");
    }
}
