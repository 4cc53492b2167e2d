//! Whatever is asked in whatever order, the invariants hold: `apply` asserts Y2 and Y3.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// Four pairs that share two aliases.
static PAIRS: LazyLock<Vec<NewPair>> =
    LazyLock::new(|| ["a", "a", "b", "a (2)"].map(new_pair).into());

fn any_command() -> impl Strategy<Value = Command> {
    let any_pair = || (0..PAIRS.len()).prop_map(|n| PAIRS[n].clone());
    let any_key = || any_pair().prop_map(|it| key(&it));
    let expected = || prop::option::weighted(0.3, 1_u64..3);
    prop_oneof![
        any_pair().prop_map(|pair| Command::Create { pair, author: author() }),
        any_pair().prop_map(|pair| Command::Import { pair, author: author() }),
        (any_pair(), prop::option::of(any_key())).prop_map(|(pair, expected)| Command::Rotate {
            pair,
            expected,
            author: author(),
        }),
        any_key().prop_map(|key| Command::Choose { key, expected: None, author: author() }),
        (any_key(), any_pair(), expected()).prop_map(|(key, pair, expected)| Command::Describe {
            key,
            alias: pair.alias,
            description: String::new(),
            expected,
            author: author(),
        }),
        (any_key(), expected()).prop_map(|(key, expected)| Command::Delete {
            key,
            expected,
            author: author(),
        }),
    ]
}

proptest! {
    #[test]
    fn aliases_stay_unique_and_the_current_key_stored(
        commands in prop::collection::vec(any_command(), 0..40),
    ) {
        let mut state = Keys::default();
        for command in commands {
            let _ = then(&mut state, command);
        }
        let mut aliases: Vec<_> = state.pairs().map(|it| it.alias).collect();
        let count = aliases.len();
        aliases.sort();
        aliases.dedup();
        prop_assert_eq!(aliases.len(), count, "Y2");
        let current = state.pairs().filter(|it| it.is_current).count();
        prop_assert_eq!(current, usize::from(count > 0), "Y3");
        // As snapshots are written.
        let stored = rmp_serde::to_vec_named(&state).unwrap();
        let read: Keys = rmp_serde::from_slice(&stored).unwrap();
        prop_assert_eq!(rmp_serde::to_vec_named(&read).unwrap(), stored);
    }
}
