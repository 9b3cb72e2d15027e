//! Whose an object is, and so whether a Region may write it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;

use crate::{context::FIELD_MANAGER, crd::Region, reconcile::Error};

/// The annotation by which a person lets a Region take over an object that it has not made.
pub const ADOPT: &str = "muster.dev/adopt";

/// Whose an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A Region's, by name: one that was made anew, or restored, has another uid.
    Region(Box<str>),
    /// The operator made it, or a person lets it be adopted, and nobody claims it.
    Free,
    /// It belongs to another resource: its kind and name.
    Another(Box<str>),
    /// Somebody has made it by whatever writes its fields: their names.
    Somebody(Box<str>),
}

impl Owner {
    /// By owner references first, and then by who writes it.
    pub fn of(metadata: &ObjectMeta) -> Self {
        let owners = metadata.owner_references.as_deref().unwrap_or_default();
        let group = Region::group(&());
        if let Some(region) = owners.iter().find(|owner| {
            owner.kind == Region::kind(&()) && owner.api_version.split('/').next() == Some(group.as_ref())
        }) {
            return Self::Region(region.name.as_str().into());
        }
        if let Some(owner) = owners.iter().find(|owner| owner.controller == Some(true)) {
            return Self::Another(format!("{} {}", owner.kind, owner.name).into());
        }
        let adopted = metadata.annotations.as_ref().and_then(|all| all.get(ADOPT)).is_some_and(|value| value == "true");
        let entries = metadata.managed_fields.as_deref().unwrap_or_default();
        let by_operator = entries.iter().any(|entry| {
            entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply")
        });
        if adopted || by_operator {
            return Self::Free;
        }
        // Not those that only tell how it is going.
        let writers = entries.iter().filter(|entry| entry.subresource.is_none());
        let mut writers: Vec<&str> = writers.filter_map(|entry| entry.manager.as_deref()).collect();
        writers.sort_unstable();
        writers.dedup();
        Self::Somebody(writers.join(", ").into())
    }

    /// That `region` may write the object.
    ///
    /// # Errors
    /// It is somebody else's.
    pub fn allows(&self, region: &str, kind: &str, name: &str) -> Result<(), Error> {
        let whose = match self {
            Self::Region(owner) if &**owner == region => return Ok(()),
            Self::Free => return Ok(()),
            Self::Region(owner) => format!("it belongs to the Region {owner}"),
            Self::Another(owner) => format!("it belongs to the {owner}"),
            Self::Somebody(writers) if writers.is_empty() => "somebody else has made it".to_owned(),
            Self::Somebody(writers) => format!("somebody else has made it (by {writers})"),
        };
        let adopt = match self {
            Self::Somebody(_) => {
                format!(
                    ", or let the Region take it over: kubectl annotate {} {name} {ADOPT}=true",
                    kind.to_lowercase()
                )
            }
            _ => String::new(),
        };
        Err(Error::NotOurs(format!(
            "There is a {kind} {name} that is not the Region {region}'s: {whose}. It is left as it is. Delete or rename it, give the Region \
             another name{adopt}."
        )))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn owner(metadata: Value) -> Owner {
        Owner::of(&serde_json::from_value(metadata).unwrap())
    }

    fn owned_by(kind: &str, api_version: &str, name: &str) -> Value {
        let owner =
            json!({ "apiVersion": api_version, "kind": kind, "name": name, "uid": "of-then", "controller": true });
        json!({ "ownerReferences": [owner], "annotations": { ADOPT: "true" } })
    }

    fn refused(owner: &Owner) -> Option<String> {
        owner.allows("eu", "Service", "eu-ops").err().map(|error| error.to_string())
    }

    #[test]
    fn what_a_region_of_that_name_owns_is_its_own() {
        let old = owner(owned_by("Region", "muster.dev/v1alpha1", "eu"));
        assert_eq!(old.allows("eu", "Service", "eu-ops").err().map(|error| error.to_string()), None);
        let other = refused(&owner(owned_by("Region", "muster.dev/v1alpha1", "eu-ops"))).unwrap();
        assert!(other.contains("belongs to the Region eu-ops") && !other.contains(ADOPT), "{other}");
    }

    #[test]
    fn what_another_resource_controls_is_never_adopted() {
        for owner in [owned_by("Rollout", "argoproj.io/v1", "eu"), owned_by("Region", "example.com/v1", "eu")] {
            assert!(refused(&super::tests::owner(owner)).unwrap().contains("it belongs to the R"));
        }
    }

    #[test]
    fn what_nobody_claims_is_free_when_the_operator_made_it_or_a_person_says_so() {
        let entry = |manager, operation| json!({ "managedFields": [{ "manager": manager, "operation": operation }] });
        assert_eq!(owner(entry(FIELD_MANAGER, "Apply")), Owner::Free);
        assert_eq!(owner(json!({ "annotations": { ADOPT: "true" } })), Owner::Free);
        for theirs in [entry("helm", "Apply"), json!({}), json!({ "annotations": { ADOPT: "false" } })] {
            assert!(refused(&owner(theirs)).unwrap().contains("kubectl annotate service eu-ops muster.dev/adopt=true"));
        }
    }
}
