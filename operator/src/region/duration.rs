//! Lengths of time as they are written in a manifest: `90s`, `1h30m`.

use std::time::Duration;

/// Reads what the schema lets through: whole numbers of hours, minutes and seconds. What is too long for a number is the longest
/// there is; anything else counts as nothing.
pub fn parse(text: &str) -> Duration {
    let mut seconds: u64 = 0;
    let mut number: u64 = 0;
    for c in text.chars() {
        let unit = match c {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            digit => {
                number = number.saturating_mul(10).saturating_add(u64::from(digit.to_digit(10).unwrap_or(0)));
                continue;
            }
        };
        seconds = seconds.saturating_add(number.saturating_mul(unit));
        number = 0;
    }
    // Far beyond what anything is allowed to last, and safe to add to a moment.
    Duration::from_secs(seconds.min(366 * 24 * 3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        assert_eq!(parse("1h30m"), Duration::from_secs(5400));
        assert_eq!(parse("90s"), Duration::from_secs(90));
        assert_eq!(parse("0s"), Duration::ZERO);
        assert_eq!(parse("99999999999999999999h"), Duration::from_secs(366 * 24 * 3600));
    }
}
