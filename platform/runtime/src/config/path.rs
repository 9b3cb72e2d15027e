//! Where a value stands in the tree of settings: `http.listen`, `queues[2].name`.

use std::fmt;

use ::config::{Value, ValueKind};

/// A way from the root of the tree to a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Path {
    /// Reads the notation of the `config` crate and of garde. Text that does not fit is one key.
    pub(super) fn parse(text: &str) -> Self {
        let mut steps = Vec::new();
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let (key, indexes) = part.split_once('[').unwrap_or((part, ""));
            if !key.is_empty() {
                steps.push(Step::Key(key.to_owned()));
            }
            steps.extend(indexes.split(['[', ']']).filter_map(|index| index.parse().ok()).map(Step::Index));
        }
        Self(steps)
    }

    pub(super) fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    pub(super) fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// The name of the environment variable that sets this value, or the list it stands in.
    pub(super) fn env(&self) -> String {
        let keys = self.0.iter().map_while(|step| match step {
            Step::Key(key) => Some(key.to_ascii_uppercase()),
            Step::Index(_) => None,
        });
        std::iter::once("MUSTER".to_owned()).chain(keys).collect::<Vec<_>>().join("__")
    }

    pub(super) fn get<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(root, |value, step| match (step, &value.kind) {
            (Step::Key(key), ValueKind::Table(table)) => table.get(key),
            (Step::Index(index), ValueKind::Array(list)) => list.get(*index),
            _ => None,
        })
    }

    fn get_mut<'a>(steps: &[Step], root: &'a mut Value) -> Option<&'a mut Value> {
        steps.iter().try_fold(root, |value, step| match (step, &mut value.kind) {
            (Step::Key(key), ValueKind::Table(table)) => table.get_mut(key),
            (Step::Index(index), ValueKind::Array(list)) => list.get_mut(*index),
            _ => None,
        })
    }

    /// The same place in a TOML tree.
    pub(super) fn get_toml<'a>(&self, root: &'a mut toml::Value) -> Option<&'a mut toml::Value> {
        self.0.iter().try_fold(root, |value, step| match step {
            Step::Key(key) => value.get_mut(key.as_str()),
            Step::Index(index) => value.get_mut(*index),
        })
    }

    /// Puts a text in the place of the value, and keeps where the value came from.
    pub(super) fn replace(&self, root: &mut Value, text: String) {
        if let Some(value) = Self::get_mut(&self.0, root) {
            value.kind = ValueKind::String(text);
        }
    }

    /// Puts the default in the place of the value, or takes the value away. False when there was nothing to change.
    pub(super) fn reset(&self, root: &mut Value, default: Option<&Value>) -> bool {
        let Some((last, way)) = self.0.split_last() else {
            return false;
        };
        let Some(parent) = Self::get_mut(way, root) else {
            return false;
        };
        match (last, &mut parent.kind) {
            (Step::Key(key), ValueKind::Table(table)) => {
                match default.filter(|default| table.get(key) != Some(*default)) {
                    Some(default) => table.insert(key.clone(), default.clone()).is_some(),
                    None => table.remove(key).is_some(),
                }
            }
            (Step::Index(index), ValueKind::Array(list)) if *index < list.len() => {
                list.remove(*index);
                true
            }
            _ => false,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["", "http", "http.listen", "queues[2].windows[0][1].size"] {
            assert_eq!(Path::parse(text).to_string(), text);
        }
    }

    #[test]
    fn names_the_variable_of_the_whole_list() {
        assert_eq!(Path::parse("matchmaker.queues[2].name").env(), "MUSTER__MATCHMAKER__QUEUES");
    }
}
