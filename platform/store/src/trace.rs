//! The W3C trace context of every message: put into its headers when it is sent, taken up by the span that handles it.

use async_nats::HeaderMap;
use async_nats::header::{HeaderName, HeaderValue};
use opentelemetry::global;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::TraceContextExt;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Headers that carry the current span's context; empty when nobody traces.
pub(crate) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let context = Span::current().context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut Inject(&mut headers)));
    headers
}

/// Makes `span` a child of the span that sent the message. Does nothing when the message has no context.
pub(crate) fn adopt(span: &Span, headers: Option<&HeaderMap>) {
    let Some(headers) = headers else { return };
    let context = global::get_text_map_propagator(|propagator| propagator.extract(&Extract(headers)));
    if context.span().span_context().is_valid() {
        // The only refusals are "no OpenTelemetry layer" and "the span has begun": then this span simply stands alone.
        let _ = span.set_parent(context);
    }
}

struct Inject<'a>(&'a mut HeaderMap);

impl Injector for Inject<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            self.0.insert(name, value);
        }
    }
}

struct Extract<'a>(&'a HeaderMap);

impl Extractor for Extract<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key.parse::<HeaderName>().ok()?).map(HeaderValue::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| <HeaderName as AsRef<str>>::as_ref(name)).collect()
    }
}
