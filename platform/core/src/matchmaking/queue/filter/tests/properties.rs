//! What holds of every rule.

use proptest::prelude::*;

use super::*;

fn literals() -> impl Strategy<Value = f64> {
    prop_oneof![(0u32..20).prop_map(f64::from), (0u32..80).prop_map(|quarters| f64::from(quarters) / 4.0)]
}

fn texts() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "b'", "\"b", "a rather long text of one kind", "a rather long text of another"])
        .prop_map(str::to_owned)
}

fn numbers() -> impl Strategy<Value = model::Number> {
    use model::Number::{Abs, Binary, Least, Literal, Most, Negative, Property};
    let leaf = prop_oneof![
        literals().prop_map(Literal),
        (any::<bool>(), prop::sample::select(vec!["level", "rank"])).prop_map(|(own, name)| Property(own, name)),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let some = prop::collection::vec(inner.clone(), 2..4);
        let operator = prop::sample::select(vec!["+", "-", "*", "/"]);
        prop_oneof![
            inner.clone().prop_map(|of| Negative(Box::new(of))),
            inner.clone().prop_map(|of| Abs(Box::new(of))),
            some.clone().prop_map(Least),
            some.prop_map(Most),
            (operator, inner.clone(), inner).prop_map(|(operator, left, right)| Binary(
                operator,
                Box::new(left),
                Box::new(right)
            )),
        ]
    })
}

fn words() -> impl Strategy<Value = model::Text> {
    let property = (any::<bool>(), prop::sample::select(vec!["build", "clan"]));
    prop_oneof![
        texts().prop_map(model::Text::Literal),
        property.prop_map(|(own, name)| model::Text::Property(own, name))
    ]
}

fn truths() -> impl Strategy<Value = model::Truth> {
    use model::Truth::{Alike, And, Has, Not, NumberIn, Numbers, Or, TextIn, Texts};
    let equality = || prop::sample::select(vec!["==", "!="]);
    let comparison = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let names = prop::sample::select(vec!["build", "clan", "level", "rank"]);
    let leaf = prop_oneof![
        (any::<bool>(), names).prop_map(|(own, name)| Has(own, name)),
        (comparison, numbers(), numbers()).prop_map(|(operator, left, right)| Numbers(operator, left, right)),
        (equality(), words(), words()).prop_map(|(operator, left, right)| Texts(operator, left, right)),
        (numbers(), prop::collection::vec(literals(), 1..4)).prop_map(|(of, items)| NumberIn(of, items)),
        (words(), prop::collection::vec(texts(), 1..4)).prop_map(|(of, items)| TextIn(of, items)),
    ];
    leaf.prop_recursive(3, 8, 2, move |inner| {
        let two = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            two.clone().prop_map(|(left, right)| And(left, right)),
            two.clone().prop_map(|(left, right)| Or(left, right)),
            (equality(), two).prop_map(|(operator, (left, right))| Alike(operator, left, right)),
            inner.prop_map(|of| Not(Box::new(of))),
        ]
    })
}

fn tickets() -> impl Strategy<Value = Properties> {
    let number = || prop::option::of(literals().prop_map(PropertyValue::Number));
    let text = || prop::option::of(texts().prop_map(PropertyValue::Text));
    (text(), text(), number(), number()).prop_map(|(build, clan, level, rank)| {
        [("build", build), ("clan", clan), ("level", level), ("rank", rank)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    })
}

/// Pieces of rules, in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "self.level",
        "other.build",
        "self",
        "other",
        ".",
        "level",
        "12",
        "0.5",
        "'x'",
        "\"y\"",
        "'",
        "\"",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "-",
        "*",
        "/",
        "abs(",
        "min(",
        "max(",
        "has(",
        "in",
        "[",
        "]",
        "(",
        ")",
        ",",
        "and",
        "or",
        "not",
        " ",
        "é",
        "\n",
    ];
    (prop::collection::vec(prop::sample::select(pieces), 0..40), any::<bool>())
        .prop_map(|(pieces, spaced)| pieces.join(if spaced { " " } else { "" }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), "\\PC{0,80}", soup()]) {
        match Filters::compile(&queue(&[&text])) {
            Ok(filters) => {
                let (own, other) = (filters.row(&ann()).unwrap(), filters.row(&bob()).unwrap());
                prop_assert_eq!(filters.allows(0, &own, &other), filters.allows(0, &own, &other));
            }
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }

    #[test]
    fn rules_are_evaluated_word_by_word(truth in truths(), own in tickets(), other in tickets()) {
        let rule = truth.write(0);
        prop_assume!(rule.chars().count() <= MAX_RULE);
        let expected = truth.holds(&model::Pair(&own, &other));
        prop_assert_eq!(asks(&rule, &own, &other), expected, "{}", rule);
    }
}
