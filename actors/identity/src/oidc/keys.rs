//! The keys of a provider, and whether a token was signed with one of them.

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize as _;
use serde_json::Value;

/// A token is no longer than that.
const TOKEN_BYTES_MAX: usize = 64 << 10;

pub(super) struct Keys(Vec<Jwk>);

impl Keys {
    /// Those that can be used; a key of a kind that is not known here stands in nobody's way.
    pub(super) fn read(document: &Value) -> Self {
        let all = document.get("keys").and_then(Value::as_array).into_iter().flatten();
        Self(all.filter_map(|it| Jwk::deserialize(it).ok()).collect())
    }

    /// What the token says, if it is signed as it may be, with one of these keys. What it says is judged
    /// elsewhere.
    pub(super) fn check(&self, token: &str, allowed: &[Algorithm]) -> Result<Value, String> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err("the token is too long".to_owned());
        }
        let header = decode_header(token);
        let header = header.map_err(|it| format!("the token is none that can be proven: {it}"))?;
        let algorithm = header.alg;
        if !allowed.contains(&algorithm) {
            return Err(format!("the token is signed by {algorithm:?}, which is not allowed"));
        }
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let fits = |it: &&Jwk| {
            let common = &it.common;
            let is_named = header.kid.is_none() || common.key_id == header.kid;
            let is_for_it = common.key_algorithm.is_none_or(|it| is_same(it, algorithm));
            let signs = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
            is_named && is_for_it && signs
        };
        let keys = self.0.iter().filter(fits).filter_map(|it| DecodingKey::from_jwk(it).ok());
        let mut why = "the provider has no such key".to_owned();
        for key in keys {
            match decode::<Value>(token, &key, &validation) {
                Ok(it) => return Ok(it.claims),
                Err(it) => why = format!("the token is not signed with the provider's key: {it}"),
            }
        }
        Err(why)
    }
}

fn is_same(key: KeyAlgorithm, algorithm: Algorithm) -> bool {
    key.to_string().parse() == Ok(algorithm)
}
