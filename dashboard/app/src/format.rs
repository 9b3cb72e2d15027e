//! Numbers, times and names as people read them. Everything here gives the same text on the server and in the browser:
//! no locale, no time zone but UTC, no clock of its own. Times are put together from their parts, since chrono's patterns
//! would bring their whole machinery into the WebAssembly.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// 1234567 as "1,234,567".
pub(crate) fn count(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "just now", "12 s ago", "5 min ago", "3 h ago", "2 d ago". The future (a clock that is ahead) is "just now".
pub(crate) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds();
    match seconds {
        ..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// "20 Nov 2026, 11:37:02 UTC".
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    let month = MONTHS[at.month0() as usize];
    format!("{} {month} {}, {}:{:02} UTC", at.day(), at.year(), minute(at), at.second())
}

/// RFC 3339 in milliseconds, for `datetime` attributes.
pub(crate) fn machine(at: DateTime<Utc>) -> String {
    let (date, time) = (at.date_naive(), at.time());
    format!(
        "{:04}-{:02}-{:02}T{}:{:02}.{:03}Z",
        date.year(),
        date.month(),
        date.day(),
        minute(at),
        time.second(),
        at.timestamp_subsec_millis()
    )
}

/// "11:37".
pub(crate) fn minute(at: DateTime<Utc>) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// "42 s", "3 min 05 s", "1 h 02 min".
pub(crate) fn duration(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Time since the start of a match: "0:07", "12:30", "1:02:03".
pub(crate) fn offset(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds % 3_600 / 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// "zero-hour" as "Zero hour", "classic-ranked" as "Classic ranked".
pub(crate) fn name(slug: &str) -> String {
    let spaced = slug.replace(['-', '_'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// An id for people: the last eight characters of it, which are random (its first ones are its time).
pub(crate) fn short_id(id: &str) -> String {
    match id.split_once('_') {
        Some((_, hex)) if hex.len() > 8 && hex.is_ascii() => hex[hex.len() - 8..].to_owned(),
        _ => id.to_owned(),
    }
}

/// A rating in whole points.
pub(crate) fn rating(points: f64) -> String {
    count(points.round() as i64)
}

/// "+12", "−7", "±0": with a real minus sign.
pub(crate) fn change(before: f64, after: f64) -> String {
    let delta = after.round() as i64 - before.round() as i64;
    match delta {
        1.. => format!("+{delta}"),
        0 => "±0".to_owned(),
        _ => format!("\u{2212}{}", -delta),
    }
}

/// 0.873 as "87 %".
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("in range")
    }

    #[test]
    fn counts_have_separators() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(-12_345), "-12,345");
    }

    #[test]
    fn relative_times_round_down() {
        assert_eq!(ago(at(0), at(-30)), "just now");
        assert_eq!(ago(at(0), at(4)), "just now");
        assert_eq!(ago(at(0), at(59)), "59 s ago");
        assert_eq!(ago(at(0), at(119)), "1 min ago");
        assert_eq!(ago(at(0), at(7_200)), "2 h ago");
        assert_eq!(ago(at(0), at(200_000)), "2 d ago");
    }

    #[test]
    fn absolute_times_are_utc() {
        assert_eq!(moment(at(0)), "14 Nov 2023, 22:13:20 UTC");
        assert_eq!(machine(at(0)), "2023-11-14T22:13:20.000Z");
        assert_eq!(minute(at(0)), "22:13");
    }

    #[test]
    fn spans() {
        assert_eq!(duration(TimeDelta::seconds(42)), "42 s");
        assert_eq!(duration(TimeDelta::seconds(185)), "3 min 05 s");
        assert_eq!(duration(TimeDelta::seconds(3_725)), "1 h 02 min");
        assert_eq!(offset(TimeDelta::seconds(7)), "0:07");
        assert_eq!(offset(TimeDelta::seconds(3_723)), "1:02:03");
        assert_eq!(offset(TimeDelta::seconds(-3)), "0:00");
    }

    #[test]
    fn names_and_ids() {
        assert_eq!(name("zero-hour"), "Zero hour");
        assert_eq!(name(""), "");
        assert_eq!(short_id("mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405"), "c2e3f405");
        assert_eq!(short_id("odd"), "odd");
    }

    #[test]
    fn ratings() {
        assert_eq!(rating(1_499.6), "1,500");
        assert_eq!(change(1_500.0, 1_512.4), "+12");
        assert_eq!(change(1_500.0, 1_492.6), "\u{2212}7");
        assert_eq!(change(1_500.0, 1_500.3), "±0");
        assert_eq!(percent(0.873), "87 %");
    }
}
