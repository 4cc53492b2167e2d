//! Avro schemas as text, in the form that is handed around.

use serde_json::Value;

/// The schema as JSON without escapes that it does not need: the decoder borrows names from it.
pub(super) fn text(schema: &Value) -> String {
    schema.to_string()
}

/// Reads a schema's JSON.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|it| format!("the schema is no JSON: {it}"))
}
