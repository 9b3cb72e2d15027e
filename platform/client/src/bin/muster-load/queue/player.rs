//! A player who queues: what it is told to do, and what it tells.

use std::fmt::Write;

use muster_client::core::{game::Command, id::MatchId, wire::ClientMessage};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::wire::{self, Heard};
use crate::socket::Talk;

/// How far away a player's own region is, and any other, in milliseconds.
const NEAR: u16 = 30;
const FAR: u16 = 200;

/// What a player is told to do.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Ask for a match.
    Queue {
        /// Which wish this is.
        wish: u32,
        /// When it should have been asked for; now, when absent.
        since: Option<Instant>,
    },
    /// Give a match up.
    Leave(MatchId),
}

/// What a player tells.
#[derive(Debug)]
pub struct News {
    /// Who.
    pub player: u32,
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What a player tells.
#[derive(Debug)]
pub enum What {
    /// A wish was asked for; its clock runs since `News::at`.
    Asked(u32),
    /// A frame came.
    Heard(Heard),
    /// The socket is gone, and why.
    Lost(String),
}

/// A player with a socket.
pub struct Player {
    index: u32,
    run: u32,
    /// What comes before and after the request id in this player's `ticket.create`.
    wish: (String, String),
    news: UnboundedSender<News>,
}

impl Player {
    /// `regions` are those of the queue, one of which is near; none when players do not say where they are.
    pub fn new(
        index: u32,
        run: u32,
        queue: &str,
        regions: &[&str],
        news: UnboundedSender<News>,
    ) -> anyhow::Result<Self> {
        Ok(Self { index, run, wish: wish_text(queue, &latencies(regions, index))?, news })
    }

    fn tell(&self, at: Instant, what: What) {
        // Nobody hears any more when the run is over.
        let _ = self.news.send(News { player: self.index, at, what });
    }
}

impl Talk for Player {
    type Order = Order;

    fn say(&mut self, order: Order) -> String {
        match order {
            Order::Queue { wish, since } => {
                self.tell(since.unwrap_or_else(Instant::now), What::Asked(wish));
                format!("{}{}{}", self.wish.0, wire::wish_id(self.run, wish), self.wish.1)
            }
            Order::Leave(match_id) => resign(match_id),
        }
    }

    fn hear(&mut self, at: Instant, text: &str) -> Result<(), serde_json::Error> {
        if let Some(heard) = wire::read(text)? {
            self.tell(at, What::Heard(heard));
        }
        Ok(())
    }

    fn lost(&mut self, reason: String) {
        self.tell(Instant::now(), What::Lost(reason));
    }
}

/// One region is near. Players are dealt to them in pairs, so that an even number leaves nobody without an opponent.
fn latencies(regions: &[&str], index: u32) -> Vec<(String, u16)> {
    let home = usize::try_from(index / 2).unwrap_or_default() % regions.len().max(1);
    let distance = |at| if at == home { NEAR } else { FAR };
    regions.iter().enumerate().map(|(at, region)| ((*region).to_owned(), distance(at))).collect()
}

/// `ticket.create` with a hole for the request id, so that each wish is only put together.
fn wish_text(queue: &str, latencies: &[(String, u16)]) -> anyhow::Result<(String, String)> {
    let mut after = format!(r#"","queue":{}"#, serde_json::to_string(queue)?);
    if !latencies.is_empty() {
        after.push_str(r#","latencies_ms":{"#);
        for (index, (region, latency)) in latencies.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(after, "{comma}{}:{latency}", serde_json::to_string(region)?)?;
        }
        after.push('}');
    }
    after.push('}');
    Ok((r#"{"type":"ticket.create","id":""#.to_owned(), after))
}

/// The request id is the match's, so that the answer tells which match it was about.
fn resign(match_id: MatchId) -> String {
    let message = ClientMessage::MatchCommand { id: match_id.to_string(), match_id, command: Command::Resign };
    serde_json::to_string(&message).expect("ids and commands are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_dealt_in_pairs() {
        let regions = ["a", "b", "c"];
        let near = |index| {
            let latencies = latencies(&regions, index);
            latencies.into_iter().find(|(_, latency)| *latency == NEAR).map(|(region, _)| region)
        };
        let dealt: Vec<String> = (0..8).filter_map(near).collect();
        assert_eq!(dealt, ["a", "a", "b", "b", "c", "c", "a", "a"]);
        assert!(latencies(&[], 4).is_empty());
    }

    #[test]
    fn wishes_are_messages_of_the_schema() {
        let (before, after) = wish_text("classic-casual", &[]).unwrap();
        let text = format!("{before}{}{after}", wire::wish_id(5, 6));
        let message: ClientMessage = serde_json::from_str(&text).unwrap();
        assert_eq!((message.kind(), message.id()), ("ticket.create", Some("w00000005-6")));
        message.validate().unwrap();

        let (before, after) = wish_text("q", &[("eu-west".to_owned(), 30), ("asia".to_owned(), 200)]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&format!("{before}x{after}")).unwrap();
        assert_eq!(value["latencies_ms"]["asia"], 200);
    }

    #[test]
    fn leaving_is_told_by_the_match() {
        let match_id: MatchId = "mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405".parse().unwrap();
        let message: ClientMessage = serde_json::from_str(&resign(match_id)).unwrap();
        assert_eq!(message.id(), Some("mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405"));
    }
}
