//! Every socket is an open file, and a process may have only so many: often 1,024, though it may raise that itself.

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files besides the sockets.
const OTHER_FILES: u64 = 64;

/// Lets this process have so many sockets.
///
/// # Errors
/// The user may not have so many open files; the text says how many are needed, and how to allow them.
pub fn allow(sockets: u32) -> anyhow::Result<()> {
    let needed = u64::from(sockets) + OTHER_FILES;
    // No limit is none at all.
    let Rlimit { current: Some(soft), maximum } = getrlimit(Resource::Nofile) else { return Ok(()) };
    if soft >= needed {
        return Ok(());
    }
    if let Some(hard) = maximum.filter(|hard| *hard < needed) {
        bail!(
            "{sockets} sockets need {needed} open files, and this user may have {hard}: ask for fewer, or raise the limit (`ulimit -Hn`, /etc/security/limits.conf)"
        );
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum })
        .with_context(|| format!("cannot allow {needed} open files; `ulimit -n {needed}` before may"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_allowed_and_too_many_are_told() {
        allow(8).unwrap();
        let Some(hard) = getrlimit(Resource::Nofile).maximum.and_then(|hard| u32::try_from(hard).ok()) else {
            return;
        };
        let refused = allow(hard).unwrap_err().to_string();
        assert!(refused.contains(&hard.to_string()), "{refused}");
    }
}
