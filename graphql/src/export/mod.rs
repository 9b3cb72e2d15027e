//! `POST /export`: the answer of a question as a file, CSV or Parquet. In the audit log each export is told before its file is.
//!
//! The request is JSON ([`Asked`]) with the session's token as everywhere; a refusal has the shape of GraphQL's errors.

mod answer;
mod csv;
mod parquet;
mod question;
mod table;

use std::net::SocketAddr;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use muster_store::{Actor, AuditOutcome, NewAudit, Store};
use serde_json::json;
use tower_http::timeout::TimeoutLayer;

use crate::{
    auth::{Permission, Session, Sessions, grants},
    events,
    http::{REQUEST_TIME, knock},
    schema::ApiError,
};
use question::{Asked, Format};

/// Longest request, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// What a refused or answered export is called in the audit log.
pub(crate) const ACTION: &str = "insights.export";

#[derive(Clone)]
struct Desk {
    store: Store,
    sessions: Sessions,
}

/// The route. Serve it with `ConnectInfo<SocketAddr>`.
pub(crate) fn router(store: Store, sessions: Sessions) -> Router {
    Router::new()
        .route("/export", post(export))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIME))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Desk { store, sessions })
}

async fn export(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match desk.answer(&headers, peer, body).await {
        Ok((asked, file)) => {
            let name = format!("attachment; filename=\"{}\"", asked.file_name());
            // Made of words of ours and of days.
            let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(asked.format.media_type())),
                (header::CONTENT_DISPOSITION, name),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (headers, file).into_response()
        }
        Err(refusal) => {
            let status = match &refusal {
                ApiError::Unauthenticated => StatusCode::UNAUTHORIZED,
                ApiError::Forbidden { .. } => StatusCode::FORBIDDEN,
                ApiError::BadInput(_) => StatusCode::BAD_REQUEST,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            (status, headers, Json(refusal.into_response())).into_response()
        }
    }
}

impl Desk {
    async fn answer(
        &self,
        headers: &HeaderMap,
        peer: SocketAddr,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<(Asked, Vec<u8>), ApiError> {
        let token = knock(headers, peer).token.ok_or(ApiError::Unauthenticated)?;
        let session = self.sessions.find(token).await.map_err(ApiError::internal("find_session"))?;
        let session = session.ok_or(ApiError::Unauthenticated)?;
        if !grants(session.member.role, Permission::ExportInsights) {
            self.note(&session, AuditOutcome::Denied, None, json!({ "role": session.member.role })).await?;
            let permission = Permission::ExportInsights;
            return Err(ApiError::Forbidden { role: session.member.role, permission });
        }
        let body = body.map_err(|_| ApiError::bad_input(format!("the request has {MAX_BODY} bytes at most")))?;
        let asked: Asked =
            serde_json::from_slice(&body).map_err(|error| ApiError::bad_input(format!("the request: {error}")))?;
        let table = asked.question.ask(&self.store.insights, muster_store::now()).await?;
        let file = match asked.format {
            Format::Csv => csv::write(&table).map_err(ApiError::internal("write_csv"))?,
            Format::Parquet => parquet::write(&table).map_err(ApiError::internal("write_parquet"))?,
        };
        // First the entry, then the file: nothing leaves unseen.
        let details = json!({ "asked": &asked, "rows": table.rows(), "bytes": file.len() });
        self.note(&session, AuditOutcome::Succeeded, Some(asked.question.name().to_owned()), details).await?;
        events::insights_exported(session.member.staff_id, asked.question.name(), asked.format.as_str(), table.rows());
        Ok((asked, file))
    }

    async fn note(
        &self,
        session: &Session,
        outcome: AuditOutcome,
        target: Option<String>,
        details: serde_json::Value,
    ) -> Result<(), ApiError> {
        let entry = NewAudit {
            actor: Actor::Staff(session.member.staff_id),
            action: ACTION.to_owned(),
            target,
            reason: None,
            outcome,
            details,
        };
        self.store.audit.append(&entry, muster_store::now()).await.map_err(ApiError::internal("note_export"))?;
        Ok(())
    }
}
