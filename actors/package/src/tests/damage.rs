//! Files that were damaged or tampered with are refused, and never panic.

use std::sync::LazyLock;

use proptest::prelude::*;
use weir_domain::Digest;

use super::*;

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| file(&build(parts())));

/// Where the object of an item begins in the file.
fn place(wanted: &Item) -> usize {
    let package = build(parts());
    let (content, objects) = (&package.contents.content, &package.contents.objects);
    let object = content.items().find(|it| it.0 == *wanted).unwrap().1;
    let behind: usize = objects.range(object..).map(|it| it.1.len()).sum();
    FILE.len() - behind
}

#[test]
fn the_object_that_was_tampered_with_is_named() {
    for (item, name) in [
        (Item::Workflow(WorkflowName::new("flights").unwrap()), "workflow flights"),
        (Item::Asset(asset_id("Source", "files")), "asset Source files"),
        (Item::Script("scripts/price.js".into()), "script scripts/price.js"),
        (Item::Secret(asset_name("password")), "secret password"),
        (Item::Environment(asset_name("production")), "environment production"),
        (Item::Scheduler, "the scheduler settings"),
    ] {
        let mut file = FILE.clone();
        file[place(&item)] ^= 1;
        let Err(Error::Tampered { what, .. }) = read(&file) else { panic!("{name} was accepted") };
        assert_eq!(what, name);
    }
}

#[test]
fn a_manifest_that_was_changed_is_refused_as_such() {
    let mut file = FILE.clone();
    let at = file.windows(5).position(|it| it == b"\"ada\"").unwrap();
    file[at + 1] = b'e';
    let refused = read(&file).unwrap_err();
    assert!(matches!(refused, Error::BadSignature { .. }), "{refused}");
    assert!(refused.to_string().contains(&signer().key().to_string()));
}

#[test]
fn objects_that_changed_places_are_refused() {
    let package = build(parts());
    let mut objects: Vec<_> = package.contents.objects.values().cloned().collect();
    objects.swap(0, 1);
    let mut file = Vec::new();
    let objects = objects.into_iter().map(Ok);
    write::write(&mut file, &package.manifest(), &signer(), objects).unwrap();
    assert!(matches!(read(&file), Err(Error::Tampered { .. } | Error::Truncated { .. })));
}

#[test]
fn another_servers_key_is_refused_unless_anyone_is_trusted() {
    let mut file = Vec::new();
    build(parts()).write(&mut file, &Signer::from_seed(&[8; 32])).unwrap();
    let refused = read(&file).unwrap_err();
    assert!(matches!(refused, Error::UnknownSigner { .. }), "{refused}");
    assert!(Package::read(&file[..], &Trust::Anyone, &Limits::default()).is_ok());
}

#[test]
fn a_file_that_ends_early_says_where_and_one_that_goes_on_is_refused() {
    let cases = [
        (5, "no package"),
        (14, "its first line"),
        (17, "the length of the manifest"),
        (200, "the manifest"),
        (FILE.len() - 1, "bytes are missing"),
    ];
    for (length, expected) in cases {
        let refused = read(&FILE[..length]).unwrap_err().to_string();
        assert!(refused.contains(expected), "{length}: {refused}");
    }
    let longer = [&FILE[..], b"\n"].concat();
    assert!(matches!(read(&longer), Err(Error::Trailing)));
}

/// A file may claim to hold what it does not: memory follows what is there.
#[test]
fn a_claimed_size_alone_takes_no_memory() {
    let mut manifest = build(parts()).manifest();
    manifest.objects[0].size = 60 << 20;
    let mut file = Vec::new();
    write::write(&mut file, &manifest, &signer(), std::iter::empty()).unwrap();
    let refused = read(&file).unwrap_err();
    assert!(matches!(refused, Error::Truncated { missing, .. } if missing == 60 << 20));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_changed_bit_anywhere_is_refused(at in 0..FILE.len(), bit in 0..8_u8) {
        let mut file = FILE.clone();
        file[at] ^= 1 << bit;
        prop_assert!(read(&file).is_err(), "bit {} of byte {}", bit, at);
        // Even where every key is trusted.
        prop_assert!(Package::read(&file[..], &Trust::Anyone, &Limits::default()).is_err());
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_refused(length in 0..FILE.len()) {
        prop_assert!(read(&FILE[..length]).is_err());
    }

    #[test]
    fn any_bytes_behind_the_first_line_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes).is_err());
        prop_assert!(read(&[b"WEIR-PACKAGE 1\n\0\0\0", &bytes[..]].concat()).is_err());
        prop_assert!(Content::from_object(Digest::of(&bytes), &bytes).is_err());
    }
}
