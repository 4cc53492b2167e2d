//! Which object it is: by its entity tag, which a store makes anew for each content.

use object_store::ObjectMeta;
use twox_hash::XxHash3_128;
use weir_domain::Fingerprint;

/// What is known of an object, as the history keeps it. Stores tell the time of change in seconds, some
/// of them: so that what was replaced within one is another object in the history too, the tag has a part
/// in what is below a millisecond.
pub(super) fn fingerprint(meta: &ObjectMeta) -> Fingerprint {
    let tag = tag(meta).map_or(0, |it| XxHash3_128::oneshot(it.as_bytes()) as u64);
    let millis = meta.last_modified.timestamp_millis();
    let below = i64::try_from(tag % 1_000_000).expect("it is less than a million");
    Fingerprint {
        size: meta.size,
        modified_ns: millis.saturating_mul(1_000_000).saturating_add(below),
        device: 0,
        // Stored as a signed number. 0: not known.
        inode: tag >> 1,
    }
}

/// Whether two looks saw the same object. Lists and objects tell the time of change with other precision,
/// so that it is asked only where a tag is missing: some stores list none.
pub(super) fn is_same(a: &Fingerprint, b: &Fingerprint) -> bool {
    let seconds = |it: &Fingerprint| it.modified_ns.div_euclid(1_000_000_000);
    let is_same = match a.inode == 0 || b.inode == 0 {
        true => seconds(a) == seconds(b),
        false => a.inode == b.inode,
    };
    a.size == b.size && is_same
}

/// Some stores put it in quotes only in one of their answers.
fn tag(meta: &ObjectMeta) -> Option<&str> {
    meta.e_tag.as_deref().map(|it| it.trim_matches('"')).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::*;

    fn meta(seconds: i64, e_tag: &str) -> ObjectMeta {
        let last_modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds as u64);
        let location = Path::from("a");
        ObjectMeta {
            location,
            last_modified: last_modified.into(),
            size: 3,
            e_tag: Some(e_tag.to_owned()),
            version: None,
        }
    }

    #[test]
    fn an_object_is_another_one_by_its_tag_alone() {
        let (a, b) = (fingerprint(&meta(7, "\"x\"")), fingerprint(&meta(7, "y")));
        assert!(!is_same(&a, &b));
        assert_ne!(a.modified_ns, b.modified_ns, "the history compares size and time");
        assert_eq!(a.modified_ns / 1_000_000_000, 7);
        assert!(is_same(&a, &fingerprint(&meta(8, "x"))), "quotes and time say nothing");
        let untagged = |seconds| fingerprint(&meta(seconds, ""));
        assert!(is_same(&a, &untagged(7)) && !is_same(&a, &untagged(8)));
    }
}
