//! What an operation may cost. Every field costs 1 and what is below it, a list as often as it may have entries.

/// Deepest nesting of fields.
pub const MAX_DEPTH: usize = 12;

/// Highest cost of one operation: 500 events with every field, or 100 matches with their players and some to spare.
pub const MAX_COST: usize = 10_000;

/// Most entries of one page of matches.
pub const MAX_PAGE: i32 = 100;

/// Most events of one match in one answer.
pub const MAX_EVENTS: i32 = 500;

/// A sign-in costs more than half of what is allowed, so that one operation can try one password.
pub const SIGN_IN: usize = MAX_COST / 2 + 1;

/// The cost of a list of at most `first` entries, each of which costs `entry`.
pub fn list(first: Option<i32>, otherwise: i32, most: i32, entry: usize) -> usize {
    let entries = first.unwrap_or(otherwise).clamp(1, most).unsigned_abs() as usize;
    entries.saturating_mul(entry.max(1)).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_costs_its_entries() {
        assert_eq!(list(Some(10), 25, 100, 4), 41);
        assert_eq!(list(None, 25, 100, 1), 26);
        assert_eq!(list(Some(-5), 25, 100, 3), 4);
        assert_eq!(list(Some(i32::MAX), 25, 100, 2), 201);
    }
}
