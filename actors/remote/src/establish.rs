//! From a connection to a link: the two sides of the handshake, and what each of them checks.
//!
//! Both sides check the same, each about the other; who refuses says why to the other, and both
//! write it down.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use weir_domain::ClusterAddress;

use crate::code;
use crate::error::ConnectError;
use crate::event::LinkEvent;
use crate::hello::{self, Hello, LinkId, Misheard, Refusal, Word};
use crate::hub::Hub;
use crate::link::{Agreed, Link};
use crate::transport::{Certificate, Ends, Wire};

/// How long who was refused has time to hear why, and how much of what it says is not listened to.
const FAREWELL: Duration = Duration::from_millis(500);
const FAREWELL_BYTES: u64 = 64 << 10;

/// What became of a dial.
pub(crate) enum Dialled {
    Linked,
    /// Another connection to the peer is being made, or was.
    Superfluous,
}

/// Why a dial led to no link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The peer does not want this node.
    #[error("it refuses this node: {0}")]
    Refused(Refusal),
    /// This node does not want the peer.
    #[error("this node refuses it: {0}")]
    Unwanted(Refusal),
    #[error("{0}")]
    Failed(String),
}

impl Hub {
    pub(crate) async fn dial_once(
        self: &Arc<Self>,
        address: &ClusterAddress,
    ) -> Result<Dialled, DialError> {
        let within = self.settings.handshake_timeout;
        let wire = self.transport.connect(address, within).await?;
        if !self.roster().greet(address) {
            return Ok(Dialled::Superfluous);
        }
        let _greeting = OnDrop(|| self.roster().greeted(address));
        let greeted = tokio::time::timeout(within, self.greet(wire, address)).await;
        greeted.unwrap_or_else(|_| {
            Err(DialError::Failed(format!(
                "it accepts connections and says nothing for {within:?}"
            )))
        })
    }

    async fn greet(
        self: &Arc<Self>,
        mut wire: Wire,
        address: &ClusterAddress,
    ) -> Result<Dialled, DialError> {
        let mine = self.hello();
        say(&mut wire, &Word::Hello(mine.clone())).await?;
        let theirs = match hear(&mut wire).await? {
            Word::Hello(hello) => hello,
            other => return Err(unexpected(&other)),
        };
        if theirs.address != *address {
            self.roster().alias(address.clone(), theirs.node.uid);
        }
        let checked = self.check(&mine, &theirs, &wire);
        if let Err(refusal) = checked.and_then(|()| self.roster().check_age(&theirs)) {
            self.refuse(wire, &theirs.address.authority(), refusal.clone()).await;
            return Err(DialError::Unwanted(refusal));
        }
        if self.link(theirs.node.uid).is_some() {
            return Ok(Dialled::Superfluous);
        }
        let link = LinkId::of(&mine, &theirs);
        say(&mut wire, &Word::Confirm { link }).await?;
        match hear(&mut wire).await? {
            Word::Welcome { link: welcomed } if welcomed == link => {}
            other => return Err(unexpected(&other)),
        }
        self.raise(wire, link, theirs, true).await.map_err(DialError::Failed)?;
        Ok(Dialled::Linked)
    }

    /// The listener's side. What fails is logged here: nobody waits for it.
    pub(crate) async fn welcome(self: Arc<Self>, mut wire: Wire, from: &str) {
        let theirs = match hello::hear(&mut wire.reader).await {
            Ok(Word::Hello(hello)) => hello,
            Ok(other) => {
                let refusal =
                    Refusal::new(code::NO_HELLO, format!("it begins with {}", name(&other)));
                return self.refuse(wire, from, refusal).await;
            }
            Err(Misheard::NoWord(refusal)) => return self.refuse(wire, from, refusal).await,
            Err(error @ (Misheard::Broken(_) | Misheard::Refused(_))) => {
                return log_failure(from, &dial_error(error).to_string());
            }
        };
        let mine = self.hello();
        let checked = self.check(&mine, &theirs, &wire);
        if let Err(refusal) = checked.and_then(|()| self.roster().welcome(&theirs)) {
            return self.refuse(wire, from, refusal).await;
        }
        let _welcoming = OnDrop(|| self.roster().welcomed(&theirs.address));
        if let Err(error) = self.greet_back(wire, from, mine, &theirs).await {
            log_failure(from, &error.to_string());
        }
    }

    async fn greet_back(
        self: &Arc<Self>,
        mut wire: Wire,
        from: &str,
        mine: Hello,
        theirs: &Hello,
    ) -> Result<(), DialError> {
        let link = LinkId::of(theirs, &mine);
        say(&mut wire, &Word::Hello(mine)).await?;
        match hear(&mut wire).await {
            Ok(Word::Confirm { link: confirmed }) if confirmed == link => {}
            Ok(Word::Confirm { .. }) => {
                let reason = "the hello was recorded from another connection";
                self.refuse(wire, from, Refusal::new(code::REPLAYED, reason)).await;
                return Ok(());
            }
            Ok(other) => return Err(unexpected(&other)),
            Err(DialError::Refused(refusal)) => {
                self.refused_by(&theirs.address, &refusal);
                return Err(DialError::Refused(refusal));
            }
            Err(error) => return Err(error),
        }
        say(&mut wire, &Word::Welcome { link }).await?;
        self.raise(wire, link, theirs.clone(), false).await.map_err(DialError::Failed)
    }

    /// Makes the link that both have agreed upon.
    async fn raise(
        self: &Arc<Self>,
        wire: Wire,
        id: LinkId,
        peer: Hello,
        is_dialler: bool,
    ) -> Result<(), String> {
        let certificate: Option<Certificate> = wire.certificate.as_ref().map(|it| it.shown.clone());
        let ends = Ends { link: id, peer: peer.node.clone(), is_dialler };
        let (number, since) = (self.next_number(), self.system.now());
        let agreed = Agreed { number, id, peer, is_dialler, certificate, since };
        let link = Link::new(agreed, self);
        let carrier = self.transport.carry(wire, ends, link.clone()).await?;
        link.attach(carrier);
        let entered = self.link_up(&link);
        entered.map_err(|refusal| {
            link.end(crate::Cause::Superseded);
            refusal.to_string()
        })
    }

    fn check(&self, mine: &Hello, theirs: &Hello, wire: &Wire) -> Result<(), Refusal> {
        hello::agree(mine, theirs)?;
        if self.stopping.is_cancelled() {
            return Err(Refusal::new(code::STOPPING, format!("{} is stopping", mine.node)));
        }
        if let Some(certificate) = &wire.certificate {
            (certificate.is_for)(&theirs.address.host).map_err(|reason| {
                let reason = format!("{} announces {}: {reason}", theirs.node, theirs.address);
                Refusal::new(code::WRONG_CERTIFICATE, reason)
            })?;
        }
        self.gatekeeper.admit(theirs)
    }

    /// Says why, and gives the peer time to hear it.
    async fn refuse(&self, mut wire: Wire, from: &str, refusal: Refusal) {
        metrics::counter!("weir_remote_refused_total").increment(1);
        let is_quiet = [code::DUPLICATE_LINK, code::ITSELF, code::STOPPING].contains(&refusal.code);
        if is_quiet {
            tracing::debug!(code = %refusal.code, from, reason = refusal.reason, "refused a connection");
        } else {
            tracing::warn!(code = %code::REFUSED, refusal = %refusal.code, from, reason = refusal.reason, "refused a connection");
        }
        let farewell = async {
            let _ = hello::say(&mut wire.writer, &Word::Refusal(refusal)).await;
            // Closing with bytes unread would take the words back.
            let mut rest = [0; 1_024];
            let mut reader = wire.reader.take(FAREWELL_BYTES);
            while reader.read(&mut rest).await.is_ok_and(|it| it > 0) {}
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    /// The peer does not want this node.
    pub(crate) fn refused_by(&self, address: &ClusterAddress, refusal: &Refusal) {
        let is_quiet = [code::DUPLICATE_LINK, code::ITSELF, code::STOPPING].contains(&refusal.code);
        if !is_quiet {
            self.publish(LinkEvent::Refused { address: address.clone(), refusal: refusal.clone() });
        }
    }
}

async fn say(wire: &mut Wire, word: &Word) -> Result<(), DialError> {
    hello::say(&mut wire.writer, word).await.map_err(dial_error)
}

async fn hear(wire: &mut Wire) -> Result<Word, DialError> {
    hello::hear(&mut wire.reader).await.map_err(dial_error)
}

fn dial_error(error: Misheard) -> DialError {
    match error {
        Misheard::Refused(refusal) => DialError::Refused(refusal),
        Misheard::NoWord(refusal) => DialError::Unwanted(refusal),
        // With TLS 1.3 a dialler learns here that its certificate was refused.
        Misheard::Broken(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            DialError::Failed(crate::transport::insecure(&error))
        }
        Misheard::Broken(error) => {
            DialError::Failed(format!("the connection broke during the handshake: {error}"))
        }
    }
}

fn unexpected(word: &Word) -> DialError {
    DialError::Failed(format!("it says {} where that has no place", name(word)))
}

fn name(word: &Word) -> &'static str {
    match word {
        Word::Hello(_) => "hello",
        Word::Confirm { .. } => "confirm",
        Word::Welcome { .. } => "welcome",
        Word::Refusal(_) => "refusal",
    }
}

fn log_failure(from: &str, reason: &str) {
    metrics::counter!("weir_remote_refused_total").increment(1);
    tracing::warn!(code = %code::REFUSED, from, reason, "a connection led to no link");
}

/// Does something when it goes out of scope, however that comes.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
