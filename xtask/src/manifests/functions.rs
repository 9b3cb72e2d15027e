//! The functions that the chart's templates may call: those of Helm (and Sprig, which Helm has) that they do call.
//!
//! A function that is missing here fails the rendering; add it as Sprig's documentation has it.

use std::collections::HashMap;

use gtmpl_ng::{Func, FuncError, NumberKind, Value};

type Answer = Result<Value, FuncError>;

/// By the name in templates. `include` is the chart's own.
pub(super) const ALL: &[(&str, Func)] = &[
    ("add", add),
    ("base", |args| Ok(text(args, 0)?.rsplit('/').next().unwrap_or_default().into())),
    ("contains", |args| Ok(text(args, 1)?.contains(&text(args, 0)?).into())),
    ("default", |args| Ok(if is_empty(argument(args, 1)?) { argument(args, 0)? } else { argument(args, 1)? }.clone())),
    ("dict", dict),
    ("fail", |args| Err(fault(text(args, 0)?))),
    ("fromYaml", from_yaml),
    ("hasKey", |args| Ok(map(argument(args, 0)?)?.contains_key(&text(args, 1)?).into())),
    ("int", |args| Ok(whole(argument(args, 0)?)?.into())),
    ("kindIs", |args| Ok((kind(argument(args, 1)?) == text(args, 0)?).into())),
    ("list", |args| Ok(Value::Array(args.to_vec()))),
    ("merge", merge),
    ("nindent", nindent),
    ("quote", quote),
    ("replace", |args| Ok(text(args, 2)?.replace(&text(args, 0)?, &text(args, 1)?).into())),
    ("required", required),
    ("ternary", ternary),
    ("toJson", |args| Ok(json(argument(args, 0)?)?.to_string().into())),
    ("toString", |args| Ok(text(args, 0)?.into())),
    ("toYaml", to_yaml),
    ("trim", |args| Ok(text(args, 0)?.trim().into())),
    ("trimPrefix", |args| trimmed(args, |text, prefix| text.strip_prefix(prefix))),
    ("trimSuffix", |args| trimmed(args, |text, suffix| text.strip_suffix(suffix))),
    ("trunc", |args| {
        Ok(text(args, 1)?.chars().take(whole(argument(args, 0)?)?.unsigned_abs() as usize).collect::<String>().into())
    }),
];

fn add(args: &[Value]) -> Answer {
    args.iter().map(whole).sum::<Result<i64, _>>().map(Value::from)
}

fn dict(args: &[Value]) -> Answer {
    let pair = |pair: &[Value]| -> Result<_, FuncError> { Ok((text(pair, 0)?, argument(pair, 1)?.clone())) };
    Ok(Value::Map(args.chunks(2).map(pair).collect::<Result<_, _>>()?))
}

fn from_yaml(args: &[Value]) -> Answer {
    let text = text(args, 0)?;
    // Nothing is an empty map, as Helm has it.
    if text.trim().is_empty() {
        return Ok(Value::Map(HashMap::new()));
    }
    let yaml = serde_yaml_ng::from_str(&text).map_err(|error| fault(format!("{error}:\n{text}")))?;
    Ok(value(&yaml))
}

/// The first argument wins; maps in maps are merged too.
fn merge(args: &[Value]) -> Answer {
    let mut merged = map(argument(args, 0)?)?.clone();
    for more in &args[1..] {
        for (key, value) in map(more)? {
            let both = match merged.get(key) {
                Some(ours @ Value::Map(_)) if matches!(value, Value::Map(_)) => merge(&[ours.clone(), value.clone()])?,
                Some(ours) if !is_empty(ours) => continue,
                _ => value.clone(),
            };
            merged.insert(key.clone(), both);
        }
    }
    Ok(Value::Map(merged))
}

fn nindent(args: &[Value]) -> Answer {
    let indent = " ".repeat(whole(argument(args, 0)?)?.unsigned_abs() as usize);
    Ok(format!("\n{indent}{}", text(args, 1)?.replace('\n', &format!("\n{indent}"))).into())
}

fn quote(args: &[Value]) -> Answer {
    Ok(serde_json::Value::from(text(args, 0)?).to_string().into())
}

fn required(args: &[Value]) -> Answer {
    match argument(args, 1)? {
        Value::Nil | Value::NoValue => Err(fault(text(args, 0)?)),
        Value::String(text) if text.is_empty() => Err(fault(self::text(args, 0)?)),
        value => Ok(value.clone()),
    }
}

fn ternary(args: &[Value]) -> Answer {
    match argument(args, 2)? {
        Value::Bool(yes) => Ok(argument(args, usize::from(!yes))?.clone()),
        _ => Err(fault("ternary wants true or false".to_owned())),
    }
}

fn to_yaml(args: &[Value]) -> Answer {
    let yaml = serde_yaml_ng::to_string(&json(argument(args, 0)?)?).map_err(|error| fault(error.to_string()))?;
    Ok(yaml.trim_end_matches('\n').into())
}

fn trimmed(args: &[Value], strip: impl for<'a> Fn(&'a str, &str) -> Option<&'a str>) -> Answer {
    let (affix, text) = (text(args, 0)?, text(args, 1)?);
    Ok(strip(&text, &affix).unwrap_or(&text).into())
}

/// The value of templates for some JSON.
pub(super) fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(yes) => (*yes).into(),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, number) => number.unwrap_or_default().into(),
        },
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Array(items) => Value::Array(items.iter().map(value).collect()),
        serde_json::Value::Object(entries) => {
            Value::Map(entries.iter().map(|(key, entry)| (key.clone(), value(entry))).collect())
        }
    }
}

/// JSON for a value of templates; its maps are sorted, as Go's are where they are written.
pub(super) fn json(value: &Value) -> Result<serde_json::Value, FuncError> {
    Ok(match value {
        Value::Nil | Value::NoValue => serde_json::Value::Null,
        Value::Bool(yes) => (*yes).into(),
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => match number.kind() {
            NumberKind::Signed(number) => number.into(),
            NumberKind::Unsigned(number) => number.into(),
            NumberKind::Float(number) => number.into(),
        },
        Value::Array(items) => items.iter().map(json).collect::<Result<_, _>>()?,
        Value::Map(entries) | Value::Object(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            let mut object = serde_json::Map::new();
            for (key, entry) in sorted {
                object.insert(key.clone(), json(entry)?);
            }
            serde_json::Value::Object(object)
        }
        Value::Function(_) => return Err(fault("a function is not text".to_owned())),
    })
}

pub(super) fn argument(args: &[Value], at: usize) -> Result<&Value, FuncError> {
    args.get(at).ok_or_else(|| fault(format!("argument {} is missing", at + 1)))
}

/// An argument as text.
pub(super) fn text(args: &[Value], at: usize) -> Result<String, FuncError> {
    match argument(args, at)? {
        Value::Nil | Value::NoValue => Ok(String::new()),
        value @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
        value => Err(fault(format!("argument {} should be text and is {}", at + 1, kind(value)))),
    }
}

fn map(value: &Value) -> Result<&HashMap<String, Value>, FuncError> {
    match value {
        Value::Map(map) => Ok(map),
        value => Err(fault(format!("there should be a map, and there is {}", kind(value)))),
    }
}

fn whole(value: &Value) -> Result<i64, FuncError> {
    let Value::Number(number) = value else {
        return Err(fault(format!("there should be a number, and there is {}", kind(value))));
    };
    number.as_i64().ok_or_else(|| fault(format!("{number:?} is not a whole number")))
}

/// What Sprig calls it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil | Value::NoValue => "invalid",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::Number(_) => "float64",
        Value::Array(_) => "slice",
        Value::Map(_) => "map",
        Value::Object(_) => "struct",
        Value::Function(_) => "func",
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Nil | Value::NoValue => true,
        Value::Bool(yes) => !yes,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0) || number.as_i64() == Some(0),
        Value::Array(items) => items.is_empty(),
        Value::Map(entries) | Value::Object(entries) => entries.is_empty(),
        Value::Function(_) => false,
    }
}

pub(super) fn fault(message: String) -> FuncError {
    FuncError::Generic(message)
}
