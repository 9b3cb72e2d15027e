//! One check: asked seldom, never for long.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::{sync::Mutex, time::Instant};

use super::{Condition, DependencyReport, Status};

/// An answer stands for this long, so that a busy prober cannot load the dependencies.
const FRESH: Duration = Duration::from_secs(1);
/// A check that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(2);
/// Details are for a person's glance; drivers can be wordy.
const DETAIL_CHARS: usize = 300;

/// Names and their conditions, when asked.
type Call = Box<dyn Fn() -> BoxFuture<'static, Vec<(String, Condition)>> + Send + Sync>;

/// One call that tells the condition of one or more dependencies.
pub(super) struct Check {
    names: Vec<String>,
    critical: bool,
    call: Call,
    /// Locked while the check runs, so that it never runs twice at once.
    last: Mutex<Option<(Instant, Vec<DependencyReport>)>>,
}

impl Check {
    pub(super) fn single<F, Fut>(name: String, critical: bool, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Into<Condition>,
    {
        let names = vec![name.clone()];
        let call = move || {
            let (name, check) = (name.clone(), check());
            async move { vec![(name, check.await.into())] }.boxed()
        };
        Self { names, critical, call: Box::new(call), last: Mutex::default() }
    }

    pub(super) fn group<F, Fut>(names: Vec<String>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<(String, Condition)>> + Send + 'static,
    {
        Self { names, critical: true, call: Box::new(move || check().boxed()), last: Mutex::default() }
    }

    /// The last answer if it is fresh, a new one otherwise.
    pub(super) async fn answer(&self) -> Vec<DependencyReport> {
        let mut last = self.last.lock().await;
        if let Some((at, reports)) = &*last
            && at.elapsed() < FRESH
        {
            return reports.clone();
        }
        let reports = self.ask().await;
        for report in &reports {
            let before = last.as_ref().and_then(|(_, before)| before.iter().find(|before| before.name == report.name));
            note(report, before.map(|before| before.status));
        }
        *last = Some((Instant::now(), reports.clone()));
        reports
    }

    async fn ask(&self) -> Vec<DependencyReport> {
        let call = AssertUnwindSafe(async { (self.call)().await }).catch_unwind();
        let answers = match tokio::time::timeout(LIMIT, call).await {
            Ok(Ok(answers)) => answers,
            Ok(Err(_)) => self.all_down("the check panicked"),
            Err(_) => self.all_down(&format!("no answer within {LIMIT:?}")),
        };
        self.names
            .iter()
            .map(|name| {
                let answer =
                    answers.iter().find(|(answered, _)| answered == name).map(|(_, condition)| condition.clone());
                self.report(name, answer.unwrap_or_else(|| Condition::Down("the check did not mention it".to_owned())))
            })
            .collect()
    }

    fn all_down(&self, why: &str) -> Vec<(String, Condition)> {
        self.names.iter().map(|name| (name.clone(), Condition::Down(why.to_owned()))).collect()
    }

    fn report(&self, name: &str, condition: Condition) -> DependencyReport {
        let (status, detail) = match condition {
            Condition::Healthy => (Status::Healthy, None),
            Condition::Degraded(detail) => (Status::Degraded, Some(detail)),
            Condition::Down(detail) => (Status::Down, Some(detail)),
        };
        let detail = detail.map(|detail| detail.chars().take(DETAIL_CHARS).collect());
        DependencyReport { name: name.to_owned(), status, critical: self.critical, detail }
    }
}

/// Counts the state of a dependency, and logs when it changes.
fn note(report: &DependencyReport, before: Option<Status>) {
    let healthy = f64::from(u8::from(report.status == Status::Healthy));
    metrics::gauge!("muster_dependency_healthy", "dependency" => report.name.clone()).set(healthy);
    if before == Some(report.status) || (before.is_none() && report.status == Status::Healthy) {
        return;
    }
    let (dependency, detail) = (report.name.as_str(), report.detail.as_deref().unwrap_or_default());
    match report.status {
        Status::Healthy => tracing::info!(dependency, "the dependency is healthy again"),
        Status::Degraded => tracing::warn!(dependency, detail, "the dependency is degraded"),
        _ => tracing::warn!(dependency, detail, critical = report.critical, "the dependency is down"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_stands_for_a_second() {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = calls.clone();
        let check = Check::single("x".to_owned(), true, move || {
            let call = counted.fetch_add(1, Ordering::Relaxed);
            async move { if call == 0 { Ok(()) } else { Err("gone") } }
        });
        for _ in 0..10 {
            assert_eq!(check.answer().await[0].status, Status::Healthy);
        }
        tokio::time::advance(FRESH).await;
        assert_eq!(check.answer().await[0].detail.as_deref(), Some("gone"));
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_or_panics_is_down() {
        let hangs = Check::single("x".to_owned(), true, std::future::pending::<Condition>);
        assert_eq!(hangs.answer().await[0].detail.as_deref(), Some("no answer within 2s"));
        let panics = Check::single("x".to_owned(), true, || async {
            if true { panic!("at the disco") } else { Condition::Healthy }
        });
        assert_eq!(panics.answer().await[0].status, Status::Down);
    }

    #[tokio::test]
    async fn a_group_answers_for_all_its_names() {
        let check =
            Check::group(vec!["a".to_owned(), "b".to_owned()], || async { vec![("a".to_owned(), Condition::Healthy)] });
        let reports = check.answer().await;
        assert_eq!((reports[0].status, reports[1].status), (Status::Healthy, Status::Down));
    }
}
