//! Time, as every wire of the platform shows it.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{DateTime, SecondsFormat, Utc};

/// RFC 3339 in UTC with milliseconds, such as `2025-03-01T12:00:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub DateTime<Utc>);

/// RFC 3339 in UTC with milliseconds, such as `2025-03-01T12:00:00.000Z`.
#[Scalar(name = "DateTime")]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse()?)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_always_there() {
        let time = Time::parse(Value::from("2025-03-01T13:00:00+01:00")).expect("a time");
        assert_eq!(time.to_value(), Value::from("2025-03-01T12:00:00.000Z"));
        assert!(Time::parse(Value::from("yesterday")).is_err());
    }
}
