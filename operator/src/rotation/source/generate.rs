//! New values, from the operating system's random source.

use ed25519_dalek::{
    SigningKey,
    pkcs8::{self, DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki::der::pem::LineEnding},
};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};

use crate::crd::secret_rotation::{Alphabet, Generate};

/// A value by the rule: each character is equally likely.
pub fn value(rule: &Generate) -> SecretString {
    let characters: &[u8] = match rule.alphabet {
        Alphabet::Alphanumeric => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        Alphabet::UrlSafe => b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
        Alphabet::Hex => b"0123456789abcdef",
    };
    let mut random = rand::rng();
    let value: String =
        (0..rule.length).map(|_| char::from(characters[random.random_range(0..characters.len())])).collect();
    value.into()
}

/// An Ed25519 private key in PKCS#8 PEM, version 1, as `muster-server keygen` prints it.
pub fn signing_key() -> SecretString {
    // Without the public half, which not every reader expects there.
    let key = KeypairBytes { secret_key: rand::random(), public_key: None };
    key.to_pkcs8_pem(LineEnding::LF).expect("a 32-byte Ed25519 key always encodes").to_string().into()
}

/// The public half of a private key in PKCS#8 PEM.
///
/// # Errors
/// It is not an Ed25519 key.
pub fn public_key(pem: &SecretString) -> Result<[u8; 32], pkcs8::Error> {
    Ok(SigningKey::from_pkcs8_pem(pem.expose_secret().trim())?.verifying_key().to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_the_rule_and_differ() {
        for alphabet in [Alphabet::Alphanumeric, Alphabet::UrlSafe, Alphabet::Hex] {
            let rule = Generate { length: 64, alphabet };
            let (one, other) = (value(&rule), value(&rule));
            assert_eq!(one.expose_secret().len(), 64);
            assert_ne!(one.expose_secret(), other.expose_secret());
            let plain = |c: char| match alphabet {
                Alphabet::Alphanumeric => c.is_ascii_alphanumeric(),
                Alphabet::UrlSafe => c.is_ascii_alphanumeric() || "-_".contains(c),
                Alphabet::Hex => c.is_ascii_hexdigit() && !c.is_ascii_uppercase(),
            };
            assert!(one.expose_secret().chars().all(plain));
        }
    }

    #[test]
    fn a_signing_key_can_be_read_again() {
        assert!(public_key(&signing_key()).is_ok());
        assert!(public_key(&SecretString::from("no key")).is_err());
    }
}
