//! Filters: what has to hold between any two tickets of a match, written by staff as one line of text.
//!
//! ```text
//! self.build == other.build and abs(self.level - other.level) <= 10
//! not has(self.clan) or self.clan != other.clan
//! self.input in ['pad', 'keyboard']
//! ```
//!
//! A rule is seen from one ticket (`self`) at another (`other`), and is asked both ways.
//!
//! | what | how |
//! | --- | --- |
//! | properties | `self.<name>`, `other.<name>`: as the queue declares them, a string or a number |
//! | literals | `12`, `0.5`, `'text'`, `"text"` (up to 64 characters, nothing is escaped) |
//! | numbers | `+ - * /`, `abs(a)`, `min(a, b, …)`, `max(a, b, …)`; compared by `== != < <= > >=` |
//! | strings | compared by `==` and `!=` |
//! | either | `a in [1, 2]`, `a in ['x', 'y']`; `has(self.<name>)`: whether the ticket says it |
//! | truths | `and`, `or`, `not`, compared by `==` and `!=`; parentheses |
//!
//! From the tightest: a sign, `* /`, `+ -`, comparisons and `in` (which do not chain), `not`, `and`, `or`.
//!
//! **What is missing compares as false**: a comparison, or an `in`, is false when one of its sides is a property that the ticket
//! does not say, or is computed from one, or is no number (`0 / 0`). That goes for `!=` too: `self.clan != other.clan` is false
//! when one of the two has no clan. Ask `has` where that matters.
//!
//! A rule is read into [`syntax`] by [`parse`], given types by [`check`], and evaluated as a [`program`].

mod check;
mod parse;
mod program;
mod row;
mod syntax;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::QueueDefinition;
use crate::wire::FieldError;
use program::Condition;
pub use row::PropertyRow;

/// More than any rule has needed, in characters.
pub(super) const MAX_RULE: usize = 512;

/// How long a text property, or a text in a rule, may be, in characters.
pub(super) const MAX_TEXT: usize = 64;

/// What a property is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PropertyKind {
    /// A text of up to 64 characters.
    String,
    /// A finite number.
    Number,
}

/// What a ticket says of itself under one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(untagged)]
pub enum PropertyValue {
    /// A finite number.
    Number(f64),
    /// A text of up to 64 characters.
    Text(String),
}

impl From<f64> for PropertyValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The filters of a queue, ready to be asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filters {
    properties: BTreeMap<String, PropertyKind>,
    conditions: Vec<(String, Condition)>,
}

impl Filters {
    /// Reads the filters of a queue.
    ///
    /// # Errors
    /// Every rule that makes no sense, with its path (`filters[0].rule`), the place in it, and what is allowed there.
    pub fn compile(queue: &QueueDefinition) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut conditions = Vec::with_capacity(queue.filters.len());
        for (index, filter) in queue.filters.iter().enumerate() {
            match compile(&filter.rule, &queue.properties) {
                Ok(condition) => conditions.push((filter.name.clone(), condition)),
                Err(messages) => {
                    let path = format!("filters[{index}].rule");
                    faults.extend(messages.into_iter().map(|message| FieldError::new(path.clone(), message)));
                }
            }
        }
        if faults.is_empty() { Ok(Self { properties: queue.properties.clone(), conditions }) } else { Err(faults) }
    }

    /// What a ticket says of itself, as [`Filters::allows`] reads it. A property that it does not name is missing. Nothing is
    /// allocated for a ticket without properties.
    ///
    /// # Errors
    /// Every property that the queue does not declare, or that is of another kind, with its path (`properties.build`).
    pub fn row(&self, properties: &BTreeMap<String, PropertyValue>) -> Result<PropertyRow, Vec<FieldError>> {
        let faults = property_faults(&self.properties, properties);
        if !faults.is_empty() {
            return Err(faults);
        }
        if properties.is_empty() {
            return Ok(PropertyRow::default());
        }
        Ok(self.properties.keys().map(|name| properties.get(name)).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.conditions.len()
    }

    /// Whether there are none, so that everybody is allowed.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// What the filter at `index`, from 0, is called.
    ///
    /// # Panics
    /// When there is no such filter.
    pub fn name(&self, index: usize) -> &str {
        &self.conditions[index].0
    }

    /// Whether the filter at `index`, from 0, is true of the ticket `own` looking at `other`; ask the other way too. Allocates
    /// nothing.
    ///
    /// # Panics
    /// When there is no such filter.
    #[inline]
    pub fn allows(&self, index: usize, own: &PropertyRow, other: &PropertyRow) -> bool {
        self.conditions[index].1.holds(own, other)
    }
}

/// The program of a rule, or every complaint about it.
fn compile(rule: &str, properties: &BTreeMap<String, PropertyKind>) -> Result<Condition, Vec<String>> {
    let tell = |fault: syntax::Fault| fault.tell(rule);
    let expression = parse::parse(rule).map_err(|fault| vec![tell(fault)])?;
    check::condition(&expression, properties).map_err(|faults| faults.into_iter().map(tell).collect())
}

/// Every property that is not declared or that is of another kind.
pub(super) fn property_faults(
    declared: &BTreeMap<String, PropertyKind>,
    properties: &BTreeMap<String, PropertyValue>,
) -> Vec<FieldError> {
    let fault = |(name, value): (&String, &PropertyValue)| {
        let message = match (declared.get(name), value) {
            (None, _) if declared.is_empty() => "this queue has no properties".to_owned(),
            (None, _) => format!("this queue has no such property; it has {}", listed(declared.keys())),
            (Some(PropertyKind::Number), PropertyValue::Number(number)) if number.is_finite() => return None,
            (Some(PropertyKind::Number), _) => "has to be a finite number".to_owned(),
            (Some(PropertyKind::String), PropertyValue::Text(text)) if text.chars().count() <= MAX_TEXT => return None,
            (Some(PropertyKind::String), _) => format!("has to be a text of up to {MAX_TEXT} characters"),
        };
        Some(FieldError::new(format!("properties.{name}"), message))
    };
    properties.iter().filter_map(fault).collect()
}

/// `` `a`, `b` ``.
pub(super) fn listed<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
