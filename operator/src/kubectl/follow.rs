//! Waiting: until it is so, until a time is over, or until somebody presses Ctrl-C.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use jiff::SignedDuration;

use super::problem::Problem;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(500);
/// How long the API server may be silent before that is told as the answer.
const SILENCE: Duration = Duration::from_secs(60);

/// How the waiting ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Waited<T> {
    /// It is so.
    So(T),
    /// The time is over.
    TimedOut,
    /// By Ctrl-C.
    Interrupted,
}

/// Looks until `look` gives something. An API server that is silent for a moment ends nothing.
///
/// # Errors
/// What `look` found wrong, unless it has passed within a minute.
pub async fn until<T>(
    timeout: Option<Duration>,
    mut look: impl AsyncFnMut() -> Result<Option<T>, Problem>,
) -> Result<Waited<T>, Problem> {
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    let mut silent_since: Option<Instant> = None;
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let seen = tokio::select! {
            seen = look() => seen,
            _ = &mut interrupted => return Ok(Waited::Interrupted),
        };
        match seen {
            Ok(Some(so)) => return Ok(Waited::So(so)),
            Ok(None) => silent_since = None,
            Err(problem) => {
                let since = *silent_since.get_or_insert_with(Instant::now);
                if !problem.passing || since.elapsed() > SILENCE || is_over(deadline) {
                    return Err(problem);
                }
            }
        }
        if is_over(deadline) {
            return Ok(Waited::TimedOut);
        }
        let pause = deadline.map_or(EVERY, |deadline| EVERY.min(deadline.saturating_duration_since(Instant::now())));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = &mut interrupted => return Ok(Waited::Interrupted),
        }
    }
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// A length of time as a person writes it.
///
/// # Errors
/// It is not one.
pub fn length(text: &str) -> Result<Duration, String> {
    SignedDuration::from_str(text)
        .ok()
        .and_then(|length| Duration::try_from(length).ok())
        .ok_or_else(|| "write a length of time such as 90s, 10m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_ends_by_what_it_waits_for_or_in_time() {
        let mut left = 2;
        let so = until(None, async || {
            left -= 1;
            Ok((left == 0).then_some("so"))
        });
        assert_eq!(so.await.unwrap(), Waited::So("so"));
        let never = until(Some(Duration::ZERO), async || Ok(None::<()>));
        assert_eq!(never.await.unwrap(), Waited::TimedOut);
    }

    #[tokio::test]
    async fn what_passes_is_waited_out_and_the_rest_told() {
        let mut asked = 0;
        let so = until(None, async || {
            asked += 1;
            if asked == 1 { Err(Problem { passing: true, ..Problem::new("away", "") }) } else { Ok(Some(asked)) }
        });
        assert_eq!(so.await.unwrap(), Waited::So(2));
        let lasting = until(None, async || Err::<Option<()>, _>(Problem::new("no", "")));
        assert_eq!(lasting.await.unwrap_err().what, "no");
    }

    #[test]
    fn lengths_are_read() {
        assert_eq!(length("1h30m"), Ok(Duration::from_secs(5400)));
        assert!(length("-1s").is_err() && length("soon").is_err());
    }
}
