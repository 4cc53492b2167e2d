//! Users whose bearers are their roles' names, and an audit in memory.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use weir_controllers::users::{Identity, Role, Via};
use weir_domain::{
    AuditAction, CommandId, Fault, Grants, NodeName, ProjectName, Scope, SessionId, Timestamp,
    UserClaim, UserName,
};
use weir_http_server::{Access, Refusal};
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemClock, SystemSettings, Tasks};

use crate::fixture::NOW;

/// Deploys one project and nothing else.
pub(crate) const OF_A_PROJECT: &str = "of-a-project";
/// Somebody whose password must be changed.
pub(crate) const MUST_CHANGE: &str = "must-change";

/// What is shown by somebody who has that role, or is one of those above.
pub(crate) fn bearer(who: &str) -> String {
    format!("weir_00000000000000000000000000000007_{who:.<43}")
}

pub(crate) struct FakeAccess {
    pub(crate) asked: AtomicUsize,
    pub(crate) recorded: Mutex<Vec<AuditAction>>,
    /// What is shown is known no more.
    pub(crate) is_over: AtomicBool,
    /// Who is known may do nothing any more.
    pub(crate) has_lost: AtomicBool,
    system: System,
}

impl Default for FakeAccess {
    fn default() -> Self {
        let clock = Arc::new(SystemClock);
        let system = System::new(SystemSettings {
            node: NodeName::new("one").unwrap(),
            ids: IdSource::new(clock.clone()),
            clock,
            shutdown: PhaseTimeouts::default(),
        });
        let (asked, recorded) = (AtomicUsize::default(), Mutex::default());
        let (is_over, has_lost) = <(AtomicBool, AtomicBool)>::default();
        Self { asked, recorded, is_over, has_lost, system }
    }
}

fn grants(who: &str) -> Option<Grants> {
    let mut grants = Grants::default();
    let role = Role::built_in().into_iter().find(|it| who == it.name.as_str());
    match (who, role) {
        (OF_A_PROJECT, _) => {
            let scope = Scope::Projects([ProjectName::new("p").unwrap()].into());
            grants.add([UserClaim::DeploymentWrite, UserClaim::DeploymentActivate], &scope);
        }
        (MUST_CHANGE, _) => {}
        (_, Some(role)) => grants.add(role.claims, &role.scope),
        (_, None) => return None,
    }
    Some(grants)
}

#[async_trait::async_trait]
impl Access for FakeAccess {
    async fn identify(&self, shown: &str) -> Result<Option<Identity>, Refusal> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let who = shown[38..].trim_end_matches('.');
        if who == "unanswered" {
            return Err(Fault::transient(6_001, "the user storage moves").into());
        }
        if self.is_over.load(Ordering::Relaxed) {
            return Ok(None);
        }
        Ok(grants(who).map(|grants| Identity {
            user: UserName::new("ada").unwrap(),
            via: Via::Session(SessionId(uuid::Uuid::from_u128(7))),
            grants: match self.has_lost.load(Ordering::Relaxed) {
                true => Grants::default(),
                false => grants,
            },
            expires_at: NOW.plus(Duration::from_secs(3_600)),
            must_change: who == MUST_CHANGE,
        }))
    }

    async fn record(&self, action: AuditAction) -> Result<(), Fault> {
        self.recorded.lock().unwrap().push(action);
        Ok(())
    }

    fn now(&self) -> Timestamp {
        NOW
    }

    fn request(&self) -> CommandId {
        CommandId(uuid::Uuid::from_u128(17))
    }

    fn tasks(&self) -> &Tasks {
        self.system.tasks()
    }
}
