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
        }
    }

    fn seen(&self) -> Seen {
        let layout = Layout::of(&self.stored, self.plan.two);
        let validity = |version: &Option<Version>| match version {
            // A version that is only being made is not looked for yet.
            Some(version) if version.made_at.is_some() && !self.valid.contains(&version.number) => Validity::Lost,
            _ => Validity::Valid,
        };
        Seen {
            asked: self.asked.clone(),
            due: self.stored.in_use_since.as_ref().map(|since| since.0 + SignedDuration::from_hours(720)),
            found: false,
            current: validity(&self.stored.current),
            next: validity(&self.stored.next),
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
            Fate::Fails => self.owner_at_hand = false,
            Fate::Goes | Fate::DiesAfterCall | Fate::DiesAfterWrite => {
                let step = self.step();
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
        fates in prop::collection::vec(fate(), 0..250),
    ) {
        // A database user cannot be a second version.
        let mut world = World::new(two && !owned, owned);
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
