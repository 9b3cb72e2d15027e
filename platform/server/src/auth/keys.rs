//! The Ed25519 key that signs session tokens, and the public set (JWKS, RFC 7517) with which anybody can check them.

use std::collections::HashMap;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{self, DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// Why a signing key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is not an Ed25519 private key in PKCS#8 PEM.
    #[error("auth.signing_key is not an Ed25519 private key in PKCS#8 PEM; make one with `muster-server keygen`")]
    Malformed(#[source] pkcs8::Error),
    /// The library that makes tokens does not take the key.
    #[error("auth.signing_key cannot sign tokens")]
    Unusable(#[from] jsonwebtoken::errors::Error),
}

/// The key that signs now, and every key whose tokens are still honoured.
pub struct SigningKeys {
    pub(super) encoding: EncodingKey,
    pub(super) key_id: String,
    pub(super) decoding: HashMap<String, DecodingKey>,
    published: JwkSet,
}

impl SigningKeys {
    /// Reads a PKCS#8 PEM. The key id is the RFC 7638 thumbprint, so every replica gives the same one.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(KeyError::Malformed)?;
        let encoding = EncodingKey::from_ed_der(plain(&key).to_pkcs8_der().map_err(KeyError::Malformed)?.as_bytes());
        let mut public = Jwk::from_encoding_key(&encoding, Algorithm::EdDSA)?;
        let key_id = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(key_id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&public)?;
        Ok(Self {
            encoding,
            decoding: HashMap::from([(key_id.clone(), decoding)]),
            key_id,
            published: JwkSet { keys: vec![public] },
        })
    }

    /// The public halves, as served at `/.well-known/jwks.json`.
    pub fn published(&self) -> &JwkSet {
        &self.published
    }
}

/// A fresh Ed25519 private key in PKCS#8 PEM, from the operating system's random source.
pub fn generate_signing_key() -> String {
    plain(&SigningKey::from_bytes(&rand::random()))
        .to_pkcs8_pem(LineEnding::LF)
        .expect("a 32-byte Ed25519 key always encodes")
        .to_string()
}

/// The key as OpenSSL writes it (PKCS#8 version 1): without the public half, which not every reader expects there.
fn plain(key: &SigningKey) -> KeypairBytes {
    KeypairBytes { secret_key: key.to_bytes(), public_key: None }
}
