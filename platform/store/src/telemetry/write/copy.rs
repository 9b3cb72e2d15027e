//! Rows as PostgreSQL takes them fastest: by `COPY` in its binary format, right into the hypertable.
//!
//! The format is that of <https://www.postgresql.org/docs/17/sql-copy.html#SQL-COPY-FILE-FORMATS>; how a value of a type looks in it is
//! sqlx's business.

use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, Postgres};

use super::Row;
use crate::Result;

const STATEMENT: &str = "COPY telemetry.events (
    event_id, at, received_at, source, kind, subject_id, session_id, match_id, mode, queue, region, platform, build, properties,
    sequence, skew_ms) FROM STDIN (FORMAT BINARY)";
const COLUMNS: i16 = 16;

/// The signature, no flags, no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TAIL: [u8; 2] = (-1_i16).to_be_bytes();
/// The length of what is not there.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// What `jsonb` begins with.
const JSONB_VERSION: u8 = 1;

/// Rows, ready to be sent.
pub(super) struct Encoded(PgArgumentBuffer);

impl Encoded {
    pub fn of(rows: &[&Row<'_>]) -> Result<Self> {
        let mut buffer = PgArgumentBuffer::default();
        buffer.extend_from_slice(HEAD);
        for row in rows {
            write(&mut buffer, row).map_err(sqlx::Error::Encode)?;
        }
        buffer.extend_from_slice(&TAIL);
        Ok(Self(buffer))
    }

    /// All of them, or an error when one cannot be stored or is there already.
    pub async fn send(&self, transaction: &mut PgConnection) -> Result<()> {
        let mut sink = transaction.copy_in_raw(STATEMENT).await?;
        sink.send(self.0.as_slice()).await?;
        sink.finish().await?;
        Ok(())
    }
}

fn write(buffer: &mut PgArgumentBuffer, row: &Row<'_>) -> std::result::Result<(), BoxDynError> {
    buffer.extend_from_slice(&COLUMNS.to_be_bytes());
    value(buffer, row.event_id.uuid())?;
    value(buffer, row.at)?;
    value(buffer, row.received_at)?;
    value(buffer, row.source.as_str())?;
    value(buffer, &*row.kind)?;
    value(buffer, row.subject_id.map(|id| id.uuid()))?;
    value(buffer, row.session_id.map(|id| id.uuid()))?;
    value(buffer, row.match_id.map(|id| id.uuid()))?;
    value(buffer, row.mode.map(|mode| mode.as_str()))?;
    value(buffer, row.queue.as_deref())?;
    value(buffer, row.region.as_deref())?;
    value(buffer, row.platform.as_deref())?;
    value(buffer, row.build.as_deref())?;
    json(buffer, row.properties)?;
    value(buffer, row.sequence)?;
    value(buffer, row.skew_ms)
}

fn value<'q>(buffer: &mut PgArgumentBuffer, value: impl Encode<'q, Postgres>) -> std::result::Result<(), BoxDynError> {
    sized(buffer, |buffer| value.encode_by_ref(buffer))
}

fn json(buffer: &mut PgArgumentBuffer, text: &RawValue) -> std::result::Result<(), BoxDynError> {
    sized(buffer, |buffer| {
        buffer.push(JSONB_VERSION);
        buffer.extend_from_slice(text.get().as_bytes());
        Ok(IsNull::No)
    })
}

/// What `write` writes, after its length.
fn sized(
    buffer: &mut PgArgumentBuffer,
    write: impl FnOnce(&mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError>,
) -> std::result::Result<(), BoxDynError> {
    let length_at = buffer.len();
    buffer.extend_from_slice(&NULL);
    let begin = buffer.len();
    if let IsNull::No = write(buffer)? {
        let length = i32::try_from(buffer.len() - begin)?;
        buffer[length_at..begin].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}
