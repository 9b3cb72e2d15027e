//! Events out of a body, none of them looked at yet.

use std::fmt;

use muster_core::wire::MAX_EVENT_BATCH;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::body::Form;
use crate::error::{ApiError, Code};

/// The events of a body: an array of them, an object with such an array as `events`, or one a line. One that cannot be read
/// takes its neighbours along only where nobody could tell where it ends.
pub fn split(form: Form, text: &str) -> Result<Vec<&str>, ApiError> {
    let events = match form {
        Form::Lines => text
            .split('\n')
            .map(|line| line.trim_matches([' ', '\t', '\r']))
            .filter(|line| !line.is_empty())
            .take(MAX_EVENT_BATCH + 1)
            .collect(),
        Form::Json => {
            let read = if text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[') {
                serde_json::from_str(text).map(|Events(events)| events)
            } else {
                serde_json::from_str(text).map(|Batch { events: Events(events) }| events)
            };
            read.map_err(refusal)?
        }
    };
    if (1..=MAX_EVENT_BATCH).contains(&events.len()) { Ok(events) } else { Err(wrong_number()) }
}

fn wrong_number() -> ApiError {
    ApiError::field("events", format!("must hold 1 to {MAX_EVENT_BATCH} events"))
}

fn refusal(error: serde_json::Error) -> ApiError {
    let text = error.to_string();
    if text.starts_with(TOO_MANY) {
        wrong_number()
    } else if error.is_data() {
        ApiError::field("events", text)
    } else {
        ApiError::with_detail(Code::MalformedRequest, format!("The body is not JSON: {text}."))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    #[serde(borrow)]
    events: Events<'a>,
}

/// No more than one beyond what is allowed is kept: a body of half a million zeros is not taken apart.
struct Events<'a>(Vec<&'a str>);

const TOO_MANY: &str = "too many events";

impl<'de: 'a, 'a> Deserialize<'de> for Events<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;
        impl<'de> Visitor<'de> for Bounded {
            type Value = Vec<&'de str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut events = Vec::new();
                while let Some(event) = list.next_element::<&RawValue>()? {
                    if events.len() == MAX_EVENT_BATCH {
                        return Err(A::Error::custom(TOO_MANY));
                    }
                    events.push(event.get());
                }
                Ok(events)
            }
        }
        deserializer.deserialize_seq(Bounded).map(Events)
    }
}
