//! Moments and lengths of time, as kubectl shows them.

use jiff::{SignedDuration, Timestamp};

/// How long ago it was, in one unit: `45s`, `3m`, `2h`, `5d`. What lies ahead is `0s`.
pub fn ago(moment: Timestamp, now: Timestamp) -> String {
    short(now.duration_since(moment))
}

/// A length of time in one unit, or two while the first is small: `9m40s`, `3h`.
pub fn short(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 if seconds % 60 > 0 => format!("{minutes}m{}s", seconds % 60),
        120..10_800 => format!("{minutes}m"),
        10_800..172_800 => format!("{hours}h"),
        _ => format!("{days}d"),
    }
}

/// A moment that lies ahead, and how far: `2026-07-03 04:00 UTC (in 9m)`.
pub fn ahead(moment: Timestamp, now: Timestamp) -> String {
    let at = moment.strftime("%Y-%m-%d %H:%M UTC");
    if moment <= now { format!("{at} (due)") } else { format!("{at} (in {})", short(moment.duration_since(now))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short() {
        let told = [-5, 0, 119, 130, 600, 7200, 10_800, 172_799, 172_800];
        let told = told.map(|seconds| short(SignedDuration::from_secs(seconds)));
        assert_eq!(told, ["0s", "0s", "119s", "2m10s", "10m", "120m", "3h", "47h", "2d"]);
    }

    #[test]
    fn moments_ahead_are_told_with_their_distance() {
        let now = "2026-07-03T04:00:00Z".parse().unwrap();
        assert_eq!(ahead("2026-07-03T04:30:00Z".parse().unwrap(), now), "2026-07-03 04:30 UTC (in 30m)");
        assert_eq!(ahead(now, now), "2026-07-03 04:00 UTC (due)");
    }
}
