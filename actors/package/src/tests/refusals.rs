//! What can't be in a package is refused when it is built, and when a signed file claims it.

use weir_domain::{Bytes, Digest};

use super::*;

fn refused(change: impl FnOnce(&mut Parts)) -> Error {
    let mut parts = parts();
    change(&mut parts);
    Package::build(parts, details(), &Limits::default()).unwrap_err()
}

/// A file whose manifest was changed before it was signed.
fn forged(change: impl FnOnce(&mut Manifest)) -> Error {
    let package = build(parts());
    let mut manifest = package.manifest();
    change(&mut manifest);
    manifest.digest = manifest.content.digest();
    let mut file = Vec::new();
    let objects = package.contents.objects.values().map(|it| Ok(it.clone()));
    write::write(&mut file, &manifest, &signer(), objects).unwrap();
    read(&file).unwrap_err()
}

#[test]
fn names_that_are_there_twice_are_named() {
    for (change, name) in [
        ((|it| it.workflows.push(it.workflows[0].clone())) as fn(&mut Parts), "workflow flights"),
        (|it| it.assets.push(it.assets[2].clone()), "asset Source files"),
        (|it| it.scripts.push(it.scripts[0].clone()), "script scripts/price.js"),
        (|it| it.environments.push(it.environments[0].clone()), "environment base"),
        (|it| it.secrets.push(it.secrets[0].clone()), "secret password"),
    ] {
        let refused = refused(change);
        assert!(matches!(&refused, Error::Duplicate(it) if it.to_string() == name), "{refused}");
    }
    let forged = forged(|it| it.content.scripts.push(it.content.scripts[0].clone()));
    assert!(matches!(forged, Error::Duplicate(_)), "{forged}");
}

#[test]
fn a_path_that_leads_out_of_the_project_is_refused() {
    let unsafe_path = |it: &Error| matches!(it, Error::UnsafePath { .. });
    let path = "../../etc/cron.d/x";
    let change = |it: &mut Parts| {
        it.scripts[0].path = path.into();
        it.workflows.iter_mut().for_each(|it| it.scripts = vec![path.into()]);
    };
    let built = refused(change);
    assert!(unsafe_path(&built), "{built}");
    let forged = forged(|it| it.content.scripts[0].path = path.into());
    assert!(unsafe_path(&forged), "{forged}");
}

#[test]
fn a_reference_to_nothing_names_both_ends() {
    let text = refused(|it| it.secrets.clear()).to_string();
    assert_eq!(
        text,
        "workflow airports refers to secret password, which the package does not hold"
    );
    assert!(matches!(refused(|it| it.assets.clear()), Error::Dangling { .. }));
    assert!(matches!(refused(|it| it.scripts.clear()), Error::Dangling { .. }));
    assert!(matches!(refused(|it| it.workflows.clear()), Error::Empty));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let file = file(&build(parts()));
    let read = |limits| Package::read(&file[..], &Trust::Anyone, &limits).unwrap_err();
    let usual = Limits::default();
    let text = read(Limits { object_bytes_max: Bytes(20), ..usual }).to_string();
    assert!(text.contains("may have at most 20B"), "{text}");
    for limits in [
        Limits { manifest_bytes_max: Bytes(100), ..usual },
        Limits { package_bytes_max: Bytes(100), ..usual },
    ] {
        assert!(matches!(read(limits), Error::TooLarge { .. }));
    }
    assert!(matches!(read(Limits { objects_max: 2, ..usual }), Error::TooManyObjects { .. }));
}

#[test]
fn a_newer_format_says_what_can_be_read() {
    let mut file = file(&build(parts()));
    file[13] = b'2';
    let refused = read(&file).unwrap_err();
    assert_eq!(refused.code().to_string(), "WEIR-02402");
    assert_eq!(
        refused.to_string(),
        "the package has format 2, and this version of weir reads up to 1"
    );
    assert!(matches!(read(b"PK\x03\x04 a zip archive"), Err(Error::NotAPackage { .. })));
    assert!(matches!(read(b"WEIR-PACKAGE x\n"), Err(Error::Malformed { .. })));
    assert!(matches!(read(b"WEIR-PACKAGE 99999999999999\n"), Err(Error::Malformed { .. })));
}

#[test]
fn a_signed_manifest_that_does_not_fit_its_objects_is_refused() {
    let other = Digest::of(b"other");
    let extra = ObjectEntry { digest: Digest::from_bytes([255; 32]), size: 1 };
    let refused: [Error; 5] = [
        forged(|it| it.objects.remove(0).size = 0),
        forged(|it| it.objects.push(extra)),
        forged(|it| it.objects.swap(0, 1)),
        forged(|it| it.content.workflows[0].plan = other),
        forged(|it| it.content.workflows.swap(0, 1)),
    ];
    let codes = refused.map(|it| it.code().0);
    assert_eq!(codes, [2408, 2408, 2405, 2409, 2405]);
}

#[test]
fn a_signed_object_of_the_wrong_form_is_refused() {
    // The script stands where a plan should.
    let package = build(parts());
    let mut content = package.contents.content.clone();
    content.workflows[0].plan = content.scripts[0].object;
    content.workflows[0].digest = content.workflow_digest(&content.workflows[0]).unwrap();
    let wanted = content.objects();
    let mut objects = package.contents.objects.clone();
    objects.retain(|digest, _| wanted.contains_key(digest));
    let forged = Package { contents: Contents { content, objects }, ..package };
    let refused = read(&file(&forged)).unwrap_err().to_string();
    assert!(refused.starts_with("workflow airports is malformed: "), "{refused}");
}
