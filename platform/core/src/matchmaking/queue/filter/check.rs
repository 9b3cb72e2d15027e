//! Gives every part of a rule its type, or says why it has none.

use std::collections::BTreeMap;

use super::program::{Amount, Condition, Word};
use super::syntax::{Comparison, Expression, Fault, Function, Kind, Operator, Side};
use super::{PropertyKind, listed};

/// The program of a rule that is true or false.
///
/// # Errors
/// Everything that has the wrong type, or names what the queue does not declare.
pub(super) fn condition(
    rule: &Expression,
    properties: &BTreeMap<String, PropertyKind>,
) -> Result<Condition, Vec<Fault>> {
    let mut check = Check { properties, faults: Vec::new() };
    let condition = check.condition(rule);
    match condition {
        Some(condition) if check.faults.is_empty() => Ok(condition),
        _ => Err(check.faults),
    }
}

struct Check<'a> {
    properties: &'a BTreeMap<String, PropertyKind>,
    faults: Vec<Fault>,
}

enum Typed {
    Condition(Condition),
    Amount(Amount),
    Word(Word),
}

impl Typed {
    const fn kind(&self) -> &'static str {
        match self {
            Typed::Condition(_) => "true or false",
            Typed::Amount(_) => "a number",
            Typed::Word(_) => "a string",
        }
    }
}

/// Each returns none after having complained.
impl Check<'_> {
    fn refuse<T>(&mut self, at: &Expression, message: impl Into<String>) -> Option<T> {
        self.faults.push(Fault::new(at.at, message));
        None
    }

    fn condition(&mut self, expression: &Expression) -> Option<Condition> {
        match self.typed(expression)? {
            Typed::Condition(condition) => Some(condition),
            other => self.refuse(expression, format!("has to be true or false, and this is {}", other.kind())),
        }
    }

    fn amount(&mut self, expression: &Expression, for_what: &str) -> Option<Amount> {
        match self.typed(expression)? {
            Typed::Amount(amount) => Some(amount),
            other => self.refuse(expression, format!("{for_what} takes numbers, and this is {}", other.kind())),
        }
    }

    fn typed(&mut self, expression: &Expression) -> Option<Typed> {
        Some(match &expression.kind {
            Kind::Number(number) => Typed::Amount(Amount::Constant(*number)),
            Kind::Text(text) => Typed::Word(Word::Constant(text.as_str().into())),
            Kind::List(_) => return self.refuse(expression, "a list stands only after `in`"),
            Kind::Property(side, name) => {
                let (place, kind) = self.property(expression, *side, name)?;
                match kind {
                    PropertyKind::Number => Typed::Amount(Amount::Property(*side, place)),
                    PropertyKind::String => Typed::Word(Word::Property(*side, place)),
                }
            }
            Kind::Has(side, name) => Typed::Condition(Condition::Has(*side, self.property(expression, *side, name)?.0)),
            Kind::Call(function, arguments) => Typed::Amount(self.call(expression, *function, arguments)?),
            Kind::Negative(of) => Typed::Amount(Amount::Negative(Box::new(self.amount(of, "`-`")?))),
            Kind::Not(of) => Typed::Condition(Condition::Not(Box::new(self.condition(of)?))),
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right)?,
        })
    }

    fn property(&mut self, at: &Expression, side: Side, name: &str) -> Option<(u8, PropertyKind)> {
        let found = self.properties.iter().enumerate().find(|(_, (declared, _))| *declared == name);
        match found.and_then(|(place, (_, kind))| Some((u8::try_from(place).ok()?, *kind))) {
            Some(property) => Some(property),
            None if self.properties.is_empty() => {
                self.refuse(at, format!("`{}.{name}` is not declared: the queue has no `properties`", side.as_str()))
            }
            None => {
                let declared = listed(self.properties.keys());
                self.refuse(at, format!("`{}.{name}` is not declared: `properties` has {declared}", side.as_str()))
            }
        }
    }

    fn call(&mut self, at: &Expression, function: Function, arguments: &[Expression]) -> Option<Amount> {
        let name = format!("`{}`", function.as_str());
        let amounts: Vec<Option<Amount>> = arguments.iter().map(|argument| self.amount(argument, &name)).collect();
        let amounts: Vec<Amount> = amounts.into_iter().collect::<Option<_>>()?;
        let count = amounts.len();
        let combine: fn(Box<Amount>, Box<Amount>) -> Amount = match function {
            Function::Abs if count != 1 => {
                return self.refuse(at, format!("`abs` takes one number, not {count}"));
            }
            Function::Abs => return amounts.into_iter().next().map(|amount| Amount::Abs(Box::new(amount))),
            Function::Min | Function::Max if count < 2 => {
                return self.refuse(at, format!("{name} takes two numbers or more, not {count}"));
            }
            Function::Min => Amount::Min,
            Function::Max => Amount::Max,
        };
        amounts.into_iter().reduce(|left, right| combine(Box::new(left), Box::new(right)))
    }

    fn binary(&mut self, operator: Operator, left: &Expression, right: &Expression) -> Option<Typed> {
        Some(match operator {
            Operator::And | Operator::Or => {
                let (left, right) = (self.condition(left), self.condition(right));
                Typed::Condition(join(operator, left?, right?))
            }
            Operator::Compute(arithmetic) => {
                let name = format!("`{}`", operator.as_str());
                let (left, right) = (self.amount(left, &name), self.amount(right, &name));
                Typed::Amount(Amount::Compute(arithmetic, Box::new(left?), Box::new(right?)))
            }
            Operator::In => Typed::Condition(self.within(left, right)?),
            Operator::Compare(comparison) => Typed::Condition(self.comparison(comparison, left, right)?),
        })
    }

    fn comparison(&mut self, comparison: Comparison, left: &Expression, right: &Expression) -> Option<Condition> {
        let (first, second) = (self.typed(left), self.typed(right));
        let (first, second) = (first?, second?);
        let name = Operator::Compare(comparison).as_str();
        let negated = match comparison {
            Comparison::Equal => Some(false),
            Comparison::NotEqual => Some(true),
            _ => None,
        };
        match (first, second, negated) {
            (Typed::Amount(first), Typed::Amount(second), _) => Some(Condition::Compare(comparison, first, second)),
            (Typed::Word(first), Typed::Word(second), Some(negated)) => Some(Condition::Same(negated, first, second)),
            (Typed::Condition(first), Typed::Condition(second), Some(negated)) => {
                Some(Condition::Alike(negated, Box::new(first), Box::new(second)))
            }
            (first, second, None) if first.kind() == second.kind() => {
                self.refuse(left, format!("`{name}` compares numbers, and this is {}", first.kind()))
            }
            (first, second, _) => self.refuse(
                right,
                format!("`{name}` compares two of a kind: the left is {}, and this is {}", first.kind(), second.kind()),
            ),
        }
    }

    fn within(&mut self, left: &Expression, right: &Expression) -> Option<Condition> {
        let Kind::List(items) = &right.kind else {
            return self.refuse(right, "`in` takes a list in brackets: `in ['a', 'b']`");
        };
        match self.typed(left)? {
            Typed::Condition(_) => self.refuse(left, "`in` looks for a string or a number, and this is true or false"),
            Typed::Amount(amount) => {
                let numbers: Vec<Option<f64>> = items.iter().map(|item| self.number(item)).collect();
                Some(Condition::AmountIn(amount, numbers.into_iter().collect::<Option<_>>()?))
            }
            Typed::Word(word) => {
                let texts: Vec<_> = items.iter().map(|item| self.text(item)).collect();
                Some(Condition::WordIn(word, texts.into_iter().collect::<Option<_>>()?))
            }
        }
    }

    fn number(&mut self, item: &Expression) -> Option<f64> {
        match &item.kind {
            Kind::Number(number) => Some(*number),
            Kind::Negative(of) => match of.kind {
                Kind::Number(number) => Some(-number),
                _ => self.refuse(item, "this list has plain numbers"),
            },
            _ => self.refuse(item, "the left is a number, so this list has plain numbers"),
        }
    }

    fn text(&mut self, item: &Expression) -> Option<super::row::Text> {
        match &item.kind {
            Kind::Text(text) => Some(text.as_str().into()),
            _ => self.refuse(item, "the left is a string, so this list has plain strings"),
        }
    }
}

/// `a and b and c` is one list of three.
fn join(operator: Operator, left: Condition, right: Condition) -> Condition {
    let all = operator == Operator::And;
    let mut conditions = Vec::new();
    for side in [left, right] {
        match side {
            Condition::All(inner) if all => conditions.extend(inner),
            Condition::Any(inner) if !all => conditions.extend(inner),
            other => conditions.push(other),
        }
    }
    if all { Condition::All(conditions.into()) } else { Condition::Any(conditions.into()) }
}
