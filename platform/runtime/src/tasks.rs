//! The named tasks of a process: none is lost, and none fails unseen.

use std::{
    any::Any,
    borrow::Cow,
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// What a task may end with.
pub trait TaskOutcome {
    /// The error, if there is one.
    fn into_result(self) -> anyhow::Result<()>;
}

impl TaskOutcome for () {
    fn into_result(self) -> anyhow::Result<()> {
        Ok(())
    }
}

impl<E: Into<anyhow::Error>> TaskOutcome for Result<(), E> {
    fn into_result(self) -> anyhow::Result<()> {
        self.map_err(Into::into)
    }
}

/// The tasks of a process. Clones share everything.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    drain: CancellationToken,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    failed: AtomicBool,
    next: AtomicU64,
    running: Mutex<BTreeMap<u64, Cow<'static, str>>>,
}

impl Tasks {
    /// Runs a task that the process waits for when it drains.
    ///
    /// A task that panics or ends with an error is logged with its name, starts the drain, and makes the process exit
    /// with 1. A task that ends well just ends.
    pub fn spawn<F>(&self, name: impl Into<Cow<'static, str>>, task: F)
    where
        F: Future + Send + 'static,
        F::Output: TaskOutcome,
    {
        let name = name.into();
        let id = self.inner.next.fetch_add(1, Ordering::Relaxed);
        self.running().insert(id, name.clone());
        let tasks = self.clone();
        let watched = async move {
            let outcome = AssertUnwindSafe(task).catch_unwind().await;
            match outcome.map(TaskOutcome::into_result) {
                Ok(Ok(())) => tracing::debug!(task = %name, "the task has ended"),
                Ok(Err(error)) => tasks.fail(&name, &format!("{error:#}"), "the task failed"),
                Err(panic) => tasks.fail(&name, panic_message(&*panic), "the task panicked"),
            }
            tasks.running().remove(&id);
        };
        // Spans of the caller would otherwise stay open as long as the task runs.
        self.tracker.spawn(watched.instrument(tracing::Span::none()));
    }

    /// Cancelled when the process should end: at SIGTERM, at SIGINT, or when a task failed.
    pub fn drain(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Whether a task has failed.
    pub(crate) fn failed(&self) -> bool {
        self.inner.failed.load(Ordering::Acquire)
    }

    /// Ends when all tasks have.
    pub(crate) async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// The names of the tasks that still run.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        self.running().values().map(ToString::to_string).collect()
    }

    fn fail(&self, task: &str, error: &str, what: &'static str) {
        tracing::error!(task, error, "{what}; the process drains and ends");
        metrics::counter!("muster_task_failures_total", "task" => task.to_owned()).increment(1);
        self.inner.failed.store(true, Ordering::Release);
        self.drain.cancel();
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<u64, Cow<'static, str>>> {
        // Each change of the map is one call, so it is whole even if a holder panicked.
        self.inner.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_well_just_ends() {
        let tasks = Tasks::default();
        tasks.spawn("quiet", async {});
        tasks.spawn("content", async { anyhow::Ok(()) });
        tasks.finished().await;
        assert!(!tasks.failed() && !tasks.drain().is_cancelled() && tasks.unfinished().is_empty());
    }

    #[tokio::test]
    async fn a_task_that_fails_or_panics_starts_the_drain() {
        let failing = Tasks::default();
        failing.spawn("failing", async { Err::<(), _>(std::io::Error::other("disk full")) });
        failing.drain().cancelled().await;
        assert!(failing.failed());

        let panicking = Tasks::default();
        panicking.spawn("panicking", async {
            if true {
                panic!("{}", 1)
            }
        });
        panicking.drain().cancelled().await;
        assert!(panicking.failed());
    }

    #[tokio::test]
    async fn tasks_that_go_on_are_known_by_name() {
        let tasks = Tasks::default();
        tasks.spawn("stubborn", std::future::pending::<()>());
        assert_eq!(tasks.unfinished(), ["stubborn"]);
    }
}
