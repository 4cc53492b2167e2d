//! Formats found by looking at a sample, as assets.

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Value, json};
use weir_domain::{AssetName, Fault, did_you_mean};
use weir_formats::{FormatConfig, Inferred};
use weir_http_api::{InferRequest, InferredFieldView, InferredView, TestRunRequest};

/// The format of a sample. Blocks.
pub(crate) fn infer(request: InferRequest) -> Result<InferredView, Fault> {
    let InferRequest { name, text, base64, format, required, records } = request;
    let refuse = |code, what: String, hint: &str| Err(Fault::config(code, what).with_hint(hint));
    let sample = match (text, base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(encoded)) => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(encoded);
            match decoded {
                Ok(bytes) => bytes,
                Err(it) => return refuse(191, format!("it is no base64: {it}"), "encode it anew"),
            }
        }
        _ => {
            let what = "a sample must be given exactly once".to_owned();
            return refuse(191, what, "send either text or base64");
        }
    };
    if sample.len() > TestRunRequest::SAMPLE_BYTES_MAX {
        let what = format!("it is larger than {} bytes", TestRunRequest::SAMPLE_BYTES_MAX);
        return refuse(191, what, "give the first thousand records or so");
    }
    let format = match format.map(|it| format_of(Value::Object(it))).transpose() {
        Ok(format) => format,
        Err(it) => return refuse(192, it, "write it as the spec of a Format asset"),
    };
    let found = weir_formats::infer(Bytes::from(sample), format, records as usize, required)?;
    view(&name, found, "sample of")
}

/// What was found, as an asset. `of`: what it was found in.
pub(super) fn view(name: &AssetName, found: Inferred, of: &str) -> Result<InferredView, Fault> {
    let text = asset((name.as_str(), of), &found)?;
    let fields = found.fields.into_iter().map(|it| InferredFieldView {
        path: it.path,
        type_name: it.type_name,
        optional: it.is_optional,
        notes: it.notes,
    });
    Ok(InferredView {
        path: format!("formats/{name}.yaml"),
        text,
        fields: fields.collect(),
        records: found.records,
        bad: found.bad,
        reasons: found.reasons,
    })
}

pub(super) fn format_of(given: Value) -> Result<FormatConfig, String> {
    let named = given.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    serde_json::from_value(given).map_err(|it| {
        let kinds = ["csv", "json", "parquet", "avro", "arrow", "raw", "fixedWidth", "protobuf"];
        match did_you_mean(&named, kinds).filter(|near| *near != named) {
            Some(near) => format!("it is no format: {it}; did you mean {near}?"),
            None => format!("it is no format: {it}"),
        }
    })
}

/// What was found of fields stands above the asset, where people look first.
fn asset((name, of): (&str, &str), found: &Inferred) -> Result<String, Fault> {
    let mut spec = serde_json::to_value(&found.format).unwrap_or_default();
    without_defaults(&mut spec);
    let asset = json!({
        "apiVersion": "weir/v1",
        "kind": "Format",
        "metadata": { "name": name },
        "spec": spec,
    });
    let yaml = serde_saphyr::to_string(&asset);
    let yaml = yaml.map_err(|it| Fault::config(194, format!("it can't be written: {it}")))?;
    let ending = if found.records == 1 { "" } else { "s" };
    let mut text = format!("# From a {of} {} record{ending}.\n", found.records);
    for field in found.fields.iter().filter(|it| !it.notes.is_empty()) {
        let note = format!("{}: {}", field.path, field.notes.join("; "));
        text += &format!("# {}\n", note.replace(['\n', '\r'], " "));
    }
    Ok(text + yaml.trim_end() + "\n")
}

/// Leaves out what the format does anyway.
fn without_defaults(spec: &mut Value) {
    let Value::Object(keys) = spec else { return };
    let Some(kind) = keys.get("type").cloned() else { return };
    let bare = serde_json::from_value::<FormatConfig>(json!({ "type": kind }));
    let defaults = bare.ok().and_then(|it| serde_json::to_value(it).ok()).unwrap_or_default();
    keys.retain(|key, value| key == "type" || defaults.get(key) != Some(value));
    if let Some(Value::Array(fields)) = keys.get_mut("schema") {
        fields.iter_mut().for_each(bare_field);
    }
}

fn bare_field(field: &mut Value) {
    let Value::Object(keys) = field else { return };
    keys.retain(|key, value| key != "nullable" || *value != Value::Bool(true));
    if let Some(Value::Array(members)) = keys.get_mut("fields") {
        members.iter_mut().for_each(bare_field);
    }
    if let Some(items) = keys.get_mut("items") {
        bare_field(items);
    }
}
