//! A provider that signs whatever the test wants: what is believed of that, and what is not.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use weir_conf::Settings;
use weir_controllers::users::{Begun, Doubt, Person, Provider};
use weir_domain::Timestamp;
use weir_identity::Oidc;
use weir_secrets::Secret;

const NOW: Timestamp = Timestamp(2_000_000_000_000);

struct Key {
    id: &'static str,
    pkcs8: Vec<u8>,
    public: String,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let pkcs8 = pair.to_pkcs8().unwrap().as_ref().to_vec();
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Self { id, pkcs8, public }
    }

    fn published(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": self.public, "kid": self.id, "use": "sig" })
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.id.to_owned());
        encode(&header, claims, &EncodingKey::from_ed_der(&self.pkcs8)).unwrap()
    }
}

/// What the provider answers, by path.
#[derive(Default)]
struct Said {
    keys: Vec<Value>,
    token: String,
    asked: Vec<String>,
}

struct House {
    issuer: String,
    said: Arc<Mutex<Said>>,
    key: Key,
}

impl House {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = Key::new("first");
        let said = Arc::new(Mutex::new(Said { keys: vec![key.published()], ..Said::default() }));
        let (answers, at) = (said.clone(), issuer.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &at, &answers);
            }
        });
        Self { issuer, said, key }
    }

    fn oidc(&self, more: &[&str]) -> Oidc {
        let mut all = vec![
            format!("weir.users.oidc.issuer=\"{}\"", self.issuer),
            "weir.users.oidc.client-id=weir".to_owned(),
            "weir.users.oidc.redirect-uri=\"https://weir.example.org/log-in\"".to_owned(),
            "weir.users.oidc.roles=[{group=ops,roles=[user]}]".to_owned(),
            "weir.users.oidc.timeout=1s".to_owned(),
        ];
        all.extend(more.iter().map(|it| (*it).to_owned()));
        let settings = Settings::load(None, &all).unwrap();
        Oidc::new(&settings.users.oidc, &self.issuer).unwrap()
    }

    fn claims(&self) -> Value {
        let now = NOW.0 / 1_000;
        json!({
            "iss": self.issuer, "aud": "weir", "sub": "7", "nonce": "of this log-in",
            "exp": now + 300, "iat": now, "preferred_username": "eve", "groups": ["ops"],
        })
    }

    fn gives(&self, token: String) {
        self.said.lock().unwrap().token = token;
    }

    fn asked(&self, path: &str) -> usize {
        self.said.lock().unwrap().asked.iter().filter(|it| it.as_str() == path).count()
    }
}

fn answer(mut stream: TcpStream, issuer: &str, said: &Mutex<Said>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if let Some(text) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if header.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut said = said.lock().unwrap();
    said.asked.push(path.clone());
    let text = match path.as_str() {
        "/.well-known/openid-configuration" => json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        })
        .to_string(),
        "/keys" => json!({ "keys": said.keys }).to_string(),
        _ => json!({ "id_token": said.token, "token_type": "Bearer" }).to_string(),
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{text}",
        text.len()
    )
    .unwrap();
}

async fn finished(oidc: &Oidc, now: Timestamp) -> Result<Person, Doubt> {
    oidc.finish(&Secret::from("code".to_owned()), &begun(), now).await
}

fn begun() -> Begun {
    Begun {
        state: "s".into(),
        nonce: "of this log-in".into(),
        verifier: Secret::from("v".to_owned()),
    }
}

#[track_caller]
fn why(found: Result<Person, Doubt>) -> String {
    match found {
        Err(Doubt::Wrong(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_good_token_says_who_it_is() {
    let house = House::open();
    house.gives(house.key.sign(&house.claims()));
    let oidc = house.oidc(&[]);
    let person = finished(&oidc, NOW).await.unwrap();
    assert_eq!((person.name.as_str(), person.roles.len()), ("eve", 1));
    assert_eq!(person.subject, format!("{} 7", house.issuer));
    assert_eq!((house.asked("/keys"), house.asked("/token")), (1, 1));
}

#[tokio::test]
async fn a_token_that_somebody_else_made_or_that_is_for_somebody_else_is_not_believed() {
    let house = House::open();
    let oidc = house.oidc(&[]);
    let stranger = Key::new("first");
    house.gives(stranger.sign(&house.claims()));
    assert!(why(finished(&oidc, NOW).await).contains("not signed with the provider's key"));
    for (name, value) in
        [("aud", json!("other")), ("iss", json!("https://other")), ("nonce", json!("another"))]
    {
        let mut claims = house.claims();
        claims[name] = value;
        house.gives(house.key.sign(&claims));
        why(finished(&oidc, NOW).await);
    }
    house.gives(house.key.sign(&house.claims()));
    let later = Timestamp(NOW.0 + 400_000);
    assert!(why(finished(&oidc, later).await).contains("expired"));
    // Changed after it was signed.
    let token = house.key.sign(&house.claims());
    let mut claims = house.claims();
    claims["preferred_username"] = json!("root");
    let parts: Vec<_> = token.split('.').collect();
    let forged = URL_SAFE_NO_PAD.encode(claims.to_string());
    house.gives(format!("{}.{forged}.{}", parts[0], parts[2]));
    why(finished(&oidc, NOW).await);
    for token in ["", "a", "a.b", "a.b.c", "..", "ey.ey.ey"] {
        house.gives(token.to_owned());
        why(finished(&oidc, NOW).await);
    }
    house.gives("x".repeat(100 << 10));
    assert!(why(finished(&oidc, NOW).await).contains("too long"));
    house.gives("x".repeat(300 << 10));
    assert!(matches!(finished(&oidc, NOW).await, Err(Doubt::Silent(_))), "beyond any answer");
}

#[tokio::test]
async fn how_a_token_is_signed_is_not_the_token_s_choice() {
    let house = House::open();
    let oidc = house.oidc(&[]);
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let claims = URL_SAFE_NO_PAD.encode(house.claims().to_string());
    house.gives(format!("{none}.{claims}."));
    why(finished(&oidc, NOW).await);
    // With the public key as if it were a secret that both sides know.
    let secret = EncodingKey::from_secret(house.key.public.as_bytes());
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("first".into());
    house.gives(encode(&header, &house.claims(), &secret).unwrap());
    assert!(why(finished(&oidc, NOW).await).contains("not allowed"));
    // One that is good elsewhere.
    let oidc = house.oidc(&["weir.users.oidc.algorithms=[RS256]"]);
    house.gives(house.key.sign(&house.claims()));
    assert!(why(finished(&oidc, NOW).await).contains("not allowed"));
}

#[tokio::test]
async fn new_keys_are_learned_when_a_token_names_them_and_old_ones_forgotten() {
    let house = House::open();
    let oidc = house.oidc(&[]);
    house.gives(house.key.sign(&house.claims()));
    finished(&oidc, NOW).await.unwrap();
    let second = Key::new("second");
    house.said.lock().unwrap().keys = vec![json!({ "kty": "what" }), second.published()];
    let soon = Timestamp(NOW.0 + 1_000);
    house.gives(second.sign(&house.claims()));
    finished(&oidc, soon).await.unwrap();
    assert_eq!(house.asked("/keys"), 2);
    house.gives(house.key.sign(&house.claims()));
    assert!(why(finished(&oidc, Timestamp(NOW.0 + 2_000)).await).contains("no such key"));
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_not_asked_further() {
    let house = House::open();
    let other = format!("{}/", house.issuer);
    let all = [
        format!("weir.users.oidc.issuer=\"{other}\""),
        "weir.users.oidc.client-id=weir".to_owned(),
        "weir.users.oidc.redirect-uri=\"https://weir.example.org/log-in\"".to_owned(),
        "weir.users.oidc.roles=[{group=ops,roles=[user]}]".to_owned(),
    ];
    let settings = Settings::load(None, &all).unwrap();
    let oidc = Oidc::new(&settings.users.oidc, &other).unwrap();
    let Err(Doubt::Silent(fault)) = finished(&oidc, NOW).await else { panic!() };
    assert!(fault.message.contains("it calls itself"), "{fault}");
    assert_eq!(house.asked("/token"), 0);
}

#[tokio::test]
async fn who_comes_while_the_provider_is_asked_waits_for_that_answer() {
    let house = House::open();
    let oidc = house.oidc(&[]);
    let begun = begun();
    let all = futures::future::join_all((0..8).map(|_| oidc.begin(&begun, NOW))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(house.asked("/.well-known/openid-configuration"), 1);
}
