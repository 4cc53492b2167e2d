//! What a token that is signed must say to be believed: a function of its claims and of the time.

use serde_json::Value;
use weir_domain::Timestamp;

/// Clocks differ by so much.
const LEEWAY_S: i64 = 60;
/// A token is for the log-in that it came of, which was now.
const AGE_MAX_S: i64 = 600;

pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

impl Expected<'_> {
    /// Why it is not for us, not for this log-in, or not for now.
    pub(super) fn judge(&self, claims: &Value) -> Result<(), String> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(self.issuer) {
            return Err("the token is of another issuer".into());
        }
        self.is_for_us(claims)?;
        if text("nonce") != Some(self.nonce) {
            return Err("the token is of another log-in: its nonce is not the one of this".into());
        }
        if text("sub").is_none_or(str::is_empty) {
            return Err("the token does not say who it is about".into());
        }
        self.is_for_now(claims)
    }

    fn is_for_us(&self, claims: &Value) -> Result<(), String> {
        let audience: Vec<_> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !audience.contains(&self.audience) {
            return Err("the token is for somebody else".into());
        }
        // One that is for several says who asked for it.
        match claims.get("azp") {
            Some(it) if it.as_str() == Some(self.audience) => Ok(()),
            None if audience.len() == 1 => Ok(()),
            _ => Err("somebody else asked for the token".into()),
        }
    }

    fn is_for_now(&self, claims: &Value) -> Result<(), String> {
        let seconds = |name: &str| claims.get(name).and_then(Value::as_f64).map(|it| it as i64);
        let now = self.now.0 / 1_000;
        if seconds("exp").is_none_or(|it| it.saturating_add(LEEWAY_S) <= now) {
            return Err("the token has expired".into());
        }
        let is_new = |it: i64| {
            it <= now.saturating_add(LEEWAY_S) && now <= it.saturating_add(AGE_MAX_S + LEEWAY_S)
        };
        if !seconds("iat").is_some_and(is_new) {
            return Err("the token was not made just now: do the clocks agree?".into());
        }
        match seconds("nbf").is_none_or(|it| it <= now.saturating_add(LEEWAY_S)) {
            true => Ok(()),
            false => Err("the token is not good yet: do the clocks agree?".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(change: impl FnOnce(&mut Value)) -> Result<(), String> {
        let mut claims = json!({
            "iss": "https://op", "aud": "weir", "sub": "7", "nonce": "n", "exp": 1_300, "iat": 1_000,
        });
        change(&mut claims);
        let now = Timestamp(1_000_000);
        Expected { issuer: "https://op", audience: "weir", nonce: "n", now }.judge(&claims)
    }

    #[test]
    fn a_token_is_for_us_for_this_log_in_and_for_now() {
        judged(|_| {}).unwrap();
        judged(|it| it["aud"] = json!(["weir"])).unwrap();
        judged(|it| {
            it["aud"] = json!(["weir", "other"]);
            it["azp"] = json!("weir");
        })
        .unwrap();
        let wrong = [
            ("iss", json!("https://op/")),
            ("iss", json!(null)),
            ("aud", json!("other")),
            ("aud", json!([])),
            ("aud", json!(["weir", "other"])),
            ("azp", json!("other")),
            ("nonce", json!("m")),
            ("nonce", json!(null)),
            ("sub", json!("")),
            ("exp", json!(939)),
            ("exp", json!("1300")),
            ("exp", json!(null)),
            ("iat", json!(1_061)),
            ("iat", json!(300)),
            ("iat", json!(null)),
            ("nbf", json!(1_100)),
        ];
        for (name, value) in wrong {
            let refused = judged(|it| it[name] = value.clone());
            assert!(refused.is_err(), "{name} = {value}");
        }
    }
}
