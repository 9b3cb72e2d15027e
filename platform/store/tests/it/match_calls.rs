use std::time::Duration;

use futures::StreamExt;
use muster_core::game::Command;
use muster_store::{AdoptReply, CallError, MatchCall, MatchReply, fresh_id};
use muster_testkit::Scratch;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

const WITHIN: Duration = Duration::from_secs(5);

fn roll() -> MatchCall {
    MatchCall::Command { player_id: fresh_id(), command_id: "c1".to_owned(), command: Command::Roll }
}

#[tokio::test]
async fn the_owner_answers() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let match_id = fresh_id();
    let mut calls = scratch.store.match_calls.serve(match_id).await.unwrap();
    let call = roll();

    let asked = other.match_calls.call(match_id, &call, WITHIN);
    let answered = async {
        let incoming = calls.next().await.unwrap();
        assert_eq!(incoming.call, call);
        incoming.reply(&MatchReply::Done { version: 7 }).await.unwrap();
    };
    let (reply, ()) = tokio::join!(asked, answered);
    assert_eq!(reply.unwrap(), MatchReply::Done { version: 7 });
    scratch.finish().await;
}

#[tokio::test]
async fn without_an_owner_the_caller_knows_at_once() {
    let scratch = Scratch::new().await;
    let calls = &scratch.store.match_calls;
    let match_id = fresh_id();
    let started = std::time::Instant::now();
    assert!(matches!(calls.call(match_id, &roll(), WITHIN).await, Err(CallError::NoOwner)));
    assert!(matches!(calls.adopt(match_id, WITHIN).await, Err(CallError::NoOwner)));
    assert!(started.elapsed() < WITHIN);

    let _silent = calls.serve(match_id).await.unwrap();
    assert!(matches!(calls.call(match_id, &roll(), Duration::from_millis(50)).await, Err(CallError::TimedOut)));
    scratch.finish().await;
}

#[tokio::test]
async fn a_match_that_this_process_serves_is_called_without_a_way_round() {
    let scratch = Scratch::new().await;
    let calls = &scratch.store.match_calls;
    let (match_id, call) = (fresh_id(), roll());
    let mut before = calls.serve(match_id).await.unwrap();
    let mut now = calls.serve(match_id).await.unwrap();

    // Who serves it last is asked; what it lets go of unanswered is told at once.
    let asked = calls.call(match_id, &call, WITHIN);
    let answered = async {
        tokio::select! {
            incoming = now.next() => incoming.unwrap().reply(&MatchReply::Done { version: 3 }).await.unwrap(),
            _ = before.next() => panic!("the one before was asked"),
        }
    };
    assert_eq!(tokio::join!(asked, answered).0.unwrap(), MatchReply::Done { version: 3 });
    let started = std::time::Instant::now();
    let asked = calls.call(match_id, &call, WITHIN);
    let dropped = async { drop(now.next().await) };
    assert!(matches!(tokio::join!(asked, dropped).0, Err(CallError::TimedOut)));
    assert!(started.elapsed() < WITHIN);

    // Another process asks whom it reaches, and so does this one when nobody here serves the match any more.
    drop(now);
    let asked = calls.call(match_id, &call, WITHIN);
    let answered = async { before.next().await.unwrap().reply(&MatchReply::Done { version: 4 }).await.unwrap() };
    assert_eq!(tokio::join!(asked, answered).0.unwrap(), MatchReply::Done { version: 4 });
    drop(before);
    assert!(matches!(calls.call(match_id, &call, WITHIN).await, Err(CallError::NoOwner)));
    scratch.finish().await;
}

#[tokio::test]
async fn more_calls_than_may_wait_in_this_process_are_answered_all_the_same() {
    let scratch = Scratch::new().await;
    let calls = &scratch.store.match_calls;
    let match_id = fresh_id();
    let mut served = calls.serve(match_id).await.unwrap();
    let moves: Vec<_> = (0..100).map(|_| roll()).collect();
    let asked = futures::future::join_all(moves.iter().map(|call| calls.call(match_id, call, WITHIN)));
    let answered = async {
        for version in 0..100 {
            served.next().await.unwrap().reply(&MatchReply::Done { version }).await.unwrap();
        }
    };
    let (replies, ()) = tokio::join!(asked, answered);
    assert!(replies.iter().all(|reply| matches!(reply, Ok(MatchReply::Done { .. }))), "{replies:?}");
    scratch.finish().await;
}

#[tokio::test]
async fn one_of_all_referees_gets_each_adoption() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let mut referees = [
        scratch.store.match_calls.serve_adoptions(true).await.unwrap(),
        other.match_calls.serve_adoptions(true).await.unwrap(),
    ];
    let match_id = fresh_id();
    let asked = scratch.store.match_calls.adopt(match_id, WITHIN);
    let [one, two] = &mut referees;
    let answered = async {
        let incoming = tokio::select! { incoming = one.next() => incoming, incoming = two.next() => incoming }.unwrap();
        assert_eq!(incoming.match_id, match_id);
        incoming.reply(AdoptReply::Adopted).await.unwrap();
    };
    let (reply, ()) = tokio::join!(asked, answered);
    assert_eq!(reply.unwrap(), AdoptReply::Adopted);
    let more = tokio::time::timeout(Duration::from_millis(100), async {
        tokio::select! { _ = one.next() => (), _ = two.next() => () }
    });
    assert!(more.await.is_err(), "a second referee got the same adoption");
    scratch.finish().await;
}

#[tokio::test]
async fn a_referee_that_is_not_willing_gets_what_no_other_takes() {
    let scratch = Scratch::new().await;
    let other = scratch.reconnect().await;
    let mut last = scratch.store.match_calls.serve_adoptions(false).await.unwrap();
    let mut first = other.match_calls.serve_adoptions(true).await.unwrap();
    let match_id = fresh_id();
    for _ in 0..8 {
        let answered = async {
            let incoming = tokio::select! {
                incoming = first.next() => incoming.unwrap(),
                _ = last.next() => panic!("the unwilling one was asked"),
            };
            incoming.reply(AdoptReply::Adopted).await.unwrap();
        };
        let (reply, ()) = tokio::join!(scratch.store.match_calls.adopt(match_id, WITHIN), answered);
        assert_eq!(reply.unwrap(), AdoptReply::Adopted);
    }
    drop(first);
    let refused = AdoptReply::Refused { reason: "busy".to_owned() };
    let answered = async { last.next().await.unwrap().reply(refused.clone()).await.unwrap() };
    // Asked by whoever let go, so that it is in order.
    let (reply, ()) = tokio::join!(other.match_calls.adopt(match_id, WITHIN), answered);
    assert_eq!(reply.unwrap(), refused);
    scratch.finish().await;
}

#[tokio::test]
async fn the_trace_goes_along() {
    opentelemetry::global::set_text_map_propagator(opentelemetry_sdk::propagation::TraceContextPropagator::new());
    let tracer = opentelemetry_sdk::trace::SdkTracerProvider::builder().build().tracer("test");
    let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
    let _guard = tracing::subscriber::set_default(subscriber);

    let scratch = Scratch::new().await;
    let match_id = fresh_id();
    let mut calls = scratch.store.match_calls.serve(match_id).await.unwrap();
    let trace_of = |span: &tracing::Span| span.context().span().span_context().trace_id();
    for from in [scratch.store.clone(), scratch.reconnect().await] {
        let caller = tracing::info_span!("caller");
        let call = roll();
        let asked = from.match_calls.call(match_id, &call, WITHIN).instrument(caller.clone());
        let answered = async {
            let incoming = calls.next().await.unwrap();
            let handler = tracing::info_span!(parent: None, "handler");
            incoming.adopt_trace(&handler);
            incoming.reply(&MatchReply::Done { version: 1 }).await.unwrap();
            trace_of(&handler)
        };
        let (reply, handled_in) = tokio::join!(asked, answered);
        reply.unwrap();
        assert_eq!(handled_in, trace_of(&caller));
    }
    scratch.finish().await;
}
