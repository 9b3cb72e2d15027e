//! What the matchmaking engine costs: an insert, a pass over pools of several sizes and rules, an explanation.
//!
//! `cargo xtask bench matchmaking` runs it and prints the medians; `cargo bench -p muster-core --bench matchmaking -- <case>` is
//! the same by hand. Pools come from a seeded generator ([`tickets`]), so every run measures the same work. Before a pass is
//! measured, its matches are checked by a naive reading of the queue's rules ([`check`], which [`tamper`] checks in turn); one
//! broken rule fails the run.
//!
//! How each case is measured is told in `docs/benchmarks.md`.

mod check;
mod queues;
mod report;
mod steady;
mod tamper;
mod tickets;
mod warm;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion};
use muster_core::id::TicketId;
use muster_core::matchmaking::QueueDefinition;

use report::Report;
use steady::Steady;
use tickets::{Shape, Tickets};
use warm::Warm;

/// Same seed, same pools.
const SEED: u64 = 0x6d75_7374_6572;
/// How many tickets wait while others are inserted or explained.
const WAITING: usize = 5_000;
/// How many tickets are inserted before they are taken out again, outside the time.
const INSERTS: usize = 500;

fn main() -> ExitCode {
    tamper::the_check_can_fail();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .sample_size(40)
        .without_plots()
        .configure_from_args();
    let mut report = Report::from_environment();

    insert(&mut criterion);
    for (case, count, shape, queue) in passes() {
        pass(&mut criterion, &mut report, case, count, shape, queue);
    }
    steady(&mut criterion, &mut report);
    explain(&mut criterion);

    criterion.final_summary();
    report.finish()
}

/// The passes: case, tickets, what they say of themselves, and the queue they wait in.
fn passes() -> [(&'static str, usize, Shape, QueueDefinition); 15] {
    let any = queues::one_on_one_any;
    let near = queues::one_on_one_region_window;
    let fives = queues::five_on_five_parties;
    [
        ("pass_1000_any", 1_000, Shape::Plain, any()),
        ("pass_5000_any", 5_000, Shape::Plain, any()),
        ("pass_20000_any", 20_000, Shape::Plain, any()),
        ("pass_100000_any", 100_000, Shape::Plain, any()),
        ("pass_1000_region_window", 1_000, Shape::Regional, near()),
        ("pass_5000_region_window", 5_000, Shape::Regional, near()),
        ("pass_20000_region_window", 20_000, Shape::Regional, near()),
        ("pass_100000_region_window", 100_000, Shape::Regional, near()),
        ("pass_1000_5v5_parties", 1_000, Shape::Parties, fives()),
        ("pass_5000_5v5_parties", 5_000, Shape::Parties, fives()),
        ("pass_20000_5v5_parties", 20_000, Shape::Parties, fives()),
        ("pass_5000_5v5_few_healers", 5_000, Shape::FewHealers, fives()),
        ("pass_1000_4to10", 1_000, Shape::Plain, queues::four_to_ten()),
        ("pass_5000_4to10", 5_000, Shape::Plain, queues::four_to_ten()),
        ("pass_20000_4to10", 20_000, Shape::Plain, queues::four_to_ten()),
    ]
}

/// A ticket into a pool of 5,000 that a pass has seen before.
fn insert(criterion: &mut Criterion) {
    let mut prepared = None;
    criterion.bench_function("insert", |bencher| {
        let (pool, fresh) = prepared.get_or_insert_with(|| {
            let mut tickets = Tickets::new(SEED);
            let mut warm = Warm::new(queues::one_on_one_region_window(), tickets.many(WAITING, Shape::Regional));
            warm.pass();
            (warm.into_pool(), tickets.many(INSERTS, Shape::Regional))
        });
        bencher.iter_custom(|iterations| {
            let mut spent = Duration::ZERO;
            let mut left = usize::try_from(iterations).unwrap_or(usize::MAX);
            while left > 0 {
                let chunk = &fresh[..left.min(INSERTS)];
                let began = Instant::now();
                for ticket in chunk {
                    black_box(pool.insert(black_box(ticket))).expect("the generator makes tickets of this queue");
                }
                spent += began.elapsed();
                assert_eq!(pool.len(), WAITING + chunk.len());
                for ticket in chunk {
                    pool.remove(ticket.ticket_id);
                }
                left -= chunk.len();
            }
            spent
        });
    });
}

/// A pass over a pool that has been passed over before, as a matchmaker's is ten times a second.
fn pass(
    criterion: &mut Criterion,
    report: &mut Report,
    case: &'static str,
    count: usize,
    shape: Shape,
    queue: QueueDefinition,
) {
    let mut warm = None;
    criterion.bench_function(case, |bencher| {
        let warm = warm.get_or_insert_with(|| {
            let mut warm = Warm::new(queue.clone(), Tickets::new(SEED).many(count, shape));
            report.checked(case, warm.check());
            warm
        });
        measure_passes(bencher, warm);
    });
}

fn measure_passes(bencher: &mut Bencher<'_>, warm: &mut Warm) {
    bencher.iter_custom(|iterations| (0..iterations).map(|_| warm.pass()).sum());
}

/// One tick of a matchmaker at 1,000 arrivals a second: 100 inserts, a pass, and the removal of what matched.
fn steady(criterion: &mut Criterion, report: &mut Report) {
    const CASE: &str = "steady_1000_per_s";
    let mut steady = None;
    criterion.bench_function(CASE, |bencher| {
        let steady = steady.get_or_insert_with(|| {
            let mut steady = Steady::new(queues::one_on_one_region_window(), Tickets::new(SEED));
            report.checked(CASE, steady.check());
            steady
        });
        bencher.iter_custom(|iterations| (0..iterations).map(|_| steady.tick()).sum());
    });
}

/// Why one of 5,000 tickets has not matched.
fn explain(criterion: &mut Criterion) {
    let mut prepared = None;
    criterion.bench_function("explain_5000", |bencher| {
        let (pool, now, ids) = prepared.get_or_insert_with(|| {
            let tickets = Tickets::new(SEED).many(WAITING, Shape::Regional);
            let ids: Vec<TicketId> = tickets.iter().map(|ticket| ticket.ticket_id).collect();
            let mut warm = Warm::new(queues::one_on_one_region_window(), tickets);
            warm.pass();
            let now = warm.now();
            (warm.into_pool(), now, ids.into_iter().cycle())
        });
        bencher.iter(|| {
            let ticket = ids.next().expect("a cycle has no end");
            black_box(pool.explain(ticket, *now)).expect("the ticket waits")
        });
    });
}
