//! Tables against models: whatever changes, is frozen, compacted and loaded, the rows are the same.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::manifest::PartKind;

fn epoch(number: usize) -> Epoch {
    Epoch::new(1, number as u32)
}

/// A table, its parts so far, and what is done to both.
struct Stored<T> {
    table: T,
    parts: Vec<Bytes>,
}

impl<T: Table> Stored<T> {
    fn new(table: T) -> Self {
        Self { table, parts: Vec::new() }
    }

    fn freeze(&mut self) {
        let frozen = self.table.freeze(epoch(self.parts.len() + 1));
        self.parts.extend(frozen.into_iter().flat_map(Frozen::encode));
    }

    /// Compacts the first parts, and checks that another compaction gives the same bytes.
    fn compact(&mut self, parts: usize) {
        let parts = parts.min(self.parts.len());
        if parts > 0 {
            let bases = compact(&self.parts[..parts]).unwrap();
            assert_eq!(compact(&bases).unwrap(), bases, "T2");
            self.parts.splice(..parts, bases);
        }
    }

    fn load(&self, mut fresh: T) -> T {
        self.parts.iter().for_each(|it| fresh.load(it).unwrap());
        assert!(fresh.freeze(epoch(99)).is_none(), "what was loaded is no change");
        assert_eq!(fresh.bytes(), self.table.bytes(), "bytes are accounted alike");
        fresh
    }
}

type Key = (u8, String);

fn key(number: u8) -> Key {
    (number % 7, format!("key {}", number % 7))
}

fn sorted<K: Ord, V>(items: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    items.into_iter().collect()
}

/// What happens to a table: an action of its own, by two numbers, or one that all have.
#[derive(Debug, Clone)]
enum Step {
    Change(u8, u8, i64),
    Freeze,
    Compact(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (any::<u8>(), any::<u8>(), -5..5_i64).prop_map(|it| Step::Change(it.0, it.1, it.2)),
        2 => Just(Step::Freeze),
        1 => (1..4_usize).prop_map(Step::Compact),
    ];
    prop::collection::vec(step, 0..60)
}

fn run<T: Table>(
    stored: &mut Stored<T>,
    steps: &[Step],
    mut change: impl FnMut(&mut T, u8, u8, i64),
) {
    for step in steps {
        match step {
            Step::Change(what, number, value) => change(&mut stored.table, *what, *number, *value),
            Step::Freeze => stored.freeze(),
            Step::Compact(parts) => stored.compact(*parts),
        }
    }
    stored.freeze();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_value_is_what_was_set_last(steps in steps()) {
        let mut model = None;
        let mut stored = Stored::new(ValueTable::<String>::new(1));
        run(&mut stored, &steps, |table, what, _, value| match what % 3 {
            0 => { table.clear(); model = None; }
            _ => { table.set(value.to_string()); model = Some(value.to_string()); }
        });
        let loaded = stored.load(ValueTable::new(1));
        prop_assert_eq!(loaded.get(), model.as_ref(), "T1");
    }

    #[test]
    fn a_map_holds_what_was_put_last_by_key(steps in steps()) {
        let mut model = HashMap::new();
        let mut stored = Stored::new(MapTable::<Key, i64>::new(1));
        run(&mut stored, &steps, |table, what, number, value| {
            let key = key(number);
            match what % 4 {
                0 => assert_eq!(table.remove(&key), model.remove(&key)),
                1 => {
                    table.update(&key, || 0, |it| *it += value);
                    *model.entry(key).or_insert(0) += value;
                }
                _ => { table.put(key.clone(), value); model.insert(key, value); }
            }
        });
        let loaded = stored.load(MapTable::new(1));
        prop_assert_eq!(sorted(loaded.iter().map(|(k, v)| (k.clone(), *v))), sorted(model), "T1");
    }

    #[test]
    fn panes_hold_what_was_put_last_until_they_are_closed(steps in steps()) {
        let mut model = BTreeMap::<i64, BTreeMap<Key, i64>>::new();
        let mut stored = Stored::new(PaneTable::<Key, i64>::new(1));
        run(&mut stored, &steps, |table, what, number, value| match what % 4 {
            0 => { table.close(value); model.remove(&value); }
            _ => {
                table.update(value, &key(number), || 0, |it| *it += 1);
                *model.entry(value).or_default().entry(key(number)).or_insert(0) += 1;
            }
        });
        let loaded = stored.load(PaneTable::new(1));
        let rows = |pane| sorted(loaded.pane(pane).map(|(k, v)| (k.clone(), *v)));
        let found = loaded.panes().map(|pane| (pane, rows(pane)));
        prop_assert_eq!(sorted(found), model, "T1");
    }

    #[test]
    fn appended_rows_stay_in_order_until_they_expire(steps in steps()) {
        let mut model = BTreeMap::<i64, Vec<u8>>::new();
        let mut stored = Stored::new(AppendTable::<u8>::new(1));
        run(&mut stored, &steps, |table, what, number, value| match what % 5 {
            0 => { table.expire_before(value); model.retain(|it, _| *it >= value); }
            _ => { table.append(value, number); model.entry(value).or_default().push(number); }
        });
        let loaded = stored.load(AppendTable::new(1));
        let found = loaded.since(i64::MIN).map(|(bucket, rows)| (bucket, rows.to_vec()));
        prop_assert_eq!(sorted(found), model, "T1");
    }

    #[test]
    fn rows_by_key_stay_in_order_until_they_are_removed(steps in steps()) {
        let mut model = BTreeMap::<Key, Vec<i64>>::new();
        let mut stored = Stored::new(MultiMapTable::<Key, i64>::new(1));
        run(&mut stored, &steps, |table, what, number, value| {
            let key = key(number);
            match what % 5 {
                0 => { table.remove(&key); model.remove(&key); }
                1 => {
                    table.retain(&key, |it| *it > value);
                    if let Some(rows) = model.get_mut(&key) {
                        rows.retain(|it| *it > value);
                    }
                }
                _ => {
                    table.append(key.clone(), value);
                    model.entry(key).or_default().push(value);
                }
            }
        });
        model.retain(|_, rows| !rows.is_empty());
        let loaded = stored.load(MultiMapTable::new(1));
        let found = loaded.iter().map(|(key, rows)| (key.clone(), rows.to_vec()));
        prop_assert_eq!(sorted(found), model, "T1");
    }

    #[test]
    fn no_bytes_make_a_table_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        at in 0usize..60,
    ) {
        let mut table = MapTable::<Key, i64>::new(1);
        table.put(key(1), 1);
        let good = table.freeze(epoch(1)).unwrap().encode().remove(0);
        prop_assert!(Part::open(&bytes).is_err());
        // A part whose checksum is right, and whose content is not.
        let mut forged = good[..at.min(good.len() - 4)].to_vec();
        forged.append(&mut bytes);
        let checksum = crc32fast::hash(&forged);
        forged.extend_from_slice(&checksum.to_le_bytes());
        let _ = MapTable::<Key, i64>::new(1).load(&forged);
        let _ = compact(&[forged.into()]);
    }

    #[test]
    fn operations_that_are_no_operations_do_not_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let spec = TableSpec { kind: TableKind::MultiMap, version: 1 };
        let part = part::seal(spec, PartKind::Delta, epoch(1), (&bytes, 1));
        let _ = MultiMapTable::<Key, i64>::new(1).load(&part);
        let _ = compact(&[part]);
    }
}

#[test]
fn equal_changes_give_equal_bytes_in_any_order() {
    let part = |keys: &mut dyn Iterator<Item = u8>| {
        let mut table = MapTable::<Key, i64>::new(1);
        keys.for_each(|it| table.put(key(it), i64::from(it)));
        table.remove(&key(3));
        table.freeze(epoch(1)).unwrap().encode()
    };
    assert_eq!(part(&mut (0..7)), part(&mut (0..7).rev()), "T3");
}

#[test]
fn a_delta_holds_only_what_changed() {
    let mut table = MapTable::<u32, u64>::new(1);
    (0..10_000).for_each(|it| table.put(it, u64::from(it) * 1_000_003));
    let first = table.freeze(epoch(1)).unwrap().encode();
    table.put(5, 6);
    let second = table.freeze(epoch(2)).unwrap().encode();
    assert_eq!(second.iter().map(|it| Part::open(it).unwrap().len()).sum::<u64>(), 1);
    let bytes = |it: &[Bytes]| it.iter().map(Bytes::len).sum::<usize>();
    assert!(bytes(&second) < 200 && bytes(&first) > 10_000);
    assert!(table.freeze(epoch(3)).is_none());
}

#[test]
fn what_is_too_large_for_one_part_becomes_several() {
    let mut table = MultiMapTable::<Key, String>::new(1);
    (0..200).for_each(|it| table.append(key(it), format!("a value of some length {it}")));
    let deltas = table.freeze(epoch(1)).unwrap().encode();
    let bases = compact(&deltas).unwrap();
    assert!(deltas.len() > 3 && bases.len() > 3, "{} {}", deltas.len(), bases.len());
    let kinds = bases.iter().map(|it| Part::open(it).unwrap().kind());
    assert!(kinds.into_iter().all(|it| it == PartKind::Base));
    assert_eq!(entries(&bases), entries(&deltas));
}

#[test]
fn bytes_follow_the_rows() {
    let mut table = MapTable::<u32, String>::new(1);
    assert_eq!(table.bytes(), 0);
    table.put(1, "x".repeat(1_000));
    let one = table.bytes();
    assert!((1_000..1_100).contains(&one), "{one}");
    table.put(1, String::new());
    assert!(table.bytes() < 100);
    table.remove(&1);
    assert_eq!(table.bytes(), 0);
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let mut table = MapTable::<u32, u64>::new(3);
    table.put(1, 2);
    let part = table.freeze(epoch(7)).unwrap().encode().remove(0);
    let check = |part: &[u8], expected: &str| {
        let refused = MapTable::<u32, u64>::new(3).load(part).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    };
    check(b"", "does not begin as a part");
    check(&part[..part.len() - 1], "checksum");
    let mut newer = part.to_vec();
    newer[8] = 9;
    check(&newer, "version 9 of the format");
    let mut damaged = part.to_vec();
    damaged[20] ^= 1;
    check(&damaged, "checksum");
    let refused = MapTable::<u32, u64>::new(4).load(&part).unwrap_err().to_string();
    let expected = "of a table that is map in version 3, and the stage's is map in version 4";
    assert!(refused.contains(expected), "{refused}");
    let refused = ValueTable::<u64>::new(3).load(&part).unwrap_err().to_string();
    assert!(refused.contains("value in version 3"), "{refused}");
    let refused = MapTable::<u32, String>::new(3).load(&part).unwrap_err().to_string();
    assert!(refused.contains("a row can't be read"), "{refused}");
    assert!(compact(&[]).is_err());
}

#[test]
fn a_chain_is_compacted_when_it_is_long_or_out_of_date() {
    let spec = TableSpec { kind: TableKind::Map, version: 1 };
    let key = |name: &str| weir_persistence_api::BlobKey::new(name).unwrap();
    let policy = CompactionPolicy::default();
    let mut chain = Chain::new(spec);
    for at in 0..7 {
        chain.push(key(&format!("d{at}")), &Bytes::from_static(b"1234567890"));
    }
    assert!(!chain.is_worth_compacting(&policy));
    chain.push(key("d7"), &Bytes::from_static(b"1234567890"));
    assert!(chain.is_worth_compacting(&policy));
    let of = chain.parts().to_vec();
    chain.push(key("late"), &Bytes::from_static(b"1"));
    let bases = || ["base", "more"].map(|it| (key(it), Bytes::from(vec![0; 30]))).to_vec();
    assert!(chain.compacted(&of, bases()));
    assert!(!chain.compacted(&of, bases()), "it is not what it was any more");
    let kinds: Vec<_> = chain.parts().iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [PartKind::Base, PartKind::Base, PartKind::Delta]);
    (0..3).for_each(|it| chain.push(key(&format!("e{it}")), &Bytes::from_static(b"1234567890")));
    assert!(chain.is_worth_compacting(&policy), "31 bytes of deltas behind bases of 60");
    assert_eq!(Chain::restored(&chain.manifest()), chain);
}
