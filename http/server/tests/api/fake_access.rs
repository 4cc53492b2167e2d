//! Users whose bearers are their roles' names, and an audit in memory.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use weir_controllers::users::{Identity, Role, Via};
use weir_domain::{
    AuditAction, CommandId, Fault, Grants, ProjectName, Scope, SessionId, Timestamp, UserClaim,
    UserName,
};
use weir_http_server::{Access, Refusal};

use crate::fixture::NOW;

/// Deploys one project and nothing else.
pub(crate) const OF_A_PROJECT: &str = "weir_of-a-project";
/// Somebody whose password must be changed.
pub(crate) const MUST_CHANGE: &str = "weir_must-change";

#[derive(Default)]
pub(crate) struct FakeAccess {
    pub(crate) asked: AtomicUsize,
    pub(crate) recorded: Mutex<Vec<AuditAction>>,
}

fn grants(shown: &str) -> Option<Grants> {
    let mut grants = Grants::default();
    let role = Role::built_in().into_iter().find(|it| shown == format!("weir_{}", it.name));
    match (shown, role) {
        (OF_A_PROJECT, _) => {
            let scope = Scope::Projects([ProjectName::new("p").unwrap()].into());
            grants.add([UserClaim::DeploymentWrite], &scope);
        }
        (MUST_CHANGE, _) => grants.add([UserClaim::ProfileWrite], &Scope::Everything),
        (_, Some(role)) => grants.add(role.claims, &role.scope),
        (_, None) => return None,
    }
    Some(grants)
}

#[async_trait::async_trait]
impl Access for FakeAccess {
    async fn identify(&self, shown: &str) -> Result<Option<Identity>, Refusal> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if shown == "weir_unanswered" {
            return Err(Fault::transient(6_001, "the user storage moves").into());
        }
        Ok(grants(shown).map(|grants| Identity {
            user: UserName::new("ada").unwrap(),
            via: Via::Session(SessionId(uuid::Uuid::from_u128(7))),
            grants,
            expires_at: NOW,
            must_change: shown == MUST_CHANGE,
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
}
