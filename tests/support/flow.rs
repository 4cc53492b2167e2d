//! Workflows as text, with only what a test is about.

/// Orders as CSV, with a schema.
pub(crate) const CSV: &str =
    "{ type: csv, schema: [{ name: id, type: int64 }, { name: amount, type: float64 }] }";

pub(crate) const JSON: &str = "{ type: json }";

/// A workflow that looks often and tries again soon.
pub(crate) struct Flow {
    name: String,
    spec: Vec<String>,
    stages: Vec<String>,
}

impl Flow {
    pub(crate) fn named(name: &str) -> Self {
        let retry = "retry: { maxRetries: 3, minBackoff: 20ms, maxBackoff: 100ms }".to_owned();
        Self { name: name.to_owned(), spec: vec![retry], stages: Vec::new() }
    }

    /// From `in` to `out`, one JSON line for each record of a file of the given format.
    pub(crate) fn straight(format: &str) -> Self {
        Self::named("orders").stage(&read(format, "")).stage(&write("read", ""))
    }

    /// A line of the workflow's `spec`; `retry` replaces the one that is there.
    pub(crate) fn with(mut self, line: &str) -> Self {
        let key = line.split(':').next().unwrap_or_default();
        self.spec.retain(|it| !it.starts_with(&format!("{key}:")));
        self.spec.push(line.to_owned());
        self
    }

    /// A stage, in one line.
    pub(crate) fn stage(mut self, stage: &str) -> Self {
        self.stages.push(stage.to_owned());
        self
    }

    pub(crate) fn yaml(&self) -> String {
        let Self { name, spec, stages } = self;
        let spec: String = spec.iter().map(|it| format!("  {it}\n")).collect();
        let stages: String = stages.iter().map(|it| format!("    - {it}\n")).collect();
        format!(
            "apiVersion: weir/v1\nkind: Workflow\nmetadata: {{ name: {name} }}\nspec:\n\
             {spec}  stages:\n{stages}"
        )
    }
}

/// The stage `read`: files of `in` go to `done` or `error`. `more` is appended to the source.
pub(crate) fn read(format: &str, more: &str) -> String {
    read_with(format, more, "deadLetter")
}

pub(crate) fn read_with(format: &str, more: &str, on_error: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!(
        "{{ name: read, onError: {on_error}, source: {{ file: {{ directory: in, interval: 50ms, \
         stableTime: 0s, format: {format}, done: {{ directory: done }}, \
         error: {{ directory: error }}{more} }} }} }}"
    )
}

/// The stage `write`: JSON lines in `out`, named after the input. `more` is appended to the sink.
pub(crate) fn write(from: &str, more: &str) -> String {
    sink("write", from, "${item:stem}.jsonl", JSON, more)
}

pub(crate) fn sink(stage: &str, from: &str, name: &str, format: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!(
        "{{ name: {stage}, from: {from}, sink: {{ file: {{ directory: out, name: \"{name}\", \
         format: {format}{more} }} }} }}"
    )
}

/// The stage `slow`, which lets one record pass in each period.
pub(crate) fn slow(from: &str, per: &str) -> String {
    format!(
        "{{ name: slow, from: {from}, processor: {{ throttle: {{ records: 1, per: {per} }} }} }}"
    )
}
