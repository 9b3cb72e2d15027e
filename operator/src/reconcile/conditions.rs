//! Conditions as `kubectl wait` and kstatus read them.
//!
//! `Ready` says whether the resource is as it should be, `Progressing` whether the operator is under way to it, `Degraded` whether
//! something is wrong that wants a person. `Stalled` is there, as kstatus wants it, only while nothing goes on before a person has
//! changed something. `observedGeneration` is the spec that they speak of, so a tool that waits does not take the answer to the last
//! change for the answer to this one.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

/// The resource is as it should be.
pub const READY: &str = "Ready";
/// The operator is under way to it.
pub const PROGRESSING: &str = "Progressing";
/// Something is wrong.
pub const DEGRADED: &str = "Degraded";

/// Nothing goes on before a person has changed something. Said together with [`DEGRADED`], or taken away with it.
pub const STALLED: &str = "Stalled";

/// A status with conditions.
pub trait Conditioned {
    /// Its conditions.
    fn conditions(&self) -> &[Condition];
    /// Its conditions, to change.
    fn conditions_mut(&mut self) -> &mut Vec<Condition>;
    /// The spec that it speaks of, to change.
    fn observed_generation_mut(&mut self) -> &mut Option<i64>;
    /// The field that is the memory of a work under way, which a copy that has aged must not overwrite; most have none.
    const MEMORY: Option<&'static str> = None;
}

/// What a condition says, without when it began to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// Such as [`READY`].
    pub type_: &'static str,
    /// Whether it holds; `None` when nobody knows.
    pub holds: Option<bool>,
    /// One stable word for programs.
    pub reason: &'static str,
    /// One sentence for a person.
    pub message: String,
}

impl Says {
    /// A condition that holds.
    pub fn yes(type_: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { type_, holds: Some(true), reason, message: message.into() }
    }

    /// A condition that does not hold.
    pub fn no(type_: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { type_, holds: Some(false), reason, message: message.into() }
    }

    /// A condition of which nobody knows.
    pub fn unknown(type_: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { type_, holds: None, reason, message: message.into() }
    }
}

/// Sets conditions. `lastTransitionTime` moves only when the status of a condition does. Others are left as they are, but for
/// [`STALLED`]: it goes when [`DEGRADED`] is said without it.
pub fn set(
    conditions: &mut Vec<Condition>,
    generation: Option<i64>,
    now: Timestamp,
    all: impl IntoIterator<Item = Says>,
) {
    let all: Vec<Says> = all.into_iter().collect();
    let says = |type_: &str| all.iter().any(|says| says.type_ == type_);
    if says(DEGRADED) && !says(STALLED) {
        unset(conditions, STALLED);
    }
    for says in all {
        let status = match says.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let known = conditions.iter_mut().find(|condition| condition.type_ == says.type_);
        let since = match &known {
            Some(condition) if condition.status == status => condition.last_transition_time.clone(),
            // Kubernetes keeps whole seconds; more would differ from what is read back.
            _ => Time(Timestamp::from_second(now.as_second()).unwrap_or(now)),
        };
        let condition = Condition {
            type_: says.type_.to_owned(),
            status: status.to_owned(),
            reason: says.reason.to_owned(),
            message: says.message,
            last_transition_time: since,
            observed_generation: generation,
        };
        match known {
            Some(known) => *known = condition,
            None => conditions.push(condition),
        }
    }
}

/// Takes a condition away.
pub fn unset(conditions: &mut Vec<Condition>, type_: &str) {
    conditions.retain(|condition| condition.type_ != type_);
}

/// Whether a condition holds; `None` when nobody knows, or it was never said.
pub fn holds(conditions: &[Condition], type_: &str) -> Option<bool> {
    let condition = conditions.iter().find(|condition| condition.type_ == type_)?;
    match condition.status.as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

/// The reason of a condition.
pub fn reason<'c>(conditions: &'c [Condition], type_: &str) -> Option<&'c str> {
    conditions.iter().find(|condition| condition.type_ == type_).map(|condition| condition.reason.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_moves_only_with_the_status() {
        let (first, second) = (Timestamp::from_second(100).unwrap(), Timestamp::from_second(200).unwrap());
        let mut conditions = Vec::new();
        set(&mut conditions, Some(1), first, [Says::no(READY, "Starting", "0 of 2 are ready.")]);
        set(&mut conditions, Some(2), second, [Says::no(READY, "Starting", "1 of 2 are ready.")]);
        assert_eq!(conditions[0].last_transition_time.0, first);
        assert_eq!((conditions[0].message.as_str(), conditions[0].observed_generation), ("1 of 2 are ready.", Some(2)));
        set(&mut conditions, Some(2), second, [Says::yes(READY, "AllReady", "2 of 2 are ready.")]);
        assert_eq!((conditions.len(), conditions[0].last_transition_time.0), (1, second));
        assert_eq!(holds(&conditions, READY), Some(true));
    }

    #[test]
    fn what_is_stalled_is_so_until_something_else_is_said_of_what_is_wrong() {
        let (now, mut conditions) = (Timestamp::from_second(100).unwrap(), Vec::new());
        let stalled = [Says::yes(DEGRADED, "Invalid", "No."), Says::yes(STALLED, "Invalid", "No.")];
        set(&mut conditions, Some(1), now, stalled);
        set(&mut conditions, Some(1), now, [Says::no(PROGRESSING, "Paused", "Nothing is done.")]);
        assert_eq!(holds(&conditions, STALLED), Some(true));
        set(&mut conditions, Some(2), now, [Says::no(DEGRADED, "AsExpected", "Nothing is wrong.")]);
        assert_eq!(holds(&conditions, STALLED), None);
    }
}
