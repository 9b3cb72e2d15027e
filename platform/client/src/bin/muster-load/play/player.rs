//! A player of a match: what it is told to do, and what it tells.

use muster_client::core::{game::Command, id::MatchId, wire::ClientMessage};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::wire::{self, Frame, Request};
use crate::socket::Talk;

/// What a player is told to do.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Ask for a match.
    Queue,
    /// Make a move.
    Move {
        /// Counts through the run.
        number: u32,
        /// In which match.
        match_id: MatchId,
        /// Which.
        command: Command,
    },
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
    /// A move is sent in this moment.
    Sent(u32),
    /// A frame came.
    Heard(Frame),
    /// The socket is gone, and why.
    Lost(String),
}

/// A player with a socket.
pub struct Player {
    index: u32,
    run: u32,
    queue: String,
    /// How many tickets it has asked for.
    tickets: u32,
    news: UnboundedSender<News>,
}

impl Player {
    /// `run` is this run's, so that no request id comes twice.
    pub fn new(index: u32, run: u32, queue: &str, news: UnboundedSender<News>) -> Self {
        Self { index, run, queue: queue.to_owned(), tickets: 0, news }
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
            Order::Queue => {
                self.tickets += 1;
                let id = Request::id(self.run, 't', self.tickets);
                format!(r#"{{"type":"ticket.create","id":"{id}","queue":"{}"}}"#, self.queue)
            }
            Order::Move { number, match_id, command } => {
                let message = ClientMessage::MatchCommand { id: Request::id(self.run, 'm', number), match_id, command };
                let text = serde_json::to_string(&message).expect("ids and commands are JSON");
                self.tell(Instant::now(), What::Sent(number));
                text
            }
        }
    }

    fn hear(&mut self, at: Instant, text: &str) -> Result<(), serde_json::Error> {
        self.tell(at, What::Heard(wire::read(text)?));
        Ok(())
    }

    fn lost(&mut self, reason: String) {
        self.tell(Instant::now(), What::Lost(reason));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[test]
    fn orders_are_messages_of_the_schema() {
        let (news, mut told) = unbounded_channel();
        let mut player = Player::new(3, 5, "classic-casual", news);
        for expected in ["t00000005-1", "t00000005-2"] {
            let message: ClientMessage = serde_json::from_str(&player.say(Order::Queue)).unwrap();
            assert_eq!((message.kind(), message.id()), ("ticket.create", Some(expected)));
        }
        let match_id: MatchId = "mch_0192f0c1e1c07b2cb4b1a7d1c2e3f405".parse().unwrap();
        let text = player.say(Order::Move { number: 9, match_id, command: Command::Roll });
        let message: ClientMessage = serde_json::from_str(&text).unwrap();
        assert_eq!(message.id(), Some("m00000005-9"));
        assert!(matches!(told.try_recv().unwrap(), News { player: 3, what: What::Sent(9), .. }));
    }
}
