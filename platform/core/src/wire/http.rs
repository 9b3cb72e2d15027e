//! Signing in, the player's own page, and what queues there are.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FieldError, TicketView};
use crate::game::Mode;
use crate::id::{MatchId, PlayerId};
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
        Ok(())
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

/// A queue, in the list of `GET /v1/queues`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct QueueView {
    /// What a ticket names.
    pub name: String,
    /// The rules its matches are played by.
    pub mode: Mode,
    /// Whether its matches move ratings.
    pub ranked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_names_the_field_that_is_wrong() {
        let wrong = |device_id: &str, name: Option<&str>| {
            let request = DeviceSignIn { device_id: device_id.into(), display_name: name.map(Into::into) };
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
    }

    #[test]
    fn requests_refuse_unknown_fields_and_answers_do_not() {
        assert!(serde_json::from_str::<DeviceSignIn>(r#"{"device_id":"0123456789abcdef","name":"Ada"}"#).is_err());
        let queue: QueueView =
            serde_json::from_str(r#"{"name":"classic-ranked","mode":"classic","ranked":true,"later":1}"#).unwrap();
        assert_eq!(queue.mode, Mode::Classic);
    }
}
