//! Log-ins that a provider vouches for, by a browser that is led there and back.

use serde_json::{Value, json};
use weir_test_servers::{Browser, OidcProvider, Page};

use super::{PASSWORD, settings};
use crate::access::Office;

/// Where browsers are told to come back to; nobody is there, since the test is the page.
const BACK: &str = "http://127.0.0.1:9/log-in";

fn people() -> String {
    let person = |name: &str, groups: &[&str]| {
        json!({ "preferred_username": name, "given_name": "Eve", "groups": groups,
                "email": format!("{name}@example.org") })
    };
    json!({
        "1": person("eve", &["operators", "others"]),
        "2": person("bob", &["others"]),
        "3": person("ada", &["operators"]),
        "4": person("not a name", &["operators"]),
    })
    .to_string()
}

fn provider() -> OidcProvider {
    OidcProvider::start(BACK, &people(), true)
}

fn office(provider: &OidcProvider, more: &[(&str, String)]) -> Office {
    let roles = json!([{ "group": "operators", "roles": ["user"] }]);
    let mut all = vec![
        ("weir.users.oidc.issuer", json!(provider.issuer()).to_string()),
        ("weir.users.oidc.name", "\"the house\"".to_owned()),
        ("weir.users.oidc.client-id", OidcProvider::CLIENT.to_owned()),
        ("weir.users.oidc.redirect-uri", json!(BACK).to_string()),
        ("weir.users.oidc.roles", roles.to_string()),
    ];
    all.extend(more.iter().cloned());
    Office::with(|start| {
        use std::os::unix::fs::PermissionsExt as _;
        let secret = start.root().join("client-secret");
        std::fs::write(&secret, OidcProvider::SECRET).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let file = ("weir.users.oidc.client-secret-file", json!(secret).to_string());
        settings(settings(start, &[file]), &all)
    })
    .with_administrator(PASSWORD)
}

fn json_of(page: &Page) -> Value {
    serde_json::from_str(&page.body).unwrap_or_else(|_| panic!("{page:?}"))
}

/// A field of the query.
fn field(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap_or_else(|| panic!("{url}")).1;
    let fields = query.split('&').filter_map(|it| it.split_once('='));
    let mut found = fields.filter(|it| it.0 == name).map(|it| it.1.to_owned());
    found.next().unwrap_or_else(|| panic!("no {name} in {url}"))
}

/// A browser that was led to the provider and back; where it is then.
fn led(server: &str, browser: &mut Browser, subject: &str) -> String {
    let begun = browser.post(&format!("{server}/api/v1/log-in/provider"), "");
    assert_eq!(begun.status, 200, "{begun:?}");
    let location = json_of(&begun)["location"].as_str().unwrap().to_owned();
    let mut page = browser.go(&location, BACK);
    // Who is known there goes on without a form.
    if !page.url.starts_with(BACK) {
        let form = format!("prompt=login&login={subject}&password=x");
        page = browser.submit(&page.url, &form, BACK);
    }
    assert!(page.url.starts_with(BACK), "{page:?}");
    page.url
}

fn finished(server: &str, browser: &mut Browser, at: &str) -> Page {
    let body = json!({ "state": field(at, "state"), "code": field(at, "code") });
    browser.post(&format!("{server}/api/v1/log-in/provider/finish"), &body.to_string())
}

#[track_caller]
fn refused(page: &Page, said: &str) {
    assert!(page.status == 401 && page.body.contains(said), "{page:?}");
}

#[test]
fn a_browser_is_led_to_the_provider_and_back_into_a_session() {
    // Through an engine, and through the configuration server, which passes it on.
    for id_token_has_all in [true, false] {
        let provider = OidcProvider::start(BACK, &people(), id_token_has_all);
        let office = office(&provider, &[]);
        let server = if id_token_has_all { office.weir.rest() } else { office.weir.page() };
        let server = server.trim_end_matches('/');
        let (_, ways) = office.weir.get(server, "/api/v1/log-in");
        assert_eq!(ways, r#"{"password":true,"administrator":true,"provider":"the house"}"#);
        let mut browser = Browser::default();
        let at = led(server, &mut browser, "1");
        let page = finished(server, &mut browser, &at);
        assert_eq!(page.status, 200, "{page:?}");
        let cookies: Vec<_> = page.headers.iter().filter(|it| it.0 == "set-cookie").collect();
        assert!(cookies[0].1.contains("HttpOnly; SameSite=Lax"), "{cookies:?}");
        assert_eq!(browser.cookie("weir-log-in"), None, "it is used up");
        let token = json_of(&page)["token"].as_str().unwrap().to_owned();
        let me = office.me(&token).unwrap();
        assert_eq!(me["user"], "eve");
        assert!(
            me["grants"].get("workflow:control").is_some()
                && me["grants"].get("user:write").is_none()
        );
        let eve = office.user("eve");
        assert_eq!((&eve["origin"], &eve["groupRoles"]), (&json!("oidc"), &json!(["user"])));
        // A password is nobody's under that name.
        assert_eq!(office.logs_in("eve", "x").0, 401);
        let (status, _) = office.weir.post_as("/api/v1/log-out", &token);
        assert_eq!((status, office.me(&token)), (200, None));
        let log = office.weir.stop();
        let secrets = [&token, &field(&at, "code"), OidcProvider::SECRET];
        assert!(secrets.iter().all(|it| !log.contains(*it)), "{log}");
    }
}

#[test]
fn a_log_in_is_finished_once_in_the_browser_that_began_it() {
    let provider = provider();
    let office = office(&provider, &[]);
    let server = office.weir.rest();
    let mut browser = Browser::default();
    let at = led(server, &mut browser, "1");
    // Somebody else's browser, with a log-in of its own and with none.
    let mut other = Browser::default();
    refused(&finished(server, &mut other, &at), "was not begun in this browser");
    led(server, &mut other, "2");
    refused(&finished(server, &mut other, &at), "was not begun in this browser");
    // Whoever tried has used it up.
    let kept = browser.clone();
    refused(&finished(server, &mut browser, &at), "was not begun in this browser");

    let mut browser = kept;
    let at = led(server, &mut browser, "1");
    let before = browser.clone();
    assert_eq!(finished(server, &mut browser, &at).status, 200);
    // The same state and code again.
    refused(&finished(server, &mut before.clone(), &at), "has been finished");
    // The code of one log-in with the state of another.
    let mut again = Browser::default();
    let second = led(server, &mut again, "1");
    let mixed = format!("{BACK}?state={}&code={}", field(&second, "state"), field(&at, "code"));
    refused(&finished(server, &mut again, &mixed), "not to be believed");
    // What the provider refuses is told, and nothing that somebody wrote into the address.
    let third = led(server, &mut again, "1");
    let body = json!({ "state": field(&third, "state"), "error": "access_denied\nWEIR-00000" });
    let page = again.post(&format!("{server}/api/v1/log-in/provider/finish"), &body.to_string());
    refused(&page, "not to be believed");
    office.weir.logged("access_deniedWEIR00000");
    office.weir.stop();
}

#[test]
fn who_has_no_role_no_name_or_a_local_user_s_name_is_not_let_in() {
    let provider = provider();
    let office = office(&provider, &[]);
    let whys = [
        ("2", "none of 1 groups gives a role here"),
        ("3", "there is a local user ada"),
        ("4", "names no user"),
    ];
    for (subject, why) in whys {
        let mut browser = Browser::default();
        let at = led(office.weir.rest(), &mut browser, subject);
        refused(&finished(office.weir.rest(), &mut browser, &at), "nothing here is open to you");
        office.weir.logged(why);
    }
    office.session_of("ada", PASSWORD);
    office.weir.stop();
}

#[test]
fn new_keys_of_the_provider_are_learned_and_while_it_is_away_others_log_in() {
    let mut provider = provider();
    let office = office(&provider, &[]);
    let log_in = || {
        let mut browser = Browser::default();
        let at = led(office.weir.rest(), &mut browser, "1");
        finished(office.weir.rest(), &mut browser, &at).status
    };
    assert_eq!(log_in(), 200);
    provider.restart();
    assert_eq!(log_in(), 200);
    let mut browser = Browser::default();
    let at = led(office.weir.rest(), &mut browser, "1");
    provider.kill();
    let page = finished(office.weir.rest(), &mut browser, &at);
    assert!(page.status == 503 && page.body.contains("WEIR-06194"), "{page:?}");
    office.session_of("ada", PASSWORD);
}
