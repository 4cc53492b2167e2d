//! Packages on their way to a store that has some of their objects.

use std::collections::BTreeSet;

use super::*;

/// What is sent of a file: its head, which objects follow, and those.
fn partial(file: &[u8], wanted: &BTreeSet<weir_domain::Digest>) -> Vec<u8> {
    let reader = open(file);
    let manifest = reader.manifest();
    let mut at = usize::try_from(reader.head_bytes()).unwrap();
    let mut sent = file[..at].to_vec();
    sent.extend(Selection::of(manifest, wanted).as_bytes());
    for object in &manifest.objects {
        let end = at + usize::try_from(object.size).unwrap();
        if wanted.contains(&object.digest) {
            sent.extend(&file[at..end]);
        }
        at = end;
    }
    sent
}

fn open(file: &[u8]) -> Reader<&[u8]> {
    Reader::open(file, &Trust::Anyone, &Limits::default()).unwrap()
}

fn arrived(sent: &[u8]) -> Result<BTreeSet<weir_domain::Digest>> {
    let mut reader = Reader::open_partial(sent, &Trust::Anyone, &Limits::default())?;
    let mut arrived = BTreeSet::new();
    while let Some(object) = reader.next_object()? {
        arrived.insert(object.digest);
    }
    Ok(arrived)
}

#[test]
fn exactly_the_objects_that_are_wanted_arrive() {
    let file = file(&build(parts()));
    let all: Vec<_> = open(&file).manifest().objects.iter().map(|it| it.digest).collect();
    assert!(all.len() > 8, "more than a byte says");
    for wanted in [&all[..0], &all[..1], &all[1..], &all[8..], &all[..]] {
        let wanted: BTreeSet<_> = wanted.iter().copied().collect();
        assert_eq!(arrived(&partial(&file, &wanted)).unwrap(), wanted);
    }
}

#[test]
fn a_partial_package_that_is_cut_tampered_with_or_goes_on_is_refused() {
    let file = file(&build(parts()));
    let last = open(&file).manifest().objects.last().unwrap().digest;
    let sent = partial(&file, &[last].into());
    let cut = arrived(&sent[..sent.len() - 1]);
    assert!(matches!(cut, Err(Error::Truncated { .. })), "{cut:?}");
    let mut changed = sent.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(arrived(&changed), Err(Error::Tampered { .. })));
    let longer = [&sent[..], b"x"].concat();
    assert!(matches!(arrived(&longer), Err(Error::Trailing)));
    let mut beyond = sent;
    let head = usize::try_from(open(&file).head_bytes()).unwrap();
    let bits = open(&file).manifest().objects.len().div_ceil(8);
    beyond[head + bits - 1] |= 0x80;
    assert!(matches!(arrived(&beyond), Err(Error::Malformed { .. })));
}
