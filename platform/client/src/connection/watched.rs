//! The matches that a connection watches: the platform forgets them with the line, the connection does not.

use std::collections::BTreeMap;

use muster_core::{
    id::MatchId,
    wire::{ClientMessage, WatchBegan, WatchEnd, WatchEnded, WatchEvents},
};

/// What the ids of our own asking again begin with; those of verbs are hex digits.
const AGAIN: &str = "again:";

/// Matches that are watched, with the number of the last event that the game was told of.
#[derive(Debug, Default)]
pub(super) struct Watched {
    matches: BTreeMap<MatchId, u64>,
}

impl Watched {
    /// A verb of the game: what it wants to watch no more is not asked for again.
    pub(super) fn asked(&mut self, message: &ClientMessage) {
        if let ClientMessage::MatchUnwatch { match_id, .. } = message {
            self.forget(*match_id);
        }
    }

    /// A match is watched.
    pub(super) fn began(&mut self, began: &WatchBegan) {
        self.matches.insert(began.r#match.match_id, began.after);
    }

    /// The events that the game has not been told of yet; none when there are none, or it does not watch.
    pub(super) fn happened(&mut self, mut happened: WatchEvents) -> Option<WatchEvents> {
        let told = self.matches.get_mut(&happened.match_id)?;
        happened.events.retain(|event| event.seq > *told);
        *told = happened.events.last()?.seq;
        Some(happened)
    }

    /// A match is watched no more.
    pub(super) fn forget(&mut self, match_id: MatchId) {
        self.matches.remove(&match_id);
    }

    /// At a new line: asks for each match that was watched, from where the game was told.
    pub(super) fn again(&self) -> Vec<ClientMessage> {
        let watch = |(match_id, told): (&MatchId, &u64)| ClientMessage::MatchWatch {
            id: format!("{AGAIN}{match_id}"),
            match_id: *match_id,
            after: Some(*told),
        };
        self.matches.iter().map(watch).collect()
    }

    /// The platform refused something: when it was our own asking again, the game watches that match no more.
    pub(super) fn refused(&mut self, id: &str, code: &str) -> Option<WatchEnded> {
        let match_id = id.strip_prefix(AGAIN)?.parse().ok()?;
        self.forget(match_id);
        let reason = if code == "match_over" { WatchEnd::Over } else { WatchEnd::Unavailable };
        Some(WatchEnded { match_id, reason, r#match: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn events(match_id: MatchId, seqs: std::ops::Range<usize>) -> WatchEvents {
        WatchEvents { match_id, events: fixture::played_match(1).log[seqs].to_vec() }
    }

    #[test]
    fn a_new_line_goes_on_where_the_game_was_told() {
        let view = fixture::played_match(1).view;
        let match_id = view.match_id;
        let mut watched = Watched::default();
        watched.began(&WatchBegan { r#match: view, delay_ms: 0, after: 0 });
        assert_eq!(watched.happened(events(match_id, 0..3)).map(|it| it.events.len()), Some(3));
        assert!(
            matches!(&watched.again()[..], [ClientMessage::MatchWatch { match_id: of, after: Some(3), .. }] if *of == match_id)
        );
        // What overlaps is told once.
        assert_eq!(watched.happened(events(match_id, 1..5)).map(|it| it.events.len()), Some(2));
        assert_eq!(watched.happened(events(match_id, 0..5)), None);
        assert_eq!(watched.happened(events(fixture::match_id(99), 0..5)), None);

        watched.asked(&ClientMessage::MatchUnwatch { id: "a".to_owned(), match_id });
        assert!(watched.again().is_empty());
    }

    #[test]
    fn a_refusal_of_asking_again_ends_the_watching() {
        let view = fixture::played_match(1).view;
        let mut watched = Watched::default();
        watched.began(&WatchBegan { r#match: view.clone(), delay_ms: 0, after: 0 });
        let [ClientMessage::MatchWatch { id, .. }] = &watched.again()[..] else { panic!("one match is watched") };
        assert_eq!(watched.refused("0192f0c1", "match_over"), None, "a verb's refusal is the verb's");
        let ended = watched.refused(id, "match_over").unwrap();
        assert_eq!((ended.match_id, ended.reason), (view.match_id, WatchEnd::Over));
        assert!(watched.again().is_empty());
    }
}
