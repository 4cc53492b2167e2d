//! Keys, users and the audit through their handles, on a node that is alone.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use weir_cluster::{Facts, SingletonSettings, Singletons};
use weir_domain::{AuditAction, AuditOutcome, Clock, CommandId, Scope, UserClaim, UserName};
use weir_persistence_api::{Journal, LeaseStore, MemoryStore, PersistenceId, Store};
use weir_runtime::{HostSettings, RestartPolicy, System, SystemClock};
use weir_secrets::{Binding, MasterKey, PrivateKey, SealedSecret, Secret, read_private};

use crate::audit::{Audit, AuditFilter, AuditSingleton};
use crate::keys::{self, Alias, KeySingleton, KeyStorage, Masters};
use crate::users::{self, Identity, Profile, SetUpFile, UserSingleton, UserStorage};
use crate::{Sender, testing};

const PLANTED: &str = "planted-secret-value";
const PASSWORD: &str = "planted horse battery";

struct Lab {
    system: System,
    store: MemoryStore,
    keys: KeyStorage,
    users: UserStorage,
    audit: Audit,
    set_up: SetUpFile,
    _dir: tempfile::TempDir,
    _facts: watch::Sender<Arc<Facts>>,
}

fn lab() -> Lab {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let memory = MemoryStore::new(clock.clone());
    let (store, leases): (Arc<dyn Store>, Arc<dyn LeaseStore>) =
        (Arc::new(memory.clone()), Arc::new(memory.clone()));
    let system = testing::system(clock);
    let (facts, seen) = watch::channel(Arc::new(Facts::alone(system.incarnation())));
    let singletons = Singletons::new(&system, leases, seen, None, SingletonSettings::default());
    let dir = tempfile::tempdir().unwrap();
    let set_up = SetUpFile(dir.path().join("set-up-secret"));
    let settings = HostSettings::default();
    let masters = Masters { current: MasterKey::generate(), former: vec![] };
    let keys = KeyStorage::new(singletons.register(KeySingleton {
        system: system.clone(),
        store: store.clone(),
        settings: settings.clone(),
        masters,
    }));
    let users = singletons.register(UserSingleton {
        outside: users::Outside::default(),
        system: system.clone(),
        store: store.clone(),
        settings,
        notice: Arc::new(set_up.clone()),
    });
    let users = UserStorage::new(users, system.ids().clone());
    let restarts = RestartPolicy::default();
    let audit =
        Audit::new(singletons.register(AuditSingleton { system: system.clone(), store, restarts }));
    singletons.begin();
    Lab { system, store: memory, keys, users, audit, set_up, _dir: dir, _facts: facts }
}

impl Lab {
    /// Everything that the controllers stored.
    async fn stored(&self) -> String {
        let mut stored = String::new();
        for name in [keys::LEASE, users::LEASE, crate::audit::LEASE] {
            let id = PersistenceId(name.to_owned());
            for event in self.store.replay(&id, 0, 1_000).await.unwrap() {
                stored.push_str(&String::from_utf8_lossy(&event.payload));
            }
        }
        stored
    }
}

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn binding() -> Binding {
    Binding { project: "p".parse().unwrap(), name: "n".parse().unwrap() }
}

fn root() -> UserName {
    "root".parse().unwrap()
}

fn by_root(lab: &Lab) -> Sender {
    Sender { user: root(), command: lab.system.ids().command() }
}

#[tokio::test]
async fn a_secret_is_sealed_opened_and_moved_to_a_new_key() {
    let lab = lab();
    let first = lab.keys.list().await.unwrap().pairs;
    assert_eq!((first.len(), first[0].alias.as_str()), (1, "DefaultKey"));
    let sealed = lab.keys.seal(&secret(PLANTED), binding(), &[]).await.unwrap();
    let opened = lab.keys.open(vec![sealed.clone()]).await.unwrap();
    assert_eq!(opened, [secret(PLANTED)]);

    let alias = |text| (Alias::new(text).unwrap(), String::new());
    let old = first[0].fingerprint;
    let new = lab.keys.rotate(alias("2027"), Some(old), by_root(&lab)).await.unwrap();
    assert!(new.is_current);
    assert_eq!(
        lab.keys.seal(&secret(PLANTED), binding(), &[]).await.unwrap().keys(),
        [new.fingerprint]
    );
    assert_eq!(lab.keys.open(vec![sealed]).await.unwrap(), [secret(PLANTED)], "old ones open");

    let exported = lab.keys.export(new.fingerprint, &secret(PASSWORD)).await.unwrap();
    lab.keys.delete(old, Some(1), by_root(&lab)).await.unwrap();
    let again = (&secret(&exported), Some(&secret(PASSWORD)));
    let refused = lab.keys.import(alias("2027"), again, by_root(&lab)).await.unwrap_err();
    assert!(refused.to_string().contains("stored already, as 2027"), "{refused}");

    let stranger = PrivateKey::generate();
    let foreign = SealedSecret::seal(&secret(PLANTED), binding(), &[stranger.public()]).unwrap();
    let refused = lab.keys.open(vec![foreign]).await.unwrap_err().to_string();
    assert!(refused.contains(&stranger.fingerprint().to_string()), "{refused}");
    let mine = lab.keys.seal(&secret(PLANTED), binding(), &[]).await.unwrap().to_string();
    let moved = mine.replace("weir-secret:2:p:", "weir-secret:2:q:").parse().unwrap();
    let refused = lab.keys.open(vec![moved]).await.unwrap_err().to_string();
    assert!(refused.contains("sealed as secret n of project p is used as"), "{refused}");
    let stored = lab.stored().await;
    assert!(!stored.contains(PLANTED) && !stored.contains("AGE-SECRET-KEY"));
}

#[tokio::test]
async fn a_user_is_set_up_works_with_a_token_and_is_put_out() {
    let lab = lab();
    lab.users.users().await.unwrap();
    let one_time = read_private(&lab.set_up.0).unwrap();
    let me = (root(), Profile::default());
    let refused = lab.users.set_up(&secret("guessed"), me.clone(), &secret(PASSWORD)).await;
    assert!(refused.unwrap_err().to_string().contains("not the set-up secret"));
    lab.users.set_up(&one_time, me, &secret(PASSWORD)).await.unwrap();
    assert!(!lab.set_up.0.exists(), "it was used");

    let from = || "127.0.0.1".to_owned();
    let (session, identity) =
        lab.users.log_in(root(), &secret(PASSWORD), (from(), false)).await.unwrap();
    let shown = session.expose_text().unwrap();
    assert_eq!(lab.users.identify(shown).await.unwrap(), identity);

    let grants = ([UserClaim::StreamRead].into(), Scope::Everything);
    let tomorrow = lab.system.now().plus(Duration::from_secs(24 * 3_600));
    let create = async |by: &Identity, command: CommandId| {
        lab.users.create_token(by, "ci".into(), grants.clone(), tomorrow, command).await
    };
    let command = by_root(&lab).command;
    let made = create(&identity, command).await;
    let (id, token) = made.unwrap();
    let by_token = lab.users.identify(token.expose_text().unwrap()).await.unwrap();
    assert!(by_token.grants.allows(UserClaim::StreamRead, None));
    assert!(!by_token.grants.allows(UserClaim::UserWrite, None));
    let again = create(&identity, command).await.unwrap_err().to_string();
    assert!(again.contains("its text is told once"), "{again}");
    let wider = create(&by_token, by_root(&lab).command).await;
    assert!(wider.unwrap_err().to_string().contains("logged in"));

    lab.users.revoke_token(id, by_root(&lab)).await.unwrap();
    lab.users.end_sessions_of(root(), by_root(&lab)).await.unwrap();
    for gone in [shown, token.expose_text().unwrap(), "weir_", ""] {
        assert!(lab.users.identify(gone).await.is_err());
    }
    let stored = lab.stored().await;
    for clear in [PASSWORD, shown, token.expose_text().unwrap(), one_time.expose_text().unwrap()] {
        let clear = clear.splitn(3, '_').last().unwrap();
        assert!(!stored.contains(clear), "{clear} is stored");
    }
}

#[tokio::test]
async fn what_was_done_is_recorded_verified_and_dropped() {
    let lab = lab();
    for n in 1..=3 {
        let action = AuditAction {
            at: lab.system.now(),
            user: Some(root()),
            claim: Some(UserClaim::UserWrite),
            action: "user create".into(),
            object: format!("user/{n}"),
            before: None,
            after: Some(json!({ "name": "ada", "password": PLANTED })),
            outcome: AuditOutcome::Done,
            from: "127.0.0.1".into(),
            request: lab.system.ids().command(),
        };
        let recorded = lab.audit.record(action.clone()).await.unwrap();
        assert_eq!(recorded, lab.audit.record(action).await.unwrap());
    }
    let head = lab.audit.verify().await.unwrap();
    assert_eq!(head.sequence, 3);
    let sealed = lab.audit.seal(2, root(), "127.0.0.1".into()).await.unwrap();
    assert_eq!(lab.audit.verify().await.unwrap(), sealed);
    let page = lab.audit.list(AuditFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.entries.iter().map(|it| it.sequence).collect::<Vec<_>>(), [4, 3]);
    assert!(!lab.stored().await.contains(PLANTED));
}
