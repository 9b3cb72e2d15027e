//! What players play on, as their game clients tell when they sign in. The platform's own events (tickets, matches) are told apart by
//! it, so that staff may ask of them by platform and build too.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use muster_core::id::PlayerId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::Result;

/// What stands for the platforms or builds of players who differ in them.
pub const MIXED: &str = "(mixed)";

/// What a player plays on, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GameClient {
    /// The platform, such as `pc`; 1 to 64 characters.
    pub platform: Option<String>,
    /// The build of the game; 1 to 64 characters.
    pub build: Option<String>,
}

impl GameClient {
    /// What several players have in common: of platform and build, what all of whom it is known have, [`MIXED`] where they differ,
    /// and none where nobody's is known.
    pub fn common<'a>(clients: impl IntoIterator<Item = &'a Self>) -> Self {
        fn join(all: &mut Option<String>, one: Option<&String>) {
            match (&all, one) {
                (Some(known), Some(one)) if known != one => *all = Some(MIXED.to_owned()),
                (None, Some(one)) => *all = Some(one.clone()),
                _ => {}
            }
        }
        clients.into_iter().fold(Self::default(), |mut all, client| {
            join(&mut all.platform, client.platform.as_ref());
            join(&mut all.build, client.build.as_ref());
            all
        })
    }
}

/// Handle on what players play on.
#[derive(Clone)]
pub struct Clients {
    postgres: PgPool,
}

impl Clients {
    pub(crate) fn new(postgres: PgPool) -> Self {
        Self { postgres }
    }

    /// Keeps what a player with an account plays on from now on; nothing, when the client tells nothing. Of two clients of a player the
    /// one that signed in last counts.
    pub async fn tell(&self, player: PlayerId, client: &GameClient, now: DateTime<Utc>) -> Result<()> {
        // Primary key of player.clients.
        if *client == GameClient::default() {
            sqlx::query!("DELETE FROM player.clients WHERE player_id = $1", player.uuid())
                .execute(&self.postgres)
                .await?;
            return Ok(());
        }
        sqlx::query!(
            r#"
            INSERT INTO player.clients AS c (player_id, platform, build, told_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (player_id) DO UPDATE
            SET platform = excluded.platform, build = excluded.build, told_at = excluded.told_at
            WHERE c.platform IS DISTINCT FROM excluded.platform OR c.build IS DISTINCT FROM excluded.build
            "#,
            player.uuid(),
            client.platform,
            client.build,
            now,
        )
        .execute(&self.postgres)
        .await?;
        Ok(())
    }

    /// What these players play on; those of whom nothing is known are absent.
    pub async fn of(&self, players: &[PlayerId]) -> Result<HashMap<PlayerId, GameClient>> {
        if players.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<Uuid> = players.iter().map(|player| player.uuid()).collect();
        // Primary key of player.clients.
        let rows =
            sqlx::query!("SELECT player_id, platform, build FROM player.clients WHERE player_id = ANY($1)", &ids)
                .fetch_all(&self.postgres)
                .await?;
        let client = |platform, build| GameClient { platform, build };
        Ok(rows.into_iter().map(|row| (PlayerId::from_uuid(row.player_id), client(row.platform, row.build))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_players_have_in_common_is_what_all_of_whom_it_is_known_have() {
        let client = |platform: &str, build: &str| {
            let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            GameClient { platform: told(platform), build: told(build) }
        };
        let common = |clients: &[GameClient]| GameClient::common(clients);
        assert_eq!(common(&[]), GameClient::default());
        assert_eq!(common(&[client("pc", "1"), client("pc", "2")]), client("pc", MIXED));
        assert_eq!(common(&[client("", ""), client("pc", "")]), client("pc", ""));
        assert_eq!(common(&[client("pc", "1"), client("ps", "1"), client("pc", "1")]), client(MIXED, "1"));
    }
}
