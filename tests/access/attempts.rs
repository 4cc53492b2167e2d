//! Log-ins that fail, and for whom they count.

use axum::http::StatusCode;
use serde_json::json;

use super::Office;
use crate::support::Start;

const PASSWORD: &str = "correct horse battery 1";

impl Office {
    /// Of so many wrong log-ins, each said to come from the address that it gets, what the last one is
    /// answered.
    fn guessed(&self, times: u8, from: impl Fn(u8) -> String) -> StatusCode {
        let body = json!({ "name": "ada", "password": "wrong horse battery 1" });
        let guess = |n: u8| {
            let sent = self.weir.post_for(&from(n), "/api/v1/log-in", &body);
            StatusCode::from_u16(sent.0).unwrap()
        };
        (0..times).map(guess).last().unwrap()
    }
}

#[test]
fn who_guesses_is_the_same_whatever_address_he_claims() {
    let office = Office::open().with_administrator(PASSWORD);
    let other_each_time = |n: u8| format!("192.0.2.{n}");
    assert_eq!(office.guessed(5, other_each_time), StatusCode::UNAUTHORIZED);
    assert_eq!(office.guessed(1, other_each_time), StatusCode::TOO_MANY_REQUESTS);
    office.weir.stop();
}

#[test]
fn a_proxy_that_is_trusted_says_who_guesses() {
    let behind = |it: Start| it.set("weir.rest-server.trusted-proxies=[\"127.0.0.0/8\"]");
    let office = Office::with(behind).with_administrator(PASSWORD);
    assert_eq!(office.guessed(9, |n| format!("192.0.2.{n}")), StatusCode::UNAUTHORIZED);
    // What stands before the last address that the proxy adds is the guesser's own word.
    let claimed = |n: u8| format!("198.51.100.{n}, 203.0.113.7");
    assert_eq!(office.guessed(6, claimed), StatusCode::TOO_MANY_REQUESTS);
    office.weir.stop();
}
