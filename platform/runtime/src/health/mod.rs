//! The health of a process: what it depends on, and whether it may be sent work.

mod check;
mod report;

pub use report::{Condition, DependencyReport, HealthReport, Status};

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU8, Ordering},
};

use check::Check;

/// The named dependencies of a process and their checks. Clones share everything.
///
/// A check runs when somebody asks, at most once a second, and is given two seconds; in between its last answer stands.
#[derive(Clone, Default)]
pub struct Health {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    checks: RwLock<Vec<Arc<Check>>>,
    /// A [`Phase`].
    phase: AtomicU8,
}

/// Where the process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Starting = 0,
    Running = 1,
    Draining = 2,
}

impl Health {
    /// A process that is starting and depends on nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A dependency this process cannot work without: when it is down, the process is not ready.
    ///
    /// The check answers with anything that is a [`Condition`], such as a `Result<(), E>`.
    pub fn register<F, Fut>(&self, name: impl Into<String>, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Into<Condition>,
    {
        self.add(Check::single(name.into(), true, check));
    }

    /// A dependency this process can do without for a while: when it is down, the process is degraded, and still ready.
    pub fn register_optional<F, Fut>(&self, name: impl Into<String>, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Into<Condition>,
    {
        self.add(Check::single(name.into(), false, check));
    }

    /// Several dependencies this process cannot work without, checked by one call. A name the answer leaves out is down.
    pub fn register_group<F, Fut>(&self, names: &[&str], check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<(String, Condition)>> + Send + 'static,
    {
        self.add(Check::group(names.iter().map(|name| (*name).to_owned()).collect(), check));
    }

    /// The health now.
    pub async fn report(&self) -> HealthReport {
        let checks = self.inner.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let dependencies: Vec<_> =
            futures::future::join_all(checks.iter().map(|check| check.answer())).await.into_iter().flatten().collect();
        let status = match self.phase() {
            Phase::Starting => Status::Starting,
            Phase::Draining => Status::Draining,
            Phase::Running => Status::of(&dependencies),
        };
        HealthReport { status, dependencies }
    }

    /// The process is set up and takes work from now on. [`Runtime::run_until_drained`](crate::Runtime::run_until_drained)
    /// says so by itself.
    pub fn running(&self) {
        // A process that drains already never runs again.
        let from = Phase::Starting as u8;
        let _ = self.inner.phase.compare_exchange(from, Phase::Running as u8, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The process takes no more work.
    pub fn draining(&self) {
        self.inner.phase.store(Phase::Draining as u8, Ordering::Release);
    }

    fn phase(&self) -> Phase {
        match self.inner.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Running,
            _ => Phase::Draining,
        }
    }

    fn add(&self, check: Check) {
        self.inner.checks.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(check));
    }
}
