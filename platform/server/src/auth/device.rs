//! A device's credential is a long random string that only the device knows; the database keeps its hash.

use sha2::{Digest, Sha256};

/// SHA-256 of a device id under a domain of its own.
///
/// A plain hash is enough here: the id is required to be a high-entropy secret made by the device (16 to 128 characters),
/// not a password that a person chose.
pub fn device_hash(device_id: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"muster.device.v1\0").chain_update(device_id.as_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differs_by_device_and_is_stable() {
        assert_eq!(device_hash("device-one-0123456"), device_hash("device-one-0123456"));
        assert_ne!(device_hash("device-one-0123456"), device_hash("device-two-0123456"));
    }
}
