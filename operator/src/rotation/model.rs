//! A small world in which every call can fail and the operator can die after any of them.

use std::collections::BTreeSet;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{
    layout::Layout,
    step::{Plan, Rollout, Seen, Step, Validity, next},
};
use crate::crd::secret_rotation::{Phase, Request, RequestKind, RotationState, Version};

/// Pods of the one workload.
const PODS: usize = 3;

struct World {
    plan: Plan,
    /// What the status holds.
    stored: RotationState,
    /// What the operator has in its hands: lost when it dies.
    owner_at_hand: bool,
    /// Versions that the source honours, by number.
    valid: BTreeSet<i64>,
    /// Owners without a version, by number: they open nothing.
    owners: BTreeSet<i64>,
    secret: Option<Layout>,
    template: Option<Layout>,
    pods: Vec<Option<Layout>>,
    asked: Vec<Request>,
    now: Timestamp,
    /// Versions that were proved to be used by all pods.
    proved: BTreeSet<i64>,
    /// Versions that Vault will not prolong any further.
    lapsing: BTreeSet<i64>,
    /// The database does not let the old version go.
    keeps_the_old: bool,
}

/// What happens between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The step is done and written down.
    Goes,
    /// The call fails, with nothing done.
    Fails,
    /// The call is done, and the operator dies before it is written down.
    DiesAfterCall,
    /// It is done and written down, and the operator dies.
    DiesAfterWrite,
    /// A pod is replaced meanwhile.
    PodRestarts(usize),
    /// Time passes.
    HoursPass(i64),
    /// A person asks for a new version.
    AskRotate,
    /// A person asks to go back.
    AskRollback,
    /// The version that processes use cannot be prolonged any further.
    Lapses,
    /// The version that is being introduced cannot.
    NextLapses,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Fate::Goes),
        1 => Just(Fate::Fails),
        2 => Just(Fate::DiesAfterCall),
        1 => Just(Fate::DiesAfterWrite),
        6 => (0..PODS).prop_map(Fate::PodRestarts),
        3 => (1..800i64).prop_map(Fate::HoursPass),
        1 => Just(Fate::AskRotate),
        1 => Just(Fate::AskRollback),
        1 => Just(Fate::Lapses),
        1 => Just(Fate::NextLapses),
    ]
}

impl World {
    fn new(two: bool, owned: bool) -> Self {
        let plan = Plan {
            two,
            owned,
            overlap: SignedDuration::from_hours(24),
            rollout_timeout: SignedDuration::from_hours(100_000),
            suspended: false,
        };
        Self {
            plan,
            stored: RotationState::default(),
            owner_at_hand: false,
            valid: BTreeSet::new(),
            owners: BTreeSet::new(),
            secret: None,
            template: None,
            pods: vec![None; PODS],
            asked: Vec::new(),
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            proved: BTreeSet::new(),
            lapsing: BTreeSet::new(),
            keeps_the_old: false,
        }
    }

    fn seen(&self) -> Seen {
        let layout = Layout::of(&self.stored, self.plan.two);
        let validity = |version: &Option<Version>| match version {
            // A version that is only being made is not looked for yet.
            Some(version) if version.made_at.is_some() && !self.valid.contains(&version.number) => Validity::Lost,
            Some(version) if self.lapsing.contains(&version.number) => Validity::Lapsing,
            _ => Validity::Valid,
        };
        Seen {
            asked: self.asked.clone(),
            due: self.stored.in_use_since.as_ref().map(|since| since.0 + SignedDuration::from_hours(720)),
            found: false,
            current: validity(&self.stored.current),
            next: validity(&self.stored.next),
            previous: validity(&self.stored.previous),
            owner_at_hand: self.owner_at_hand,
            secret_matches: self.secret == layout,
            marked: self.template == layout,
            rollout: if self.pods.iter().all(|pod| *pod == layout) {
                Rollout::Done
            } else {
                Rollout::Pending("pods".into())
            },
        }
    }

    fn step(&self) -> Step {
        next(&self.plan, &self.stored, &self.seen(), self.now)
    }

    /// Does a step to the world, and gives the state that would be written after it.
    fn call(&mut self, step: &Step) -> RotationState {
        let mut state = self.stored.clone();
        let now = self.now;
        match step.clone() {
            Step::Wait(_) | Step::Watch(_) | Step::Stuck(_) => {}
            Step::Begin(cause, asked) => state.begin(cause, asked, now),
            Step::Prepare => {
                let number = state.next_number();
                self.owners.insert(number);
                self.owner_at_hand = true;
                state.prepared(Version {
                    number,
                    source_version: None,
                    accessor: Some("a".into()),
                    lease_id: None,
                    made_at: None,
                });
            }
            Step::Make => {
                self.owner_at_hand = false;
                let number = match (&state.next, self.plan.owned) {
                    (Some(next), true) => next.number,
                    _ => state.next_number(),
                };
                // Under a known owner, or by check-and-set: made a second time it is the same one.
                self.valid.insert(number);
                let made_at = Some(super::state::seconds(now));
                state.made(
                    Version { number, source_version: None, accessor: None, lease_id: None, made_at },
                    self.plan.two,
                    now,
                );
            }
            Step::Abandon => {
                let number = state.next.as_ref().map(|version| version.number);
                number.map(|number| (self.valid.remove(&number), self.owners.remove(&number)));
                state.abandoned(now);
            }
            Step::Sync(layout) => self.secret = Some(layout),
            Step::Roll(layout) => self.template = Some(layout),
            Step::Verify(layout) => {
                assert!(self.pods.iter().all(|pod| *pod == Some(layout)), "verified what is not so");
                self.proved.insert(layout.active);
                state.verified(self.plan.overlap, now);
            }
            Step::EndOverlap => state.overlap_over(self.plan.two, now),
            Step::Retire => {
                let number = state.previous.as_ref().map(|version| version.number);
                number.map(|number| (self.valid.remove(&number), self.owners.remove(&number)));
                state.retired(None, now);
            }
            Step::Leave => {
                // It ends with its lease: nobody prolongs it.
                let number = state.previous.as_ref().map(|version| version.number);
                number.map(|number| (self.valid.remove(&number), self.owners.remove(&number)));
                state.retired(None, now);
            }
            Step::Supersede => state.superseded(now),
            Step::GoOn => state.go_on(now),
            Step::TurnBack(asked) => state.turn_back(asked, now),
            Step::Refuse(asked) => state.answered = Some(asked),
            Step::ClearRequest(asked) => self.asked.retain(|other| *other != asked),
            Step::ForgetRequest => state.answered = None,
        }
        state
    }

    /// A pod starts as the template says, with what the Secret holds at that moment.
    fn restart(&mut self, pod: usize) {
        if self.template.is_some() {
            self.pods[pod] = self.secret;
        }
    }

    fn meet(&mut self, fate: Fate) {
        match fate {
            Fate::PodRestarts(pod) => self.restart(pod),
            Fate::HoursPass(hours) => self.now += SignedDuration::from_hours(hours),
            Fate::AskRotate => self.asked.push(Request { kind: RequestKind::Rotate, value: "now".into() }),
            Fate::AskRollback => self.asked.push(Request { kind: RequestKind::Rollback, value: "now".into() }),
            // Only sign-in data of a database ends by itself.
            Fate::Lapses if self.plan.owned => {
                self.lapsing.extend(self.stored.current.as_ref().map(|version| version.number));
            }
            Fate::NextLapses if self.plan.owned => {
                self.lapsing.extend(self.stored.next.as_ref().map(|version| version.number));
            }
            Fate::Lapses | Fate::NextLapses => {}
            Fate::Fails => self.owner_at_hand = false,
            Fate::Goes | Fate::DiesAfterCall | Fate::DiesAfterWrite => {
                let step = self.step();
                if step == Step::Retire && self.keeps_the_old {
                    self.stored.failed("VaultRefused", "it owns something".into(), None);
                    return;
                }
                let after = self.call(&step);
                if fate != Fate::DiesAfterCall {
                    self.stored = after;
                }
                if fate != Fate::Goes {
                    self.owner_at_hand = false;
                }
            }
        }
        self.asked.dedup();
        self.check();
    }

    /// What must hold at every moment, whatever happened.
    fn check(&self) {
        for pod in self.pods.iter().flatten() {
            assert!(
                self.valid.contains(&pod.active),
                "a pod uses version {}, which is not valid: {:?}",
                pod.active,
                self.stored
            );
        }
        if self.plan.two {
            for signer in self.pods.iter().flatten() {
                for reader in self.pods.iter().flatten() {
                    assert!(
                        signer.active == reader.active || reader.second == Some(signer.active),
                        "a pod with {reader} does not honour what a pod with {signer} makes: {:?}",
                        self.stored
                    );
                }
            }
        }
        if let Some(current) = &self.stored.current {
            assert!(self.valid.contains(&current.number), "the version in use is not valid: {:?}", self.stored);
            assert!(self.proved.contains(&current.number), "{} was never proved in use", current.number);
        }
        if let Some(previous) = &self.stored.previous
            && self.stored.phase == Phase::Overlap
        {
            assert!(self.valid.contains(&previous.number), "the old version ended too early: {:?}", self.stored);
        }
    }

    /// From here on nothing fails; it must come to rest, with one valid version.
    fn settle(&mut self) {
        self.asked.clear();
        for _ in 0..200 {
            if let Step::Wait(until) = self.step() {
                if self.stored.phase == Phase::Idle {
                    break;
                }
                self.now = until.unwrap_or(self.now).max(self.now);
            }
            self.meet(Fate::Goes);
            (0..PODS).for_each(|pod| self.restart(pod));
            self.check();
        }
        assert_eq!(self.stored.phase, Phase::Idle, "it never came to rest: {:?}", self.stored);
        let current = self.stored.current.as_ref().expect("there is a version").number;
        assert_eq!(self.valid, BTreeSet::from([current]), "versions are left over: {:?}", self.stored);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_every_pod_has_a_valid_version(
        two in any::<bool>(),
        owned in any::<bool>(),
        impatient in any::<bool>(),
        fates in prop::collection::vec(fate(), 0..250),
    ) {
        // A database user cannot be a second version.
        let mut world = World::new(two && !owned, owned);
        if impatient {
            world.plan.rollout_timeout = SignedDuration::from_hours(1);
        }
        for fate in fates {
            world.meet(fate);
        }
        world.settle();
    }
}

/// Dies at each of the steps of a second rotation, before and after it is written down, and is carried on from there.
#[test]
fn a_death_at_any_step_is_carried_on_from() {
    for (two, owned) in [(false, false), (true, false), (false, true)] {
        for death in 0..30 {
            for fate in [Fate::DiesAfterCall, Fate::DiesAfterWrite, Fate::Fails] {
                let mut world = World::new(two, owned);
                world.settle();
                world.now += SignedDuration::from_hours(721);
                for n in 0..30 {
                    world.meet(if n == death { fate } else { Fate::Goes });
                    (0..PODS).for_each(|pod| world.restart(pod));
                    world.check();
                }
                world.settle();
                assert!(world.stored.versions >= 2);
            }
        }
    }
}

#[test]
fn going_back_ends_the_new_version_and_keeps_the_old() {
    for phase in [Phase::Announce, Phase::Switch, Phase::Overlap] {
        let mut world = World::new(true, false);
        world.settle();
        world.now += SignedDuration::from_hours(721);
        for _ in 0..60 {
            if world.stored.phase == phase {
                break;
            }
            world.meet(Fate::Goes);
            (0..PODS).for_each(|pod| world.restart(pod));
        }
        assert_eq!(world.stored.phase, phase);
        world.meet(Fate::AskRollback);
        for _ in 0..3 {
            world.meet(Fate::Goes);
        }
        assert!(world.stored.turned_back);
        world.settle();
        assert_eq!(world.valid, BTreeSet::from([1]), "from {phase:?}");
    }
}

#[test]
fn a_step_that_failed_waits_for_its_time() {
    let mut world = World::new(false, false);
    world.settle();
    world.stored.failed("VaultSealed", "sealed".into(), Some(world.now + SignedDuration::from_secs(60)));
    world.now += SignedDuration::from_secs(59);
    assert!(matches!(world.step(), Step::Wait(Some(_))));
    world.now += SignedDuration::from_hours(721);
    assert!(matches!(world.step(), Step::Begin(..)));
}

/// In whatever phase the user in use begins to lapse, processes have another one before any time passes: the operator does not wait for
/// the overlap to end, for `suspended` to be taken away, or for the old one to be let go.
#[test]
fn a_user_that_lapses_is_replaced_in_whatever_phase() {
    for phase in [Phase::Idle, Phase::Make, Phase::Switch, Phase::Back, Phase::Overlap, Phase::Retire] {
        for (suspended, keeps_the_old) in [(false, false), (true, false), (false, true)] {
            let mut world = World::new(false, true);
            world.settle();
            world.now += SignedDuration::from_hours(721);
            for _ in 0..60 {
                match (world.stored.phase, phase) {
                    (here, there) if here == there => break,
                    (Phase::Switch, Phase::Back) => world.meet(Fate::AskRollback),
                    // The rollout is left where it is until the user lapses.
                    (Phase::Overlap, Phase::Idle) => world.now += SignedDuration::from_hours(25),
                    (Phase::Overlap, Phase::Retire) => world.now += SignedDuration::from_hours(25),
                    _ => {}
                }
                if world.stored.phase == Phase::Switch && phase != Phase::Back {
                    (0..PODS).for_each(|pod| world.restart(pod));
                }
                world.meet(Fate::Goes);
            }
            assert_eq!(world.stored.phase, phase);
            world.meet(Fate::Lapses);
            (world.plan.suspended, world.keeps_the_old) = (suspended, keeps_the_old);
            let now = world.now;
            for _ in 0..60 {
                world.meet(Fate::Goes);
                (0..PODS).for_each(|pod| world.restart(pod));
                world.check();
            }
            assert_eq!(world.now, now);
            let used: Vec<_> = world.pods.iter().flatten().map(|pod| pod.active).collect();
            assert_eq!(used.len(), PODS);
            assert!(
                used.iter().all(|version| !world.lapsing.contains(version)),
                "{phase:?}, suspended {suspended}, keeps the old {keeps_the_old}: pods use {used:?}, {:?}",
                world.stored
            );
        }
    }
}

#[test]
fn pods_that_have_the_new_user_keep_one_while_others_are_held_up() {
    let mut world = World::new(false, true);
    world.settle();
    world.now += SignedDuration::from_hours(721);
    world.plan.rollout_timeout = SignedDuration::from_hours(1);
    for _ in 0..20 {
        world.meet(Fate::Goes);
    }
    assert!(matches!(world.step(), Step::Watch(_)), "{:?}", world.stored);
    world.restart(0);
    world.now += SignedDuration::from_hours(20);
    assert!(matches!(world.step(), Step::Stuck(_)));
    world.meet(Fate::NextLapses);
    assert_eq!(world.step(), Step::Supersede);
    for _ in 0..20 {
        world.meet(Fate::Goes);
    }
    world.restart(0);
    world.meet(Fate::Goes);
    let used: Vec<_> = world.pods.iter().flatten().map(|pod| pod.active).collect();
    assert_eq!((used, &world.valid), (vec![3, 1, 1], &BTreeSet::from([1, 2, 3])));
    // Whatever of the second was still in use is not any more when all have the third.
    (0..PODS).for_each(|pod| world.restart(pod));
    assert_eq!(world.step(), Step::Retire);
    world.meet(Fate::Goes);
    assert!(matches!(world.step(), Step::Verify(_)));
    world.meet(Fate::Goes);
    assert_eq!((world.stored.phase, &world.valid), (Phase::Overlap, &BTreeSet::from([1, 3])));
    world.settle();
}

#[test]
fn nobody_goes_back_to_a_user_that_has_ended() {
    let mut world = World::new(false, true);
    world.settle();
    world.now += SignedDuration::from_hours(721);
    for _ in 0..20 {
        world.meet(Fate::Goes);
    }
    world.stored.turn_back(Request { kind: RequestKind::Rollback, value: "now".into() }, world.now);
    world.stored.answered = None;
    assert_eq!(world.stored.phase, Phase::Back);
    let seen = Seen { current: Validity::Lost, ..world.seen() };
    assert_eq!(next(&world.plan, &world.stored, &seen, world.now), Step::GoOn);
    // And who asks for it is told so.
    world.stored.go_on(world.now);
    let asked = Request { kind: RequestKind::Rollback, value: "again".into() };
    let seen = Seen { asked: vec![asked.clone()], current: Validity::Lost, ..world.seen() };
    assert_eq!(next(&world.plan, &world.stored, &seen, world.now), Step::Refuse(asked));
}
