//! What the browser subscribes to, over the socket.

use super::date_time::DateTime;

operation!(Live, "graphql/live.graphql");
operation!(MatchEvents, "graphql/match_events.graphql");

live_counts_from!(live::LiveLive);
match_event_from!(match_events::MatchEventsMatchEvents);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LiveCounts;

    #[test]
    fn an_answer_becomes_a_page_value() {
        let answer: live::ResponseData = serde_json::from_str(
            r#"{"live":{"at":"2026-11-20T11:37:02.250Z","playersOnline":12,"ticketsWaiting":3,"matchesRunning":4,
                "matchesFinished":1024,"eventsStored":5000000000,"eventsPerMinute":640}}"#,
        )
        .expect("the schema's shape");
        let counts = LiveCounts::from(answer.live);
        assert_eq!((counts.players_online, counts.events_stored), (12, 5_000_000_000));
        assert_eq!(crate::format::machine(counts.at), "2026-11-20T11:37:02.250Z");
    }
}
