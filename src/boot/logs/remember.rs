//! Takes each line that is logged into memory, with what it and its spans say of where it belongs.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::field::{Field, FieldSet, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use weir_domain::{Clock as _, Code};
use weir_http_api::{LogEntry, LogField, LogLevel};
use weir_runtime::{SystemClock, Trace};

use super::ring::{LINE_BYTES_MAX, Ring};

/// A line has so many fields at most.
const FIELDS_MAX: usize = 64;
/// What is asked for by its name.
const PLACES: [&str; 4] = ["project", "workflow", "stage", "stream"];

/// The layer of `tracing` that remembers.
pub(crate) struct Remember(pub(crate) Arc<Ring>);

impl<S> Layer<S> for Remember
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // Most spans say nothing of that, and cost nothing.
        if !names_a_place(attributes.fields()) {
            return;
        }
        let mut read = Read::default();
        attributes.record(&mut read);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(read.place);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut read = Read::default();
        event.record(&mut read);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(place) = span.extensions().get::<Place>() {
                read.place.complete(place);
            }
        }
        let metadata = event.metadata();
        let Place { project, workflow, stage, stream } = read.place;
        self.0.push(LogEntry {
            number: 0,
            at: SystemClock.now(),
            level: level(*metadata.level()),
            code: code(&read.code),
            target: metadata.target().to_owned(),
            message: read.message,
            fields: read.fields,
            node: None,
            life: String::new(),
            project,
            workflow,
            stage,
            stream,
            trace: Trace::current().map(|it| it.id()),
        });
    }
}

fn names_a_place(fields: &FieldSet) -> bool {
    PLACES.iter().any(|it| fields.field(it).is_some())
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

fn code(text: &str) -> Option<Code> {
    text.strip_prefix("WEIR-").and_then(|it| it.parse().ok()).map(Code)
}

/// What a line is about.
#[derive(Debug, Clone, Default)]
struct Place {
    project: Option<String>,
    workflow: Option<String>,
    stage: Option<String>,
    stream: Option<String>,
}

impl Place {
    fn named(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "project" => Some(&mut self.project),
            "workflow" => Some(&mut self.workflow),
            "stage" => Some(&mut self.stage),
            "stream" => Some(&mut self.stream),
            _ => None,
        }
    }

    /// What the line does not say itself, what it happens in says.
    fn complete(&mut self, outer: &Self) {
        let fill = |own: &mut Option<String>, outer: &Option<String>| {
            if own.is_none() {
                own.clone_from(outer);
            }
        };
        fill(&mut self.project, &outer.project);
        fill(&mut self.workflow, &outer.workflow);
        fill(&mut self.stage, &outer.stage);
        fill(&mut self.stream, &outer.stream);
    }
}

/// A line as it is read, cut where it is too long.
struct Read {
    code: String,
    message: String,
    fields: Vec<LogField>,
    place: Place,
    left: usize,
}

impl Default for Read {
    fn default() -> Self {
        let (code, message, fields) = (String::new(), String::new(), Vec::new());
        Self { code, message, fields, place: Place::default(), left: LINE_BYTES_MAX }
    }
}

impl Read {
    fn take(&mut self, name: &'static str, value: fmt::Arguments<'_>) {
        let mut text = Cut { text: String::new(), left: self.left };
        // It ends where there is no room any more.
        let _ = text.write_fmt(value);
        let Cut { text, left } = text;
        self.left = left;
        match name {
            "message" => self.message = text,
            "code" => self.code = text,
            name => match self.place.named(name) {
                Some(place) => *place = Some(text),
                None if self.fields.len() < FIELDS_MAX && self.left > 0 => {
                    self.left = self.left.saturating_sub(name.len());
                    self.fields.push(LogField { name: name.to_owned(), value: text });
                }
                None => {}
            },
        }
    }
}

impl Visit for Read {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field.name(), format_args!("{value:?}"));
    }
}

/// A text that takes no more than there is room for.
struct Cut {
    text: String,
    left: usize,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if more.len() <= self.left {
            self.left -= more.len();
            self.text.push_str(more);
            return Ok(());
        }
        if self.left > 0 {
            self.text.push_str(&more[..more.floor_char_boundary(self.left)]);
            self.text.push('…');
        }
        self.left = 0;
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;
    use weir_domain::Timestamp;
    use weir_http_api::LogFilter;

    use super::*;
    use crate::boot::logs::ring::Bounds;

    fn remembered(log: impl FnOnce()) -> Vec<LogEntry> {
        let ring = Arc::new(Ring::new(Bounds { lines: 99, bytes: 1 << 20 }, Timestamp(0)));
        let subscriber = tracing_subscriber::registry().with(Remember(ring.clone()));
        tracing::subscriber::with_default(subscriber, log);
        ring.last(&LogFilter::default(), 99).lines
    }

    #[test]
    fn a_line_has_what_it_says_and_what_its_spans_say_of_its_place() {
        let lines = remembered(|| {
            let span = tracing::info_span!("run", workflow = "flights", stage = "read", other = 1);
            let _in = span.enter();
            tracing::warn!(target: "weir_stream::report", code = "WEIR-03011", stage = "write", records = 3, path = %"a b", "done {}", 1);
        });
        let line = &lines[0];
        let field = |name: &str, value: &str| LogField { name: name.into(), value: value.into() };
        assert_eq!(line.number, 1);
        assert_eq!((line.level, line.code), (LogLevel::Warn, Some(Code(3_011))));
        assert_eq!(
            (line.target.as_str(), line.message.as_str()),
            ("weir_stream::report", "done 1")
        );
        assert_eq!(line.fields, [field("records", "3"), field("path", "a b")]);
        assert_eq!(line.workflow.as_deref(), Some("flights"));
        assert_eq!((line.stage.as_deref(), line.project.as_deref()), (Some("write"), None));
    }

    #[test]
    fn a_long_line_is_cut() {
        let long = "é".repeat(LINE_BYTES_MAX);
        let lines = remembered(|| tracing::info!(first = %long, second = %long, "{long}"));
        let line = &lines[0];
        let fields = line.fields.iter().map(|it| it.name.len() + it.value.len());
        let bytes = line.message.len() + fields.sum::<usize>();
        assert!((LINE_BYTES_MAX..LINE_BYTES_MAX + 32).contains(&bytes), "{bytes}");
        assert!(line.message.ends_with('…'));
    }
}
