//! One of Muster's resources, of whichever kind.

use super::{cluster::Cluster, find, problem::Problem, standing::Standing};
use crate::crd::{Region, RegionAutoscaler, SecretRotation};

/// A kind of Muster's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Region.
    Region,
    /// RegionAutoscaler.
    Autoscaler,
    /// SecretRotation.
    Rotation,
}

/// One of Muster's resources.
#[derive(Debug)]
pub enum Subject {
    /// A Region.
    Region(Box<Region>),
    /// A RegionAutoscaler.
    Autoscaler(Box<RegionAutoscaler>),
    /// A SecretRotation.
    Rotation(Box<SecretRotation>),
}

impl Kind {
    /// By one of its names.
    fn of(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        match name.strip_suffix(".muster.dev").unwrap_or(&name) {
            "region" | "regions" | "rgn" => Some(Self::Region),
            "regionautoscaler" | "regionautoscalers" | "rgas" | "autoscaler" => Some(Self::Autoscaler),
            "secretrotation" | "secretrotations" | "srot" | "rotation" => Some(Self::Rotation),
            _ => None,
        }
    }
}

/// Reads `KIND/NAME`, `KIND NAME` or `NAME`.
///
/// # Errors
/// It is none of them.
pub fn named(words: &[String]) -> Result<(Option<Kind>, String), Problem> {
    let (kind, name) = match words {
        [kind, name] => (Some(kind.as_str()), name.as_str()),
        [one] => one.split_once('/').map_or((None, one.as_str()), |(kind, name)| (Some(kind), name)),
        _ => (None, ""),
    };
    let known = kind.map(|kind| {
        Kind::of(kind).ok_or_else(|| {
            let todo = "Say region, autoscaler or rotation (or rgn, rgas, srot), as in region/eu-west.";
            Problem::new(format!("{kind} is not a kind of Muster's."), todo)
        })
    });
    if name.is_empty() {
        return Err(Problem::new("There is no name.", "Write KIND/NAME, as in region/eu-west."));
    }
    Ok((known.transpose()?, name.to_owned()))
}

impl Subject {
    /// The resource of that name.
    ///
    /// # Errors
    /// It is not there, or several are of that name.
    pub async fn find(cluster: &Cluster, kind: Option<Kind>, name: &str) -> Result<Self, Problem> {
        match kind {
            Some(Kind::Region) => return Ok(Self::Region(Box::new(find::find(cluster, name).await?))),
            Some(Kind::Autoscaler) => return Ok(Self::Autoscaler(Box::new(find::find(cluster, name).await?))),
            Some(Kind::Rotation) => return Ok(Self::Rotation(Box::new(find::find(cluster, name).await?))),
            None => {}
        }
        let region = find::look::<Region>(cluster, name).await?.map(|found| Self::Region(Box::new(found)));
        let autoscaler =
            find::look::<RegionAutoscaler>(cluster, name).await?.map(|found| Self::Autoscaler(Box::new(found)));
        let rotation = find::look::<SecretRotation>(cluster, name).await?.map(|found| Self::Rotation(Box::new(found)));
        let mut found: Vec<_> = [region, autoscaler, rotation].into_iter().flatten().collect();
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(Problem::new(
                format!("Several resources in namespace {} are called {name}.", cluster.namespace),
                format!("Say which one: region/{name}, autoscaler/{name} or rotation/{name}."),
            )),
            // Most are asked for a Region, so its names are told.
            (None, _) => find::find::<Region>(cluster, name).await.map(|found| Self::Region(Box::new(found))),
        }
    }

    /// Whether it is as it should be.
    pub fn standing(&self) -> Standing {
        match self {
            Self::Region(region) => region_standing(region),
            Self::Autoscaler(autoscaler) => autoscaler_standing(autoscaler),
            Self::Rotation(rotation) => rotation_standing(rotation),
        }
    }
}

/// Whether a Region is as it should be.
pub fn region_standing(region: &Region) -> Standing {
    let status = region.status.as_ref();
    let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
    Standing::of(region, conditions, status.and_then(|status| status.observed_generation))
}

/// Whether a RegionAutoscaler is as it should be.
pub fn autoscaler_standing(autoscaler: &RegionAutoscaler) -> Standing {
    let status = autoscaler.status.as_ref();
    let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
    Standing::of(autoscaler, conditions, status.and_then(|status| status.observed_generation))
}

/// Whether a SecretRotation is as it should be.
pub fn rotation_standing(rotation: &SecretRotation) -> Standing {
    let status = rotation.status.as_ref();
    let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
    Standing::of(rotation, conditions, status.and_then(|status| status.observed_generation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<(Option<Kind>, String), Problem> {
        named(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn resources_are_named_as_in_kubectl() {
        for words in [&["region/eu"][..], &["rgn", "eu"], &["regions.muster.dev/eu"], &["Region/eu"]] {
            assert_eq!(read(words).unwrap(), (Some(Kind::Region), "eu".to_owned()));
        }
        assert_eq!(read(&["eu"]).unwrap(), (None, "eu".to_owned()));
        assert_eq!(read(&["srot/db"]).unwrap().0, Some(Kind::Rotation));
        assert!(read(&["pod/x"]).unwrap_err().todo.contains("region, autoscaler or rotation"));
        assert!(read(&["region/"]).is_err());
    }
}
