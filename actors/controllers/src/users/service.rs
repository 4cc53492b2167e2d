//! User Storage as a singleton: where passwords are checked.
//!
//! Passwords come sealed to this instance's key, and bearers' secrets not at all: the asking engine
//! makes and hashes them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use weir_cluster::{Instance, RequestContext, Service, Singleton, Unavailable};
use weir_domain::{Fault, SessionId, UserName};
use weir_persistence_api::{Fence, PersistenceId, Store};
use weir_runtime::{AskError, HostRef, HostSettings, HostSpec, NoEffects, System};
use weir_secrets::{PasswordHash, Sealed, Secret, SecretHash, random_secret};

use super::neighbours::Neighbours;
use super::passwords::{For, Passwords};
use super::uses::Uses;
use super::vouching::{Still, Vouching, tell_not_admitted};
use super::{
    Author, Command, LEASE, NewPassword, NewSession, NewToken, NewUser, Origin, Outside, Person,
    Profile, Rejection, Request, Response, SetUpNotice, Shown, Users, Via,
};
use crate::answer::answered;
use crate::instance::{self, RECOVER_WITHIN};
use crate::transit::Transit;

/// A log-in holds so long.
const SESSION_LENGTH: Duration = Duration::from_secs(12 * 3_600);

/// Makes the storage wherever its lease is held.
pub struct UserSingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    pub settings: HostSettings,
    pub notice: Arc<dyn SetUpNotice>,
    pub outside: Outside,
}

#[async_trait]
impl Singleton for UserSingleton {
    type Service = UserService;

    async fn start(&self, fence: Fence) -> Result<Instance<UserService>, Fault> {
        let spec = HostSpec {
            id: PersistenceId(LEASE.to_owned()),
            fence,
            store: self.store.clone(),
            effects: Arc::new(NoEffects),
            settings: self.settings.clone(),
        };
        let (host, starting) = instance::recovered(&self.system, spec).await?;
        self.prepare_set_up(&host).await?;
        let decoy = self
            .system
            .tasks()
            .spawn_blocking("users/decoy", || PasswordHash::of(&random_secret()));
        let decoy = decoy.join().await.map_err(|it| failed(&it))?;
        let neighbours = self.neighbours(&host).await?;
        let passwords = Passwords::new(self.system.clone(), host.clone(), decoy, neighbours);
        let outside = self.outside.clone();
        let vouching = Vouching::new(outside, self.system.clone(), host.clone());
        let service = UserService {
            vouching,
            host,
            system: self.system.clone(),
            notice: self.notice.clone(),
            transit: Transit::new(),
            passwords,
            uses: Uses::default(),
        };
        Ok(Instance::new(Arc::new(service), starting.keep()))
    }
}

impl UserSingleton {
    /// While there is no administrator, each instance makes a new secret for its own host.
    async fn prepare_set_up(&self, host: &HostRef<Users>) -> Result<(), Fault> {
        let is_set_up = host.query(RECOVER_WITHIN, Users::is_set_up).await;
        if is_set_up.map_err(|it| failed(&it))? {
            return Ok(());
        }
        let secret = random_secret();
        let prepare =
            Command::PrepareSetUp { secret: SecretHash::of(&secret), at: self.system.now() };
        host.ask(prepare, RECOVER_WITHIN).await.map_err(|it| failed(&it))?;
        self.notice.announce(&secret);
        Ok(())
    }
}

impl UserSingleton {
    /// The addresses that users have logged in from.
    async fn neighbours(&self, host: &HostRef<Users>) -> Result<Neighbours, Fault> {
        let read = |users: &Users| {
            let neighbours = Neighbours::default();
            users.addresses().for_each(|(from, at)| neighbours.note(from, at));
            neighbours
        };
        host.query(RECOVER_WITHIN, read).await.map_err(|it| failed(&it))
    }
}

fn failed(error: &dyn std::fmt::Display) -> Fault {
    Fault::transient(6143, format!("the user storage can't start: {error}"))
}

/// Answers requests from the event-sourced host.
pub struct UserService {
    vouching: Vouching,
    host: HostRef<Users>,
    system: System,
    notice: Arc<dyn SetUpNotice>,
    transit: Transit,
    passwords: Passwords,
    uses: Uses,
}

type Stop = crate::answer::Stop<Response>;

#[async_trait]
impl Service for UserService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        answered(self.answer(request, context).await)
    }
}

impl UserService {
    async fn answer(&self, request: Request, context: RequestContext) -> Result<Response, Stop> {
        let (host, within, now) = (&self.host, context.within, self.system.now());
        let author = |user| Author { user, at: now };
        if request.is_sealed() && host.recalls(context.command, within).await? {
            return self.done_before(request, context).await;
        }
        let command = match request {
            Request::Transit => return Ok(Response::Transit(self.transit.public())),
            Request::Recall => {
                return Ok(Response::Recalled(host.recalls(context.command, within).await?));
            }
            Request::Users => {
                return Ok(Response::Users(host.query(within, |it| it.users().collect()).await?));
            }
            Request::Roles => {
                return Ok(Response::Roles(host.query(within, |it| it.roles().collect()).await?));
            }
            Request::Tokens => {
                let mut tokens: Vec<_> = host.query(within, |it| it.tokens().collect()).await?;
                self.uses.add_to(&mut tokens);
                return Ok(Response::Tokens(tokens));
            }
            Request::IsGiven(bearer) => {
                let is_given = move |it: &Users| it.is_id_free(bearer).is_err();
                return Ok(Response::IsGiven(host.query(within, is_given).await?));
            }
            Request::Sessions => {
                let open = move |it: &Users| it.sessions(now).collect();
                return Ok(Response::Sessions(host.query(within, open).await?));
            }
            Request::Identify(shown) => return self.identify(shown, context).await,
            Request::Ways => return Ok(Response::Ways(self.vouching.provider_name())),
            Request::IsSetUp => {
                return Ok(Response::IsSetUp(host.query(within, Users::is_set_up).await?));
            }
            Request::BeginProvider { binding, from } => {
                return self.vouching.begin(binding, (from, within)).await;
            }
            Request::FinishProvider { state, code, binding, session, from } => {
                let code = match code {
                    Ok(code) => Ok(self.transit.received(&code)?),
                    Err(why) => Err(why),
                };
                let finished = self.vouching.finish((&state, &binding), code, (&from, within));
                let person = finished.await?;
                return self.admit(person, (session, from), context).await;
            }
            Request::LogIn { name, password, session, from, is_proven } => {
                let password = (self.transit.received(&password)?, is_proven);
                return self.log_in(name, password, (session, from), context).await;
            }
            Request::SetUp { secret, name, profile, password } => {
                return self.set_up(secret, (name, profile, password), context).await;
            }
            Request::ChangePassword { name, current, new, from, keep } => {
                let current = self.transit.received(&current)?;
                let checked = self.passwords.check((&name, &from), (current, true), within).await?;
                let password = self.new_password(For::Change, &name, &new, context).await?;
                Command::ChangePassword { name, password, checked, from, keep, at: now }
            }
            Request::SetPassword { name, password, by } => {
                let password = self.new_password(For::Change, &name, &password, context).await?;
                Command::SetPassword { name, password, author: author(by) }
            }
            Request::CreateUser { name, profile, roles, password, by } => {
                let hash = self.new_password(For::Change, &name, &password, context).await?;
                let password = NewPassword { hash, must_change: true };
                let user = NewUser { name, profile, roles, password };
                Command::CreateUser { user, author: author(by) }
            }
            Request::ChangeUser { name, change, expected, by } => {
                Command::ChangeUser { name, change, expected, author: author(by) }
            }
            Request::DeleteUser { name, expected, by } => {
                Command::DeleteUser { name, expected, author: author(by) }
            }
            Request::CreateRole { role, by } => Command::CreateRole { role, author: author(by) },
            Request::ChangeRole { role, expected, by } => {
                Command::ChangeRole { role, expected, author: author(by) }
            }
            Request::DeleteRole { name, expected, by } => {
                Command::DeleteRole { name, expected, author: author(by) }
            }
            Request::CreateToken { token, by } => {
                return self.create_token(token, author(by), context).await;
            }
            Request::RevokeToken { id, by } => Command::RevokeToken { id, author: author(by) },
            Request::EndSession { id, by } => Command::EndSession { id, author: author(by) },
            Request::EndSessionsOf { user, by } => {
                Command::EndSessionsOf { user, author: author(by) }
            }
        };
        host.ask_as(context.command, command, within).await?;
        Ok(Response::Done)
    }

    /// What a command led to that was carried out before. The id of a command is not made of what is
    /// confidential in it: a password is compared with the one that is set. What a log-in or a set-up
    /// brings may be sealed to a former instance, and is not looked at: nobody chooses their ids.
    async fn done_before(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Stop> {
        match request {
            Request::LogIn { session, .. } | Request::FinishProvider { session, .. } => {
                self.identify(session, context).await
            }
            Request::SetUp { .. } => {
                self.notice.used();
                Ok(Response::Done)
            }
            Request::CreateUser { name, password, .. } => {
                let password = self.transit.received(&password)?;
                let is_it = self.passwords.is_still(&name, (password, context.within)).await?;
                // Its user has another one by now, or is gone: what was made is answered as it is.
                set_before(is_it.unwrap_or(true))
            }
            Request::SetPassword { name, password, .. } => {
                let password = self.transit.received(&password)?;
                let is_it = self.passwords.is_still(&name, (password, context.within)).await?;
                set_before(is_it.unwrap_or(false))
            }
            Request::ChangePassword { name, new, from, .. } => {
                let new = self.transit.received(&new)?;
                // Counted as a log-in is: who may send it again could guess the password.
                let checked = self.passwords.check((&name, &from), (new, true), context.within);
                match checked.await {
                    Ok(_) => Ok(Response::Done),
                    Err(Stop::Answer(it)) if is_wrong(&it) => set_before(false),
                    Err(other) => Err(other),
                }
            }
            _ => Ok(Response::Done),
        }
    }

    /// One that was made before, with another secret, is of no use to who asks.
    async fn create_token(
        &self,
        token: NewToken,
        author: Author,
        context: RequestContext,
    ) -> Result<Response, Stop> {
        let (id, hash) = (token.id, token.hash);
        let read = move |_, it: &Users| it.is_token(&id, &hash);
        let create = Command::CreateToken { token, author };
        let is_it = self.host.ask_and_read_as(context.command, create, context.within, read);
        match is_it.await? {
            true => Ok(Response::Done),
            false => Err(Rejection::MadeBefore(id).into()),
        }
    }

    async fn set_up(
        &self,
        secret: SecretHash,
        (name, profile, password): (UserName, Profile, Sealed),
        context: RequestContext,
    ) -> Result<Response, Stop> {
        // Anybody can ask: nothing costs anything before the secret is right.
        let read = move |it: &Users| it.may_be_set_up(&secret);
        self.host.query(context.within, read).await??;
        let hash = self.new_password(For::SetUp, &name, &password, context).await?;
        let password = NewPassword { hash, must_change: false };
        let user = NewUser { name, profile, roles: BTreeSet::new(), password };
        let command = Command::SetUp { secret, user, at: self.system.now() };
        self.host.ask_as(context.command, command, context.within).await?;
        self.notice.used();
        Ok(Response::Done)
    }

    async fn new_password(
        &self,
        why: For,
        user: &UserName,
        password: &Sealed,
        context: RequestContext,
    ) -> Result<PasswordHash, Stop> {
        let password = self.transit.received(password)?;
        self.passwords.hash(why, user, (password, context.within)).await
    }

    async fn identify(&self, shown: Shown, context: RequestContext) -> Result<Response, Stop> {
        let now = self.system.now();
        let read = move |users: &Users| {
            let identity = users.identify(shown.id, &shown.hash, now)?;
            let used = match identity.via {
                Via::Token(it) => Some((it, users.use_of(it, now))),
                Via::Session(_) | Via::Voucher => None,
            };
            let vouched_by = users.vouched_by(&identity.user);
            Some((identity, used, vouched_by))
        };
        let found = self.host.query(context.within, read).await?;
        let (mut identity, used, vouched_by) = found.ok_or(Rejection::NotAuthenticated)?;
        if let Some(vouched_by) = vouched_by {
            match self.vouching.still(&identity.user, vouched_by, context).await? {
                Still::AsKnown => {}
                Still::LookedUp => {
                    let found = self.host.query(context.within, read).await?;
                    identity = found.ok_or(Rejection::NotAuthenticated)?.0;
                }
                Still::Gone => return Err(Rejection::NotAuthenticated.into()),
            }
        }
        if let Some(tokens) = used.and_then(|(token, what)| self.uses.note(token, now, what)) {
            let host = self.host.clone();
            self.system.tasks().spawn("users/uses", async move {
                // Lost when it fails: the next use is written.
                let _ = host.ask(Command::Touch { tokens }, RECOVER_WITHIN).await;
            });
        }
        Ok(Response::Identity(Box::new(identity)))
    }

    async fn log_in(
        &self,
        user: UserName,
        password: (Secret, bool),
        (session, from): (Shown, String),
        context: RequestContext,
    ) -> Result<Response, Stop> {
        let within = context.within;
        if let Some(directory) = self.vouching.directory_of(&user, within).await? {
            let password = (password.0, self.passwords.is_known(&from, password.1));
            let check =
                self.vouching.check(directory, (&user, &from), password, (&self.passwords, within));
            return self.admit(check.await?, (session, from), context).await;
        }
        let number = self.passwords.check((&user, &from), password, within).await?;
        let at = self.system.now();
        let Shown { id, hash } = session;
        let expires_at = at.plus(SESSION_LENGTH);
        let session =
            NewSession { id: SessionId(id), user, from: from.clone(), at, expires_at, hash };
        let command = Command::LogIn { session, password: number };
        let read = move |_: u64, users: &Users| users.identify(id, &hash, at);
        let identity =
            self.host.ask_and_read_as(context.command, command, context.within, read).await?;
        self.passwords.let_in(&from, at);
        Ok(Response::Identity(Box::new(identity.ok_or(Rejection::NotAuthenticated)?)))
    }
}

impl UserService {
    /// Opens a session for somebody whom somebody else vouches for.
    async fn admit(
        &self,
        person: Person,
        (session, from): (Shown, String),
        context: RequestContext,
    ) -> Result<Response, Stop> {
        let at = self.system.now();
        let Shown { id, hash } = session;
        let length = match person.origin {
            Origin::Ldap => SESSION_LENGTH,
            Origin::Oidc => self.vouching.session_max().unwrap_or(SESSION_LENGTH),
        };
        let expires_at = at.plus(length.min(SESSION_LENGTH));
        let user = person.name.clone();
        let session =
            NewSession { id: SessionId(id), user, from: from.clone(), at, expires_at, hash };
        let command = Command::Admit { person: person.clone(), session };
        let read = move |_: u64, users: &Users| users.identify(id, &hash, at);
        let admitted = self.host.ask_and_read_as(context.command, command, context.within, read);
        let admitted = admitted.await;
        if let Err(AskError::Rejected(why)) = &admitted {
            tell_not_admitted(&person.name, why);
        }
        let identity = admitted?.ok_or(Rejection::NotAuthenticated)?;
        self.vouching.let_in(&Person { name: identity.user.clone(), ..person }, at);
        self.passwords.let_in(&from, at);
        Ok(Response::Identity(Box::new(identity)))
    }
}

fn set_before(is_it: bool) -> Result<Response, Stop> {
    match is_it {
        true => Ok(Response::Done),
        false => Err(Rejection::SetAnother.into()),
    }
}

fn is_wrong(response: &Response) -> bool {
    matches!(response, Response::Rejected(Rejection::BadCredentials { .. }))
}
