//! Log-in, users, roles, tokens, sessions, keys and the audit.

use reqwest::{Method, RequestBuilder, Response};
use weir_domain::{SessionId, TokenId};
use weir_http_api::{
    AuditEntryView, AuditHeadView, AuditQuery, AuditSeal, CertificateAdd, KeyCreate, KeyExport,
    KeyExported, KeyImport, KeyRotate, KeyView, KnownHostAdd, KnownHostView, LogIn, LoggedIn, Me,
    Page, PasswordChange, PasswordSet, RoleChange, RoleCreate, RoleView, SessionView, SetUp,
    TokenCreate, TokenCreated, TokenView, TrustedCertificateView, UserChange, UserCreate, UserView,
};

use crate::{Client, Error};

impl Client {
    pub async fn set_up(&self, request: &SetUp) -> Result<(), Error> {
        self.done(self.command(Method::POST, &["set-up"]).json(request)).await
    }

    pub async fn log_in(&self, request: &LogIn) -> Result<LoggedIn, Error> {
        self.decoded(self.http.post(self.url(&["log-in"])).json(request)).await
    }

    pub async fn log_out(&self) -> Result<(), Error> {
        self.done(self.command(Method::POST, &["log-out"])).await
    }

    pub async fn me(&self) -> Result<Me, Error> {
        self.get(&["me"]).await
    }

    pub async fn change_password(&self, request: &PasswordChange) -> Result<(), Error> {
        self.done(self.command(Method::POST, &["me", "password"]).json(request)).await
    }

    pub async fn users(&self) -> Result<Page<UserView>, Error> {
        self.get(&["users"]).await
    }

    pub async fn user(&self, name: &str) -> Result<UserView, Error> {
        self.get(&["users", name]).await
    }

    pub async fn user_create(&self, request: &UserCreate) -> Result<UserView, Error> {
        self.decoded(self.command(Method::POST, &["users"]).json(request)).await
    }

    /// `revision`: the one that the caller saw; another one is refused.
    pub async fn user_change(
        &self,
        name: &str,
        change: &UserChange,
        revision: Option<u64>,
    ) -> Result<UserView, Error> {
        let request = self.command(Method::PATCH, &["users", name]).json(change);
        self.decoded(if_match(request, revision)).await
    }

    /// `None`: the same command deleted the user before.
    pub async fn user_delete(&self, name: &str) -> Result<Option<UserView>, Error> {
        self.decoded(self.command(Method::DELETE, &["users", name])).await
    }

    pub async fn user_password(&self, name: &str, request: &PasswordSet) -> Result<(), Error> {
        self.done(self.command(Method::PUT, &["users", name, "password"]).json(request)).await
    }

    pub async fn roles(&self) -> Result<Page<RoleView>, Error> {
        self.get(&["roles"]).await
    }

    pub async fn role(&self, name: &str) -> Result<RoleView, Error> {
        self.get(&["roles", name]).await
    }

    pub async fn role_create(&self, request: &RoleCreate) -> Result<RoleView, Error> {
        self.decoded(self.command(Method::POST, &["roles"]).json(request)).await
    }

    pub async fn role_change(
        &self,
        name: &str,
        change: &RoleChange,
        revision: Option<u64>,
    ) -> Result<RoleView, Error> {
        let request = self.command(Method::PUT, &["roles", name]).json(change);
        self.decoded(if_match(request, revision)).await
    }

    /// `None`: the same command deleted it before.
    pub async fn role_delete(&self, name: &str) -> Result<Option<RoleView>, Error> {
        self.decoded(self.command(Method::DELETE, &["roles", name])).await
    }

    /// Tokens of all users.
    pub async fn tokens(&self) -> Result<Page<TokenView>, Error> {
        self.get(&["tokens"]).await
    }

    pub async fn my_tokens(&self) -> Result<Page<TokenView>, Error> {
        self.get(&["me", "tokens"]).await
    }

    pub async fn token_create(&self, request: &TokenCreate) -> Result<TokenCreated, Error> {
        self.decoded(self.command(Method::POST, &["me", "tokens"]).json(request)).await
    }

    /// One's own token.
    pub async fn my_token_revoke(&self, id: TokenId) -> Result<(), Error> {
        self.done(self.command(Method::DELETE, &["me", "tokens", &id.to_string()])).await
    }

    /// Anybody's token.
    pub async fn token_revoke(&self, id: TokenId) -> Result<(), Error> {
        self.done(self.command(Method::DELETE, &["tokens", &id.to_string()])).await
    }

    pub async fn sessions(&self) -> Result<Page<SessionView>, Error> {
        self.get(&["sessions"]).await
    }

    pub async fn session_end(&self, id: SessionId) -> Result<(), Error> {
        self.done(self.command(Method::DELETE, &["sessions", &id.to_string()])).await
    }

    pub async fn sessions_end(&self, user: &str) -> Result<(), Error> {
        self.done(self.command(Method::DELETE, &["users", user, "sessions"])).await
    }

    pub async fn keys(&self) -> Result<Page<KeyView>, Error> {
        self.get(&["keys"]).await
    }

    /// By its alias or fingerprint.
    pub async fn key(&self, key: &str) -> Result<KeyView, Error> {
        self.get(&["keys", key]).await
    }

    pub async fn key_create(&self, request: &KeyCreate) -> Result<KeyView, Error> {
        self.decoded(self.command(Method::POST, &["keys"]).json(request)).await
    }

    pub async fn key_rotate(&self, request: &KeyRotate) -> Result<KeyView, Error> {
        self.decoded(self.command(Method::POST, &["keys:rotate"]).json(request)).await
    }

    pub async fn key_import(&self, request: &KeyImport) -> Result<KeyView, Error> {
        self.decoded(self.command(Method::POST, &["keys:import"]).json(request)).await
    }

    pub async fn key_export(&self, key: &str, request: &KeyExport) -> Result<KeyExported, Error> {
        self.decoded(self.command(Method::POST, &["keys", key, "export"]).json(request)).await
    }

    /// `None`: the same command deleted it before.
    pub async fn key_delete(&self, key: &str) -> Result<Option<KeyView>, Error> {
        self.decoded(self.command(Method::DELETE, &["keys", key])).await
    }

    pub async fn keys_rewrap(&self) -> Result<Page<KeyView>, Error> {
        self.decoded(self.command(Method::POST, &["keys:rewrap"])).await
    }

    /// Certificates that the cluster trusts or shows.
    pub async fn certificates(&self) -> Result<Page<TrustedCertificateView>, Error> {
        self.get(&["certificates"]).await
    }

    pub async fn certificate_add(&self, request: &CertificateAdd) -> Result<(), Error> {
        self.done(self.command(Method::POST, &["certificates"]).json(request)).await
    }

    pub async fn certificate_delete(&self, alias: &str) -> Result<(), Error> {
        self.done(self.command(Method::DELETE, &["certificates", alias])).await
    }

    /// Hosts whose keys are known.
    pub async fn known_hosts(&self) -> Result<Page<KnownHostView>, Error> {
        self.get(&["known-hosts"]).await
    }

    pub async fn known_host_add(&self, request: &KnownHostAdd) -> Result<(), Error> {
        self.done(self.command(Method::POST, &["known-hosts"]).json(request)).await
    }

    pub async fn known_host_delete(&self, alias: &str) -> Result<(), Error> {
        self.done(self.command(Method::DELETE, &["known-hosts", alias])).await
    }

    /// Drops entries up to a number.
    pub async fn audit_seal(&self, request: &AuditSeal) -> Result<AuditHeadView, Error> {
        self.decoded(self.command(Method::POST, &["audit:seal"]).json(request)).await
    }

    /// One page of entries, newest first.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntryView>, Error> {
        self.get_with(&["audit"], query).await
    }

    /// All entries as lines, to be read piece by piece with [`Client::next_piece`].
    pub async fn audit_export(&self) -> Result<Response, Error> {
        let response = self.sent(self.command(Method::GET, &["audit", "export"])).await?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(self.refused(response).await),
        }
    }

    /// What follows of an answer; `None` at its end.
    pub async fn next_piece(&self, response: &mut Response) -> Result<Option<bytes::Bytes>, Error> {
        self.piece(response).await
    }

    pub(crate) fn command(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.named(self.authorized(self.http.request(method, self.url(path))))
    }

    /// For what has no answer but that it was done.
    async fn done(&self, request: RequestBuilder) -> Result<(), Error> {
        let response = self.sent(request).await?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(self.refused(response).await),
        }
    }
}

pub(crate) fn if_match(request: RequestBuilder, revision: Option<u64>) -> RequestBuilder {
    match revision {
        Some(revision) => request.header(reqwest::header::IF_MATCH, revision),
        None => request,
    }
}
