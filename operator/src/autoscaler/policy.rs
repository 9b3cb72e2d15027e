//! How many processes a policy asks for, given what was measured. Pure.

use jiff::{SignedDuration, Timestamp};

use super::forecast::Forecast;
use crate::{
    crd::region_autoscaler::{Buffer, Measure, Policy, Predictive, QueueDepth, Schedule},
    reconcile::Error,
    timing::{ZonedCron, duration},
};

/// What was measured; `Err` says why something could not be.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Players connected to the region.
    pub players: Result<f64, String>,
    /// Tickets that wait, of the queues of the policy.
    pub tickets: Result<f64, String>,
    /// How long tickets lately waited for their match. `None`: none was matched.
    pub wait: Result<Option<Waited>, String>,
    /// What the last two weeks foretell.
    pub forecast: Result<Forecast, String>,
}

/// How long tickets waited for their match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waited {
    /// Nineteen of twenty of them at most so long, seconds.
    pub seconds: f64,
    /// How many processes were ready when that was measured.
    pub ready: i32,
}

/// What a policy asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// How many processes.
    pub replicas: i32,
    /// Which policy.
    pub policy: &'static str,
    /// Why so many, for a person.
    pub why: String,
}

/// The measures of a policy.
pub fn measures(policy: &Policy) -> Vec<Measure> {
    policy.chain.clone().unwrap_or_else(|| {
        vec![Measure {
            buffer: policy.buffer.clone(),
            queue_depth: policy.queue_depth.clone(),
            schedule: policy.schedule.clone(),
            predictive: policy.predictive.clone(),
        }]
    })
}

/// What a measure asks for with `current` processes; `min` is asked for outside of all windows.
///
/// # Errors
/// The spec has nonsense in it, or what it needs could not be measured.
pub fn wish(measure: &Measure, measured: &Measured, current: i32, min: i32, now: Timestamp) -> Result<Wish, Error> {
    match measure {
        Measure { buffer: Some(buffer), .. } => by_buffer(buffer, measured),
        Measure { queue_depth: Some(depth), .. } => by_queue(depth, measured, current),
        Measure { schedule: Some(schedule), .. } => by_clock(schedule, min, now),
        Measure { predictive: Some(predictive), .. } => by_forecast(predictive, measured),
        _ => Err(Error::invalid("PolicyInvalid", "a measure needs one of buffer, queueDepth, schedule, predictive")),
    }
}

fn by_buffer(buffer: &Buffer, measured: &Measured) -> Result<Wish, Error> {
    let players = known(&measured.players)?;
    let per = f64::from(buffer.players_per_replica.max(1));
    let free = 1.0 - f64::from(buffer.spare_percent.clamp(0, 90)) / 100.0;
    let by_number = whole(players / per).saturating_add(buffer.spare_replicas);
    let replicas = by_number.max(whole(players / per / free));
    let why = format!("{players:.0} players at {per:.0} a process, and room for more.");
    Ok(Wish { replicas, policy: "Buffer", why })
}

fn by_queue(depth: &QueueDepth, measured: &Measured, current: i32) -> Result<Wish, Error> {
    let tickets = known(&measured.tickets)?;
    let per = f64::from(depth.tickets_per_replica.max(1));
    let mut wish = Wish {
        replicas: whole(tickets / per),
        policy: "QueueDepth",
        why: format!("{tickets:.0} tickets wait, at {per:.0} a process."),
    };
    if let Some(most) = &depth.time_to_match {
        let most = duration("timeToMatch", most)?.as_secs_f64().max(1.0);
        let waited = measured.wait.as_ref().map_err(|why| unknown(why))?;
        if let Some(waited) = waited {
            let wait = waited.seconds;
            // A tenth to either side is as good as on time.
            let ratio = wait / most;
            let by_wait = match ratio {
                // Of what was ready: processes that only start have shortened nobody's wait yet.
                ratio if ratio > 1.1 => whole(f64::from(waited.ready) * ratio.min(10.0)).max(current),
                ratio if ratio > 0.9 => current,
                _ => 0,
            };
            if by_wait > wish.replicas {
                wish.replicas = by_wait;
                wish.why = format!("Nineteen of twenty tickets waited up to {wait:.1} s; {most:.0} s are meant.");
            }
        } else if tickets > 0.0 && current > wish.replicas {
            // Nobody knows how long they will have waited; that is no reason to take processes away from them.
            wish.replicas = current;
            wish.why = format!("{tickets:.0} tickets wait, and none was matched lately.");
        }
    }
    Ok(wish)
}

fn by_clock(schedule: &Schedule, min: i32, now: Timestamp) -> Result<Wish, Error> {
    let mut wish = Wish { replicas: min, policy: "Schedule", why: "No window is open.".to_owned() };
    for window in &schedule.windows {
        let length = duration("length", &window.length)?;
        let cron = ZonedCron::new("start", &window.start, &schedule.time_zone)?;
        let open = cron.last_until(now).is_some_and(|began| now.duration_since(began) < length);
        if open && window.replicas >= wish.replicas {
            wish = Wish {
                replicas: window.replicas,
                policy: "Schedule",
                why: format!("The window {} is open.", window.name),
            };
        }
    }
    Ok(wish)
}

fn by_forecast(predictive: &Predictive, measured: &Measured) -> Result<Wish, Error> {
    let forecast = measured.forecast.as_ref().map_err(|why| unknown(why))?;
    let per = f64::from(predictive.players_per_replica.max(1));
    // As much more as it was off lately, but no more than half: a day of chaos should not double the bill.
    let margin = 1.0 + forecast.error.unwrap_or(0.0).clamp(0.0, 0.5);
    let replicas = whole(forecast.peak * margin / per);
    let why = format!(
        "Up to {:.0} players are expected within {}, at {per:.0} a process.",
        forecast.peak, predictive.horizon
    );
    Ok(Wish { replicas, policy: "Predictive", why })
}

fn known(measured: &Result<f64, String>) -> Result<f64, Error> {
    measured.as_ref().map(|value| value.max(0.0)).map_err(|why| unknown(why))
}

fn unknown(why: &str) -> Error {
    Error::dependency("MeasureUnknown", why.to_owned())
}

/// Rounded up, within what a number of processes can be.
fn whole(replicas: f64) -> i32 {
    #[allow(clippy::cast_possible_truncation, reason = "it is within 0 and 1,000,000")]
    if replicas.is_finite() { replicas.ceil().clamp(0.0, 1_000_000.0) as i32 } else { 0 }
}

/// Which of the queues' windows a horizon spans; the longest of the measures.
pub fn horizon(measure: &Predictive) -> Result<SignedDuration, Error> {
    duration("horizon", &measure.horizon)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn measured() -> Measured {
        Measured {
            players: Ok(4_100.0),
            tickets: Ok(900.0),
            wait: Ok(Some(Waited { seconds: 30.0, ready: 4 })),
            forecast: Ok(Forecast { peak: 9_000.0, error: Some(0.1) }),
        }
    }

    fn asks(measure: serde_json::Value, at: &str) -> i32 {
        let measure: Measure = serde_json::from_value(measure).unwrap();
        wish(&measure, &measured(), 4, 1, at.parse().unwrap()).unwrap().replicas
    }

    #[test]
    fn each_policy_asks_by_its_measure() {
        let noon = "2026-07-03T12:00:00Z";
        assert_eq!(asks(json!({ "buffer": { "playersPerReplica": 2000 } }), noon), 4);
        assert_eq!(asks(json!({ "buffer": { "playersPerReplica": 2000, "spareReplicas": 0 } }), noon), 3);
        // A half free of the whole room: 4,100 of 8,200, which is five processes.
        assert_eq!(
            asks(json!({ "buffer": { "playersPerReplica": 2000, "spareReplicas": 0, "sparePercent": 50 } }), noon),
            5
        );
        assert_eq!(asks(json!({ "queueDepth": { "ticketsPerReplica": 500 } }), noon), 2);
        assert_eq!(asks(json!({ "queueDepth": { "ticketsPerReplica": 500, "timeToMatch": "10s" } }), noon), 12);
        assert_eq!(asks(json!({ "queueDepth": { "ticketsPerReplica": 500, "timeToMatch": "31s" } }), noon), 4);
        assert_eq!(asks(json!({ "queueDepth": { "ticketsPerReplica": 500, "timeToMatch": "60s" } }), noon), 2);
        assert_eq!(asks(json!({ "predictive": { "playersPerReplica": 1000, "query": "q" } }), noon), 10);
    }

    #[test]
    fn the_wait_counts_from_the_processes_that_were_ready() {
        let depth = json!({ "queueDepth": { "ticketsPerReplica": 500, "timeToMatch": "10s" } });
        let measure: Measure = serde_json::from_value(depth).unwrap();
        let asks = |seconds, ready, current| {
            let measured = Measured { wait: Ok(Some(Waited { seconds, ready })), ..measured() };
            wish(&measure, &measured, current, 1, Timestamp::UNIX_EPOCH).unwrap().replicas
        };
        assert_eq!(asks(30.0, 4, 4), 12);
        // The eight that were added cannot have helped yet: they do not come up.
        assert_eq!(asks(30.0, 4, 12), 12);
        assert_eq!(asks(30.0, 12, 12), 36);
        // Processes that break down are no reason to ask for fewer.
        assert_eq!(asks(30.0, 1, 12), 12);
        assert_eq!(asks(10.0, 1, 12), 12);
    }

    #[test]
    fn tickets_that_wait_while_nobody_is_matched_take_nothing_away() {
        let depth = json!({ "queueDepth": { "ticketsPerReplica": 500, "timeToMatch": "10s" } });
        let measure: Measure = serde_json::from_value(depth).unwrap();
        let asks = |tickets| {
            let measured = Measured { tickets: Ok(tickets), wait: Ok(None), ..measured() };
            wish(&measure, &measured, 4, 1, Timestamp::UNIX_EPOCH).unwrap()
        };
        assert_eq!(asks(900.0).replicas, 4);
        assert!(asks(900.0).why.contains("none was matched"), "{}", asks(900.0).why);
        assert_eq!(asks(3_000.0).replicas, 6);
        // Where nobody waits, nobody need be matched.
        assert_eq!(asks(0.0).replicas, 0);
    }

    #[test]
    fn windows_are_open_by_their_own_clock() {
        let evenings = json!({ "schedule": { "timeZone": "Europe/Berlin", "windows": [
            { "name": "evenings", "start": "0 18 * * *", "length": "5h", "replicas": 6 },
            { "name": "fridays", "start": "0 20 * * 5", "length": "2h", "replicas": 9 },
        ] } });
        // Friday, 3 July 2026, in summer: two hours before UTC.
        assert_eq!(asks(evenings.clone(), "2026-07-03T15:59:59Z"), 1);
        assert_eq!(asks(evenings.clone(), "2026-07-03T16:00:00Z"), 6);
        assert_eq!(asks(evenings.clone(), "2026-07-03T18:30:00Z"), 9);
        assert_eq!(asks(evenings.clone(), "2026-07-03T20:30:00Z"), 6);
        assert_eq!(asks(evenings, "2026-07-03T21:00:00Z"), 1);
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let measured = Measured { players: Err("nobody answers".to_owned()), ..measured() };
        let measure: Measure = serde_json::from_value(json!({ "buffer": { "playersPerReplica": 10 } })).unwrap();
        let error = wish(&measure, &measured, 4, 1, "2026-07-03T12:00:00Z".parse().unwrap()).unwrap_err();
        assert_eq!((error.reason(), error.to_string().as_str()), ("MeasureUnknown", "nobody answers"));
    }
}
