//! The W3C trace context: out of the current span into messages, and out of messages into spans.
//!
//! ```
//! use std::collections::HashMap;
//! use muster_runtime::trace_context;
//!
//! let headers = HashMap::from([("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]);
//! let caller = trace_context::extract(|name| headers.get(name).map(|value| (*value).to_owned()));
//! assert!(caller.is_valid());
//!
//! let span = tracing::info_span!("consume", trace_id = tracing::field::Empty);
//! caller.adopt(&span); // before the span is entered
//! ```

use std::collections::HashMap;

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The headers of the trace context.
const HEADERS: [&str; 2] = ["traceparent", "tracestate"];

/// The trace id of the current span, 32 lower-case hexadecimal digits. `None` outside of spans.
pub fn current_trace_id() -> Option<String> {
    Context::map_current(trace_id_of)
}

fn trace_id_of(context: &Context) -> Option<String> {
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// Hands the headers of the current span to `set`, one after the other; none outside of spans.
pub fn inject(set: impl FnMut(&str, String)) {
    let mut setter = Setter(set);
    Context::map_current(|context| TraceContextPropagator::new().inject_context(context, &mut setter));
}

/// Adds the headers of the current span to a map.
pub fn inject_map(headers: &mut HashMap<String, String>) {
    inject(|name, value| {
        headers.insert(name.to_owned(), value);
    });
}

/// Reads the trace context of a message from its headers. `get` is asked for `traceparent` and `tracestate`.
pub fn extract(get: impl Fn(&str) -> Option<String>) -> RemoteParent {
    let headers = HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), get(name)?)));
    let headers = Getter(headers.filter(|(_, value)| !value.is_empty()).collect());
    // From nothing, so that whatever is current here does not take the place of a missing parent.
    RemoteParent(TraceContextPropagator::new().extract_with_context(&Context::new(), &headers))
}

/// The span of a caller in another process.
#[derive(Debug, Clone)]
pub struct RemoteParent(Context);

impl RemoteParent {
    /// Whether the message named a caller.
    pub fn is_valid(&self) -> bool {
        self.0.span().span_context().is_valid()
    }

    /// Makes the caller the parent of `span`, which must not have been entered yet, and records the trace id in the span's
    /// field `trace_id` if it has one (that is how lines in Loki get theirs). Without a caller the span begins a new trace.
    pub fn adopt(&self, span: &Span) {
        if self.is_valid() {
            // Refused only for a span that is not recorded or has begun, which is then left as it is.
            let _ = span.set_parent(self.0.clone());
        }
        if span.has_field("trace_id")
            && let Some(trace_id) = trace_id_of(&span.context())
        {
            span.record("trace_id", trace_id);
        }
    }
}

struct Setter<F>(F);

impl<F: FnMut(&str, String)> Injector for Setter<F> {
    fn set(&mut self, key: &str, value: String) {
        // An empty tracestate says nothing and is no valid header in some transports.
        if !value.is_empty() {
            (self.0)(key, value);
        }
    }
}

struct Getter(HashMap<String, String>);

impl Extractor for Getter {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use tracing_subscriber::{Registry, layer::SubscriberExt};

    use super::*;

    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn traced(act: impl FnOnce()) {
        let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(Registry::default().with(layer), act);
    }

    #[test]
    fn a_trace_goes_on_in_the_next_process() {
        traced(|| {
            let span = tracing::info_span!("work", trace_id = tracing::field::Empty);
            extract(|name| (name == "traceparent").then(|| CALLER.to_owned())).adopt(&span);
            let _entered = span.enter();
            assert_eq!(current_trace_id().as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
            let mut headers = HashMap::new();
            inject_map(&mut headers);
            assert!(headers["traceparent"].starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{headers:?}");
            assert!(headers["traceparent"].ends_with("-01") && headers["traceparent"] != CALLER);
        });
    }

    #[test]
    fn without_a_caller_a_trace_begins() {
        traced(|| {
            let nobody = extract(|_| None);
            assert!(!nobody.is_valid() && !extract(|_| Some("nonsense".to_owned())).is_valid());
            let span = tracing::info_span!("work", trace_id = tracing::field::Empty);
            nobody.adopt(&span);
            span.in_scope(|| assert_eq!(current_trace_id().map(|id| id.len()), Some(32)));
        });
    }

    #[test]
    fn outside_of_spans_there_is_nothing_to_inject() {
        traced(|| {
            assert_eq!(current_trace_id(), None);
            inject(|name, _| panic!("{name}"));
        });
    }
}
