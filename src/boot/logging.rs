//! Logs: lines for people or JSON for machines, on standard error, each with its stable code.
//!
//! ```text
//! 2026-11-20T10:00:00.123Z INFO  stream [WEIR-03011] committed a.csv: 310 records workflow=flights
//! ```

use std::fmt::{self, Write as _};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{
    EnvFilter, Layer, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};
use weir_domain::Clock as _;
use weir_runtime::{SystemClock, Trace};

use super::logs::{Remember, Ring};

/// How lines look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) is_json: bool,
    /// `stream` in place of `weir_stream::report`.
    pub(crate) has_short_names: bool,
    pub(crate) has_codes: bool,
}

/// Starts logging, on standard error or into a file, and into memory. `level` is a level, or directives as
/// `info,weir_stream=debug`.
pub(crate) fn start(
    level: &str,
    style: Style,
    file: Option<&Path>,
    memory: Arc<Ring>,
) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(level)
        .map_err(|it| anyhow::anyhow!("weir.logging.level {level:?} can't be read: {it}"))?;
    let writer = match file {
        None => BoxMakeWriter::new(std::io::stderr),
        Some(path) => {
            let file = OpenOptions::new().append(true).create(true).open(path);
            let file = file.map_err(|it| {
                anyhow::anyhow!("weir.logging.file {} can't be written: {it}", path.display())
            })?;
            BoxMakeWriter::new(Arc::new(file))
        }
    };
    // One filter for both: what is remembered is what was printed.
    let printed = layer(style, writer);
    tracing_subscriber::registry().with(filter).with(printed).with(Remember(memory)).try_init()?;
    Ok(())
}

fn layer<S>(style: Style, writer: BoxMakeWriter) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match style.is_json {
        true => layer.json().flatten_event(true).with_span_list(false).boxed(),
        false => layer.event_format(Lines(style)).boxed(),
    }
}

struct Lines(Style);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let name = match self.0.has_short_names {
            true => short(metadata.target()),
            false => metadata.target(),
        };
        write!(writer, "{} {:<5} {name} ", SystemClock.now(), metadata.level())?;
        if self.0.has_codes && !fields.code.is_empty() {
            write!(writer, "[{}] ", fields.code)?;
        }
        write!(writer, "{}{}", fields.message, fields.others)?;
        if let Some(trace) = Trace::current() {
            write!(writer, " trace={}", trace.id())?;
        }
        writeln!(writer)
    }
}

/// The room that speaks: `weir_stream::report` is `stream`.
fn short(target: &str) -> &str {
    let first = target.split("::").next().unwrap_or(target);
    first.strip_prefix("weir_").unwrap_or(first)
}

#[derive(Default)]
struct Fields {
    code: String,
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "code" => self.code.push_str(value),
            name => drop(write!(self.others, " {name}={value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "code" => write!(self.code, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
        debug_assert!(written.is_ok(), "a string takes everything");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TEXT: Style = Style { is_json: false, has_short_names: true, has_codes: true };

    /// What a line with a code and fields, and one without, look like.
    fn logged(style: Style) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let writer = BoxMakeWriter::new(Arc::new(file.reopen().unwrap()));
        let subscriber = tracing_subscriber::registry().with(layer(style, writer));
        tracing::subscriber::with_default(subscriber, || {
            let (code, workflow) = ("WEIR-03011", "flights");
            tracing::info!(target: "weir_stream::report", code, workflow, records = 310, "done");
            tracing::warn!(target: "sqlx::query", "slow");
        });
        fs::read_to_string(file.path()).unwrap().lines().map(str::to_owned).collect()
    }

    /// Without the time of day.
    fn text(style: Style) -> Vec<String> {
        let all = logged(style).into_iter();
        all.map(|it| it.split_once(' ').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn a_line_shows_its_code_unless_codes_are_off() {
        assert_eq!(
            text(TEXT),
            ["INFO  stream [WEIR-03011] done workflow=flights records=310", "WARN  sqlx slow"]
        );
        let style = Style { has_codes: false, has_short_names: false, ..TEXT };
        assert_eq!(
            text(style),
            [
                "INFO  weir_stream::report done workflow=flights records=310",
                "WARN  sqlx::query slow"
            ]
        );
    }

    #[test]
    fn a_line_for_machines_is_an_object_and_always_has_its_code() {
        let lines = logged(Style { is_json: true, has_codes: false, ..TEXT });
        let read = |it: &String| serde_json::from_str(it).unwrap();
        let mut lines: Vec<serde_json::Value> = lines.iter().map(read).collect();
        for line in &mut lines {
            let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
            assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
        }
        assert_eq!(
            serde_json::Value::from(lines),
            serde_json::json!([
                {
                    "level": "INFO", "target": "weir_stream::report", "message": "done",
                    "code": "WEIR-03011", "workflow": "flights", "records": 310,
                },
                { "level": "WARN", "target": "sqlx::query", "message": "slow" },
            ])
        );
    }

    #[tokio::test]
    async fn a_line_names_the_trace_that_it_belongs_to() {
        let trace: Trace =
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let line = Trace::within(Some(trace), async { text(TEXT) }).await.remove(1);
        assert_eq!(line, "WARN  sqlx slow trace=4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_logger_is_named_by_its_room() {
        assert_eq!(short("weir_stream::report"), "stream");
        assert_eq!(short("weir::boot::engine"), "weir");
        assert_eq!(short("sqlx::query"), "sqlx");
    }
}
