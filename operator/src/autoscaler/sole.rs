//! Only one RegionAutoscaler decides the number of a role.

use kube::{Resource, ResourceExt};

use crate::{crd::RegionAutoscaler, reconcile::is_paused};

/// Who decides the number that `resource` would decide, by name: of several the eldest, or of equal age the first by name. `None`: it is
/// `resource` itself, or it only reports. Those that are paused, only report or are being deleted do not count.
pub fn elder<'a>(resource: &RegionAutoscaler, all: impl IntoIterator<Item = &'a RegionAutoscaler>) -> Option<String> {
    if resource.spec.dry_run {
        return None;
    }
    let rank = |one: &RegionAutoscaler| (one.creation_timestamp().map(|at| at.0), one.name_any());
    let first = deciding(resource, all).map(rank).min()?;
    (first < rank(resource)).then_some(first.1)
}

/// Whether another one goes on with the number when `resource` goes.
pub fn has_heir<'a>(resource: &RegionAutoscaler, all: impl IntoIterator<Item = &'a RegionAutoscaler>) -> bool {
    deciding(resource, all).any(|other| other.uid() != resource.uid())
}

/// Those that decide the number that `resource` would decide.
fn deciding<'a>(
    resource: &RegionAutoscaler,
    all: impl IntoIterator<Item = &'a RegionAutoscaler>,
) -> impl Iterator<Item = &'a RegionAutoscaler> {
    all.into_iter().filter(move |other| {
        let same_number = other.namespace() == resource.namespace()
            && other.spec.region_ref.name == resource.spec.region_ref.name
            && other.spec.role == resource.spec.role;
        let acts = !other.spec.dry_run && !is_paused(*other) && other.meta().deletion_timestamp.is_none();
        same_number && acts
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn one(name: &str, created: &str, role: &str, spec: Value) -> RegionAutoscaler {
        let mut manifest = json!({
            "apiVersion": "muster.dev/v1alpha1", "kind": "RegionAutoscaler",
            "metadata": { "name": name, "namespace": "games", "uid": name, "creationTimestamp": created },
            "spec": {
                "regionRef": { "name": "eu" }, "role": role, "max": 9,
                "policy": { "buffer": { "playersPerReplica": 10 } },
            },
        });
        let spec = spec.as_object().cloned().unwrap_or_default();
        manifest["spec"].as_object_mut().unwrap().extend(spec);
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn of_several_the_eldest_decides() {
        let (early, late) = ("2026-07-03T12:00:00Z", "2026-07-03T13:00:00Z");
        let plain = |name, created| one(name, created, "gateway", json!({}));
        let all = [plain("b", late), plain("a", late), plain("z", early), one("r", early, "referee", json!({}))];
        let decides = |n: usize| elder(&all[n], &all);
        assert_eq!([decides(0), decides(1), decides(2), decides(3)], [Some("z".into()), Some("z".into()), None, None]);
        assert_eq!(elder(&all[0], &all[..2]), Some("a".into()));
        assert_eq!(elder(&all[1], &all[..2]), None);
    }

    #[test]
    fn who_does_not_act_does_not_count() {
        let young = one("young", "2026-07-03T13:00:00Z", "gateway", json!({}));
        let old = |spec| one("old", "2026-07-03T12:00:00Z", "gateway", spec);
        assert_eq!(elder(&young, &[old(json!({}))]), Some("old".into()));
        assert_eq!(elder(&young, &[old(json!({ "dryRun": true }))]), None);
        assert_eq!(elder(&young, &[old(json!({ "regionRef": { "name": "us" } }))]), None);
        let mut paused = old(json!({}));
        paused.annotations_mut().insert("muster.dev/paused".to_owned(), "true".to_owned());
        assert_eq!(elder(&young, &[paused]), None);
        let mut only_reports = young;
        only_reports.spec.dry_run = true;
        assert_eq!(elder(&only_reports, &[old(json!({}))]), None);
    }
    #[test]
    fn of_one_that_goes_another_one_of_the_same_number_is_the_heir() {
        let named = |name, role| one(name, "2026-07-03T12:00:00Z", role, json!({}));
        let goes = named("goes", "gateway");
        assert!(!has_heir(&goes, &[goes.clone(), named("other", "referee")]));
        assert!(has_heir(&goes, &[goes.clone(), named("other", "gateway")]));
    }
}
