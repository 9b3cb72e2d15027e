//! Log lines as JSON: one flat object a line.
//!
//! `timestamp`, `level`, `target`, `message`, `trace_id`, `span_id`, then the fields of the spans from the outermost to the
//! innermost and those of the event, the later over the earlier.

use std::{collections::BTreeMap, fmt};

use chrono::{SecondsFormat, Utc};
use opentelemetry::{Context, trace::TraceContextExt};
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormattedFields, Layer,
        format::{JsonFields, Writer},
    },
    registry::LookupSpan,
};

/// Names the line itself uses; a field of the same name gets a `field.` in front.
const RESERVED: [&str; 6] = ["timestamp", "level", "target", "message", "trace_id", "span_id"];

/// The layer that writes lines to standard error.
pub(super) fn layer<S>() -> Layer<S, JsonFields, JsonLine, fn() -> std::io::Stderr>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Layer::default().fmt_fields(JsonFields::new()).event_format(JsonLine).with_ansi(false).with_writer(std::io::stderr)
}

/// The look of a line.
pub(super) struct JsonLine;

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(text) = span.extensions().get::<FormattedFields<JsonFields>>() {
                fields.add_span(&text.fields);
            }
        }
        event.record(&mut fields);
        let line = line(event, fields).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

fn line(event: &Event<'_>, fields: Fields) -> Result<String, serde_json::Error> {
    let mut text = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::new(&mut text);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("timestamp", &Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true))?;
    map.serialize_entry("level", event.metadata().level().as_str())?;
    // Lines of crates that use `log` carry their origin as a field.
    map.serialize_entry("target", fields.log_target.as_deref().unwrap_or(event.metadata().target()))?;
    if let Some(message) = &fields.message {
        map.serialize_entry("message", message)?;
    }
    // The context, not the span: the line's filter may have left out the span.
    let ids = Context::map_current(|context| {
        let span = context.span().span_context().clone();
        span.is_valid().then(|| (span.trace_id().to_string(), span.span_id().to_string()))
    });
    if let Some((trace_id, span_id)) = ids {
        map.serialize_entry("trace_id", &trace_id)?;
        map.serialize_entry("span_id", &span_id)?;
    }
    for (name, value) in &fields.others {
        if RESERVED.contains(&name.as_str()) {
            map.serialize_entry(&format!("field.{name}"), value)?;
        } else {
            map.serialize_entry(name, value)?;
        }
    }
    map.end()?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The fields of an event and of the spans around it.
#[derive(Default)]
struct Fields {
    message: Option<Value>,
    log_target: Option<String>,
    others: BTreeMap<String, Value>,
}

impl Fields {
    /// Adds the fields of a span, as the registry keeps them.
    fn add_span(&mut self, json: &str) {
        let Ok(Value::Object(fields)) = serde_json::from_str(json) else {
            return;
        };
        // The line has its own `trace_id`.
        self.others.extend(fields.into_iter().filter(|(name, _)| name != "trace_id" && !name.starts_with("otel.")));
    }

    fn add(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" => self.message = Some(value),
            "log.target" => self.log_target = value.as_str().map(str::to_owned),
            name if name.starts_with("log.") => {}
            name => {
                self.others.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, value.to_string().into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::TracerProvider as _;
    use tracing_subscriber::{Layer as _, Registry, filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Paper {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What is written when `act` runs with lines filtered at `level`.
    fn written(level: LevelFilter, act: impl FnOnce()) -> Vec<serde_json::Map<String, Value>> {
        let paper = Paper::default();
        let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("test")).with_filter(LevelFilter::INFO);
        let lines = layer().with_writer(paper.clone()).with_filter(level);
        tracing::subscriber::with_default(Registry::default().with(spans).with(lines), act);
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn fields_of_spans_and_event_lie_flat_beside_the_trace_id() {
        let lines = written(LevelFilter::INFO, || {
            let outer = tracing::info_span!("match", match_id = "mch_1", seat = 1);
            let _outer = outer.enter();
            let inner = tracing::info_span!("roll", seat = 2, otel.kind = "server");
            let _inner = inner.enter();
            tracing::info!(player_id = "ply_1", level = 7, "rolled {}", 6);
        });
        let line = &lines[0];
        assert_eq!(line["message"], "rolled 6");
        assert_eq!((&line["level"], &line["field.level"]), (&"INFO".into(), &7.into()));
        assert_eq!(
            (&line["match_id"], &line["seat"], &line["player_id"]),
            (&"mch_1".into(), &2.into(), &"ply_1".into())
        );
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
        assert_eq!(line["span_id"].as_str().map(str::len), Some(16));
        assert!(!line.contains_key("otel.kind"));
        assert!(chrono::DateTime::parse_from_rfc3339(line["timestamp"].as_str().unwrap()).is_ok());
    }

    #[test]
    fn a_filter_that_leaves_out_the_span_keeps_the_trace_id() {
        let lines = written(LevelFilter::WARN, || {
            tracing::info_span!("request").in_scope(|| {
                tracing::info!("not written");
                tracing::warn!("written");
            });
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["trace_id"].as_str().map(str::len), Some(32));
    }

    #[test]
    fn outside_a_span_there_is_no_trace_id() {
        let lines = written(LevelFilter::INFO, || tracing::info!("alone"));
        assert!(!lines[0].contains_key("trace_id"));
    }
}
