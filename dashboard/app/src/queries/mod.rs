//! The GraphQL operations of `graphql/*.graphql`, checked against the schema at compile time, and the way from their
//! answers to the pages' own values.

/// Declares an operation: a type of its name and a module of its types.
macro_rules! operation {
    ($name:ident, $path:tt) => {
        #[derive(graphql_client::GraphQLQuery)]
        #[graphql(
                                                                    schema_path = "../../graphql/schema.graphql",
                                                                    query_path = $path,
                                                                    response_derives = "Debug, Clone, PartialEq",
                                                                    variables_derives = "Debug, Clone",
                                                                    extern_enums("MatchState", "StaffRole")
                                                                )]
        pub(crate) struct $name;
    };
}

// Each operation has types of its own for the same selection; these two write the one conversion for all of them.

macro_rules! live_counts_from {
    ($source:path) => {
        impl From<$source> for crate::model::LiveCounts {
            fn from(counts: $source) -> Self {
                Self {
                    at: counts.at.0,
                    players_online: counts.players_online,
                    tickets_waiting: counts.tickets_waiting,
                    matches_running: counts.matches_running,
                    matches_finished: counts.matches_finished,
                    events_stored: counts.events_stored,
                    events_per_minute: counts.events_per_minute,
                }
            }
        }
    };
}

macro_rules! match_event_from {
    ($source:path) => {
        impl From<$source> for crate::model::MatchEvent {
            fn from(event: $source) -> Self {
                Self {
                    seq: event.seq,
                    at: event.at.0,
                    kind: event.kind,
                    seat: event.seat.as_deref().and_then(crate::model::Seat::from_wire),
                    dice: event.dice.as_deref().and_then(super::pair).and_then(super::faces),
                    effect: event.effect,
                    turn_score: event.turn_score,
                    multiplier: event.multiplier,
                    totals: event.totals.as_deref().and_then(super::pair),
                    summary: event.summary,
                }
            }
        }
    };
}

mod date_time;
#[cfg(feature = "ssr")]
mod requests;
mod subscriptions;

#[cfg(feature = "ssr")]
pub(crate) use requests::*;
pub(crate) use subscriptions::*;

fn pair(values: &[i64]) -> Option<[i64; 2]> {
    values.try_into().ok()
}

fn faces(values: [i64; 2]) -> Option<[u8; 2]> {
    let face = |value: i64| u8::try_from(value).ok().filter(|face| (1..=6).contains(face));
    Some([face(values[0])?, face(values[1])?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_are_two_faces_or_nothing() {
        assert_eq!(pair(&[3, 5]).and_then(faces), Some([3, 5]));
        assert_eq!(pair(&[0, 5]).and_then(faces), None);
        assert_eq!(pair(&[3]).and_then(faces), None);
    }
}
