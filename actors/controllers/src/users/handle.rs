//! The way to User Storage, wherever it lives. Secrets of bearers are made on this side of it, and
//! passwords leave it sealed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use weir_cluster::{Proxy, ProxyError};
use weir_domain::{
    CommandId, Fault, RoleName, Scope, SessionId, Timestamp, TokenId, UserClaim, UserName,
};
use weir_runtime::IdSource;
use weir_secrets::{Bearer, Error, PublicKey, Sealed, Secret, SecretHash, random_secret};

use super::{
    Identity, NewToken, Profile, Rejection, Request, Response, Role, SessionView, TokenView,
    UserChange, UserService, UserView, Via,
};
use crate::Sender;
use crate::transit::{self, done};

const ASK_WITHIN: Duration = Duration::from_secs(15);

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("{0}")]
    Fault(Fault),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fault(Fault::from(&error))
    }
}

type Answer<T> = Result<T, Failure>;

/// Cheap to clone.
#[derive(Clone)]
pub struct UserStorage {
    proxy: Arc<Proxy<UserService>>,
    ids: IdSource,
}

impl From<Response> for Failure {
    fn from(response: Response) -> Self {
        match response {
            Response::Rejected(it) => it.into(),
            Response::Fault(it) => Self::Fault(it),
            Response::Refused(it) => Self::Refused(it),
            // An engine of another version may answer what this one does not expect.
            other => Self::Refused(format!("an answer to another question: {other:?}")),
        }
    }
}

impl UserStorage {
    pub fn new(proxy: Proxy<UserService>, ids: IdSource) -> Self {
        Self { proxy: Arc::new(proxy), ids }
    }

    /// Makes the first administrator, with the secret that an engine wrote.
    pub async fn set_up(
        &self,
        secret: &Secret,
        (name, profile): (UserName, Profile),
        password: &Secret,
    ) -> Answer<()> {
        let secret = SecretHash::of(secret);
        let answer = self.sealed(self.proxy.command(), |to| {
            let password = Sealed::seal(password, to)?;
            Ok(Request::SetUp { secret, name: name.clone(), profile: profile.clone(), password })
        });
        done(answer.await?)
    }

    /// What the user shows from now on, and who that is. `is_proven`: who asks has shown a session or token
    /// that is good, whoever's.
    pub async fn log_in(
        &self,
        name: UserName,
        password: &Secret,
        (from, is_proven): (String, bool),
    ) -> Answer<(Secret, Identity)> {
        let bearer = Bearer::generate(self.ids.session().0);
        let answer = self.sealed(self.proxy.command(), |to| {
            let (password, session) = (Sealed::seal(password, to)?, (&bearer).into());
            let (name, from) = (name.clone(), from.clone());
            Ok(Request::LogIn { name, password, session, from, is_proven })
        });
        match answer.await? {
            Response::Identity(it) => Ok((bearer.to_text(), *it)),
            other => Err(other.into()),
        }
    }

    /// What the provider of log-ins is called, if there is one.
    pub async fn provider(&self) -> Answer<Option<String>> {
        match self.ask(Request::Ways).await? {
            Response::Ways(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    /// Whether somebody administers the cluster: from then on nobody sets it up.
    pub async fn is_set_up(&self) -> Answer<bool> {
        match self.ask(Request::IsSetUp).await? {
            Response::IsSetUp(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    /// Where a browser is led to that logs in at the provider, what it keeps meanwhile, and whether that may go
    /// by TLS alone.
    pub async fn begin_at_provider(&self, from: String) -> Answer<(String, Secret, bool)> {
        let kept = random_secret();
        let binding = SecretHash::of(&kept);
        match self.ask(Request::BeginProvider { binding, from }).await? {
            Response::Begun { location, is_secure } => Ok((location, kept, is_secure)),
            other => Err(other.into()),
        }
    }

    /// As `log_in`, for a browser that comes back with a code, or with why it got none.
    pub async fn finish_at_provider(
        &self,
        (state, kept): (String, &Secret),
        code: Result<&Secret, String>,
        from: String,
    ) -> Answer<(Secret, Identity)> {
        let bearer = Bearer::generate(self.ids.session().0);
        let binding = SecretHash::of(kept);
        let answer = self.sealed(self.proxy.command(), |to| {
            let code = match &code {
                Ok(code) => Ok(Sealed::seal(code, to)?),
                Err(why) => Err(why.clone()),
            };
            let (state, session) = (state.clone(), (&bearer).into());
            Ok(Request::FinishProvider { state, code, binding, session, from: from.clone() })
        });
        match answer.await? {
            Response::Identity(it) => Ok((bearer.to_text(), *it)),
            other => Err(other.into()),
        }
    }

    /// Who shows that. A text that is no bearer's is refused without asking.
    pub async fn identify(&self, shown: &str) -> Answer<Identity> {
        let bearer: Bearer = shown.parse().map_err(|_| Rejection::NotAuthenticated)?;
        match self.ask(Request::Identify((&bearer).into())).await? {
            Response::Identity(it) => Ok(*it),
            other => Err(other.into()),
        }
    }

    pub async fn end_session(&self, id: SessionId, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::EndSession { id, by }).await?)
    }

    pub async fn end_sessions_of(&self, user: UserName, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::EndSessionsOf { user, by }).await?)
    }

    /// The token's text is known to nobody but the caller, and never again: who sends the command once
    /// more is refused, since nobody can say what it was. A token makes no tokens: one that allows
    /// little could make one that allows all that its user may do.
    pub async fn create_token(
        &self,
        identity: &Identity,
        description: String,
        (claims, scope): (BTreeSet<UserClaim>, Scope),
        expires_at: Timestamp,
        command: CommandId,
    ) -> Answer<(TokenId, Secret)> {
        if identity.must_change || !matches!(identity.via, Via::Session(_)) {
            return Err(Rejection::NeedsSession.into());
        }
        let (id, user) = (TokenId(command.0), identity.user.clone());
        let bearer = Bearer::generate(id.0);
        let (by, hash) = (user.clone(), bearer.hash());
        let token = NewToken { id, user, description, claims, scope, expires_at, hash };
        done(self.ask_as(command, Request::CreateToken { token, by }).await?)?;
        Ok((id, bearer.to_text()))
    }

    pub async fn revoke_token(&self, id: TokenId, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::RevokeToken { id, by }).await?)
    }

    pub async fn create_user(
        &self,
        (name, profile): (UserName, Profile),
        roles: BTreeSet<RoleName>,
        password: &Secret,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        let answer = self.sealed(command, |to| {
            let password = Sealed::seal(password, to)?;
            let (name, profile) = (name.clone(), profile.clone());
            Ok(Request::CreateUser {
                name,
                profile,
                roles: roles.clone(),
                password,
                by: by.clone(),
            })
        });
        done(answer.await?)
    }

    pub async fn change_user(
        &self,
        name: UserName,
        change: UserChange,
        expected: Option<u64>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::ChangeUser { name, change, expected, by }).await?)
    }

    pub async fn delete_user(
        &self,
        name: UserName,
        expected: Option<u64>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::DeleteUser { name, expected, by }).await?)
    }

    /// Sets somebody's password, which must be changed at the next log-in.
    pub async fn set_password(
        &self,
        name: UserName,
        password: &Secret,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        let answer = self.sealed(command, |to| {
            let password = Sealed::seal(password, to)?;
            Ok(Request::SetPassword { name: name.clone(), password, by: by.clone() })
        });
        done(answer.await?)
    }

    /// Changes one's own password; all sessions but one end.
    pub async fn change_password(
        &self,
        name: UserName,
        (current, new): (&Secret, &Secret),
        (keep, from): (Option<SessionId>, String),
        command: CommandId,
    ) -> Answer<()> {
        let answer = self.sealed(command, |to| {
            let (current, new) = (Sealed::seal(current, to)?, Sealed::seal(new, to)?);
            let (name, from) = (name.clone(), from.clone());
            Ok(Request::ChangePassword { name, current, new, from, keep })
        });
        done(answer.await?)
    }

    pub async fn create_role(&self, role: Role, sender: Sender) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::CreateRole { role, by }).await?)
    }

    pub async fn change_role(
        &self,
        role: Role,
        expected: Option<u64>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::ChangeRole { role, expected, by }).await?)
    }

    pub async fn delete_role(
        &self,
        name: RoleName,
        expected: Option<u64>,
        sender: Sender,
    ) -> Answer<()> {
        let Sender { user: by, command } = sender;
        done(self.ask_as(command, Request::DeleteRole { name, expected, by }).await?)
    }

    pub async fn users(&self) -> Answer<Vec<UserView>> {
        match self.ask(Request::Users).await? {
            Response::Users(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    pub async fn roles(&self) -> Answer<Vec<Role>> {
        match self.ask(Request::Roles).await? {
            Response::Roles(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    pub async fn tokens(&self) -> Answer<Vec<TokenView>> {
        match self.ask(Request::Tokens).await? {
            Response::Tokens(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    /// Whether a session or token of this id is kept, be it that it opens nothing now.
    pub async fn is_given(&self, bearer: uuid::Uuid) -> Answer<bool> {
        match self.ask(Request::IsGiven(bearer)).await? {
            Response::IsGiven(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    pub async fn sessions(&self) -> Answer<Vec<SessionView>> {
        match self.ask(Request::Sessions).await? {
            Response::Sessions(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    /// Whether the sender's command was carried out before.
    pub async fn recalls(&self, command: CommandId) -> Answer<bool> {
        match self.ask_as(command, Request::Recall).await? {
            Response::Recalled(it) => Ok(it),
            other => Err(other.into()),
        }
    }

    async fn sealed(
        &self,
        command: CommandId,
        request: impl Fn(&[PublicKey]) -> Result<Request, Error>,
    ) -> Answer<Response> {
        transit::sealed(&self.proxy, (command, ASK_WITHIN), Request::Transit, request).await
    }

    async fn ask(&self, request: Request) -> Answer<Response> {
        self.ask_as(self.proxy.command(), request).await
    }

    async fn ask_as(&self, command: CommandId, request: Request) -> Answer<Response> {
        Ok(self.proxy.ask_as(command, request, ASK_WITHIN).await?)
    }
}
