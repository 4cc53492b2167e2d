//! Log-ins that somebody else vouches for: a directory that checks a password, a provider that a browser was led
//! to. And whether they still do.
//!
//! Invariants:
//! - V1: a password whose check began is checked to the end, and counted if it is wrong, as W1 says of others: for
//!   whom the directory found, however the name was written, and for the address.
//! - V2: a directory that is silent keeps nobody out whose password is kept here: those who wait for it stand in
//!   a line of their own.
//!   So do log-ins at the provider, those that begin apart from those that end, and looks: after a change of the
//!   instance all are due at once. All of them end within the time of who asks.
//! - V3: a log-in at a provider is finished in the browser that began it, once, and soon.
//! - V4: whoever is gone there is out here, once that was asked: it is asked where a session or token is shown and
//!   the last answer is too old. While there is no answer, the last one holds for a bounded time.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::poll;
use tokio::sync::oneshot;
use weir_cluster::{RequestContext, Unavailable};
use weir_domain::{Fault, Timestamp, UserName};
use weir_runtime::{HostRef, System};
use weir_secrets::{Secret, SecretHash, random_secret};

use super::attempts::network;
use super::external::{Standing, Vouched};
use super::gate::Guessed;
use super::guesses::Guesses;
use super::passwords::Passwords;
use super::{
    Begun, Command, Directory, Doubt, Origin, Person, Provider, Rejection, Response, Users,
};
use crate::line::Line;

type Stop = crate::answer::Stop<Response>;

const CHECKS_AT_ONCE: usize = 8;
const CHECKS_WAITING_MAX: usize = 64;
/// Of them, from one address.
const SHARE_MAX: usize = 8;
/// A browser comes back by then, or begins again.
const BACK_WITHIN: Duration = Duration::from_secs(600);
/// Log-ins that were begun and are not finished, all together and of one address: the oldest are forgotten.
const BEGUN_MAX: usize = 10_000;
const BEGUN_OF_ONE_MAX: usize = 100;
/// A directory that did not answer is asked again after so long.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(15);
/// So long does its last answer hold while it says nothing.
const SILENT_MAX: Duration = Duration::from_secs(12 * 3_600);
/// A look at the directory must leave time to answer who asks.
const LOOK_WITHIN: Duration = Duration::from_secs(8);

/// Who vouches for people, where there is somebody.
#[derive(Clone, Default)]
pub struct Outside {
    pub directory: Option<Arc<dyn Directory>>,
    pub provider: Option<Arc<dyn Provider>>,
}

pub(super) struct Vouching {
    outside: Outside,
    system: System,
    host: HostRef<Users>,
    checks: Line,
    known: Line,
    begins: Line,
    finishes: Line,
    look_ups: Line,
    guesses: Arc<Guesses>,
    looks: Mutex<Looks>,
    begun: Mutex<BTreeMap<String, Waiting>>,
}

/// When somebody was looked up.
struct Looks {
    since: Timestamp,
    by_user: BTreeMap<UserName, Look>,
}

#[derive(Clone, Copy)]
struct Look {
    /// Not asked before.
    next: Timestamp,
    answered: Timestamp,
}

struct Waiting {
    begun: Begun,
    binding: SecretHash,
    from: String,
    until: Timestamp,
}

/// What became of somebody who was let in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Still {
    AsKnown,
    /// What is known of them may have changed.
    LookedUp,
    Gone,
}

impl Vouching {
    pub(super) fn new(outside: Outside, system: System, host: HostRef<Users>) -> Self {
        let line = || Line::new(CHECKS_AT_ONCE, CHECKS_WAITING_MAX);
        let looks = Looks { since: system.now(), by_user: BTreeMap::new() };
        Self {
            outside,
            system,
            host,
            checks: line(),
            known: line(),
            begins: line(),
            finishes: line(),
            look_ups: line(),
            guesses: Arc::new(Guesses::new()),
            looks: Mutex::new(looks),
            begun: Mutex::default(),
        }
    }

    /// The directory that checks the password of somebody, and the name that failures count under.
    pub(super) async fn directory_of(
        &self,
        name: &UserName,
        within: Duration,
    ) -> Result<Option<(Arc<dyn Directory>, UserName)>, Stop> {
        let Some(directory) = self.outside.directory.clone() else { return Ok(None) };
        let asked = name.clone();
        let standing = self.host.query(within, move |it: &Users| it.standing(&asked)).await?;
        Ok(match standing {
            Standing::Local | Standing::Outside(Origin::Oidc, _) => None,
            Standing::Outside(Origin::Ldap, stored) => Some((directory, stored)),
            // A directory does not tell Ada from ada: neither must who counts.
            Standing::Unknown => {
                let lower = name.as_str().to_ascii_lowercase();
                let lower = lower.parse().expect("a name in small letters is a name");
                Some((directory, lower))
            }
        })
    }

    /// Has the directory check a password.
    pub(super) async fn check(
        &self,
        (directory, counted): (Arc<dyn Directory>, UserName),
        (name, from): (&UserName, &str),
        (password, is_known): (Secret, bool),
        (passwords, within): (&Passwords, Duration),
    ) -> Result<Person, Stop> {
        // Many directories take an empty password for nobody's, and let nobody in as whoever is named.
        if password.expose().is_empty() {
            return Err(Rejection::BadCredentials { is_user: false }.into());
        }
        let line = if is_known { &self.known } else { &self.checks };
        let turn = line.turn_of(network(from), SHARE_MAX, within).await?;
        let is_user = self.may_try((&counted, from), passwords, within).await?;
        let wrong = passwords.wrong((&counted, from), is_user);
        let (tell, told) = oneshot::channel();
        let (name, within) = (name.clone(), LOOK_WITHIN.min(within));
        let here = (self.system.clone(), self.host.clone());
        let gate = Guessed::new(here, self.guesses.clone(), from, within);
        self.system.tasks().spawn("users/directory", async move {
            let found = directory.check(name.as_str(), (&password, &gate), within).await;
            let is_wrong = matches!(found, Err(Doubt::Wrong(_)));
            let found = (found, gate.user().is_some());
            let count = async {
                if is_wrong {
                    gate.count(wrong).await;
                }
            };
            let mut counted = pin!(count);
            // It is on its way before the next attempt can be; the answer does not wait for it (W3).
            let is_counted = poll!(&mut counted).is_ready();
            // An error only says that nobody waits any more.
            let _ = tell.send(found);
            if !is_counted {
                counted.await;
            }
            drop(turn);
        });
        let lost = |_| Stop::Unavailable(Unavailable::new("the check of a password was cut off"));
        let (found, is_found) = told.await.map_err(lost)?;
        found.map_err(|doubt| refused(doubt, &counted, is_user || is_found).into())
    }

    /// Whether it is a user; who must wait is refused.
    async fn may_try(
        &self,
        (counted, from): (&UserName, &str),
        passwords: &Passwords,
        within: Duration,
    ) -> Result<bool, Stop> {
        let now = self.system.now();
        let asked = (counted.clone(), from.to_owned());
        let read = move |it: &Users| {
            (it.vouched_by(&asked.0).is_some(), it.waits(&asked.0, &asked.1, now))
        };
        let (is_user, until) = self.host.query(within, read).await?;
        let until = if is_user { until } else { passwords.stranger_waits(counted, from, now) };
        match until {
            Some(until) => Err(Rejection::TryLater(until).into()),
            None => Ok(is_user),
        }
    }

    /// Somebody was let in just now.
    pub(super) fn let_in(&self, person: &Person, at: Timestamp) {
        if person.origin == Origin::Ldap {
            self.looked(&person.name, at);
        }
    }

    fn looked(&self, name: &UserName, at: Timestamp) {
        let Some(directory) = &self.outside.directory else { return };
        let look = Look { next: at.plus(directory.recheck_every()), answered: at };
        lock(&self.looks).by_user.insert(name.clone(), look);
    }

    /// Whether somebody who shows a session or token is still vouched for.
    pub(super) async fn still(
        &self,
        name: &UserName,
        Vouched { origin, subject, logged_in_at }: Vouched,
        context: RequestContext,
    ) -> Result<Still, Stop> {
        let now = self.system.now();
        match origin {
            Origin::Oidc => {
                let trust = self.outside.provider.as_ref().map(|it| it.token_trust());
                let is_good = |trust| logged_in_at.is_some_and(|it| now.since(it) < trust);
                Ok(if trust.is_some_and(is_good) { Still::AsKnown } else { Still::Gone })
            }
            Origin::Ldap => match &self.outside.directory {
                None => Ok(Still::Gone),
                Some(directory) => match self.is_due(name, now) {
                    None => Ok(Still::AsKnown),
                    Some(answered) => {
                        self.look(directory, (name, &subject, answered), context).await
                    }
                },
            },
        }
    }

    /// When there was an answer last, if it is time to ask again. Others who ask meanwhile don't wait.
    fn is_due(&self, name: &UserName, now: Timestamp) -> Option<Timestamp> {
        let mut looks = lock(&self.looks);
        let since = looks.since;
        let look = looks.by_user.entry(name.clone()).or_insert(Look { next: now, answered: since });
        if now < look.next {
            return None;
        }
        look.next = now.plus(ASK_AGAIN_AFTER);
        Some(look.answered)
    }

    async fn look(
        &self,
        directory: &Arc<dyn Directory>,
        (name, subject, answered): (&UserName, &str, Timestamp),
        context: RequestContext,
    ) -> Result<Still, Stop> {
        let within = context.within;
        let (began, look_within) = (self.system.now(), LOOK_WITHIN.min(within));
        // Who finds no place is as they were, as while there is no answer.
        let found = match self.look_ups.turn(look_within).await {
            Ok(_turn) => {
                let left = look_within.saturating_sub(self.system.now().since(began));
                Some(directory.look_up(name, subject, left).await)
            }
            Err(_) => None,
        };
        let now = self.system.now();
        let command = match found {
            Some(Ok(person)) => Command::Refresh { person, at: now },
            Some(Err(Doubt::Wrong(why) | Doubt::NotAdmitted(why))) => {
                tracing::info!(code = "WEIR-06190", user = %name, why, "a user of the directory is let in no more");
                Command::Disown { name: name.clone(), at: now }
            }
            unanswered => {
                if let Some(Err(Doubt::Silent(fault))) = &unanswered {
                    tell_silent(fault);
                }
                // What it said last holds for a while.
                return match now.since(answered) < SILENT_MAX {
                    true => Ok(Still::AsKnown),
                    false => Err(Rejection::Silent(silent(Origin::Ldap)).into()),
                };
            }
        };
        let is_gone = matches!(command, Command::Disown { .. });
        let refreshed = self.host.ask(command, within).await;
        self.looked(name, now);
        match refreshed {
            Ok(_) if is_gone => Ok(Still::Gone),
            Ok(_) => Ok(Still::LookedUp),
            // It is somebody else by now, or nothing is open to them any more.
            Err(weir_runtime::AskError::Rejected(why)) => {
                tracing::info!(code = "WEIR-06190", user = %name, %why, "a user of the directory is let in no more");
                self.host.ask(Command::Disown { name: name.clone(), at: now }, within).await?;
                Ok(Still::Gone)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn provider_name(&self) -> Option<String> {
        self.outside.provider.as_ref().map(|it| it.name().to_owned())
    }

    fn provider(&self) -> Result<&Arc<dyn Provider>, Stop> {
        self.outside.provider.as_ref().ok_or_else(|| Rejection::NoProvider.into())
    }

    pub(super) fn session_max(&self) -> Option<Duration> {
        self.outside.provider.as_ref().map(|it| it.session_max())
    }

    /// Where a browser is led to, which has what hashes to the binding.
    pub(super) async fn begin(
        &self,
        binding: SecretHash,
        (from, within): (String, Duration),
    ) -> Result<Response, Stop> {
        let provider = self.provider()?;
        let text = || random_secret().expose_text().expect("it is made as text").to_owned();
        let begun = Begun { state: text(), nonce: text(), verifier: random_secret() };
        let now = self.system.now();
        let asked = async { provider.begin(&begun, now).await.map_err(provider_refused) };
        let location = self.in_line(&self.begins, (&from, within), asked).await?;
        let from = network(&from);
        let mut all = lock(&self.begun);
        all.retain(|_, it| now < it.until);
        let oldest = |of: &dyn Fn(&Waiting) -> bool| {
            let mine = || all.iter().filter(|it| of(it.1));
            (mine().count(), mine().min_by_key(|it| it.1.until).map(|it| it.0.clone()))
        };
        let (of_one, of_all) = (oldest(&|it| it.from == from), oldest(&|_| true));
        for (_, oldest) in [(of_one, BEGUN_OF_ONE_MAX), (of_all, BEGUN_MAX)]
            .into_iter()
            .filter_map(|((count, oldest), max)| Some((count >= max, oldest?)))
            .filter(|it| it.0)
        {
            all.remove(&oldest);
        }
        let state = begun.state.clone();
        all.insert(state, Waiting { begun, binding, from, until: now.plus(BACK_WITHIN) });
        Ok(Response::Begun { location, is_secure: provider.is_secure() })
    }

    /// Asks the provider, in a line and in time.
    async fn in_line<T>(
        &self,
        line: &Line,
        (from, within): (&str, Duration),
        asked: impl Future<Output = Result<T, Stop>>,
    ) -> Result<T, Stop> {
        let (began, within) = (self.system.now(), LOOK_WITHIN.min(within));
        let _turn = line.turn_of(network(from), SHARE_MAX, within).await?;
        let left = within.saturating_sub(self.system.now().since(began));
        tokio::time::timeout(left, asked).await.unwrap_or_else(|_| {
            let fault = silent(Origin::Oidc);
            tell_silent(&fault);
            Err(Rejection::Silent(fault).into())
        })
    }

    /// Who it is that came back.
    pub(super) async fn finish(
        &self,
        (state, binding): (&str, &SecretHash),
        code: Result<Secret, String>,
        from: (&str, Duration),
    ) -> Result<Person, Stop> {
        let finished = self.finished((state, binding), code);
        self.in_line(&self.finishes, from, finished).await
    }

    async fn finished(
        &self,
        (state, binding): (&str, &SecretHash),
        code: Result<Secret, String>,
    ) -> Result<Person, Stop> {
        let provider = self.provider()?;
        let now = self.system.now();
        // It is used up, whatever comes of it.
        let waiting = lock(&self.begun).remove(state);
        let expired = || Stop::from(Rejection::LogInExpired);
        let waiting = waiting.filter(|it| now < it.until).ok_or_else(expired)?;
        if waiting.binding != *binding {
            return Err(expired());
        }
        let code = match code {
            Ok(code) => code,
            Err(why) => {
                tracing::info!(code = "WEIR-06192", why, "the provider let somebody not in");
                return Err(Rejection::NotProven.into());
            }
        };
        provider.finish(&code, &waiting.begun, now).await.map_err(provider_refused)
    }
}

fn refused(doubt: Doubt, name: &UserName, is_user: bool) -> Rejection {
    match doubt {
        Doubt::Wrong(why) => {
            tracing::debug!(user = %name, why, "the directory let somebody not in");
            Rejection::BadCredentials { is_user }
        }
        Doubt::NotAdmitted(reason) => {
            let refused = Rejection::NotAdmitted { reason };
            tell_not_admitted(name, &refused);
            refused
        }
        Doubt::Silent(fault) => {
            tell_silent(&fault);
            Rejection::Silent(silent(Origin::Ldap))
        }
        Doubt::TooSoon(until) => Rejection::TryLater(until),
    }
}

/// What is kept here can't be asked.
pub(super) fn unasked() -> Doubt {
    Doubt::Silent(silent(Origin::Ldap))
}

fn provider_refused(doubt: Doubt) -> Stop {
    let rejection = match doubt {
        Doubt::Wrong(reason) => {
            tracing::warn!(
                code = "WEIR-06192",
                reason,
                "what the provider says is not to be believed"
            );
            Rejection::NotProven
        }
        Doubt::NotAdmitted(reason) => {
            tracing::warn!(code = "WEIR-06191", reason, "somebody was not let in");
            Rejection::NotAdmitted { reason }
        }
        Doubt::Silent(fault) => {
            tell_silent(&fault);
            Rejection::Silent(silent(Origin::Oidc))
        }
        Doubt::TooSoon(until) => Rejection::TryLater(until),
    };
    rejection.into()
}

/// Whoever asks may be anybody: what is wrong stands in the log.
fn silent(origin: Origin) -> Fault {
    let (code, message) = match origin {
        Origin::Ldap => (6193, "the directory can't be asked now, so that its users can't log in"),
        Origin::Oidc => (6194, "the provider of log-ins can't be asked now"),
    };
    Fault::transient(code, message).with_hint(
        "try again in a minute; users of Weir's own log in meanwhile, and the engine's log says what is wrong",
    )
}

/// Whoever it is reads general words: why stands in the log.
pub(super) fn tell_not_admitted(name: &UserName, why: &Rejection) {
    let reason = match why {
        Rejection::NotAdmitted { reason } => reason.clone(),
        other => other.to_string(),
    };
    tracing::warn!(code = "WEIR-06191", user = %name, reason, "somebody was not let in");
}

fn tell_silent(fault: &Fault) {
    let hint = fault.hint.as_deref().unwrap_or_default();
    tracing::warn!(code = %fault.code, hint, "{}", fault.message);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
