//! What a player may add to the randomness of a match.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 32 bytes of a player's own making, mixed into the key of a match's dice; written as 64 hex digits.
///
/// The platform draws its seed after it has been told the nonces. So a nonce proves that the dice of this match were not fixed
/// before the player asked for it, and not fixed by the platform's seed alone; it does not prove that the platform did not draw
/// several seeds and keep the one it liked best. Against that stands only what the platform cannot take back: the commitment in
/// the first event of the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce([u8; 32]);

/// A text that is not a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hex digits")]
pub struct InvalidNonce;

impl Nonce {
    /// A nonce of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they are mixed in.
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl FromStr for Nonce {
    type Err = InvalidNonce;

    fn from_str(text: &str) -> Result<Self, InvalidNonce> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidNonce)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'_, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Nonce {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Nonce".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-fA-F]{64}$", "description": "32 bytes as hex digits." })
    }
}

impl utoipa::PartialSchema for Nonce {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .pattern(Some("^[0-9a-fA-F]{64}$"))
            .description(Some("32 bytes as hex digits."))
            .into()
    }
}

impl utoipa::ToSchema for Nonce {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_64_hex_digits_of_either_case() {
        let nonce: Nonce = serde_json::from_value(serde_json::json!("aB".repeat(32))).unwrap();
        assert_eq!(nonce, Nonce::new([0xab; 32]));
        assert_eq!(serde_json::to_value(nonce).unwrap(), "ab".repeat(32));
        for wrong in ["", "ab", &"ab".repeat(31), &"ab".repeat(33), &"xy".repeat(32), &"é".repeat(32)] {
            assert_eq!(wrong.parse::<Nonce>(), Err(InvalidNonce), "{wrong}");
        }
    }
}
