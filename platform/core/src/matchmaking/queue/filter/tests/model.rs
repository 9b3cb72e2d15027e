//! The same language, evaluated word by word: what is missing is none, and nothing compares with none.

use super::super::PropertyValue;
use super::Properties;

#[derive(Debug, Clone)]
pub(super) enum Number {
    Literal(f64),
    Property(bool, &'static str),
    Negative(Box<Number>),
    Abs(Box<Number>),
    Least(Vec<Number>),
    Most(Vec<Number>),
    Binary(&'static str, Box<Number>, Box<Number>),
}

#[derive(Debug, Clone)]
pub(super) enum Text {
    Literal(String),
    Property(bool, &'static str),
}

#[derive(Debug, Clone)]
pub(super) enum Truth {
    And(Box<Truth>, Box<Truth>),
    Or(Box<Truth>, Box<Truth>),
    Not(Box<Truth>),
    Alike(&'static str, Box<Truth>, Box<Truth>),
    Has(bool, &'static str),
    Numbers(&'static str, Number, Number),
    Texts(&'static str, Text, Text),
    NumberIn(Number, Vec<f64>),
    TextIn(Text, Vec<String>),
}

fn side(own: bool) -> &'static str {
    if own { "self" } else { "other" }
}

fn wrapped(text: String, own: u8, around: u8) -> String {
    if own < around { format!("({text})") } else { text }
}

fn list<T>(items: &[T], write: impl Fn(&T) -> String) -> String {
    items.iter().map(write).collect::<Vec<_>>().join(", ")
}

pub(super) struct Pair<'a>(pub(super) &'a Properties, pub(super) &'a Properties);

impl Pair<'_> {
    fn get(&self, own: bool, name: &str) -> Option<&PropertyValue> {
        if own { self.0.get(name) } else { self.1.get(name) }
    }
}

impl Number {
    pub(super) fn write(&self, around: u8) -> String {
        match self {
            Number::Literal(number) => format!("{number}"),
            Number::Property(own, name) => format!("{}.{name}", side(*own)),
            Number::Negative(of) => wrapped(format!("-{}", of.write(7)), 7, around),
            Number::Abs(of) => format!("abs({})", of.write(0)),
            Number::Least(of) => format!("min({})", list(of, |number| number.write(0))),
            Number::Most(of) => format!("max({})", list(of, |number| number.write(0))),
            Number::Binary(operator, left, right) => {
                let own = if matches!(*operator, "+" | "-") { 5 } else { 6 };
                wrapped(format!("{} {operator} {}", left.write(own), right.write(own + 1)), own, around)
            }
        }
    }

    fn value(&self, pair: &Pair<'_>) -> Option<f64> {
        let value = match self {
            Number::Literal(number) => *number,
            Number::Property(own, name) => match pair.get(*own, name)? {
                PropertyValue::Number(number) => *number,
                PropertyValue::Text(_) => unreachable!(),
            },
            Number::Negative(of) => -of.value(pair)?,
            Number::Abs(of) => of.value(pair)?.abs(),
            Number::Least(of) | Number::Most(of) => {
                let values: Vec<f64> = of.iter().map(|number| number.value(pair)).collect::<Option<_>>()?;
                let sign = if matches!(self, Number::Least(_)) { 1.0 } else { -1.0 };
                values.into_iter().min_by(|a, b| (sign * a).total_cmp(&(sign * b)))?
            }
            Number::Binary(operator, left, right) => {
                let (left, right) = (left.value(pair)?, right.value(pair)?);
                match *operator {
                    "+" => left + right,
                    "-" => left - right,
                    "*" => left * right,
                    _ => left / right,
                }
            }
        };
        (!value.is_nan()).then_some(value)
    }
}

impl Text {
    fn write(&self) -> String {
        match self {
            Text::Literal(text) => quoted(text),
            Text::Property(own, name) => format!("{}.{name}", side(*own)),
        }
    }

    fn value(&self, pair: &Pair<'_>) -> Option<String> {
        match self {
            Text::Literal(text) => Some(text.clone()),
            Text::Property(own, name) => match pair.get(*own, name)? {
                PropertyValue::Text(text) => Some(text.clone()),
                PropertyValue::Number(_) => unreachable!(),
            },
        }
    }
}

fn quoted(text: &String) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}

impl Truth {
    pub(super) fn write(&self, around: u8) -> String {
        match self {
            Truth::Or(left, right) => wrapped(format!("{} or {}", left.write(1), right.write(2)), 1, around),
            Truth::And(left, right) => wrapped(format!("{} and {}", left.write(2), right.write(3)), 2, around),
            Truth::Not(of) => wrapped(format!("not {}", of.write(3)), 3, around),
            Truth::Alike(operator, left, right) => {
                wrapped(format!("{} {operator} {}", left.write(5), right.write(5)), 4, around)
            }
            Truth::Has(own, name) => format!("has({}.{name})", side(*own)),
            Truth::Numbers(operator, left, right) => {
                wrapped(format!("{} {operator} {}", left.write(5), right.write(5)), 4, around)
            }
            Truth::Texts(operator, left, right) => {
                wrapped(format!("{} {operator} {}", left.write(), right.write()), 4, around)
            }
            Truth::NumberIn(of, items) => {
                wrapped(format!("{} in [{}]", of.write(5), list(items, f64::to_string)), 4, around)
            }
            Truth::TextIn(of, items) => wrapped(format!("{} in [{}]", of.write(), list(items, quoted)), 4, around),
        }
    }

    pub(super) fn holds(&self, pair: &Pair<'_>) -> bool {
        match self {
            Truth::And(left, right) => left.holds(pair) && right.holds(pair),
            Truth::Or(left, right) => left.holds(pair) || right.holds(pair),
            Truth::Not(of) => !of.holds(pair),
            Truth::Alike(operator, left, right) => (left.holds(pair) == right.holds(pair)) == (*operator == "=="),
            Truth::Has(own, name) => pair.get(*own, name).is_some(),
            Truth::Numbers(operator, left, right) => match (left.value(pair), right.value(pair)) {
                (Some(left), Some(right)) => match *operator {
                    "==" => left == right,
                    "!=" => left != right,
                    "<" => left < right,
                    "<=" => left <= right,
                    ">" => left > right,
                    _ => left >= right,
                },
                _ => false,
            },
            Truth::Texts(operator, left, right) => match (left.value(pair), right.value(pair)) {
                (Some(left), Some(right)) => (left == right) == (*operator == "=="),
                _ => false,
            },
            Truth::NumberIn(of, items) => of.value(pair).is_some_and(|number| items.contains(&number)),
            Truth::TextIn(of, items) => of.value(pair).is_some_and(|text| items.contains(&text)),
        }
    }
}
