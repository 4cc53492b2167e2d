//! Answers of a provider, which are read up to a bound.

use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::unsaid;

/// Tokens, keys and documents are far below this.
const BYTES_MAX: usize = 256 << 10;
const ERROR_MAX: usize = 40;

pub(super) async fn read(mut answer: Response) -> Result<(StatusCode, Vec<u8>), String> {
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(unsaid)? {
        if body.len() + piece.len() > BYTES_MAX {
            return Err("the answer is too long".to_owned());
        }
        body.extend_from_slice(&piece);
    }
    Ok((status, body))
}

/// What the answer calls its error: a word of the standard, and nothing that somebody else put there.
pub(super) fn error(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = body.get("error").and_then(Value::as_str).unwrap_or_default();
    let plain = |it: &char| it.is_ascii_alphanumeric() || *it == '_';
    text.chars().filter(plain).take(ERROR_MAX).collect()
}
