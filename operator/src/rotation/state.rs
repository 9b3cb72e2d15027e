//! How a rotation goes from one state to the next. Each change is written to the status before anything else is done, so
//! what follows can rely on it after a crash.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};

use crate::crd::secret_rotation::{Cause, Failure, Phase, Request, RotationState, Version};

impl RotationState {
    /// A rotation begins.
    pub fn begin(&mut self, cause: Cause, asked: Option<Request>, now: Timestamp) {
        self.cause = Some(cause);
        self.turned_back = false;
        self.answered = asked;
        self.enter(Phase::Make, now);
    }

    /// The number of the version that is made next.
    pub fn next_number(&self) -> i64 {
        self.versions + 1
    }

    /// What will own the new version exists; the version itself does not yet.
    pub fn prepared(&mut self, owner: Version) {
        self.versions = owner.number;
        self.next = Some(owner);
        self.failure = None;
    }

    /// The half-made or lost version is given up, and another one is made.
    pub fn abandoned(&mut self, now: Timestamp) {
        self.next = None;
        self.enter(Phase::Make, now);
    }

    /// The version that is being introduced ends soon: another one takes its place. It stays valid until that one is seen in use.
    pub fn superseded(&mut self, now: Timestamp) {
        self.previous = self.next.take();
        self.enter(Phase::Make, now);
    }

    /// The version that was to be gone back to ends: on to the other one.
    pub fn go_on(&mut self, now: Timestamp) {
        self.turned_back = false;
        self.enter(Phase::Switch, now);
    }

    /// A new version exists and can be read again. `two`: processes can be told of it before they use it.
    pub fn made(&mut self, version: Version, two: bool, now: Timestamp) {
        self.versions = self.versions.max(version.number);
        self.highest_source_version = self.highest_source_version.max(version.source_version.unwrap_or(0));
        self.next = Some(version);
        self.enter(if two && self.current.is_some() { Phase::Announce } else { Phase::Switch }, now);
    }

    /// Processes were seen to have the layout of this phase.
    pub fn verified(&mut self, overlap: SignedDuration, now: Timestamp) {
        match self.phase {
            Phase::Announce => self.enter(Phase::Switch, now),
            Phase::Switch | Phase::Back => {
                if self.phase == Phase::Back {
                    self.previous = self.next.take();
                } else {
                    self.previous = self.current.take();
                    self.current = self.next.take();
                }
                self.in_use_since = Some(seconds(now));
                if self.previous.is_some() {
                    self.enter(Phase::Overlap, now);
                    self.overlap_until = Some(seconds(now.saturating_add(overlap).unwrap_or(Timestamp::MAX)));
                } else {
                    self.enter(Phase::Idle, now);
                }
            }
            Phase::Forget => self.enter(Phase::Retire, now),
            Phase::Idle | Phase::Make | Phase::Overlap | Phase::Retire => {}
        }
    }

    /// The previous version has been valid for long enough.
    pub fn overlap_over(&mut self, two: bool, now: Timestamp) {
        self.enter(if two { Phase::Forget } else { Phase::Retire }, now);
    }

    /// The previous version is not valid any more. `restored`: the key-value store's newest version, when it had to be
    /// written once more with the value in use.
    pub fn retired(&mut self, restored: Option<i64>, now: Timestamp) {
        if let (Some(restored), Some(current)) = (restored, self.current.as_mut()) {
            current.source_version = Some(restored);
            self.highest_source_version = self.highest_source_version.max(restored);
        }
        self.previous = None;
        self.failure = None;
        // One that was superseded goes while the next is being introduced.
        if self.phase == Phase::Retire {
            self.enter(Phase::Idle, now);
        }
    }

    /// Whether there is a version to go back to.
    pub fn can_turn_back(&self) -> bool {
        match self.phase {
            Phase::Announce | Phase::Back | Phase::Overlap => true,
            Phase::Switch => self.current.is_some(),
            Phase::Idle | Phase::Make | Phase::Forget | Phase::Retire => false,
        }
    }

    /// Goes back to the other version, on the same way on which it came: both stay valid until the other is seen in use.
    pub fn turn_back(&mut self, asked: Request, now: Timestamp) {
        match self.phase {
            // Nobody uses the new one yet.
            Phase::Announce => {
                self.previous = self.next.take();
                self.enter(Phase::Forget, now);
            }
            Phase::Switch => self.enter(Phase::Back, now),
            Phase::Back => self.enter(Phase::Switch, now),
            Phase::Overlap => {
                self.next = self.previous.take();
                self.enter(Phase::Switch, now);
            }
            Phase::Idle | Phase::Make | Phase::Forget | Phase::Retire => {}
        }
        // Else what was just turned back would be due again.
        self.in_use_since = Some(seconds(now));
        self.turned_back = !self.turned_back;
        self.answered = Some(asked);
    }

    /// A step failed; it is tried again at `retry_at`, or watched on when there is none.
    pub fn failed(&mut self, reason: &str, message: String, retry_at: Option<Timestamp>) {
        let attempts = self.failure.as_ref().map_or(0, |failure| failure.attempts).saturating_add(1);
        self.failure = Some(Failure { reason: reason.to_owned(), message, attempts, retry_at: retry_at.map(seconds) });
    }

    fn enter(&mut self, phase: Phase, now: Timestamp) {
        self.phase = phase;
        self.phase_since = Some(seconds(now));
        self.overlap_until = None;
        self.failure = None;
    }
}

/// Kubernetes keeps whole seconds; more would differ from what is read back.
pub fn seconds(moment: Timestamp) -> Time {
    Time(Timestamp::from_second(moment.as_second()).unwrap_or(moment))
}
