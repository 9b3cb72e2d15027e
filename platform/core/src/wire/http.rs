//! Signing in, the player's own page, and what queues there are.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::telemetry::is_word;
use super::{FieldError, TicketView};
use crate::game::Mode;
use crate::id::{MatchId, PlayerId};
use crate::matchmaking::{PropertyKind, QueueDefinition};
use crate::time::millis;

/// `POST /v1/auth/device`: sign in with a secret that the device made and keeps. The first time makes an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceSignIn {
    /// 16 to 128 characters; whoever knows it is the player.
    #[schemars(length(min = 16, max = 128))]
    #[schema(min_length = 16, max_length = 128)]
    pub device_id: String,
    /// 1 to 32 characters; renames the player when it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[schema(min_length = 1, max_length = 32)]
    pub display_name: Option<String>,
    /// On what platform the game runs, such as `pc`: 1 to 64 of `a-z`, `A-Z`, `0-9`, `.`, `_`, `+` and `-`. The player's tickets and
    /// matches count for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Which build of the game it is: as `platform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
}

impl DeviceSignIn {
    /// Checks the lengths and characters.
    ///
    /// # Errors
    /// The first field whose value is not allowed.
    pub fn validate(&self) -> Result<(), FieldError> {
        if !(16..=128).contains(&self.device_id.chars().count()) || self.device_id.chars().any(char::is_control) {
            return Err(FieldError::new("device_id", "16 to 128 characters, none of them a control character"));
        }
        if self.display_name.as_deref().is_some_and(|name| !is_display_name(name)) {
            return Err(FieldError::new(
                "display_name",
                "1 to 32 characters, not only spaces, none of them a control character",
            ));
        }
        let words = [("platform", &self.platform), ("build", &self.build)];
        match words.into_iter().find(|(_, word)| word.as_deref().is_some_and(|word| !is_word(word))) {
            Some((field, _)) => Err(FieldError::new(field, "1 to 64 of a-z, A-Z, 0-9, `.`, `_`, `+` and `-`")),
            None => Ok(()),
        }
    }
}

fn is_display_name(name: &str) -> bool {
    name.chars().count() <= 32 && !name.trim().is_empty() && !name.chars().any(char::is_control)
}

/// The answer to signing in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct SignedIn {
    /// Who is signed in.
    pub player_id: PlayerId,
    /// The player's name as others see it.
    pub display_name: String,
    /// A JWT for `Authorization: Bearer` and the socket's `hello`.
    pub token: String,
    /// Until when the token is good.
    #[serde(with = "millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub expires_at: DateTime<Utc>,
    /// Whether this made the account.
    pub new_account: bool,
}

/// `GET /v1/me`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Profile {
    /// Who asks.
    pub player_id: PlayerId,
    /// The player's name as others see it.
    pub display_name: String,
    /// One for each mode that was played ranked.
    pub ratings: Vec<ProfileRating>,
    /// The ticket that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketView>,
    /// The match that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_id: Option<MatchId>,
    /// One for each ranked queue without a built-in mode that was played.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queue_ratings: Vec<QueueRating>,
    /// The match that runs on a registered server of its game: `POST /v1/matches/{id}/join-token` says where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_match_id: Option<MatchId>,
}

/// A player's strength in one queue whose matches are played on servers of its game.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct QueueRating {
    /// Which queue.
    pub queue: String,
    /// The estimate, in points; new players have 1500.
    pub points: f64,
    /// How unsure it is, in points.
    pub deviation: f64,
    /// Rated matches.
    pub matches: u32,
    /// Of these, won: in a team that came first, and alone did.
    pub wins: u32,
}

/// A player's strength in one mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ProfileRating {
    /// Which mode.
    pub mode: Mode,
    /// The estimate, in points; new players have 1500.
    pub points: f64,
    /// How unsure it is, in points.
    pub deviation: f64,
    /// Rated matches.
    pub matches: u32,
    /// Of these, won.
    pub wins: u32,
}

/// A queue, in the list of `GET /v1/queues`: what a client needs to know to wait in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct QueueView {
    /// What a ticket names.
    pub name: String,
    /// Counts from 1; every change makes the next one.
    #[serde(default)]
    pub version: u32,
    /// The rules its matches are played by; absent when they are played on servers of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether its matches move ratings.
    pub ranked: bool,
    /// Who plays whom.
    #[serde(default)]
    pub teams: TeamsView,
    /// How many players of each team do what; nothing when everybody does the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, u8>,
    /// Where its matches are played, for a ticket's `latencies_ms`; nothing when it does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Of `regions`, those in which it takes nobody for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed_regions: Vec<String>,
    /// How many players one ticket has at most.
    #[serde(default = "one")]
    pub max_party: u8,
    /// What a ticket may say of itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, PropertyKind>,
    /// Within how many seconds all players have to accept a match; absent when nobody is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance_secs: Option<u16>,
    /// After how many seconds a ticket expires; absent when never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait_secs: Option<u32>,
}

/// Who plays whom: so many teams of so many players.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct TeamsView {
    /// How many teams.
    pub count: u8,
    /// How many players each has at least.
    pub min_size: u8,
    /// How many players each has at most.
    pub max_size: u8,
}

impl Default for TeamsView {
    fn default() -> Self {
        Self { count: 2, min_size: 1, max_size: 1 }
    }
}

fn one() -> u8 {
    1
}

/// As if all its regions were open.
impl From<&QueueDefinition> for QueueView {
    fn from(queue: &QueueDefinition) -> Self {
        Self {
            name: queue.name.clone(),
            version: queue.version,
            mode: queue.mode,
            ranked: queue.ranked,
            teams: TeamsView {
                count: queue.teams.count,
                min_size: queue.teams.size.min,
                max_size: queue.teams.size.max,
            },
            roles: queue.roles.iter().map(|role| (role.name.clone(), role.count)).collect(),
            regions: queue.regions.iter().map(|region| region.name.clone()).collect(),
            closed_regions: Vec::new(),
            max_party: queue.max_party(),
            properties: queue.properties.clone(),
            acceptance_secs: queue.acceptance.map(|acceptance| acceptance.within_secs),
            max_wait_secs: queue.max_wait_secs,
        }
    }
}

/// `GET /v1/blocks`: whom the player never plays with or against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct BlockList {
    /// At most 256.
    pub players: Vec<PlayerId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(device_id: &str) -> DeviceSignIn {
        DeviceSignIn { device_id: device_id.into(), display_name: None, platform: None, build: None }
    }

    #[test]
    fn sign_in_names_the_field_that_is_wrong() {
        let wrong = |device_id: &str, name: Option<&str>| {
            let request = DeviceSignIn { display_name: name.map(Into::into), ..device(device_id) };
            request.validate().err().map(|error| error.path)
        };
        assert_eq!(wrong(&"d".repeat(16), None), None);
        assert_eq!(wrong(&"ü".repeat(128), Some(&"ü".repeat(32))), None);
        for device_id in [&"d".repeat(15), &"d".repeat(129), &"d\n".repeat(10)] {
            assert_eq!(wrong(device_id, None).as_deref(), Some("device_id"));
        }
        for name in ["", "  ", "a\u{7}b", &"n".repeat(33)] {
            assert_eq!(wrong(&"d".repeat(16), Some(name)).as_deref(), Some("display_name"));
        }
        let on = |platform: &str, build: &str| {
            let (platform, build) = (Some(platform.to_owned()), Some(build.to_owned()));
            DeviceSignIn { platform, build, ..device(&"d".repeat(16)) }.validate().err().map(|error| error.path)
        };
        assert_eq!(on("pc", "1.4.0+77"), None);
        assert_eq!(on("", "1").as_deref(), Some("platform"));
        assert_eq!(on("pc", "(mixed)").as_deref(), Some("build"));
        assert_eq!(on("pc", &"1".repeat(65)).as_deref(), Some("build"));
    }

    #[test]
    fn requests_refuse_unknown_fields_and_answers_do_not() {
        assert!(serde_json::from_str::<DeviceSignIn>(r#"{"device_id":"0123456789abcdef","name":"Ada"}"#).is_err());
        let queue: QueueView =
            serde_json::from_str(r#"{"name":"classic-ranked","mode":"classic","ranked":true,"later":1}"#).unwrap();
        assert_eq!((queue.mode, queue.max_party), (Some(Mode::Classic), 1));
    }
}
