//! Ctrl-C and SIGTERM: a flag that every wait looks at, so that what was started is also stopped.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

static REQUESTS: AtomicUsize = AtomicUsize::new(0);

/// Requests that are already being acted upon.
static ABSORBED: AtomicUsize = AtomicUsize::new(0);

/// The error of work that was given up because a person asked to stop.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped, as asked")
    }
}

impl std::error::Error for Interrupted {}

/// From here on SIGINT, SIGTERM and SIGHUP are counted instead of ending the process.
pub fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        REQUESTS.fetch_add(1, Ordering::SeqCst);
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether somebody asked to stop and nobody has begun to.
pub fn requested() -> bool {
    REQUESTS.load(Ordering::SeqCst) > ABSORBED.load(Ordering::SeqCst)
}

/// The stopping begins: its own waits go on although somebody asked to stop.
pub fn absorb() {
    ABSORBED.store(REQUESTS.load(Ordering::SeqCst), Ordering::SeqCst);
}

/// Whether somebody asked once more: do not wait for graceful ends.
pub fn insisted() -> bool {
    REQUESTS.load(Ordering::SeqCst) > ABSORBED.load(Ordering::SeqCst).max(1)
}

/// An error when somebody asked to stop.
pub fn check() -> Result<()> {
    if requested() { Err(Interrupted.into()) } else { Ok(()) }
}

/// Waits until `ready` gives a value.
///
/// Looks every 50 ms. Ends with `Ok(None)` at the deadline and with [`Interrupted`] when somebody asks to stop.
pub fn wait_for<T>(within: Duration, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(value) = ready()? {
            return Ok(Some(value));
        }
        check()?;
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(50));
    }
}
