//! Prometheus' text format, as far as it is needed: sums and histograms over labels.

use std::collections::BTreeMap;

/// The sum of a metric over all its labels that `wanted` takes; `None` when there is no such line.
pub fn sum(text: &str, metric: &str, wanted: impl Fn(&str) -> bool) -> Option<f64> {
    let mut found = lines(text, metric).filter(|(labels, _)| wanted(labels)).map(|(_, value)| value).peekable();
    found.peek()?;
    Some(found.sum())
}

/// The largest value of a metric for every combination of the labels `by`, over all labels that `wanted` takes.
pub fn largest<const N: usize>(
    text: &str,
    metric: &str,
    by: [&str; N],
    wanted: impl Fn(&str) -> bool,
) -> BTreeMap<[String; N], f64> {
    let mut largest = BTreeMap::new();
    for (labels, value) in lines(text, metric).filter(|(labels, _)| wanted(labels)) {
        let known = largest.entry(by.map(|name| label(labels, name).unwrap_or_default().to_owned())).or_insert(value);
        *known = value.max(*known);
    }
    largest
}

/// The value of a label in `a="1",b="2"`.
pub fn label<'l>(labels: &'l str, name: &str) -> Option<&'l str> {
    let mut rest = labels;
    while let Some((key, after)) = rest.split_once("=\"") {
        let end = after.char_indices().scan(false, |escaped, (at, c)| {
            let ends = c == '"' && !*escaped;
            *escaped = c == '\\' && !*escaped;
            Some((at, ends))
        });
        let end = end.into_iter().find(|(_, ends)| *ends)?.0;
        if key.trim_start_matches(',').trim() == name {
            return Some(&after[..end]);
        }
        rest = &after[end + 1..];
    }
    None
}

/// Counts by upper bound (as bits, so that they sort), summed over all labels that `wanted` takes.
pub type Buckets = BTreeMap<u64, f64>;

/// The buckets of a histogram.
pub fn buckets(text: &str, metric: &str, wanted: impl Fn(&str) -> bool) -> Buckets {
    let mut buckets = Buckets::new();
    for (labels, value) in lines(text, &format!("{metric}_bucket")).filter(|(labels, _)| wanted(labels)) {
        // Bounds are never negative, so their bits sort as they do; +Inf comes last.
        if let Some(bound) = label(labels, "le").and_then(|le| le.parse::<f64>().ok()).filter(|bound| *bound >= 0.0) {
            *buckets.entry(bound.to_bits()).or_default() += value;
        }
    }
    buckets
}

/// The quantile of what came between two looks, by linear interpolation as Prometheus' `histogram_quantile` does. `None` when
/// nothing came, or a process began anew in between.
pub fn quantile(before: &Buckets, after: &Buckets, quantile: f64) -> Option<f64> {
    let grown: Vec<(f64, f64)> = after
        .iter()
        .map(|(bound, count)| (f64::from_bits(*bound), count - before.get(bound).copied().unwrap_or(0.0)))
        .collect();
    let all = grown.last()?.1;
    if all <= 0.0 || grown.iter().any(|(_, count)| *count < 0.0) {
        return None;
    }
    let rank = quantile * all;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in grown {
        if count >= rank {
            // In the last bucket nobody knows how far; its beginning is what is sure.
            return Some(if bound.is_infinite() {
                lower
            } else {
                lower + (bound - lower) * (rank - below) / (count - below).max(f64::MIN_POSITIVE)
            });
        }
        (lower, below) = (bound, count);
    }
    None
}

/// Labels and values of a metric's lines.
fn lines<'t>(text: &'t str, metric: &str) -> impl Iterator<Item = (&'t str, f64)> {
    text.lines().filter_map(move |line| {
        let rest = line.strip_prefix(metric)?;
        let (labels, value) = match rest.as_bytes().first()? {
            b' ' => ("", rest),
            b'{' => rest[1..].rsplit_once('}')?,
            _ => return None,
        };
        let value: f64 = value.split_whitespace().next()?.parse().ok()?;
        value.is_finite().then_some((labels, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE muster_sockets gauge\nmuster_sockets 3\nmuster_sockets_total 99\n\
        muster_tickets_waiting{queue=\"ranked\",group=\"a}\\\"b\"} 7\nmuster_tickets_waiting{queue=\"casual\",group=\"b\"} 5\n\
        w_bucket{queue=\"ranked\",le=\"1\"} 10\nw_bucket{queue=\"ranked\",le=\"5\"} 20\nw_bucket{queue=\"ranked\",le=\"+Inf\"} 20\n";

    #[test]
    fn lines_are_summed_by_label() {
        assert_eq!(sum(TEXT, "muster_sockets", |_| true), Some(3.0));
        assert_eq!(sum(TEXT, "muster_tickets_waiting", |_| true), Some(12.0));
        assert_eq!(sum(TEXT, "muster_tickets_waiting", |labels| label(labels, "queue") == Some("casual")), Some(5.0));
        assert_eq!(sum(TEXT, "muster_nothing", |_| true), None);
        let twice = format!("{TEXT}muster_tickets_waiting{{group=\"b\",queue=\"casual\",process=\"2\"}} 6\n");
        let largest: Vec<_> = largest(&twice, "muster_tickets_waiting", ["queue"], |_| true).into_iter().collect();
        assert_eq!(largest, [(["casual".to_owned()], 6.0), (["ranked".to_owned()], 7.0)]);
        assert_eq!(label("queue=\"ranked\",group=\"a}\\\"b\"", "group"), Some("a}\\\"b"));
    }

    #[test]
    fn a_quantile_is_of_what_came_between() {
        let after = buckets(TEXT, "w", |_| true);
        assert_eq!(quantile(&Buckets::new(), &after, 0.5), Some(1.0));
        assert_eq!(quantile(&Buckets::new(), &after, 0.95), Some(4.6));
        assert_eq!(quantile(&after, &after, 0.95), None);
        assert_eq!(quantile(&after, &Buckets::new(), 0.95), None);
    }
}
