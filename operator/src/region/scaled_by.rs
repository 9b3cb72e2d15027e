//! What the status says while somebody else decides how many processes of a role there are.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::{
    objects::{Kind, process_name},
    owned::Owned,
};
use crate::{
    autoscaler::SCALER,
    crd::{Region, region::RegionStatus},
    reconcile::conditions::{self, Says},
};

/// Somebody else decides how many processes of a role there are. Absent while nobody does.
pub const SCALED_BY_OTHERS: &str = "ScaledByOthers";

/// Says who does, or takes the condition away.
pub fn tell(status: &mut RegionStatus, region: &Region, owned: &Owned, now: Timestamp) {
    let namespace = region.namespace().unwrap_or_default();
    let roles = region.spec.roles.iter().filter_map(|role| {
        let seen = owned.get(Kind::Deployment, &namespace, &process_name(region, role.name))?;
        (!seen.scaled_by.is_empty()).then_some((role.name.as_str(), seen.scaled_by))
    });
    match says(roles) {
        Some(says) => conditions::set(&mut status.conditions, region.metadata.generation, now, [says]),
        None => conditions::unset(&mut status.conditions, SCALED_BY_OTHERS),
    }
}

fn says<'r>(roles: impl IntoIterator<Item = (&'r str, Box<[Box<str>]>)>) -> Option<Says> {
    let (mut told, mut others) = (Vec::new(), false);
    for (role, managers) in roles {
        others |= managers.iter().any(|manager| &**manager != SCALER);
        let managers: Vec<&str> =
            managers.iter().map(|manager| if &**manager == SCALER { "a RegionAutoscaler" } else { manager }).collect();
        told.push(format!("{} ({})", role, managers.join(", ")));
    }
    if told.is_empty() {
        return None;
    }
    let reason = if others { "OwnedByOthers" } else { "Autoscaled" };
    let message = format!(
        "How many processes there are is decided on the Deployment, and the Region's count is not used, for: {}. To hand it back: \
         kubectl muster scale --force, after an autoscaler is gone.",
        told.join("; ")
    );
    Some(Says::yes(SCALED_BY_OTHERS, reason, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(roles: &[(&'static str, &[&str])]) -> Option<(&'static str, String)> {
        let roles = roles.iter().map(|(role, managers)| (*role, managers.iter().map(|name| (*name).into()).collect()));
        says(roles).map(|says| (says.reason, says.message))
    }

    #[test]
    fn whoever_decides_is_named() {
        assert_eq!(told(&[]), None);
        let (reason, message) = told(&[("gateway", &[SCALER])]).unwrap();
        assert!(reason == "Autoscaled" && message.contains("gateway (a RegionAutoscaler)"), "{message}");
        let (reason, message) = told(&[("gateway", &[SCALER]), ("referee", &["kube-controller-manager"])]).unwrap();
        assert!(reason == "OwnedByOthers" && message.contains("referee (kube-controller-manager)"), "{message}");
    }
}
