//! The library's errors in the words of this product: no prefixes, our type names, one sentence.

use datafusion_common::DataFusionError;

use crate::parse::lower_first;

/// What the library calls its types, and what we call them. Longer names come first.
const TYPES: [(&str, &str); 10] = [
    ("LargeUtf8", "string"),
    ("Utf8View", "string"),
    ("Utf8", "string"),
    ("Boolean", "boolean"),
    ("Date32", "date"),
    ("Date64", "date"),
    ("Timestamp", "timestamp"),
    ("Interval", "interval"),
    ("Decimal128", "decimal"),
    ("Struct", "struct"),
];

const NUMBERS: [&str; 11] = [
    "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float16", "Float32",
    "Float64",
];

/// Layers that wrap the one sentence that says something.
const PREFIXES: [&str; 16] = [
    "Arrow error: ",
    "Cast error: ",
    "Compute error: ",
    "Parser error: ",
    "Invalid argument error: ",
    "External error: ",
    "Execution error: ",
    "Error during planning: ",
    "This feature is not implemented: ",
    "Schema error: ",
    "SQL error: ",
    "Internal error: ",
    "Arithmetic overflow: ",
    "type_coercion\ncaused by\n",
    "Error parsing timestamp from ",
    "Optimizer rule ",
];

pub(crate) fn plain_message(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let mut text = text.as_str();
    let overflow = text.contains("Arithmetic overflow: ");
    while let Some(rest) = PREFIXES.iter().find_map(|it| text.strip_prefix(it)) {
        // The one layer whose own words matter.
        if text.starts_with("Error parsing timestamp") {
            return words(&format!("no timestamp: {rest}"));
        }
        text = rest;
    }
    let sentence = text.lines().next().unwrap_or(text);
    let sentence = sentence.split(" This issue was likely caused by").next().unwrap_or(sentence);
    let cut = [". You might need to add", ". No function matches", ", errors: "];
    let sentence = cut.iter().fold(sentence, |it, cut| it.split(cut).next().unwrap_or(it));
    let sentence = words(sentence.trim_end_matches(['.', '!', ' ']));
    match sentence.as_str() {
        "Divide by zero error" | "divide by zero error" => "division by zero".into(),
        _ if overflow => {
            let what = sentence.trim_start_matches("overflow happened on: ");
            format!("the result does not fit its type: {what}")
        }
        _ => sentence,
    }
}

fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        out.push_str(&translated(&word));
        word.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    lower_first(&out)
}

fn translated(word: &str) -> String {
    match TYPES.iter().find(|(theirs, _)| *theirs == word) {
        Some((_, ours)) => (*ours).to_owned(),
        None if NUMBERS.contains(&word) => word.to_lowercase(),
        None => word.to_owned(),
    }
}
