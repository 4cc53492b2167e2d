//! The service: keys and secrets on their way in and out.

use std::sync::Arc;
use std::time::Duration;

use weir_cluster::{RequestContext, Service, Singleton, Unavailable};
use weir_domain::Clock;
use weir_persistence_api::{
    Acquired, Fence, Journal, LeaseName, LeaseStore, MemoryStore, PersistenceId, Snapshot,
    SnapshotStore,
};
use weir_runtime::{EffectHandler, HostSettings, System, SystemClock};
use weir_secrets::{Binding, PublicKey, Sealed, SealedSecret};

use super::*;
use crate::keys::forgetting::Forgetting;
use crate::testing;

const HOUR: Duration = Duration::from_secs(3_600);
const PASSPHRASE: &str = "correct horse battery";

struct Lab {
    system: System,
    store: MemoryStore,
    fence: Fence,
}

impl Lab {
    async fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = MemoryStore::new(clock.clone());
        let system = testing::system(clock);
        let lease = LeaseName(LEASE.to_owned());
        let Ok(Acquired::Granted(fence)) = store.lease_acquire(&lease, system.owner(), HOUR).await
        else {
            panic!("the lease is free");
        };
        Self { system, store, fence }
    }

    async fn start(&self, masters: Masters) -> Arc<KeyService> {
        let (system, store) = (self.system.clone(), Arc::new(self.store.clone()));
        let settings = HostSettings::default();
        let singleton = KeySingleton { system, store, settings, masters };
        singleton.start(self.fence.clone()).await.unwrap().service
    }

    async fn ask(&self, service: &KeyService, request: Request) -> Result<Response, Unavailable> {
        let command = self.system.ids().command();
        service.serve(request, RequestContext { command, within: HOUR, epoch: 1 }).await
    }

    /// Everything that is stored.
    async fn stored(&self) -> String {
        let id = PersistenceId(LEASE.to_owned());
        let events = self.store.replay(&id, 0, 1_000).await.unwrap();
        events.iter().map(|it| String::from_utf8_lossy(&it.payload).into_owned()).collect()
    }
}

fn masters(current: &MasterKey, former: &[&MasterKey]) -> Masters {
    let former = former.iter().map(|it| (*it).clone()).collect();
    Masters { current: current.clone(), former }
}

/// A secret of a project.
fn sealed(to: PublicKey) -> SealedSecret {
    let binding = Binding { project: "p".parse().unwrap(), name: "n".parse().unwrap() };
    SealedSecret::seal(&secret("hunter2"), binding, &[to]).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn user() -> weir_domain::UserName {
    "ada".parse().unwrap()
}

fn create(named: &str) -> Request {
    Request::Create { alias: alias(named), description: String::new(), by: user() }
}

async fn pair(lab: &Lab, service: &KeyService, request: Request) -> PairView {
    match lab.ask(service, request).await {
        Ok(Response::Pair(it)) => *it,
        other => panic!("{other:?}"),
    }
}

async fn transit(lab: &Lab, service: &KeyService) -> weir_secrets::PublicKey {
    match lab.ask(service, Request::Transit).await {
        Ok(Response::Transit(it)) => it,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_secret_is_opened_for_the_key_of_whoever_asks_and_for_nobody_else() {
    let lab = Lab::new().await;
    let service = lab.start(masters(&MasterKey::generate(), &[])).await;
    let pair = pair(&lab, &service, create("my-key")).await;
    let sealed = sealed(pair.public);
    let engine = PrivateKey::generate();
    let open = Request::Open { secrets: vec![sealed], to: engine.public() };
    let Ok(Response::Opened(opened)) = lab.ask(&service, open).await else { panic!() };
    assert_eq!(opened[0].keys(), [engine.fingerprint()]);
    assert_eq!(opened[0].open(&engine).unwrap(), secret("hunter2"));
    assert!(!lab.stored().await.contains("AGE-SECRET-KEY"));
}

#[tokio::test]
async fn a_secret_of_a_key_that_is_not_here_is_refused_by_fingerprint() {
    let lab = Lab::new().await;
    let service = lab.start(masters(&MasterKey::generate(), &[])).await;
    let stranger = PrivateKey::generate();
    let sealed = sealed(stranger.public());
    let open = Request::Open { secrets: vec![sealed], to: PrivateKey::generate().public() };
    let Ok(Response::Fault(fault)) = lab.ask(&service, open).await else { panic!() };
    assert!(fault.message.contains(&stranger.fingerprint().to_string()), "{fault}");
    assert_eq!(fault.code.to_string(), "WEIR-12001");
}

#[tokio::test]
async fn a_create_that_is_sent_again_answers_the_key_that_it_made() {
    let lab = Lab::new().await;
    let service = lab.start(masters(&MasterKey::generate(), &[])).await;
    let command = lab.system.ids().command();
    let mut made = Vec::new();
    for _ in 0..2 {
        let context = RequestContext { command, within: HOUR, epoch: 1 };
        match service.serve(create("my-key"), context).await {
            Ok(Response::Pair(it)) => made.push(it.fingerprint),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(made[0], made[1]);
}

#[tokio::test]
async fn an_exported_key_is_imported_elsewhere_and_a_seal_to_another_instance_is_told() {
    let [here, there] = [Lab::new().await, Lab::new().await];
    let one = here.start(masters(&MasterKey::generate(), &[])).await;
    let two = there.start(masters(&MasterKey::generate(), &[])).await;
    let made = pair(&here, &one, create("my-key")).await;

    let sealed_to = |to, text: &str| Sealed::seal(&secret(text), &[to]).unwrap();
    let [to_one, to_two] = [transit(&here, &one).await, transit(&there, &two).await];
    let passphrase = sealed_to(to_one, PASSPHRASE);
    let export = Request::Export { key: made.fingerprint, passphrase: passphrase.clone() };
    let Ok(Response::Exported(exported)) = here.ask(&one, export).await else { panic!() };
    let import = |passphrase| Request::Import {
        alias: alias("my-key"),
        description: "from the other cluster".into(),
        key: sealed_to(to_two.clone(), &exported),
        passphrase: Some(passphrase),
        by: user(),
    };
    let told = there.ask(&two, import(passphrase)).await;
    assert!(matches!(told, Ok(Response::Transit(it)) if it == to_two));
    let imported = pair(&there, &two, import(sealed_to(to_two.clone(), PASSPHRASE))).await;
    assert_eq!(imported.fingerprint, made.fingerprint);
}

#[tokio::test]
async fn an_import_that_is_asked_again_of_a_successor_answers_the_key_that_it_stored() {
    let lab = Lab::new().await;
    let master = MasterKey::generate();
    let service = lab.start(masters(&master, &[])).await;
    let to = [transit(&lab, &service).await];
    let import_of = |private: &PrivateKey, to: &[weir_secrets::PublicKey]| Request::Import {
        alias: alias("DefaultKey"),
        description: String::new(),
        key: Sealed::seal(&private.to_text(), to).unwrap(),
        passphrase: None,
        by: user(),
    };
    let private = PrivateKey::generate();
    let import = import_of(&private, &to);
    let command = lab.system.ids().command();
    let context = RequestContext { command, within: HOUR, epoch: 1 };
    let Ok(Response::Pair(stored)) = service.serve(import.clone(), context).await else { panic!() };
    assert_eq!(stored.alias.as_str(), "DefaultKey (2)");
    let successor = KeyService { transit: crate::transit::Transit::new(), ..copy(&service) };
    let told = successor.serve(import, context).await;
    assert!(matches!(told, Ok(Response::Transit(it)) if [it.clone()] != to));
    let to = [transit(&lab, &successor).await];
    let again = successor.serve(import_of(&private, &to), context).await;
    assert!(matches!(&again, Ok(Response::Pair(it)) if *it == stored), "{again:?}");
    let other = successor.serve(import_of(&PrivateKey::generate(), &to), context).await;
    let is_told = matches!(other, Ok(Response::Rejected(Rejection::BroughtAnother)));
    assert!(is_told, "{other:?}: another key is not what this command brought");
}

#[tokio::test]
async fn a_rotated_master_key_is_all_that_is_needed_after_it() {
    let lab = Lab::new().await;
    let (old, new) = (MasterKey::generate(), MasterKey::generate());
    let service = lab.start(masters(&old, &[])).await;
    let made = pair(&lab, &service, create("my-key")).await;
    let sealed = sealed(made.public);
    let engine = PrivateKey::generate();
    let open = || Request::Open { secrets: vec![sealed.clone()], to: engine.public() };

    let wrong = KeyService { masters: masters(&new, &[]), ..copy(&service) };
    let Ok(Response::Fault(fault)) = lab.ask(&wrong, open()).await else { panic!() };
    assert_eq!(fault.code.to_string(), "WEIR-12007", "{fault}");
    let refused = lab.ask(&wrong, create("another")).await;
    assert!(
        matches!(refused, Ok(Response::Fault(it)) if it.code == fault.code),
        "nothing new is made"
    );
    let both = KeyService { masters: masters(&new, &[&old]), ..copy(&service) };
    let rewrap = lab.ask(&both, Request::Rewrap { by: user() }).await;
    assert!(matches!(rewrap, Ok(Response::Done)), "{rewrap:?}");
    assert!(matches!(lab.ask(&wrong, open()).await, Ok(Response::Opened(_))));
}

#[tokio::test]
async fn nothing_is_stored_under_a_former_master_key_after_a_rotation() {
    let lab = Lab::new().await;
    let (old, new) = (MasterKey::generate(), MasterKey::generate());
    let service = lab.start(masters(&old, &[])).await;
    let command = lab.system.ids().command();
    let context = RequestContext { command, within: HOUR, epoch: 1 };
    let Ok(Response::Pair(kept)) = service.serve(create("kept"), context).await else { panic!() };
    let deleted = pair(&lab, &service, create("deleted")).await;
    let delete = Request::Delete { key: deleted.fingerprint, expected: None, by: user() };
    assert!(matches!(lab.ask(&service, delete).await, Ok(Response::Done)));
    let under = |master: &MasterKey| format!("weir-secret:1:{}:", master.fingerprint());
    assert!(lab.stored().await.contains(&under(&old)));

    let both = KeyService { masters: masters(&new, &[&old]), ..copy(&service) };
    assert!(matches!(lab.ask(&both, Request::Rewrap { by: user() }).await, Ok(Response::Done)));
    let forgotten = async {
        loop {
            match lab.ask(&both, Request::List).await {
                Ok(Response::Listing(it)) if it.pairs.iter().all(|it| !it.is_forgetting) => break,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), forgotten).await.expect("it is deleted");
    let stored = lab.stored().await;
    assert!(stored.contains(&under(&new)) && !stored.contains(&under(&old)));

    // As after a kill: the first one saves no last snapshot, since it does not stop.
    let again = lab.start(masters(&new, &[])).await;
    let sent = again.serve(create("kept"), context).await;
    let is_known = matches!(&sent, Ok(Response::Pair(it)) if it.fingerprint == kept.fingerprint);
    assert!(is_known, "{sent:?}: what was sent before the rotation is not done again");
    let Ok(Response::Listing(listing)) = lab.ask(&again, Request::List).await else { panic!() };
    let pairs: Vec<_> = listing.pairs.iter().map(|it| it.fingerprint).collect();
    assert!(pairs.contains(&kept.fingerprint) && !pairs.contains(&deleted.fingerprint));
    let sealed = sealed(kept.public);
    let open = Request::Open { secrets: vec![sealed], to: PrivateKey::generate().public() };
    assert!(matches!(lab.ask(&again, open).await, Ok(Response::Opened(_))));
}

#[tokio::test(start_paused = true)]
async fn an_older_snapshot_that_is_saved_meanwhile_is_deleted_before_the_end_is_confirmed() {
    let lab = Lab::new().await;
    let (old, new) = (MasterKey::generate(), MasterKey::generate());
    let service = lab.start(masters(&old, &[])).await;
    let both = KeyService { masters: masters(&new, &[&old]), ..copy(&service) };
    assert!(matches!(lab.ask(&both, Request::Rewrap { by: user() }).await, Ok(Response::Done)));
    service.host.stop(HOUR).await.unwrap();
    let (store, journal) = (&lab.store, PersistenceId(LEASE.to_owned()));
    let newest = store.snapshot_sequences(&journal).await.unwrap()[0];
    let stored = store.snapshot_load(&journal, newest).await.unwrap().unwrap();

    // Each answer takes a second: two for the event, one for the snapshots, and one to delete them.
    let second = Duration::from_secs(1);
    store.faults().slow(second);
    let late = async {
        tokio::time::sleep(3 * second + second / 2).await;
        store.snapshot_save(&journal, &lab.fence, Snapshot { sequence: 1, ..stored }).await
    };
    let forgetting = Forgetting { store: Arc::new(store.clone()) };
    let effect = Effect::Forget { restated: 1 };
    let (first, saved) = tokio::join!(forgetting.run(&effect, &lab.fence), late);
    saved.unwrap();
    assert!(first.unwrap_err().message.contains("an older snapshot"));
    store.faults().heal();
    let again = forgetting.run(&effect, &lab.fence).await;
    assert!(matches!(again, Ok(Some(Command::ConfirmForgotten { restated: 1 }))), "{again:?}");
    assert!(!store.snapshot_sequences(&journal).await.unwrap().contains(&1));
}

/// The same host under other master keys.
fn copy(service: &KeyService) -> KeyService {
    KeyService {
        host: service.host.clone(),
        system: service.system.clone(),
        masters: service.masters.clone(),
        transit: service.transit.clone(),
        derivations: service.derivations.clone(),
    }
}

#[tokio::test]
async fn a_certificate_that_is_sent_again_is_the_one_that_was_added_and_has_its_key() {
    let lab = Lab::new().await;
    let service = lab.start(masters(&MasterKey::generate(), &[])).await;
    pair(&lab, &service, create("my-key")).await;
    let (pem, private) = certificate();
    let (_, other) = certificate();
    let to = transit(&lab, &service).await;
    let context = |command| RequestContext { command, within: HOUR, epoch: 1 };
    let command = lab.system.ids().command();
    let add = async |key: Option<&Secret>| {
        let key = key.map(|it| Sealed::seal(it, std::slice::from_ref(&to)).unwrap());
        let add = Request::AddCertificate { alias: alias("a"), pem: pem.clone(), key, by: user() };
        service.serve(add, context(command)).await.unwrap()
    };
    assert!(matches!(add(Some(&private)).await, Response::Done));
    assert!(matches!(add(Some(&private)).await, Response::Done));
    assert!(matches!(add(Some(&other)).await, Response::NotTrusted(NotTrusted::OtherKey(_))));
    assert!(matches!(add(None).await, Response::Rejected(Rejection::BroughtAnother)));
}
