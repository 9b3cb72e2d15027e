//! The rules settings state about themselves, by garde.

use ::config::{Value, ValueKind};
use garde::Validate;
use serde::Serialize;

use super::{Problem, decode::fallback, layers::to_table, path::Path};
use crate::secret::REDACTED;

/// The rules that are broken.
pub(super) fn broken<S: Serialize + Validate<Context = ()>>(
    settings: &S,
    tree: &Value,
    defaults: &Value,
) -> Vec<Problem> {
    let Err(report) = settings.validate() else {
        return Vec::new();
    };
    // The settings write their secrets redacted, so what they write may be shown.
    let shown = to_table(settings).map(toml::Value::Table).ok();
    report
        .iter()
        .map(|(path, error)| {
            let path = Path::parse(&path.to_string());
            let value = shown.as_ref().and_then(|shown| at(shown, &path));
            let origin = path.get(tree).and_then(Value::origin).unwrap_or("the defaults");
            let value = value.map_or_else(String::new, |value| format!("{value} "));
            Problem::at(
                &path,
                format!("{value}from {origin} is refused: {}{}", error.message(), fallback(path.get(defaults))),
            )
        })
        .collect()
}

/// The value at a path, when it is a plain one.
fn at(table: &toml::Value, path: &Path) -> Option<String> {
    let tree = super::layers::to_tree(table.clone());
    match &path.get(&tree)?.kind {
        ValueKind::Table(_) | ValueKind::Array(_) | ValueKind::Nil => None,
        ValueKind::String(text) if text == REDACTED => Some("the value".to_owned()),
        ValueKind::String(text) => Some(format!("{text:?}")),
        other => Some(format!("`{other}`")),
    }
}
