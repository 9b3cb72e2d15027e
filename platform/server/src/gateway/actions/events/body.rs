//! What a request says of its body: its form, how it is packed, and when it was sent.

use std::io::{self, Read};

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use flate2::read::MultiGzDecoder;

use crate::error::{ApiError, Code};
use crate::gateway::Gateway;
use crate::gateway::extract::in_time;

/// When the sender sent it, by its own clock: RFC 3339.
pub const SENT_AT: &str = "muster-sent-at";

/// How much larger than the largest body one may be that comes packed.
const UNPACKED: usize = 4;

/// The most memory that a packed body may ask of its reader besides what it holds: 8 MiB (RFC 9659, section 3).
const ZSTD_WINDOW_LOG: u32 = 23;

/// How events stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Lines,
}

impl Form {
    /// By `content-type`.
    pub fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let content_type = text(headers, header::CONTENT_TYPE.as_str());
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Ok(Self::Json)
        } else if essence.eq_ignore_ascii_case("application/x-ndjson") {
            Ok(Self::Lines)
        } else {
            let detail = "Send `content-type: application/json`, or `application/x-ndjson` with an event a line.";
            Err(ApiError::with_detail(Code::UnsupportedMedia, detail))
        }
    }
}

/// When it was sent, where the sender says so.
pub fn sent_at(headers: &HeaderMap) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(value) = headers.get(SENT_AT) else { return Ok(None) };
    let read = value.to_str().ok().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    read.map(|at| Some(at.to_utc())).ok_or_else(|| ApiError::field(SENT_AT, "has to be a moment as RFC 3339 has it"))
}

/// How many bytes a body will be, as it comes and unpacked, by what its headers say; the most that it may be, where they say nothing.
///
/// # Errors
/// `body_too_large`, before any of it is read.
pub fn expected(headers: &HeaderMap, max_body_bytes: usize) -> Result<usize, ApiError> {
    let told = text(headers, header::CONTENT_LENGTH.as_str()).trim().parse().unwrap_or(max_body_bytes);
    if told > max_body_bytes {
        return Err(Code::BodyTooLarge.into());
    }
    Ok(if is_packed(headers) { told + unpacked_bound(max_body_bytes) } else { told })
}

/// The body as it comes.
///
/// # Errors
/// `body_too_slow` when it does not come in time, so that what is taken for it is given back; `body_too_large`; `malformed_request` when
/// it breaks off.
pub async fn read(request: Request, gateway: &Gateway) -> Result<Bytes, ApiError> {
    in_time(Bytes::from_request(request, gateway)).await?.map_err(|rejection| {
        let too_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
        ApiError::from(if too_large { Code::BodyTooLarge } else { Code::MalformedRequest })
    })
}

/// Whether it comes packed.
fn is_packed(headers: &HeaderMap) -> bool {
    !matches!(text(headers, header::CONTENT_ENCODING.as_str()).trim(), "" | "identity")
}

/// How large a packed body may be unpacked, in bytes.
pub fn unpacked_bound(max_body_bytes: usize) -> usize {
    max_body_bytes.saturating_mul(UNPACKED)
}

/// The body as it was before it was packed: as UTF-8, and no larger than it may be, however small it came.
pub fn unpack(headers: &HeaderMap, body: Bytes, max_body_bytes: usize) -> Result<String, ApiError> {
    let bound = unpacked_bound(max_body_bytes);
    let unpacked = match text(headers, header::CONTENT_ENCODING.as_str()).trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(body.into()),
        "gzip" | "x-gzip" => read_bounded(MultiGzDecoder::new(&*body), bound),
        "zstd" => zstd::Decoder::new(&*body).and_then(|mut decoder| {
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            read_bounded(decoder, bound)
        }),
        _ => {
            let detail = "Send `content-encoding: gzip` or `zstd`, or none.";
            return Err(ApiError::with_detail(Code::UnsupportedMedia, detail));
        }
    };
    let unpacked: Vec<u8> = unpacked.map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => ApiError::with_detail(
            Code::BodyTooLarge,
            format!("Unpacked, a body may have {} KiB at most.", bound / 1024),
        ),
        _ => ApiError::with_detail(Code::MalformedRequest, "The body is not packed as `content-encoding` says."),
    })?;
    String::from_utf8(unpacked).map_err(|_| ApiError::with_detail(Code::MalformedRequest, "The body is not UTF-8."))
}

fn read_bounded(packed: impl Read, bound: usize) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut packed = packed.take(bound as u64 + 1);
    packed.read_to_end(&mut unpacked)?;
    if unpacked.len() > bound { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(unpacked) }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap_or("?"))
}
