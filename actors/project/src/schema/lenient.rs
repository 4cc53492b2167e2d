//! Adapting generated schemas to what people write in YAML.

use serde_json::{Map, Value, json};

/// Matches a text that environment values are put into.
const MACRO: &str = "\\$\\{env:";
/// Keys below which stand values and no schemas.
const VALUES: [&str; 4] = ["default", "const", "enum", "examples"];

/// Takes out what says that a key may be null: people leave the key out.
pub(super) fn without_nulls(value: &mut Value) {
    each_schema(value, &mut |schema| {
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|it| it != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".into(), only);
            }
        }
        let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
        let length = choices.len();
        choices.retain(|it| *it != json!({ "type": "null" }));
        if let ([Value::Object(only)], true) = (choices.as_slice(), choices.len() < length) {
            let only = only.clone();
            schema.shift_remove("anyOf");
            only.into_iter().for_each(|(key, it)| _ = schema.entry(key).or_insert(it));
        }
    });
}

/// Allows `${env:NAME}` wherever something else than any text is asked for.
pub(super) fn with_macros(value: &mut Value) {
    each_schema(value, &mut |schema| {
        let text = |key: &str| schema.get(key).and_then(Value::as_str).map(str::to_owned);
        let is_choice = schema.contains_key("enum") || schema.contains_key("const");
        match text("type").as_deref() {
            Some(kind @ ("integer" | "number" | "boolean")) if !is_choice => {
                schema.insert("type".into(), json!([kind, "string"]));
                schema.insert("pattern".into(), MACRO.into());
            }
            Some("string") if schema.contains_key("enum") => {
                let choices = schema.shift_remove("enum").unwrap_or_default();
                schema.insert("anyOf".into(), json!([{ "enum": choices }, { "pattern": MACRO }]));
            }
            Some("string") => {
                if let Some(pattern) = text("pattern") {
                    schema.insert("pattern".into(), format!("({pattern})|{MACRO}").into());
                }
            }
            _ => {}
        }
        if let Some(Value::Array(choices)) = schema.get_mut("oneOf") {
            let is_name = |it: &Value| it.get("const").is_some_and(Value::is_string);
            if !choices.is_empty() && choices.iter().all(is_name) {
                choices.push(json!({ "type": "string", "pattern": MACRO }));
            }
        }
    });
}

/// Calls `change` with every schema below a value and with the value itself, innermost first.
fn each_schema(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(entries) => {
            for (key, it) in entries.iter_mut() {
                if !VALUES.contains(&key.as_str()) {
                    each_schema(it, change);
                }
            }
            change(entries);
        }
        Value::Array(items) => items.iter_mut().for_each(|it| each_schema(it, change)),
        _ => {}
    }
}
