//! Results and events, column by column, as arrays of PostgreSQL.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::Open;
use crate::codec;

#[derive(Default)]
pub(super) struct ResultColumns<'a> {
    pub matches: Vec<Uuid>,
    pub outcomes: Vec<Value>,
    pub seeds: Vec<&'a [u8]>,
    pub ended_ats: Vec<DateTime<Utc>>,
    pub versions: Vec<i64>,
}

impl<'a> ResultColumns<'a> {
    pub fn of(open: &'a [Open<'_>]) -> Self {
        let mut columns = Self::default();
        for settlement in open.iter().map(|open| open.settlement) {
            columns.matches.push(settlement.match_id.uuid());
            columns.outcomes.push(codec::to_json_value(&settlement.outcome));
            columns.seeds.push(&settlement.seed);
            columns.ended_ats.push(settlement.ended_at);
            columns.versions.push(codec::signed(settlement.events.last().map_or(0, |event| event.seq)));
        }
        columns
    }
}

#[derive(Default)]
pub(super) struct EventColumns {
    pub matches: Vec<Uuid>,
    pub seqs: Vec<i64>,
    pub times: Vec<DateTime<Utc>>,
    pub events: Vec<Value>,
}

impl EventColumns {
    pub fn of(open: &[Open<'_>]) -> Self {
        let mut columns = Self::default();
        for (settlement, event) in
            open.iter().flat_map(|open| open.settlement.events.iter().map(|e| (open.settlement, e)))
        {
            columns.matches.push(settlement.match_id.uuid());
            columns.seqs.push(codec::signed(event.seq));
            columns.times.push(event.at);
            columns.events.push(codec::to_json_value(&event.event));
        }
        columns
    }
}
