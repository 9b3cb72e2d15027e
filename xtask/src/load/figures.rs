//! What `muster-load` measured, as it writes it. Its own reports (`platform/client/src/bin/muster-load/*/report.rs`) say what each
//! figure is; here they are passed on as they are, and the table asks for those that it shows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The figures of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures(Map<String, Value>);

impl Figures {
    /// A number; none when there is none of this name, or it was not measured.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    /// One of some percentiles (`p50`, `p95`, `p99`, `p99.9` or `max`), in milliseconds.
    pub fn percentile(&self, name: &str, which: &str) -> Option<f64> {
        self.0.get(name)?.get(which)?.as_f64()
    }

    /// A text; empty when there is none of this name.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// What is listed; nothing when there is no list of this name.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// Texts.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.list(name).filter_map(Value::as_str)
    }

    /// Counts by name.
    pub fn counts(&self, name: &str) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.0.get(name).and_then(Value::as_object).into_iter().flatten();
        counts.filter_map(|(name, count)| Some((name.as_str(), count.as_u64()?)))
    }

    /// Whether something holds; false when nobody says so.
    pub fn is(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The same with one more, or another.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// How many rules were broken. Figures that do not say so broke one.
    pub fn violations(&self) -> u64 {
        self.0.get("violations").and_then(Value::as_u64).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_name() {
        let text = r#"{"moves":3,"move_ms":{"p99.9":4.5},"queue":"q","violation_examples":["a"],"refused":{"b":2},"none":null}"#;
        let figures: Figures = serde_json::from_str(text).unwrap();
        assert_eq!((figures.number("moves"), figures.number("none")), (Some(3.0), None));
        assert_eq!(figures.percentile("move_ms", "p99.9"), Some(4.5));
        assert_eq!((figures.text("queue"), figures.text("moves")), ("q", ""));
        assert_eq!(figures.texts("violation_examples").collect::<Vec<_>>(), ["a"]);
        assert_eq!(figures.counts("refused").collect::<Vec<_>>(), [("b", 2)]);
        assert_eq!(figures.violations(), 1, "silence is no proof");
    }
}
