mod model;
mod properties;

use super::super::{Filter, shipped_queues};
use super::*;

fn declared() -> BTreeMap<String, PropertyKind> {
    use PropertyKind::{Number, String};
    [("build", String), ("clan", String), ("level", Number), ("rank", Number)]
        .map(|(name, kind)| (name.to_owned(), kind))
        .into()
}

fn queue(rules: &[&str]) -> QueueDefinition {
    let mut queue = shipped_queues().remove(0);
    queue.properties = declared();
    queue.filters = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| Filter { name: format!("rule-{index}"), rule: (*rule).to_owned() })
        .collect();
    queue
}

type Properties = BTreeMap<String, PropertyValue>;

fn says<const N: usize>(properties: [(&str, PropertyValue); N]) -> Properties {
    properties.map(|(name, value)| (name.to_owned(), value)).into()
}

fn ann() -> Properties {
    says([("build", "1.2".into()), ("clan", "red".into()), ("level", 10.0.into()), ("rank", 3.0.into())])
}

/// Has no clan and no rank.
fn bob() -> Properties {
    says([("build", "1.2".into()), ("level", 14.0.into())])
}

fn asks(rule: &str, own: &Properties, other: &Properties) -> bool {
    let filters = Filters::compile(&queue(&[rule])).unwrap_or_else(|faults| panic!("{rule}: {faults:?}"));
    filters.allows(0, &filters.row(own).unwrap(), &filters.row(other).unwrap())
}

fn complaints(rule: &str) -> Vec<String> {
    let faults = Filters::compile(&queue(&["1 == 1", rule])).expect_err(rule);
    assert!(faults.iter().all(|fault| fault.path == "filters[1].rule"), "{faults:?}");
    faults.into_iter().map(|fault| fault.message).collect()
}

#[test]
fn rules_mean_what_they_say() {
    for (rule, holds) in [
        ("self.build == other.build", true),
        ("self.build != other.build", false),
        ("self.build == '1.2' and other.build == \"1.2\"", true),
        ("abs(self.level - other.level) <= 4", true),
        ("abs(self.level - other.level) < 4", false),
        ("self.level < other.level", true),
        ("self.level >= other.level", false),
        ("self.level > other.level or other.level > self.level", true),
        ("self.level in [1, 10, -3.5]", true),
        ("other.level in [1, 10]", false),
        ("self.build in ['1.1', '1.2']", true),
        ("not self.build in ['1.1', '1.2']", false),
        ("min(self.level, other.level, 12) == 10 and max(1, other.level) == 14", true),
        ("has(self.clan) and not has(other.clan)", true),
        ("has(self.clan) == has(other.clan)", false),
        ("has(self.clan) != has(other.clan)", true),
        ("(self.level + other.level) / 2 == 12", true),
        ("'a' == 'a'", true),
        ("''==''", true),
        (" 1==1 ", true),
        ("1 / 0 > 1000", true),
    ] {
        assert_eq!(asks(rule, &ann(), &bob()), holds, "{rule}");
    }
}

#[test]
fn operators_bind_as_told() {
    for rule in [
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "10 - 3 - 2 == 5",
        "100 / 10 / 2 == 5",
        "-2 + 3 == 1",
        "-2 * -3 == 6",
        "--2 == 2",
        "2 - -2 == 4",
        "not 1 == 2",
        "not 1 == 2 and 1 == 1",
        "not (1 == 2 and 1 == 1)",
        "1 == 1 or 1 == 2 and 1 == 2",
        "not 1 == 1 or 1 == 1",
        "1 == 2 or not 1 == 2",
        "not not 1 == 1",
        "(1 < 2) == (2 < 3)",
        "1 + 1 in [2]",
    ] {
        assert!(asks(rule, &ann(), &bob()), "{rule}");
    }
}

#[test]
fn what_is_missing_compares_as_false() {
    for rule in [
        "self.clan == other.clan",
        "self.clan != other.clan",
        "other.clan in ['red', 'blue']",
        "other.rank == 3",
        "other.rank != 3",
        "other.rank < 3",
        "other.rank >= 3",
        "other.rank in [3]",
        "other.rank == other.rank",
        "abs(other.rank) >= 0",
        "min(other.rank, 1) == 1",
        "max(1, other.rank) == 1",
        "other.rank * 0 == 0",
        "-other.rank <= 0",
        "0 / 0 != 1",
        "0 / 0 in [1]",
    ] {
        assert!(!asks(rule, &ann(), &bob()), "{rule}");
        assert!(asks(&format!("not ({rule})"), &ann(), &bob()), "not ({rule})");
    }
    let nothing = PropertyRow::default();
    let filters = Filters::compile(&queue(&["has(self.build)", "self.level < 99", "not has(other.clan)"])).unwrap();
    assert_eq!([0, 1, 2].map(|index| filters.allows(index, &nothing, &nothing)), [false, false, true]);
    assert_eq!((filters.len(), filters.is_empty(), filters.name(1)), (3, false, "rule-1"));
}

#[test]
fn says_what_is_wrong_and_where() {
    for (rule, complaint) in [
        ("", "at character 1: expected a value"),
        ("self.build == ", "at character 15: expected a value"),
        ("self.build = '1'", "at character 12: expected an operator or the end, found `=`"),
        ("self.build == '1' other.level", "at character 19: expected an operator or the end, found `o`"),
        ("self.build == '1", "at character 15: this string is not closed: put `'` behind it"),
        ("self build", "at character 6: expected `.` and the name of a property, found `b`"),
        ("self. == 1", "at character 6: expected the name of a property, found ` `"),
        ("self.level + 1", "at character 1: has to be true or false, and this is a number"),
        ("self.build", "at character 1: has to be true or false, and this is a string"),
        ("1 < 2 < 3", "at character 7: comparisons do not chain: join them with `and`"),
        ("1 == 1 in [1]", "at character 8: comparisons do not chain: join them with `and`"),
        ("(1 == 1", "at character 8: expected an operator or `)`, but the rule ends"),
        ("self.level in [1, 2", "at character 20: expected an operator or `]`, but the rule ends"),
        ("self.level in []", "at character 16: expected a value"),
        ("self.level in 3", "at character 15: `in` takes a list in brackets: `in ['a', 'b']`"),
        ("self.level in [1, 'a']", "at character 19: the left is a number, so this list has plain numbers"),
        ("self.build in [1]", "at character 16: the left is a string, so this list has plain strings"),
        ("[1] == 1", "at character 1: a list stands only after `in`"),
        ("abs 3 == 3", "at character 5: expected `(`, found `3`"),
        ("abs(1, 2) == 3", "at character 1: `abs` takes one number, not 2"),
        ("min(1) == 1", "at character 1: `min` takes two numbers or more, not 1"),
        ("max('a', 1) == 1", "at character 5: `max` takes numbers, and this is a string"),
        ("has(level)", "at character 5: `has` takes a property: `has(self.<property>)` or `has(other.<property>)`"),
        (
            "has(self.age)",
            "at character 1: `self.age` is not declared: `properties` has `build`, `clan`, `level`, `rank`",
        ),
        ("level == 1", "at character 1: expected a value"),
        ("self.build < other.build", "at character 1: `<` compares numbers, and this is a string"),
        (
            "self.level == 'x'",
            "at character 15: `==` compares two of a kind: the left is a number, and this is a string",
        ),
        ("1 == 1 and 2", "at character 12: has to be true or false, and this is a number"),
        ("not 3", "at character 5: has to be true or false, and this is a number"),
        ("-'x' == 1", "at character 2: `-` takes numbers, and this is a string"),
        ("'é' == 'x' §", "at character 12: expected an operator or the end, found `§`"),
        ("12a == 1", "at character 1: a number is written in digits"),
        ("and 1 == 1", "at character 1: expected a value"),
    ] {
        let complaints = complaints(rule);
        assert!(complaints.len() == 1 && complaints[0].starts_with(complaint), "{rule}: {complaints:?}");
    }
}

#[test]
fn every_wrong_type_is_told_at_once() {
    let complaints = complaints("self.age == 1 and other.clan > 2 or has(self.shoes)");
    assert_eq!(complaints.len(), 3, "{complaints:?}");
    let mut bare = queue(&["has(self.x)"]);
    bare.properties.clear();
    let faults = Filters::compile(&bare).unwrap_err();
    assert_eq!(faults[0].message, "at character 1: `self.x` is not declared: the queue has no `properties`");
}

#[test]
fn length_and_depth_have_a_bound() {
    let long = |times: usize| format!("1 == 1{}", " ".repeat(times));
    assert!(asks(&long(506), &ann(), &bob()));
    assert_eq!(complaints(&long(507)), ["at character 1: a rule has at most 512 characters"]);
    let text = |times: usize| format!("'{}' == 'a'", "é".repeat(times));
    assert!(!asks(&text(64), &ann(), &bob()));
    assert_eq!(complaints(&text(65)), ["at character 1: a string has at most 64 characters"]);
    assert_eq!(complaints(&format!("{} == 1", "9".repeat(400))), ["at character 1: this number is too large"]);
    let nested = |depth: usize| format!("{}1 == 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(asks(&nested(32), &ann(), &bob()));
    assert_eq!(complaints(&nested(33)), ["at character 33: a rule is nested at most 32 deep"]);
    for opening in ["not ", "abs(", "-", "(", "min(1,", "[", "not("] {
        let rule: String = opening.repeat(500).chars().take(512).collect();
        assert!(complaints(&rule)[0].ends_with("a rule is nested at most 32 deep"), "{opening}");
    }
    let sum = format!("{}1 == 250", "1+".repeat(249));
    assert!(asks(&sum, &ann(), &bob()));
}

#[test]
fn rows_refuse_what_is_not_declared() {
    let filters = Filters::compile(&queue(&[])).unwrap();
    assert!(filters.is_empty());
    let row = |properties: Properties| filters.row(&properties);
    let faults = row(says([
        ("age", 3.0.into()),
        ("build", 1.0.into()),
        ("clan", "x".repeat(65).as_str().into()),
        ("level", "x".into()),
        ("rank", f64::NAN.into()),
    ]))
    .unwrap_err();
    let faults: Vec<_> = faults.iter().map(|fault| (fault.path.as_str(), fault.message.as_str())).collect();
    assert_eq!(
        faults,
        [
            ("properties.age", "this queue has no such property; it has `build`, `clan`, `level`, `rank`"),
            ("properties.build", "has to be a text of up to 64 characters"),
            ("properties.clan", "has to be a text of up to 64 characters"),
            ("properties.level", "has to be a finite number"),
            ("properties.rank", "has to be a finite number"),
        ]
    );
    assert_eq!(row(Properties::new()).unwrap(), PropertyRow::default());
    assert!(row(ann()).is_ok());
    let bare = Filters::default();
    assert_eq!(bare.row(&ann()).unwrap_err()[0].message, "this queue has no properties");
}

#[test]
fn values_are_plain_json() {
    let properties: Properties = serde_json::from_str(r#"{"build":"1.2","level":10,"rank":2.5}"#).unwrap();
    assert_eq!(properties, says([("build", "1.2".into()), ("level", 10.0.into()), ("rank", 2.5.into())]));
    assert!(serde_json::from_str::<Properties>(r#"{"build":true}"#).is_err());
    assert_eq!(serde_json::to_string(&PropertyKind::String).unwrap(), r#""string""#);
}
