//! The browser's WebSocket, its timers, and the session they drive. One per page, on the browser's only thread.

use std::{cell::RefCell, time::Duration};

use leptos::{
    leptos_dom::helpers::{IntervalHandle, TimeoutHandle, set_interval_with_handle, set_timeout_with_handle},
    prelude::*,
};
use wasm_bindgen::prelude::*;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use super::{
    Connection,
    protocol::NAME,
    session::{Session, Step, Subscription},
};

/// How often the session is asked for a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(15);

thread_local! {
    static SOCKET: RefCell<Socket> = RefCell::new(Socket { session: Session::new(), wire: None, timers: None, status: None });
}

struct Socket {
    session: Session,
    wire: Option<Wire>,
    timers: Option<Timers>,
    status: Option<WriteSignal<Connection>>,
}

#[derive(Clone, Copy)]
struct Timers {
    heartbeat: Option<IntervalHandle>,
    retry: Option<TimeoutHandle>,
}

/// A WebSocket and what listens to it; both go together.
struct Wire {
    web: WebSocket,
    _open: Closure<dyn FnMut(Event)>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.web.set_onopen(None);
        self.web.set_onmessage(None);
        self.web.set_onclose(None);
        let _ = self.web.close();
    }
}

/// Connects, and stays connected until [`shut`].
pub(crate) fn open(status: WriteSignal<Connection>) {
    let heartbeat = set_interval_with_handle(|| drive(Session::heartbeat), HEARTBEAT).ok();
    SOCKET.with_borrow_mut(|socket| {
        socket.status = Some(status);
        socket.timers = Some(Timers { heartbeat, retry: None });
    });
    dial();
}

/// Closes the connection and forgets what was subscribed.
pub(crate) fn shut() {
    SOCKET.with_borrow_mut(|socket| {
        if let Some(timers) = socket.timers.take() {
            timers.heartbeat.inspect(IntervalHandle::clear);
            timers.retry.inspect(TimeoutHandle::clear);
        }
        socket.wire = None;
        socket.status = None;
        socket.session = Session::new();
    });
}

pub(crate) fn subscribe(subscription: Subscription) -> u64 {
    let (id, steps) = SOCKET.with_borrow_mut(|socket| socket.session.subscribe(subscription));
    perform(steps, "");
    id
}

pub(crate) fn unsubscribe(id: u64) {
    drive(|session| session.unsubscribe(id));
}

fn drive(decide: impl FnOnce(&mut Session) -> Vec<Step>) {
    let steps = SOCKET.with_borrow_mut(|socket| decide(&mut socket.session));
    perform(steps, "");
}

fn receive(frame: &str) {
    let steps = SOCKET.with_borrow_mut(|socket| socket.session.received(frame));
    perform(steps, frame);
}

/// Does what the session decided about `frame`, if it was one. Nothing is borrowed while others' code runs, since that may
/// subscribe in turn.
fn perform(steps: Vec<Step>, frame: &str) {
    for step in steps {
        match step {
            Step::Send(text) => SOCKET.with_borrow(|socket| {
                if let Some(wire) = &socket.wire {
                    let _ = wire.web.send_with_str(&text);
                }
            }),
            Step::Deliver(deliver) => deliver(frame),
            Step::Report(connection) => {
                let status = SOCKET.with_borrow(|socket| socket.status);
                if let Some(status) = status {
                    let _ = status.try_set(connection);
                }
            }
            Step::Drop => SOCKET.with_borrow(|socket| {
                if let Some(wire) = &socket.wire {
                    let _ = wire.web.close();
                }
            }),
            Step::RetryAfter(delay) => {
                let retry = set_timeout_with_handle(dial, delay).ok();
                SOCKET.with_borrow_mut(|socket| {
                    if let Some(timers) = &mut socket.timers {
                        timers.retry = retry;
                    }
                });
            }
        }
    }
}

fn dial() {
    match Wire::dial() {
        Ok(wire) => {
            let old = SOCKET.with_borrow_mut(|socket| socket.wire.replace(wire));
            drop(old);
        }
        Err(_) => drive(|session| session.closed(None, js_sys::Math::random())),
    }
}

impl Wire {
    fn dial() -> Result<Self, JsValue> {
        let location = window().location();
        let scheme = if location.protocol()? == "https:" { "wss" } else { "ws" };
        let web = WebSocket::new_with_str(&format!("{scheme}://{}/graphql/ws", location.host()?), NAME)?;
        let open = Closure::<dyn FnMut(Event)>::new(|_| drive(Session::opened));
        let message = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                receive(&text);
            }
        });
        let close = Closure::<dyn FnMut(CloseEvent)>::new(|event: CloseEvent| {
            drive(|session| session.closed(Some(event.code()), js_sys::Math::random()))
        });
        web.set_onopen(Some(open.as_ref().unchecked_ref()));
        web.set_onmessage(Some(message.as_ref().unchecked_ref()));
        web.set_onclose(Some(close.as_ref().unchecked_ref()));
        Ok(Self { web, _open: open, _message: message, _close: close })
    }
}
