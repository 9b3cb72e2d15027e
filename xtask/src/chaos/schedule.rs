//! Which faults come when: the same for the same seed and time.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::SliceRandom};

use super::fault::{Fault, Kind, REPLICAS, Server, Service, Target};

/// The platform plays undisturbed for so long.
const QUIET: Duration = Duration::from_secs(4);
/// Between two faults, in milliseconds: two of three are over before the next begins, so some come together.
const GAP: Range<u64> = 1_500..4_500;
/// After a fault is undone its target is left alone for so long: it has to come up to be brought down.
const RESPITE: Duration = Duration::from_secs(4);

/// What is drawn from: as in a pack of cards, everything comes once before anything comes again.
const PACK: [(What, Kind); 17] = [
    (What::Referee, Kind::Kill),
    (What::Referee, Kind::Kill),
    (What::Gateway, Kind::Kill),
    (What::Matchmaker, Kind::Kill),
    (What::Writer, Kind::Kill),
    (What::Service(Service::Nats), Kind::Kill),
    (What::Service(Service::Redis), Kind::Kill),
    (What::Service(Service::Postgres), Kind::Kill),
    (What::Referee, Kind::Pause),
    (What::Gateway, Kind::Pause),
    (What::Matchmaker, Kind::Pause),
    (What::Writer, Kind::Pause),
    (What::Referee, Kind::Drain),
    (What::Gateway, Kind::Drain),
    (What::Matchmaker, Kind::Drain),
    (What::Sockets, Kind::Cut),
    (What::Sockets, Kind::Hang),
];

/// A target whose replica is still to be drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Gateway,
    Matchmaker,
    Referee,
    Writer,
    Service(Service),
    Sockets,
}

impl What {
    fn targets(self) -> Vec<Target> {
        let replicas = |role: fn(usize) -> Server| (0..REPLICAS).map(|at| Target::Server(role(at))).collect();
        match self {
            Self::Gateway => replicas(Server::Gateway),
            Self::Matchmaker => replicas(Server::Matchmaker),
            Self::Referee => replicas(Server::Referee),
            Self::Writer => replicas(Server::Writer),
            Self::Service(service) => vec![Target::Service(service)],
            Self::Sockets => vec![Target::Sockets],
        }
    }
}

/// All faults of a run of so long, in their order. Each is undone before the end.
pub fn plan(seed: u64, length: Duration) -> Vec<Fault> {
    let mut chance = SmallRng::seed_from_u64(seed);
    let mut faults = Vec::new();
    let mut pack: Vec<(What, Kind)> = Vec::new();
    let mut free_at: BTreeMap<Target, Duration> = BTreeMap::new();
    let mut at = QUIET;
    loop {
        if pack.is_empty() {
            pack = PACK.to_vec();
            pack.shuffle(&mut chance);
        }
        // The first that has somebody to befall; what is not free now comes later.
        let free = |target: &Target| free_at.get(target).is_none_or(|free| *free <= at);
        let place = pack.iter().position(|(what, _)| what.targets().iter().any(free));
        if let Some(place) = place {
            let (what, kind) = pack[place];
            let targets: Vec<Target> = what.targets().into_iter().filter(free).collect();
            let target = targets[chance.random_range(0..targets.len())];
            let lasting = lasting(target, kind, &mut chance);
            if at + lasting + RESPITE > length {
                return faults;
            }
            pack.remove(place);
            free_at.insert(target, at + lasting + RESPITE);
            faults.push(Fault { at, target, kind, lasting });
        }
        at += Duration::from_millis(chance.random_range(GAP));
        if at > length {
            return faults;
        }
    }
}

/// Pauses are longer than leases (3 s), than an owner may be silent (3 s), and mostly than a claim may be (5 s).
fn lasting(target: Target, kind: Kind, chance: &mut SmallRng) -> Duration {
    let millis = match (kind, target) {
        (Kind::Kill, Target::Service(_)) => 300..2_500,
        (Kind::Kill, _) => 200..3_000,
        (Kind::Pause, _) => 4_000..9_000,
        (Kind::Drain, _) => 500..3_000,
        (Kind::Hang, _) => 2_000..6_000,
        (Kind::Cut, _) => return Duration::ZERO,
    };
    Duration::from_millis(chance.random_range(millis))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_is_the_same_schedule_and_another_is_another() {
        let minute = Duration::from_secs(60);
        assert_eq!(plan(7, minute), plan(7, minute));
        assert_ne!(plan(7, minute), plan(8, minute));
    }

    #[test]
    fn ten_minutes_have_every_fault_many_times() {
        let faults = plan(1, Duration::from_secs(600));
        assert!(faults.len() > 150, "{}", faults.len());
        let kinds: BTreeSet<(String, Kind)> =
            faults.iter().map(|fault| (fault.target.to_string().replace(['1', '2'], ""), fault.kind)).collect();
        // Every card but one is there once, and killed referees twice.
        assert_eq!(kinds.len(), PACK.len() - 1, "{kinds:?}");
        let targets: BTreeSet<Target> = faults.iter().map(|fault| fault.target).collect();
        assert_eq!(targets.len(), Server::all().len() + 4);
    }

    #[test]
    fn a_minute_has_more_than_ten_and_nothing_is_left_undone() {
        for seed in 0..200 {
            let length = Duration::from_secs(60);
            let faults = plan(seed, length);
            assert!(faults.len() > 10, "seed {seed}: {}", faults.len());
            assert!(faults.iter().all(|fault| fault.at >= QUIET && fault.at + fault.lasting < length));
        }
    }

    #[test]
    fn nothing_befalls_what_is_down_already() {
        for seed in 0..200 {
            let faults = plan(seed, Duration::from_secs(300));
            for (place, fault) in faults.iter().enumerate() {
                let before = faults[..place].iter().rev().find(|earlier| earlier.target == fault.target);
                assert!(before.is_none_or(|earlier| earlier.at + earlier.lasting + RESPITE <= fault.at));
            }
        }
    }
}
