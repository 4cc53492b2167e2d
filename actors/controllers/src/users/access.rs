//! Tokens and sessions: what somebody shows, and who that makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_domain::{Grants, Scope, SessionId, Timestamp, TokenId, UserClaim, UserName};
use weir_runtime::Decision;
use weir_secrets::{Bearer, SecretHash};

use super::role::is_bounded;
use super::uses::Use;
use super::{Author, Event, Rejection, User, Users};

/// A token lives no longer.
const TOKEN_DAYS_MAX: u64 = 366;
/// Tokens of one user that have not expired.
const TOKENS_MAX: usize = 100;
/// The last use of a token is known as exactly as this: each use would be an event otherwise.
const USE_EVERY: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewToken {
    pub id: TokenId,
    pub user: UserName,
    pub description: String,
    /// It allows these, where its user may do them.
    pub claims: BTreeSet<UserClaim>,
    pub scope: Scope,
    pub expires_at: Timestamp,
    pub hash: SecretHash,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    pub user: UserName,
    pub description: String,
    pub claims: BTreeSet<UserClaim>,
    pub scope: Scope,
    pub expires_at: Timestamp,
    pub created: Author,
    /// To ten minutes.
    pub used_at: Option<Timestamp>,
    pub(super) hash: SecretHash,
}

impl Token {
    pub(super) fn new(token: NewToken, created: Author) -> Self {
        let NewToken { user, description, claims, scope, expires_at, hash, .. } = token;
        Self { user, description, claims, scope, expires_at, created, used_at: None, hash }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewSession {
    pub id: SessionId,
    pub user: UserName,
    /// The address that the user came from.
    pub from: String,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    pub hash: SecretHash,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub user: UserName,
    pub from: String,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
    pub(super) hash: SecretHash,
}

impl From<NewSession> for Session {
    fn from(it: NewSession) -> Self {
        let NewSession { user, from, at, expires_at, hash, .. } = it;
        Self { user, from, opened_at: at, expires_at, hash }
    }
}

/// What may be shown of a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    pub id: TokenId,
    pub user: UserName,
    pub description: String,
    pub claims: BTreeSet<UserClaim>,
    pub scope: Scope,
    pub expires_at: Timestamp,
    pub created: Author,
    pub used_at: Option<Timestamp>,
}

/// What may be shown of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    pub id: SessionId,
    pub user: UserName,
    pub from: String,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Via {
    Session(SessionId),
    Token(TokenId),
    /// On the word of another server, which knows the user.
    Voucher,
}

/// Who somebody is, and what they may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub user: UserName,
    pub via: Via,
    pub grants: Grants,
    pub expires_at: Timestamp,
    /// Nothing is allowed but to change one's own password, and to log out.
    pub must_change: bool,
}

impl Users {
    /// Tokens that are not revoked, in order of creation.
    pub fn tokens(&self) -> impl Iterator<Item = TokenView> {
        self.tokens.iter().map(|(id, it)| TokenView {
            id: *id,
            user: it.user.clone(),
            description: it.description.clone(),
            claims: it.claims.clone(),
            scope: it.scope.clone(),
            expires_at: it.expires_at,
            created: it.created.clone(),
            used_at: it.used_at,
        })
    }

    /// Sessions that have not ended, in order of log-in.
    pub fn sessions(&self, now: Timestamp) -> impl Iterator<Item = SessionView> {
        let open = self.sessions.iter().filter(move |it| now < it.1.expires_at);
        open.map(|(id, it)| SessionView {
            id: *id,
            user: it.user.clone(),
            from: it.from.clone(),
            opened_at: it.opened_at,
            expires_at: it.expires_at,
        })
    }

    /// Who that is who shows this. What is wrong with it is not told.
    pub fn identify(
        &self,
        bearer: uuid::Uuid,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Option<Identity> {
        let (session, token) = (SessionId(bearer), TokenId(bearer));
        if let Some(it) = self.sessions.get(&session) {
            let is_good = (it.hash == *hash) & (now < it.expires_at);
            let user = self.users.get(&it.user).filter(|user| is_good && user.may_be_known())?;
            let (via, grants) = (Via::Session(session), self.grants(user));
            return Some(identity((&it.user, user), via, grants, it.expires_at));
        }
        let it = self.tokens.get(&token)?;
        let is_good = (it.hash == *hash) & (now < it.expires_at);
        let user = self.users.get(&it.user).filter(|user| is_good && user.may_be_known())?;
        let mut grants = Grants::default();
        grants.add(it.claims.iter().copied(), &it.scope);
        let grants = grants.intersection(&self.grants(user));
        Some(identity((&it.user, user), Via::Token(token), grants, it.expires_at))
    }

    pub(super) fn create_token(&self, token: NewToken, author: Author) -> Decision<Self> {
        self.user(&token.user)?;
        self.is_id_free(token.id.0)?;
        is_bounded(&token.description, &token.scope)?;
        let alive = |it: &&Token| it.user == token.user && author.at < it.expires_at;
        if self.tokens.values().filter(alive).count() >= TOKENS_MAX {
            return Err(Rejection::TooMany { what: "tokens of yours".into(), max: TOKENS_MAX });
        }
        let days = TOKEN_DAYS_MAX;
        let latest = author.at.plus(Duration::from_secs(days * 24 * 3_600));
        match author.at < token.expires_at && token.expires_at <= latest {
            true => Ok(vec![Event::TokenCreated { token, author }]),
            false => Err(Rejection::BadExpiry { days }),
        }
    }

    /// Whether there is a token of that id, and with that secret.
    pub(super) fn is_token(&self, id: &TokenId, hash: &SecretHash) -> bool {
        self.tokens.get(id).is_some_and(|it| it.hash == *hash)
    }

    /// The asking engine chose the id.
    pub(super) fn is_id_free(&self, id: uuid::Uuid) -> Result<(), Rejection> {
        let is_taken =
            self.tokens.contains_key(&TokenId(id)) || self.sessions.contains_key(&SessionId(id));
        if is_taken { Err(Rejection::IdTaken(id)) } else { Ok(()) }
    }

    pub(super) fn revoke_token(&self, id: TokenId, author: Author) -> Decision<Self> {
        match self.tokens.contains_key(&id) {
            true => Ok(vec![Event::TokenRevoked { id, author }]),
            false => Err(Rejection::UnknownToken(id)),
        }
    }

    pub(super) fn end_session(&self, id: SessionId, author: Author) -> Decision<Self> {
        match self.sessions.contains_key(&id) {
            true => Ok(vec![Event::SessionEnded { id, author }]),
            false => Err(Rejection::UnknownSession(id)),
        }
    }

    /// Whether it is worth an event that the token was used now.
    pub(super) fn use_of(&self, token: TokenId, at: Timestamp) -> Use {
        match self.tokens.get(&token).map(|it| it.used_at) {
            Some(None) => Use::First,
            Some(Some(used)) if at.since(used) >= USE_EVERY => Use::News,
            Some(Some(_)) | None => Use::Known,
        }
    }

    pub(super) fn touch(&self, mut tokens: BTreeMap<TokenId, Timestamp>) -> Decision<Self> {
        tokens.retain(|id, at| self.use_of(*id, *at) != Use::Known);
        match tokens.is_empty() {
            true => Ok(vec![]),
            false => Ok(vec![Event::TokensUsed { tokens }]),
        }
    }
}

fn identity(
    (name, user): (&UserName, &User),
    via: Via,
    grants: Grants,
    expires_at: Timestamp,
) -> Identity {
    let must_change = user.must_change && matches!(via, Via::Session(_));
    let grants = if must_change { Grants::default() } else { grants };
    Identity { user: name.clone(), via, grants, expires_at, must_change }
}

/// What is asked about a bearer: its secret stays where it was shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub id: uuid::Uuid,
    pub hash: SecretHash,
}

impl From<&Bearer> for Shown {
    fn from(bearer: &Bearer) -> Self {
        Self { id: bearer.id, hash: bearer.hash() }
    }
}
