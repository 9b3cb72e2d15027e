//! A rule that makes sense, as it is evaluated: every type is known, every property is a place in a row.

use super::PropertyRow;
use super::row::Text;
use super::syntax::{Arithmetic, Comparison, Side};

/// Something true or false.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    All(Box<[Condition]>),
    Any(Box<[Condition]>),
    Not(Box<Condition>),
    Has(Side, u8),
    /// Whether both are true or both are false, or with `true`, whether they are not.
    Alike(bool, Box<Condition>, Box<Condition>),
    Compare(Comparison, Amount, Amount),
    /// Whether the texts are the same, or with `true`, whether they are not.
    Same(bool, Word, Word),
    AmountIn(Amount, Box<[f64]>),
    WordIn(Word, Box<[Text]>),
}

/// A number; what is missing is not a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Amount {
    Constant(f64),
    Property(Side, u8),
    Negative(Box<Amount>),
    Abs(Box<Amount>),
    Min(Box<Amount>, Box<Amount>),
    Max(Box<Amount>, Box<Amount>),
    Compute(Arithmetic, Box<Amount>, Box<Amount>),
}

/// A text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Constant(Text),
    Property(Side, u8),
}

impl Side {
    #[inline]
    fn of<'a>(self, own: &'a PropertyRow, other: &'a PropertyRow) -> &'a PropertyRow {
        match self {
            Side::Own => own,
            Side::Other => other,
        }
    }
}

impl Condition {
    /// Whether it is true of the ticket `own` looking at `other`.
    pub(super) fn holds(&self, own: &PropertyRow, other: &PropertyRow) -> bool {
        match self {
            Condition::All(conditions) => conditions.iter().all(|condition| condition.holds(own, other)),
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.holds(own, other)),
            Condition::Not(condition) => !condition.holds(own, other),
            Condition::Has(side, place) => side.of(own, other).has(*place),
            Condition::Alike(negated, left, right) => (left.holds(own, other) == right.holds(own, other)) != *negated,
            Condition::Compare(comparison, left, right) => {
                compare(*comparison, left.value(own, other), right.value(own, other))
            }
            Condition::Same(negated, left, right) => match (left.value(own, other), right.value(own, other)) {
                (Some(left), Some(right)) => (left == right) != *negated,
                _ => false,
            },
            Condition::AmountIn(amount, list) => list.contains(&amount.value(own, other)),
            Condition::WordIn(word, list) => word.value(own, other).is_some_and(|word| list.contains(word)),
        }
    }
}

/// Not a number is in no relation to anything, not even in that of being different.
fn compare(comparison: Comparison, left: f64, right: f64) -> bool {
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right && !left.is_nan() && !right.is_nan(),
        Comparison::Less => left < right,
        Comparison::AtMost => left <= right,
        Comparison::Greater => left > right,
        Comparison::AtLeast => left >= right,
    }
}

impl Amount {
    fn value(&self, own: &PropertyRow, other: &PropertyRow) -> f64 {
        match self {
            Amount::Constant(number) => *number,
            Amount::Property(side, place) => side.of(own, other).number(*place),
            Amount::Negative(amount) => -amount.value(own, other),
            Amount::Abs(amount) => amount.value(own, other).abs(),
            Amount::Min(left, right) => pick(left.value(own, other), right.value(own, other), f64::min),
            Amount::Max(left, right) => pick(left.value(own, other), right.value(own, other), f64::max),
            Amount::Compute(arithmetic, left, right) => {
                let (left, right) = (left.value(own, other), right.value(own, other));
                match arithmetic {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide => left / right,
                }
            }
        }
    }
}

/// `f64::min` and `max` would pass over what is missing.
fn pick(left: f64, right: f64, better: fn(f64, f64) -> f64) -> f64 {
    if left.is_nan() || right.is_nan() { f64::NAN } else { better(left, right) }
}

impl Word {
    #[inline]
    fn value<'a>(&'a self, own: &'a PropertyRow, other: &'a PropertyRow) -> Option<&'a Text> {
        match self {
            Word::Constant(text) => Some(text),
            Word::Property(side, place) => side.of(own, other).text(*place),
        }
    }
}
