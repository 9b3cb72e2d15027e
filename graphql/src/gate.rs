//! The way of every operation, whatever it came by: whose it is, whether it may run, what it answered.

use std::{
    any::TypeId,
    sync::Arc,
    time::{Duration, Instant},
};

use async_graphql::{Data, Executor, Request, Response};
use futures::{StreamExt, stream, stream::BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Caller, Knock, Sessions},
    events,
    purpose::Purpose,
    schema::{ApiError, StaffSchema, outcome_of, with_codes},
};

/// Longest time that a query or mutation may take.
const OPERATION_TIME: Duration = Duration::from_secs(15);

/// Subscriptions that one socket may have at once.
const SUBSCRIPTIONS: usize = 32;

/// Admits operations to the schema. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    schema: StaffSchema,
    about_itself: StaffSchema,
    sessions: Sessions,
}

/// What all operations of one socket have in common; put it into the socket's session data.
pub struct Connection {
    knock: Knock,
    session_over: CancellationToken,
    subscriptions: Arc<Semaphore>,
}

impl Connection {
    /// A socket of whoever knocked. Its subscriptions end when `session_over` is cancelled.
    pub fn new(knock: Knock, session_over: CancellationToken) -> Self {
        Self { knock, session_over, subscriptions: Arc::new(Semaphore::new(SUBSCRIPTIONS)) }
    }
}

/// An operation that may run.
struct Admitted {
    request: Request,
    purpose: Purpose,
}

impl Gate {
    /// A gate before a schema; `about_itself` is the same schema for introspection.
    pub fn new(schema: StaffSchema, about_itself: StaffSchema, sessions: Sessions) -> Self {
        Self { schema, about_itself, sessions }
    }

    /// Runs one query or mutation.
    pub async fn answer(&self, request: Request, knock: Knock) -> Response {
        let begun = Instant::now();
        match self.admit(request, knock).await {
            Ok(admitted) => self.run(admitted, begun).await,
            Err(refusal) => answered("refused", refusal, begun),
        }
    }

    async fn run(&self, admitted: Admitted, begun: Instant) -> Response {
        let schema = match admitted.purpose {
            Purpose::Introspection => &self.about_itself,
            _ => &self.schema,
        };
        let response = match tokio::time::timeout(OPERATION_TIME, schema.execute(admitted.request)).await {
            Ok(response) => response,
            Err(elapsed) => ApiError::internal("run_operation")(elapsed).into_response(),
        };
        answered(admitted.purpose.as_str(), response, begun)
    }

    /// Looks the session up, anew for every operation, and refuses the signed-out everything but signing in.
    async fn admit(&self, mut request: Request, knock: Knock) -> Result<Admitted, Response> {
        let operation_name = request.operation_name.clone();
        let document = request.parsed_query().map_err(|error| Response::from_errors(vec![error]))?;
        let purpose = Purpose::of(document, operation_name.as_deref());

        let session = match knock.token {
            Some(token) => self
                .sessions
                .find(token)
                .await
                .map_err(|error| ApiError::internal("find_session")(error).into_response())?,
            None => None,
        };
        if session.is_none() && purpose != Purpose::SignIn {
            return Err(ApiError::Unauthenticated.into_response());
        }
        let caller = Caller { address: knock.address, session };
        Ok(Admitted { request: request.data(caller), purpose })
    }

    /// Runs one operation of a socket: a subscription as long as it and the session last, anything else once.
    async fn stream(self, request: Request, session_data: Arc<Data>) -> BoxStream<'static, Response> {
        let Some(connection) = connection_of(&session_data) else {
            return once(ApiError::Unauthenticated.into_response());
        };
        let begun = Instant::now();
        let admitted = match self.admit(request, connection.knock).await {
            Ok(admitted) => admitted,
            Err(refusal) => return once(answered("refused", refusal, begun)),
        };
        if admitted.purpose != Purpose::Subscription {
            return once(self.run(admitted, begun).await);
        }
        let Ok(slot) = connection.subscriptions.clone().try_acquire_owned() else {
            return once(
                ApiError::bad_input(format!("one socket may have {SUBSCRIPTIONS} subscriptions: end one first"))
                    .into_response(),
            );
        };
        let session_over = connection.session_over.clone();
        let responses = self.schema.execute_stream_with_session_data(admitted.request, session_data);
        while_session_lasts(responses, session_over, slot)
    }
}

impl Executor for Gate {
    /// Not the way in: without a [`Knock`] nobody is signed in. Transports call [`Gate::answer`].
    async fn execute(&self, _request: Request) -> Response {
        ApiError::Unauthenticated.into_response()
    }

    fn execute_stream(&self, request: Request, session_data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let gate = self.clone();
        stream::once(gate.stream(request, session_data.unwrap_or_default())).flatten().boxed()
    }
}

/// Gives errors their codes, and counts the answer.
fn answered(kind: &'static str, response: Response, begun: Instant) -> Response {
    let response = with_codes(response);
    events::operation_answered(kind, outcome_of(&response), begun.elapsed());
    response
}

fn connection_of(session_data: &Data) -> Option<&Connection> {
    session_data.get(&TypeId::of::<Connection>())?.downcast_ref()
}

fn once(response: Response) -> BoxStream<'static, Response> {
    stream::once(async { response }).boxed()
}

/// A subscription that runs: it counts itself while it lives.
struct Running {
    responses: BoxStream<'static, Response>,
    session_over: CancellationToken,
    ended: &'static str,
    _slot: OwnedSemaphorePermit,
}

impl Drop for Running {
    fn drop(&mut self) {
        events::subscription_closed(self.ended);
    }
}

fn while_session_lasts(
    responses: BoxStream<'static, Response>,
    session_over: CancellationToken,
    slot: OwnedSemaphorePermit,
) -> BoxStream<'static, Response> {
    events::subscription_opened();
    let running = Running { responses, session_over, ended: "cancelled", _slot: slot };
    stream::unfold(Some(running), |running| async move {
        let mut running = running?;
        tokio::select! {
            biased;
            () = running.session_over.cancelled() => {
                running.ended = "session_over";
                Some((ApiError::SessionOver.into_response(), None))
            }
            response = running.responses.next() => match response {
                Some(response) => Some((with_codes(response), Some(running))),
                None => {
                    running.ended = "completed";
                    None
                }
            },
        }
    })
    .boxed()
}
