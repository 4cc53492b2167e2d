//! Key Storage: its decisions, and the service with its keys.

mod random;
mod service;

use std::time::Duration;

use weir_domain::Timestamp;
use weir_secrets::{MasterKey, PrivateKey, Secret};

use super::*;

fn author() -> Author {
    Author { user: "ada".parse().unwrap(), at: Timestamp(1_000) }
}

fn alias(text: &str) -> Alias {
    Alias::new(text).unwrap()
}

fn new_pair(named: &str) -> NewPair {
    let wrapped = MasterKey::generate().wrap(&PrivateKey::generate());
    NewPair { alias: alias(named), description: String::new(), wrapped }
}

fn key(pair: &NewPair) -> KeyFingerprint {
    pair.wrapped.public.fingerprint()
}

fn given(history: impl IntoIterator<Item = Event>) -> Keys {
    let mut state = Keys::default();
    history.into_iter().for_each(|it| state.apply(&it));
    state
}

fn created(pair: &NewPair) -> Event {
    Event::Created { pair: pair.clone(), author: author() }
}

fn then(state: &mut Keys, command: Command) -> Result<(), Rejection> {
    let events = state.decide(command)?;
    events.iter().for_each(|it| state.apply(it));
    Ok(())
}

#[test]
fn the_first_pair_is_current_and_an_alias_is_taken_once() {
    let (one, two) = (new_pair("my-key"), new_pair("my-key"));
    let mut state = given([created(&one)]);
    assert_eq!(state.current(), Some(key(&one)));
    let refused = then(&mut state, Command::Create { pair: two.clone(), author: author() });
    assert_eq!(refused, Err(Rejection::AliasTaken(alias("my-key"))));
    let again = NewPair { alias: alias("other"), ..one.clone() };
    let refused = then(&mut state, Command::Create { pair: again, author: author() });
    assert_eq!(refused, Err(Rejection::Known { key: key(&one), alias: alias("my-key") }));
}

#[test]
fn an_imported_pair_whose_alias_is_taken_gets_a_number() {
    let mut state = given([created(&new_pair("my-key"))]);
    for expected in ["my-key (2)", "my-key (3)"] {
        let import = Command::Import { pair: new_pair("my-key"), author: author() };
        then(&mut state, import).unwrap();
        assert!(state.pairs().any(|it| it.alias == alias(expected)), "{expected}");
    }
}

#[test]
fn a_rotation_makes_a_new_key_current_and_keeps_the_old_one() {
    let (old, new) = (new_pair("2026"), new_pair("2027"));
    let mut state = given([created(&old)]);
    let rotate = |expected| Command::Rotate { pair: new.clone(), expected, author: author() };
    let refused = then(&mut state, rotate(Some(key(&new))));
    assert_eq!(refused, Err(Rejection::CurrentChanged(Some(key(&old)))));
    then(&mut state, rotate(Some(key(&old)))).unwrap();
    assert_eq!(state.current(), Some(key(&new)));
    assert_eq!(state.pairs().count(), 2);
}

#[test]
fn two_who_change_one_key_at_once_are_told_apart_by_its_revision() {
    let pair = new_pair("a");
    let mut state = given([created(&pair)]);
    let describe = |to: &str, expected| Command::Describe {
        key: key(&pair),
        alias: alias(to),
        description: "for the warehouse".into(),
        expected: Some(expected),
        author: author(),
    };
    then(&mut state, describe("b", 1)).unwrap();
    let refused = then(&mut state, describe("c", 1));
    assert_eq!(refused, Err(Rejection::Changed { alias: alias("b"), expected: 1, actual: 2 }));
    assert_eq!(state.decide(describe("b", 2)), Ok(vec![]), "it is that already");
}

#[test]
fn the_current_key_is_not_deleted_and_another_one_is() {
    let (one, two) = (new_pair("one"), new_pair("two"));
    let mut state = given([created(&one), created(&two)]);
    let delete = |it: &NewPair| Command::Delete { key: key(it), expected: None, author: author() };
    assert_eq!(then(&mut state, delete(&one)), Err(Rejection::IsCurrent(alias("one"))));
    then(&mut state, delete(&two)).unwrap();
    assert_eq!(then(&mut state, delete(&two)), Err(Rejection::Unknown(key(&two))));
}

#[test]
fn a_key_that_an_identity_is_sealed_to_is_not_deleted() {
    let (one, two) = (new_pair("one"), new_pair("two"));
    let (pem, private) = certificate();
    let identity = Certificate::parse(alias("me"), &pem).unwrap();
    let identity = identity.with_key(&private, &two.wrapped.public).unwrap();
    let added = Event::CertificateAdded { certificate: identity, author: author() };
    let state = given([created(&one), created(&two), added]);
    let refused =
        state.decide(Command::Delete { key: key(&two), expected: None, author: author() });
    assert_eq!(refused, Err(Rejection::InUse { key: alias("two"), identity: alias("me") }));
}

#[test]
fn all_keys_are_put_under_another_master_key_or_none() {
    let (master, next) = (MasterKey::generate(), MasterKey::generate());
    let [one, two] = ["one", "two"].map(|it| {
        let wrapped = master.wrap(&PrivateKey::generate());
        NewPair { alias: alias(it), description: String::new(), wrapped }
    });
    let mut state = given([created(&one), created(&two)]);
    let all: Vec<_> = [&one, &two].map(|it| master.rewrap(&it.wrapped, &next).unwrap()).into();
    let rewrap =
        |wrapped: &[Wrapped]| Command::Rewrap { wrapped: wrapped.into(), author: author() };
    assert_eq!(then(&mut state, rewrap(&all[..1])), Err(Rejection::NotAll));
    then(&mut state, rewrap(&all)).unwrap();
    assert!(state.pairs().all(|it| it.master == next.fingerprint()));
    assert_eq!(state.decide(rewrap(&all)), Ok(vec![]));
}

#[test]
fn what_was_before_a_rotation_is_restated_and_owed_to_be_forgotten() {
    let master = MasterKey::generate();
    let wrapped = master.wrap(&PrivateKey::generate());
    let one = NewPair { alias: alias("one"), description: String::new(), wrapped };
    let mut state = given([created(&one)]);
    assert_eq!(state.outstanding(), []);
    let next = vec![master.rewrap(&one.wrapped, &MasterKey::generate()).unwrap()];
    let rewrap =
        |wrapped: &[Wrapped]| Command::Rewrap { wrapped: wrapped.into(), author: author() };
    let events = state.decide(rewrap(&next)).unwrap();
    let [Event::Rewrapped { .. }, restated @ Event::Restated { .. }] = &events[..] else {
        panic!("{events:?}")
    };
    events.iter().for_each(|it| state.apply(it));
    assert_eq!(given([restated.clone()]), state, "nothing before it is needed");
    assert_eq!(state.outstanding(), [Effect::Forget { restated: 1 }]);
    assert!(state.pairs().all(|it| it.is_forgetting));

    // What was stored since is not deleted yet when the end of that comes.
    let third = vec![master.rewrap(&one.wrapped, &MasterKey::generate()).unwrap()];
    then(&mut state, rewrap(&third)).unwrap();
    then(&mut state, Command::ConfirmForgotten { restated: 1 }).unwrap();
    assert_eq!(state.outstanding(), [Effect::Forget { restated: 2 }]);
    then(&mut state, Command::ConfirmForgotten { restated: 2 }).unwrap();
    assert_eq!(state.outstanding(), []);
    assert!(state.pairs().all(|it| !it.is_forgetting));
    assert_eq!(state.decide(Command::ConfirmForgotten { restated: 2 }), Ok(vec![]));

    // What was stored since, or by a version that did not do it, goes when it is asked for again.
    let mut rotated = given([created(&one)]);
    let again = rotated.decide(rewrap(std::slice::from_ref(&one.wrapped))).unwrap();
    assert!(matches!(&again[..], [Event::Restated { .. }]), "{again:?}");
    again.iter().for_each(|it| rotated.apply(it));
    assert_eq!(rotated.decide(rewrap(&[one.wrapped])), Ok(vec![]));
}

#[test]
fn certificates_that_expire_are_warned_of_the_most_urgent_first() {
    let at = |name: &str, end: i64| {
        let (pem, _) = certificate();
        let certificate = Certificate::parse(alias(name), &pem).unwrap();
        let certificate = Certificate { not_after: Timestamp(end), ..certificate };
        Event::CertificateAdded { certificate, author: author() }
    };
    let state = given([at("late", 9_000), at("soon", 5_000), at("past", 900)]);
    let expiring = state.expiring(Timestamp(1_000), Duration::from_secs(4));
    let found: Vec<_> = expiring.iter().map(|it| (it.alias.as_str(), it.is_expired)).collect();
    assert_eq!(found, [("past", true), ("soon", false)]);
}

#[test]
fn what_is_no_certificate_or_not_its_key_is_refused() {
    let (pem, _) = certificate();
    let parsed = Certificate::parse(alias("a"), &pem).unwrap();
    assert_eq!(parsed.subject, "CN=rcgen self signed cert");
    assert_eq!(parsed.not_after, Timestamp(67_090_118_400_000));
    let to = PrivateKey::generate().public();
    let (_, other) = certificate();
    let refused = parsed.clone().with_key(&other, &to).unwrap_err();
    assert_eq!(refused, NotTrusted::OtherKey(parsed.subject.clone()));
    let refused = parsed.with_key(&Secret::from("hunter2".to_owned()), &to).unwrap_err();
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
    for bad in ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(Certificate::parse(alias("a"), bad).is_err(), "{bad}");
    }
}

#[test]
fn a_private_key_beside_a_certificate_is_refused_and_what_is_no_block_is_dropped() {
    let (pem, private) = certificate();
    let combined = format!("{pem}{}", private.expose_text().unwrap());
    let refused = Certificate::parse(alias("a"), &combined).unwrap_err();
    assert_eq!(refused, NotTrusted::NoCertificate("PRIVATE KEY".to_owned()));
    let (other, _) = certificate();
    let chain = format!("subject: hunter2\n{pem}# hunter2\n{other}");
    let stored = Certificate::parse(alias("a"), &chain).unwrap().pem;
    assert!(!stored.contains("hunter2") && stored.matches("BEGIN CERTIFICATE").count() == 2);
}

#[test]
fn no_alias_can_be_taken_for_a_fingerprint() {
    let fingerprint = PrivateKey::generate().fingerprint().to_string();
    assert!(Alias::new(&fingerprint).is_err() && Alias::new(&fingerprint[..63]).is_ok());
}

#[test]
fn a_line_of_known_hosts_is_checked() {
    let ed = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    let good = HostLine::parse(&format!("github.com,140.82.121.4  ssh-ed25519 {ed} comment\n"));
    let expected = format!("github.com,140.82.121.4 ssh-ed25519 {ed}");
    assert_eq!(good.unwrap().as_str(), expected);
    assert!(HostLine::parse(&format!("@revoked * ssh-ed25519 {ed}")).is_ok());
    for bad in [
        String::new(),
        format!("a ssh-ed25519 {ed}\nb ssh-ed25519 {ed}"),
        format!("a ssh-rsa {ed}"),
        format!("ssh-ed25519 {ed}"),
        format!("@trusted a ssh-ed25519 {ed}"),
        "a ssh-ed25519 %".to_owned(),
    ] {
        assert!(matches!(HostLine::parse(&bad), Err(NotTrusted::NotAHost(_))), "{bad}");
    }
}

/// A certificate that its own key signed, and that key.
fn certificate() -> (String, Secret) {
    let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
    (made.cert.pem(), Secret::from(made.signing_key.serialize_pem()))
}

/// Written by the first version: they must be readable for ever, and the key be opened. A variant
/// that is added goes to the end of both.
#[test]
fn events_of_the_first_version_still_read() {
    let golden = include_str!("../../../../schemas/events/keys.event.v1.json");
    let events: Vec<Event> = serde_json::from_str(golden).expect("the golden events read");
    let variants: std::collections::BTreeSet<usize> = events.iter().map(variant).collect();
    assert!(variants.into_iter().eq(0..VARIANTS), "there is one of each");
    let mut state = Keys::default();
    events.iter().for_each(|event| state.apply(event));
    assert!(state.pairs().map(|it| it.alias).eq([alias("Another")]));
    let Event::Created { pair, .. } = &events[0] else { panic!("{:?}", events[0]) };
    let master = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    let master = MasterKey::parse(&Secret::from(master.to_owned()), None).unwrap();
    assert_eq!(master.unwrap(&pair.wrapped).unwrap().fingerprint(), key(pair));
    let written: serde_json::Value = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_value(&events).unwrap(), written);
}

const VARIANTS: usize = 12;

fn variant(event: &Event) -> usize {
    match event {
        Event::Created { .. } => 0,
        Event::Imported { .. } => 1,
        Event::Chosen { .. } => 2,
        Event::Described { .. } => 3,
        Event::Deleted { .. } => 4,
        Event::Rewrapped { .. } => 5,
        Event::CertificateAdded { .. } => 6,
        Event::CertificateDeleted { .. } => 7,
        Event::HostAdded { .. } => 8,
        Event::HostDeleted { .. } => 9,
        Event::Restated { .. } => 10,
        Event::Forgotten => 11,
    }
}
