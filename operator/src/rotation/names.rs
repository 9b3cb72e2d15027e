//! Names under which a rotation writes.

use sha2::{Digest, Sha256};

/// Asks for a new version now; any value, taken away when it was acted on.
pub const ROTATE: &str = "muster.dev/rotate";
/// Asks to go back to the version before, while that is valid; any value, taken away when it was acted on.
pub const ROLLBACK: &str = "muster.dev/rollback";
/// Label of the Secrets that a rotation writes.
pub const ROTATED: &str = "muster.dev/rotated";
/// Before the rotation's name: which versions a Secret holds, or a pod was started with.
pub const VERSIONS: &str = "rotation.muster.dev/";

/// The annotation that says which versions a Secret or pod has. A key's name is 63 characters at most.
pub fn versions_annotation(rotation: &str) -> String {
    format!("{VERSIONS}{}", short(rotation, 63))
}

/// Under which the rotation owns its entries of the target Secret and its annotation on workloads. It is not the operator's
/// common name: several rotations may share a Secret or a workload, whose other fields the operator itself owns too, and what an
/// owner leaves out of an apply is taken away.
pub fn field_manager(rotation: &str) -> String {
    format!("muster-rotation-{}", short(rotation, 100))
}

/// The name, or its beginning and a hash of it when it is too long.
fn short(name: &str, most: usize) -> String {
    if name.len() <= most {
        return name.to_owned();
    }
    let hash = hex::encode(&Sha256::digest(name)[..4]);
    // Names of resources are ASCII, so every byte is a boundary.
    format!("{}-{hash}", name[..most - 9].trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (one, other) = (format!("{}a", "n".repeat(200)), format!("{}b", "n".repeat(200)));
        assert_ne!(versions_annotation(&one), versions_annotation(&other));
        assert_eq!(versions_annotation(&one).len(), VERSIONS.len() + 63);
        assert!(field_manager(&one).len() <= 128);
        assert_eq!(versions_annotation("db"), "rotation.muster.dev/db");
    }
}
