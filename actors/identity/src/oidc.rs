//! A provider of OpenID Connect: the authorization code flow with PKCE, and what its ID tokens say.
//!
//! - O1: a token is believed that the provider signed with a key of its own, for us, for this log-in, and for now.
//! - O2: how tokens may be signed is said by the settings, never by the token.
//! - O3: what the provider says of itself is believed from the issuer's own address alone, and for an hour.

mod answer;
mod claims;
mod keys;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt as _;
use futures::future::{BoxFuture, WeakShared};
use jsonwebtoken::Algorithm;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use weir_conf::settings;
use weir_controllers::users::{Begun, Doubt, Origin, Person, Profile, Provider};
use weir_domain::{Fault, Timestamp, UserName};
use weir_secrets::Secret;

use crate::chain;
use crate::groups::GroupMap;
use crate::trust;
use claims::Expected;
use keys::Keys;

/// What the provider said of itself is asked for again after so long.
const BELIEVED_FOR: Duration = Duration::from_secs(3_600);

pub struct Oidc {
    settings: settings::Oidc,
    issuer: String,
    secret: Option<Secret>,
    algorithms: Vec<Algorithm>,
    roles: GroupMap,
    client: Client,
    known: Mutex<Option<Arc<Known>>>,
    /// The question that is under way: whoever needs the answer meanwhile waits for this one.
    asking: Mutex<Option<WeakShared<Discovery>>>,
}

type Discovery = BoxFuture<'static, Result<Arc<Known>, Doubt>>;

/// What the provider says of itself, and its keys.
struct Known {
    at: Timestamp,
    place: Place,
    keys: Keys,
}

/// The part of the discovery document that matters here.
#[derive(Debug, Clone, Deserialize)]
struct Place {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    #[serde(default)]
    access_token: Option<String>,
}

impl Oidc {
    pub fn new(settings: &settings::Oidc, issuer: &str) -> Result<Self, Fault> {
        let (file, variable) = (&settings.client_secret_file, &settings.client_secret_variable);
        let refused = |cause: String| Fault::config(14003, format!("weir.users.oidc: {cause}"));
        let algorithms = settings.algorithms.iter().map(|it| it.parse::<Algorithm>());
        let algorithms = algorithms.collect::<Result<_, _>>().map_err(|it| refused(chain(&it)))?;
        let url = Url::parse(issuer).map_err(|it| refused(chain(&it)))?;
        let builder = Client::builder()
            .timeout(settings.timeout.duration())
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
        // A proxy from the environment can't know what runs on this machine.
        let builder = if is_here(&url) { builder.no_proxy() } else { builder };
        let builder = match &settings.ca {
            None => builder,
            Some(path) => builder.tls_certs_only(trust::certificates("users.oidc.ca", path)?),
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            secret: crate::secret("users.oidc.client-secret", file.as_ref(), variable.as_ref())?,
            algorithms,
            roles: GroupMap::by_name(&settings.roles),
            client: builder.build().map_err(|it| refused(chain(&it)))?,
            settings: settings.clone(),
            known: Mutex::default(),
            asking: Mutex::default(),
        })
    }

    /// What is known of the provider, not older than it is believed.
    async fn known(&self, now: Timestamp) -> Result<Arc<Known>, Doubt> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known.filter(|it| now.since(it.at) < BELIEVED_FOR) {
            Some(known) => Ok(known),
            None => self.asked(now).await,
        }
    }

    /// What it says of itself now.
    async fn asked(&self, now: Timestamp) -> Result<Arc<Known>, Doubt> {
        let asking = {
            let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
            let under_way = asking.as_ref().and_then(WeakShared::upgrade);
            under_way.unwrap_or_else(|| {
                let (client, issuer) = (self.client.clone(), self.issuer.clone());
                let new = discovered(client, issuer, now).boxed().shared();
                *asking = new.downgrade();
                new
            })
        };
        let known = asking.await?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    /// Gives the code for tokens.
    async fn tokens(&self, known: &Known, code: &Secret, begun: &Begun) -> Result<Tokens, Doubt> {
        let text = |it: &Secret| it.expose_text().unwrap_or_default().to_owned();
        let mut fields = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", text(code)),
            ("redirect_uri", self.settings.redirect_uri.clone()),
            ("code_verifier", text(&begun.verifier)),
            ("client_id", self.settings.client_id.clone()),
        ];
        let request = self.client.post(&known.place.token_endpoint);
        let methods = known.place.token_endpoint_auth_methods_supported.as_ref();
        let takes_basic = methods.is_none_or(|it| it.iter().any(|it| it == "client_secret_basic"));
        let request = match &self.secret {
            Some(secret) if takes_basic => {
                let (user, password) = (form(&self.settings.client_id), form(&text(secret)));
                request.basic_auth(user, Some(password))
            }
            Some(secret) => {
                fields.push(("client_secret", text(secret)));
                request
            }
            None => request,
        };
        let fields = fields.iter().map(|(name, value)| format!("{name}={}", form(value)));
        let body = fields.collect::<Vec<_>>().join("&");
        let request = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(body);
        let answer = request.send().await;
        let answer = answer.map_err(|it| silent(&format!("its tokens: {}", unsaid(it))))?;
        let (status, body) =
            answer::read(answer).await.map_err(|it| silent(&format!("its tokens: {it}")))?;
        if status.is_success() {
            let read = serde_json::from_slice(&body);
            // What it holds is secret: where it can't be read is not told.
            return read.map_err(|_| silent("its tokens can't be read"));
        }
        let error = answer::error(&body);
        match error.as_str() {
            "invalid_grant" => Err(Doubt::Wrong("it does not take the code: invalid_grant".into())),
            other => Err(silent(&format!("it gives no tokens: {status} {other}"))),
        }
    }

    /// What the ID token says, which is proven.
    async fn proven(
        &self,
        token: &str,
        begun: &Begun,
        now: Timestamp,
    ) -> Result<(Arc<Known>, Value), Doubt> {
        let mut known = self.known(now).await?;
        let mut checked = known.keys.check(token, &self.algorithms);
        // It may have new keys, and one that is known may be another one by now.
        if checked.is_err() && known.at != now {
            known = self.asked(now).await?;
            checked = known.keys.check(token, &self.algorithms);
        }
        let claims = checked.map_err(Doubt::Wrong)?;
        let expected = Expected {
            issuer: &self.issuer,
            audience: &self.settings.client_id,
            nonce: &begun.nonce,
            now,
        };
        expected.judge(&claims).map_err(Doubt::Wrong)?;
        Ok((known, claims))
    }

    /// What the token does not say the provider may tell who shows what came with it.
    async fn completed(
        &self,
        known: &Known,
        mut claims: Value,
        access: Option<&str>,
    ) -> Result<Value, Doubt> {
        let wanted = [&self.settings.name_claim, &self.settings.groups_claim];
        let lacks = wanted.iter().any(|it| claims.get(it.as_str()).is_none());
        let (true, Some(url), Some(access)) = (lacks, &known.place.userinfo_endpoint, access)
        else {
            return Ok(claims);
        };
        let request = self.client.get(url).bearer_auth(access);
        let more: Value = read("what it tells of people", request).await?;
        if more.get("sub") != claims.get("sub") {
            return Err(Doubt::Wrong("it tells of another person than its token does".into()));
        }
        if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(claims)
    }

    fn person(&self, claims: &Value) -> Result<Person, Doubt> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let (claim, subject) = (self.settings.name_claim.as_str(), text("sub"));
        let name = text(claim).parse::<UserName>().map_err(|it| {
            Doubt::NotAdmitted(format!("the claim {claim} of {subject:?} names no user: {it}"))
        })?;
        let groups: Vec<String> = match claims.get(&self.settings.groups_claim) {
            Some(Value::Array(all)) => {
                all.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
            }
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        let roles = self.roles.given(&groups);
        let roles = roles.map_err(|why| Doubt::NotAdmitted(format!("{name}: {why}")))?;
        let profile = Profile {
            first_name: text("given_name").to_owned(),
            last_name: text("family_name").to_owned(),
            email: text("email").to_owned(),
            description: String::new(),
        };
        let subject = format!("{} {subject}", self.issuer);
        Ok(Person { name, origin: Origin::Oidc, subject, profile, roles })
    }
}

#[async_trait]
impl Provider for Oidc {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn begin(&self, begun: &Begun, now: Timestamp) -> Result<String, Doubt> {
        let known = self.known(now).await?;
        let location = Url::parse(&known.place.authorization_endpoint);
        let mut location = location.map_err(|it| silent(&chain(&it)))?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier.expose()));
        location
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect_uri)
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(location.into())
    }

    async fn finish(&self, code: &Secret, begun: &Begun, now: Timestamp) -> Result<Person, Doubt> {
        let known = self.known(now).await?;
        let tokens = self.tokens(&known, code, begun).await?;
        let (known, claims) = self.proven(&tokens.id_token, begun, now).await?;
        let claims = self.completed(&known, claims, tokens.access_token.as_deref()).await?;
        self.person(&claims)
    }

    fn is_secure(&self) -> bool {
        self.settings.redirect_uri.starts_with("https:")
    }

    fn session_max(&self) -> Duration {
        self.settings.session_max.duration()
    }

    fn token_trust(&self) -> Duration {
        self.settings.token_trust.duration()
    }
}

async fn discovered(client: Client, issuer: String, now: Timestamp) -> Result<Arc<Known>, Doubt> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let place: Place = read("what it says of itself", client.get(url)).await?;
    if place.issuer != issuer {
        return Err(silent(&format!(
            "it calls itself {:?}, and weir.users.oidc.issuer is {:?}",
            place.issuer, issuer
        )));
    }
    let user_info = place.userinfo_endpoint.iter();
    let all = [&place.authorization_endpoint, &place.token_endpoint, &place.jwks_uri];
    for url in all.into_iter().chain(user_info) {
        let parsed = Url::parse(url).ok();
        let is_safe = |it: &Url| it.scheme() == "https" || it.scheme() == "http" && is_here(it);
        if !parsed.as_ref().is_some_and(is_safe) {
            return Err(silent(&format!("it leads to {url:?}, which does not speak TLS")));
        }
    }
    let keys: Value = read("its keys", client.get(&place.jwks_uri)).await?;
    Ok(Arc::new(Known { at: now, place, keys: Keys::read(&keys) }))
}

async fn read<T: for<'de> Deserialize<'de>>(
    what: &str,
    request: RequestBuilder,
) -> Result<T, Doubt> {
    let answer = request.header(ACCEPT, "application/json").send().await;
    let answer = answer.map_err(|it| silent(&format!("{what}: {}", unsaid(it))))?;
    let (status, body) =
        answer::read(answer).await.map_err(|it| silent(&format!("{what}: {it}")))?;
    if !status.is_success() {
        return Err(silent(&format!("{what}: it answers {status}")));
    }
    serde_json::from_slice(&body).map_err(|it| silent(&format!("{what} can't be read: {it}")))
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// As forms are written.
fn form(text: &str) -> String {
    let mut url = Url::parse("form:").expect("it is a URL");
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or_default().to_owned()
}

/// What came between, without the address, whose query may hold what is secret.
fn unsaid(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    chain(&error.without_url())
}

fn silent(cause: &str) -> Doubt {
    Doubt::Silent(
        Fault::transient(14020, format!("the provider of log-ins can't be asked: {cause}"))
            .with_hint(
                "does it run at weir.users.oidc.issuer, and are client and secret what it knows?",
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_form_ends_no_field() {
        assert_eq!(form("a&b=c d+%é"), "a%26b%3Dc+d%2B%25%C3%A9");
    }
}
