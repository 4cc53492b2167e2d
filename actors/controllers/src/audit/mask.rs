//! What must not be read in the audit, and in what form it is written.

use serde_json::{Map, Value};
use weir_domain::{AuditAction, AuditOutcome};

/// What stands in the place of what looks like a secret.
pub const MASK: &str = "***";

/// Fields whose value is a secret, whatever it looks like. Compared without case and punctuation.
const SECRET_FIELDS: [&str; 8] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "privatekey",
    "apikey",
    "credentials",
    "authorization",
];
/// How texts begin that are secrets wherever they stand.
const SECRET_TEXTS: [&str; 6] =
    ["AGE-SECRET-KEY-", "-----BEGIN", "$argon2", "weir_", "Bearer ", "Basic "];

/// An action as it may be recorded.
pub(super) fn masked_action(action: AuditAction) -> AuditAction {
    let outcome = match action.outcome {
        AuditOutcome::Done => AuditOutcome::Done,
        AuditOutcome::Refused(why) => AuditOutcome::Refused(masked_text(why)),
        AuditOutcome::Unknown(why) => AuditOutcome::Unknown(masked_text(why)),
    };
    AuditAction {
        before: action.before.map(masked),
        after: action.after.map(masked),
        object: masked_text(action.object),
        outcome,
        ..action
    }
}

fn masked_text(text: String) -> String {
    if is_secret_text(&text) { MASK.to_owned() } else { text }
}

/// The value with its secrets masked. Sealed values stay: they tell nobody anything, and that they
/// changed is worth knowing. Fractions become texts, which read back as they were written.
pub fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mask = |(name, value): (String, Value)| {
                let value = match is_secret_field(&name) {
                    true => mask_all(value),
                    false => masked(value),
                };
                (name, value)
            };
            Value::Object(fields.into_iter().map(mask).collect::<Map<_, _>>())
        }
        Value::Array(values) => values.into_iter().map(masked).collect(),
        Value::String(text) => Value::from(masked_text(text)),
        Value::Number(number) if number.is_f64() => Value::from(number.to_string()),
        other => other,
    }
}

fn mask_all(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(text) if text.starts_with("weir-secret:") => Value::String(text),
        // Structure below such a field may be shown, none of its values.
        Value::Object(fields) => {
            fields.into_iter().map(|(name, it)| (name, mask_all(it))).collect()
        }
        Value::Array(values) => values.into_iter().map(mask_all).collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::from(MASK),
    }
}

fn is_secret_field(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    SECRET_FIELDS.iter().any(|it| plain.ends_with(it) || plain.ends_with(&format!("{it}s")))
}

fn is_secret_text(text: &str) -> bool {
    let without_certificates = text.replace("-----BEGIN CERTIFICATE-----", "");
    SECRET_TEXTS.iter().any(|it| without_certificates.contains(it))
}
