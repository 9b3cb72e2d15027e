//! Identifiers: UUIDv7 newtypes, written as a prefix and 32 lower-case hex digits (`ply_0192f0c1e1c07b2cb4b1a7d1c2e3f405`).
//!
//! The prefix makes a pasted id speak for itself, and an id of the wrong kind is refused at the edge. Ids sort by the moment
//! they were made. This crate has neither clock nor randomness, so both are given to `new`.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

/// What every identifier can do; for code that is generic over them.
pub trait Id: Copy + Ord + fmt::Display + FromStr<Err = InvalidId> {
    /// The text before the hex digits, with its underscore.
    const PREFIX: &'static str;

    /// The id with this UUID, whatever its version.
    fn from_uuid(uuid: Uuid) -> Self;

    /// The UUID without its prefix, as databases keep it.
    fn uuid(self) -> Uuid;

    /// A fresh id. `random` has to come from a good generator: 74 of its 80 bits are what keeps two ids of one millisecond apart.
    fn new(now: DateTime<Utc>, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        Self::from_uuid(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `{prefix}` and 32 lower-case hex digits")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

fn parse<I: Id>(text: &str) -> Result<I, InvalidId> {
    text.strip_prefix(I::PREFIX)
        .filter(|hex| hex.len() == 32 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        .and_then(|hex| Uuid::try_parse(hex).ok())
        .map(I::from_uuid)
        .ok_or(InvalidId { prefix: I::PREFIX })
}

struct IdVisitor<I>(std::marker::PhantomData<I>);

impl<I: Id> serde::de::Visitor<'_> for IdVisitor<I> {
    type Value = I;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` and 32 lower-case hex digits", I::PREFIX)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<I, E> {
        parse(text).map_err(E::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id; see [`Id::new`].
            pub fn new(now: DateTime<Utc>, random: [u8; 10]) -> Self {
                <Self as Id>::new(now, random)
            }

            /// The id with this UUID, whatever its version.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID without its prefix, as databases keep it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl Id for $name {
            const PREFIX: &'static str = $prefix;

            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut hex = Uuid::encode_buffer();
                f.write_str($prefix)?;
                f.write_str(self.0.as_simple().encode_lower(&mut hex))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(IdVisitor(std::marker::PhantomData))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": concat!("^", $prefix, "[0-9a-f]{32}$") })
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "[0-9a-f]{32}$")))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}

ids! {
    /// A player's account.
    PlayerId = "ply_";
    /// A player's wish to be matched in one queue.
    TicketId = "tkt_";
    /// A match.
    MatchId = "mch_";
    /// A running match's wish for more players.
    BackfillId = "bkf_";
    /// The key of a trusted server.
    ServiceKeyId = "svk_";
    /// A server of a game, from its start to its end.
    ServerId = "srv_";
    /// A run of a game client, as its telemetry tells it; also the session that a player's token stands for.
    SessionId = "ses_";
    /// A telemetry event.
    EventId = "evt_";
    /// What telemetry calls a player: random, and linked to the account in one place only.
    SubjectId = "sub_";
    /// A member of the live-ops staff.
    StaffId = "stf_";
    /// A background job.
    JobId = "job_";
    /// An entry of the audit log.
    AuditId = "aud_";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn text_is_the_prefix_and_32_hex_digits() {
        let id = MatchId::new(at(1_730_000_000_000), [0xab; 10]);
        assert_eq!(id.to_string(), format!("mch_{}", id.uuid().simple()));
        assert_eq!(id.to_string().len(), 36);
        assert_eq!(id.uuid().get_version_num(), 7);
    }

    #[test]
    fn refuses_other_kinds_and_other_forms() {
        let id = PlayerId::new(at(1_730_000_000_000), [7; 10]);
        let text = id.to_string();
        assert_eq!(text.parse::<PlayerId>(), Ok(id));
        assert_eq!(text.parse::<MatchId>(), Err(InvalidId { prefix: "mch_" }));
        for wrong in [
            String::new(),
            "ply_".to_owned(),
            id.uuid().to_string(),
            format!("ply_{}", id.uuid()),
            text.to_uppercase(),
            format!("ply_{}", id.uuid().simple().to_string().to_uppercase()),
            format!("{text}0"),
            format!("{} ", &text[..35]),
            "ply_ü192f0c1e1c07b2cb4b1a7d1c2e3f40".to_owned(),
        ] {
            assert!(wrong.parse::<PlayerId>().is_err(), "{wrong:?} was taken for a player's id");
        }
    }

    #[test]
    fn schemas_carry_the_pattern() {
        let schema = serde_json::to_value(schemars::schema_for!(TicketId)).unwrap();
        assert_eq!(schema["pattern"], "^tkt_[0-9a-f]{32}$");
        let schema = serde_json::to_value(<TicketId as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema["pattern"], "^tkt_[0-9a-f]{32}$");
    }

    proptest! {
        #[test]
        fn survives_text_and_json(millis in 0i64..4_000_000_000_000, random: [u8; 10]) {
            let id = StaffId::new(at(millis), random);
            prop_assert_eq!(id.to_string().parse::<StaffId>().unwrap(), id);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<StaffId>(&json).unwrap(), id);
        }

        #[test]
        fn sorts_by_the_moment_as_value_and_as_text(early in 0i64..2_000_000_000_000, gap in 1i64..1_000_000_000, a: [u8; 10], b: [u8; 10]) {
            let (first, second) = (EventId::new(at(early), a), EventId::new(at(early + gap), b));
            prop_assert!(first < second);
            prop_assert!(first.to_string() < second.to_string());
        }
    }
}
