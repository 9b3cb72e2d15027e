//! Where a ticket may play while staff keep some regions closed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{QueueDefinition, Region};

impl QueueDefinition {
    /// Where a ticket waits while some of the queue's regions are closed: the group of its nearest open region. None when it
    /// could play in closed ones only, however long it waited.
    pub fn open_group_of(&self, latencies_ms: &BTreeMap<String, u16>, closed: &BTreeSet<&str>) -> Option<&str> {
        let takes = |region: &&Region| region.may_take(latencies_ms);
        if closed.is_empty() || !self.regions.iter().any(|region| takes(&region)) {
            return Some(self.group_of(latencies_ms));
        }
        let open = self.regions.iter().filter(takes).filter(|region| !closed.contains(region.name.as_str()));
        let nearest = open.min_by_key(|region| latencies_ms.get(&region.name).copied().unwrap_or_default());
        nearest.map(|region| region.group.as_str())
    }
}

impl Region {
    /// Whether a ticket may play here, if it waits long enough.
    pub(in crate::matchmaking) fn may_take(&self, latencies_ms: &BTreeMap<String, u16>) -> bool {
        let widest = self.latency.as_ref().and_then(|bound| bound.after(Duration::MAX));
        latencies_ms.is_empty()
            || latencies_ms.get(&self.name).is_some_and(|latency| widest.is_none_or(|widest| *latency <= widest))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn queue() -> QueueDefinition {
        serde_json::from_value(json!({
            "name": "q", "version": 1, "ranked": false,
            "regions": [
                {"name": "eu-west", "group": "eu"},
                {"name": "eu-north", "group": "eu"},
                {"name": "asia", "group": "far", "latency": {"start_ms": 50, "steps": [{"after_secs": 30, "max_ms": 200}]}},
            ],
        }))
        .unwrap()
    }

    fn group(latencies: &[(&str, u16)], closed: &[&str]) -> Option<String> {
        let latencies = latencies.iter().map(|(region, ms)| ((*region).to_owned(), *ms)).collect();
        queue().open_group_of(&latencies, &closed.iter().copied().collect()).map(str::to_owned)
    }

    #[test]
    fn a_ticket_waits_with_its_nearest_open_region() {
        let both = [("eu-west", 20), ("asia", 150)];
        assert_eq!(group(&both, &[]).as_deref(), Some("eu"));
        assert_eq!(group(&both, &["eu-west"]).as_deref(), Some("far"));
        assert_eq!(group(&both, &["asia"]).as_deref(), Some("eu"));
        assert_eq!(group(&[], &["eu-west"]).as_deref(), Some("eu"), "any region will do");
        assert_eq!(group(&[], &["eu-west", "eu-north"]).as_deref(), Some("far"));
    }

    #[test]
    fn a_ticket_that_could_play_in_closed_regions_only_waits_nowhere() {
        assert_eq!(group(&[("eu-west", 20)], &["eu-west"]), None);
        assert_eq!(group(&[("eu-west", 20), ("asia", 250)], &["eu-west"]), None, "asia is too far away for good");
        assert_eq!(group(&[], &["eu-west", "eu-north", "asia"]), None);
    }

    #[test]
    fn who_is_too_far_away_from_everywhere_is_no_matter_of_closures() {
        assert_eq!(group(&[("asia", 250)], &["asia"]).as_deref(), Some("far"));
    }
}
