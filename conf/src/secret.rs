//! What must not be shown: values under keys that name secrets, and passwords inside of URLs.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

const SHOWN_INSTEAD: &str = "******";

/// A text that is never printed: not by `{:?}`, not in a document, not in an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who needs it. It must not go into a log or a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN_INSTEAD)
    }
}

/// What is shown of it does not read back as the secret.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SHOWN_INSTEAD)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

const WORDS: [&str; 8] =
    ["password", "passwd", "passphrase", "secret", "token", "credential", "privatekey", "apikey"];

/// True if a key says that its value is a secret. Keys of files and lengths (`token-file`) are not.
pub(crate) fn is_secret(key: &str) -> bool {
    let key: String = key.to_lowercase().chars().filter(|it| it.is_alphanumeric()).collect();
    let harmless = ["file", "path", "timeout", "ttl", "length", "bytes"];
    WORDS.iter().any(|it| key.contains(it)) && !harmless.iter().any(|it| key.ends_with(it))
}

/// Covers every secret in `value`.
pub(crate) fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if is_secret(key) && !value.is_null() {
                    *value = SHOWN_INSTEAD.into();
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::String(text) => {
            if let Some(masked) = mask_url(text) {
                *text = masked;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `scheme://user:password@host` without the password; none if there is none.
fn mask_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (user, host) = rest[..end].rsplit_once('@')?;
    let (user, _) = user.split_once(':')?;
    Some(format!("{scheme}://{user}:{SHOWN_INSTEAD}@{host}{}", &rest[end..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("s3cret");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "****** Some(******)");
        assert_eq!(json!({ "it": secret }), json!({ "it": "******" }));
        assert_eq!(secret.expose(), "s3cret");
    }

    #[test]
    fn secrets_are_covered_and_nothing_else() {
        let mut value = json!({
            "password": "p", "api-key": ["x"], "clientSecret": {"a": 1}, "token": null,
            "token-file": "/run/token", "token-ttl": "5m", "list": [{"db-password": "p"}],
            "url": "mysql://weir:p@ss@db:3306/weir?x=1", "plain": "http://host:80/a@b",
        });
        mask(&mut value);
        let expected = json!({
            "password": "******", "api-key": "******", "clientSecret": "******", "token": null,
            "token-file": "/run/token", "token-ttl": "5m", "list": [{"db-password": "******"}],
            "url": "mysql://weir:******@db:3306/weir?x=1", "plain": "http://host:80/a@b",
        });
        assert_eq!(value, expected);
    }
}
