//! The audit: its chain, its masks, and the service on a store.

mod service;

use serde_json::{Value, json};
use sha2::Digest as _;
use uuid::Uuid;
use weir_domain::{
    AuditAction, AuditEntry, AuditHead, AuditOutcome, CommandId, Timestamp, UserClaim,
};

use super::chain::{next, sealed};
use super::*;

fn action(n: u128) -> AuditAction {
    AuditAction {
        at: Timestamp(1_000),
        user: Some("ada".parse().unwrap()),
        claim: Some(UserClaim::KeyWrite),
        action: "key create".into(),
        object: format!("key/{n}"),
        before: None,
        after: Some(json!({ "alias": "a", "n": 1 })),
        outcome: AuditOutcome::Done,
        from: "127.0.0.1".into(),
        request: CommandId(Uuid::from_u128(n)),
    }
}

fn chain(length: u128) -> Vec<AuditEntry> {
    let mut head = AuditHead::EMPTY;
    let link = |n| {
        let entry = next(head, action(n));
        head = AuditHead { sequence: entry.sequence, hash: entry.hash };
        entry
    };
    (1..=length).map(link).collect()
}

/// As it is exported and read.
fn verify<'a>(entries: impl IntoIterator<Item = &'a AuditEntry>) -> Result<AuditHead, Broken> {
    let mut verifier = Verifier::default();
    entries.into_iter().try_for_each(|it| verifier.push_line(&line(it)).map(drop))?;
    verifier.finish()
}

#[test]
fn a_chain_is_good_to_its_end() {
    let entries = chain(5);
    let last = entries.last().unwrap();
    let head = AuditHead { sequence: 5, hash: last.hash };
    assert_eq!(verify(&entries), Ok(head));
    assert_eq!(verify(&[]), Ok(AuditHead::EMPTY));
}

#[test]
fn an_entry_is_read_as_it_was_hashed_whatever_stood_there() {
    for nothing in [None, Some(Value::Null), Some(json!({ "a": null })), Some(json!(1e300))] {
        let action = AuditAction { before: nothing.clone(), after: nothing, ..action(1) };
        let entry = next(AuditHead::EMPTY, action);
        let head = AuditHead { sequence: 1, hash: entry.hash };
        assert_eq!(verify([&entry]), Ok(head), "{}", line(&entry));
    }
}

#[test]
fn whatever_is_changed_in_an_entry_names_it() {
    let changes: [fn(&mut AuditEntry); 9] = [
        |it| it.action.user = None,
        |it| it.action.at = Timestamp(1_001),
        |it| it.action.claim = None,
        |it| it.action.action.push('x'),
        |it| it.action.object.push('x'),
        |it| it.action.after = Some(json!({ "alias": "b", "n": 1 })),
        |it| it.action.outcome = AuditOutcome::Refused("no".into()),
        |it| it.action.from.clear(),
        |it| it.action.request = CommandId(Uuid::from_u128(99)),
    ];
    for change in changes {
        let mut entries = chain(5);
        change(&mut entries[2]);
        assert_eq!(verify(&entries), Err(Broken::Changed(3)));
    }
}

#[test]
fn no_bit_of_a_line_can_be_flipped_unnoticed() {
    let text = line(&chain(1)[0]).into_bytes();
    for at in 0..text.len() {
        let mut flipped = text.clone();
        flipped[at] ^= 1;
        let flipped = String::from_utf8(flipped).unwrap();
        let refused = Verifier::default().push_line(&flipped);
        assert!(refused.is_err(), "{flipped}");
    }
}

#[test]
fn an_entry_of_a_newer_form_is_not_called_changed() {
    let mut entries = chain(2);
    entries[1].form = 2;
    assert_eq!(verify(&entries), Err(Broken::Newer(2)));
    entries[1].form = 0;
    assert_eq!(verify(&entries), Err(Broken::Changed(2)));
}

/// As `docs/audit.md` says: `jq -cj 'del(.hash)' | sha256sum`.
#[test]
fn a_hash_can_be_checked_without_weir() {
    let entry = chain(1).remove(0);
    let mut value: Value = serde_json::from_str(&line(&entry)).unwrap();
    value.as_object_mut().unwrap().shift_remove("hash");
    let digest: [u8; 32] = sha2::Sha256::digest(value.to_string()).into();
    assert_eq!(entry.hash.to_string(), weir_domain::KeyFingerprint(digest).to_string());
}

#[test]
fn what_is_missing_swapped_or_made_anew_is_named() {
    let mut entries = chain(5);
    entries.remove(2);
    assert_eq!(verify(&entries), Err(Broken::Missing { expected: 3, found: 4 }));

    let mut entries = chain(5);
    entries.swap(2, 3);
    assert_eq!(verify(&entries), Err(Broken::Missing { expected: 3, found: 4 }));

    // Somebody who changes an entry and hashes it again has to change all that follow.
    let mut entries = chain(5);
    let before = AuditHead { sequence: 2, hash: entries[1].hash };
    entries[2] = next(before, action(77));
    assert_eq!(verify(&entries), Err(Broken::Unchained(4)));

    let mut entries = chain(5);
    entries[0].previous = entries[1].hash;
    assert_eq!(verify(&entries), Err(Broken::Unchained(1)));
}

#[test]
fn a_prefix_is_gone_only_with_a_seal_that_names_its_end() {
    let mut entries = chain(5);
    let head = |it: &AuditEntry| AuditHead { sequence: it.sequence, hash: it.hash };
    assert_eq!(verify(&entries[3..]), Err(Broken::Unsealed(3)));
    let seal =
        |of: AuditHead| AuditAction { action: SEAL.into(), after: Some(sealed(of)), ..action(6) };
    let wrong = next(head(&entries[4]), seal(head(&entries[1])));
    assert_eq!(verify(entries[3..].iter().chain([&wrong])), Err(Broken::Unsealed(3)));
    entries.push(next(head(&entries[4]), seal(head(&entries[2]))));
    assert_eq!(verify(&entries[3..]), Ok(head(&entries[5])));
    assert_eq!(verify(&entries), Ok(head(&entries[5])), "it is good with the prefix, too");
    assert_eq!(verify(&entries[2..]), Ok(head(&entries[5])), "and with a part of it");
    assert_eq!(verify(&entries[4..]), Err(Broken::Unsealed(4)), "not with less than is left");
}

#[test]
fn a_line_that_is_none_is_named() {
    let mut verifier = Verifier::default();
    verifier.push(&chain(1)[0]).unwrap();
    let refused = verifier.push_line("{");
    assert!(matches!(refused, Err(Broken::Unreadable { line: 2, .. })), "{refused:?}");
}

#[test]
fn an_entry_travels_between_engines() {
    let entry = chain(1).remove(0);
    let bytes = rmp_serde::to_vec_named(&Response::Read(vec![entry.clone()])).unwrap();
    let Response::Read(read) = rmp_serde::from_slice(&bytes).unwrap() else { panic!() };
    assert_eq!(read, [entry]);
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    let sealed = "weir-secret:1:aa:bb";
    let value = json!({
        "name": "warehouse",
        "password": "hunter2",
        "dbPassword": ["hunter2", null],
        "api-key": 17,
        "clientSecrets": { "a": "hunter2", "sealed": sealed },
        "note": "AGE-SECRET-KEY-1HUNTER2",
        "lines": ["Authorization: Bearer hunter2", "weir_hunter2"],
        "tokens": 3,
        "ratio": 0.1,
        "count": 5,
    });
    let expected = json!({
        "name": "warehouse",
        "password": "***",
        "dbPassword": ["***", null],
        "api-key": "***",
        "clientSecrets": { "a": "***", "sealed": sealed },
        "note": "***",
        "lines": ["***", "***"],
        "tokens": "***",
        "ratio": "0.1",
        "count": 5,
    });
    assert_eq!(masked(value), expected);
    assert_eq!(masked(Value::Null), Value::Null);
}

/// Written by the first version: it must be readable for ever, and its hash stay the same.
#[test]
fn an_entry_of_the_first_version_still_reads_and_is_good() {
    let golden = include_str!("../../../../schemas/events/audit.entry.v1.json");
    let entry: AuditEntry = serde_json::from_str(golden).expect("the golden entry reads");
    assert_eq!(entry.action, action(1));
    assert_eq!(verify([&entry]), Ok(AuditHead { sequence: 1, hash: entry.hash }));
}
