//! Values written as YAML, where there is no text of theirs that could be taken.

use serde_json::Value;

/// What follows `key:` or `-`, in a place whose own key stands at `column`.
pub(super) fn after_key(value: &Value, column: usize) -> String {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let lines = entries.iter().map(|(key, value)| {
                format!("\n{:column$}  {}:{}", "", key_text(key), after_key(value, column + 2))
            });
            lines.collect()
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|it| format!("\n{:column$}  {}", "", item(it, column + 2))).collect()
        }
        other => format!(" {}", flow(other)),
    }
}

/// An element of a list whose dash stands at `column`.
pub(super) fn item(value: &Value, column: usize) -> String {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let body = block(value, column + 2);
            format!("- {body}")
        }
        other => format!("- {}", flow(other)),
    }
}

/// A whole value whose first line stands at `column` already.
pub(super) fn block(value: &Value, column: usize) -> String {
    let lines: Vec<_> = match value {
        Value::Object(entries) if !entries.is_empty() => entries
            .iter()
            .map(|(key, value)| format!("{}:{}", key_text(key), after_key(value, column)))
            .collect(),
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|it| item(it, column)).collect()
        }
        other => return flow(other),
    };
    lines.join(&format!("\n{:column$}", ""))
}

/// In one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(entries) => {
            let entries =
                entries.iter().map(|(key, it)| format!("{}: {}", key_text(key), flow(it)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn key_text(key: &str) -> String {
    scalar(key)
}

/// Without quotes where it could mean nothing else; what JSON quotes is YAML, too.
fn scalar(text: &str) -> String {
    let harmless =
        |it: char| it.is_ascii_alphanumeric() || matches!(it, ' ' | '.' | '_' | '/' | '-');
    let is_plain = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_' || it == '/')
        && text.chars().all(harmless)
        && !text.ends_with(' ')
        && matches!(weir_conf::yaml::plain(text), weir_conf::Value::Text(_));
    if is_plain { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}
