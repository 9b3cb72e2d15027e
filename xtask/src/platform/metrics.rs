//! The two numbers of `status` that come from muster-server's metrics page.

use crate::http;

/// Matches finished and players online; `None` for what the page does not (yet) tell.
pub fn read(ops_url: &str) -> (Option<u64>, Option<u64>) {
    let Ok((200, page)) = http::get(&format!("{ops_url}/metrics")) else {
        return (None, None);
    };
    (value(&page, "muster_matches_finished"), value(&page, "muster_players_online"))
}

/// The value of a metric in Prometheus' text format, summed over its labels.
fn value(page: &str, name: &str) -> Option<u64> {
    let mut sum = None;
    for line in page.lines() {
        let Some(rest) = line.strip_prefix(name) else {
            continue;
        };
        // A longer name that begins the same is another metric.
        let number = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once('}').map(|(_, number)| number),
            None => rest.starts_with(' ').then_some(rest),
        };
        let number = number.and_then(|text| text.split_whitespace().next()).and_then(|text| text.parse::<f64>().ok());
        if let Some(number) = number {
            *sum.get_or_insert(0.0) += number;
        }
    }
    // Counts: whole and never negative.
    sum.map(|sum: f64| sum.max(0.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP muster_players_online Players with a live connection\n\
        # TYPE muster_players_online gauge\n\
        muster_players_online 20\n\
        muster_matches_finished_total{mode=\"classic\"} 999\n\
        muster_matches_finished{mode=\"classic\"} 3\n\
        muster_matches_finished{mode=\"last-line\",note=\"a } b\"} 4 1700000000000\n";

    #[test]
    fn values_are_summed_over_labels() {
        assert_eq!(value(PAGE, "muster_players_online"), Some(20));
        assert_eq!(value(PAGE, "muster_matches_finished"), Some(7));
        assert_eq!(value(PAGE, "muster_tickets_waiting"), None);
        assert_eq!(value("", "muster_players_online"), None);
    }
}
