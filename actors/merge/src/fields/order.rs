//! In which order the names of three lists come together.
//!
//! Invariant: the same, whichever side is called ours, as long as no side moved what was there.

use std::collections::{HashMap, HashSet};

/// Where each name of a list is.
type Places<'n> = HashMap<&'n str, usize>;

/// Names of `base` in its order; behind each what the sides added there, the part that begins with
/// the smaller name first. Names that a side took out are among them.
pub(super) fn merged(base: &[String], ours: &[String], theirs: &[String]) -> Vec<String> {
    let (mut order, mut known) = (Vec::new(), HashSet::new());
    let mut add = |name: &String| {
        if known.insert(name.clone()) {
            order.push(name.clone());
        }
    };
    let bases = places(base);
    let (ours, theirs) = (Side::of(ours), Side::of(theirs));
    let heads = std::iter::once(None).chain(base.iter().map(Some));
    for head in heads {
        head.into_iter().for_each(&mut add);
        both(ours.run(&bases, head), theirs.run(&bases, head), &mut add);
    }
    order
}

fn places(names: &[String]) -> Places<'_> {
    let mut places = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        places.entry(name.as_str()).or_insert(at);
    }
    places
}

struct Side<'s> {
    names: &'s [String],
    places: Places<'s>,
}

impl<'s> Side<'s> {
    fn of(names: &'s [String]) -> Self {
        Self { names, places: places(names) }
    }

    /// What the side added behind a name of the base, or before all of them.
    fn run(&self, base: &Places<'_>, head: Option<&String>) -> &'s [String] {
        let start = match head {
            None => Some(0),
            Some(head) => self.places.get(head.as_str()).map(|it| it + 1),
        };
        let Some(start) = start else { return &[] };
        let is_added = |it: &&String| !base.contains_key(it.as_str());
        let added = self.names[start..].iter().take_while(is_added).count();
        &self.names[start..start + added]
    }
}

/// Two runs, each in its order; names that both have hold them together.
fn both(one: &[String], other: &[String], add: &mut impl FnMut(&String)) {
    let others = places(other);
    let (mut here, mut there) = (0, 0);
    loop {
        let shared = one[here..].iter().enumerate().find_map(|(at, name)| {
            let place = others.get(name.as_str()).copied().filter(|it| *it >= there)?;
            Some((here + at, place))
        });
        let (to, until) = shared.unwrap_or((one.len(), other.len()));
        let mut parts = [&one[here..to], &other[there..until]];
        parts.sort_unstable();
        parts.iter().flat_map(|it| it.iter()).for_each(&mut *add);
        let Some((at, place)) = shared else { return };
        add(&one[at]);
        (here, there) = (at + 1, place + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn together(base: &str, ours: &str, theirs: &str) -> String {
        let names = |it: &str| it.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let there = merged(&names(base), &names(theirs), &names(ours)).join(" ");
        let here = merged(&names(base), &names(ours), &names(theirs)).join(" ");
        assert_eq!(here, there);
        here
    }

    #[test]
    fn names_come_together_where_they_were_added() {
        assert_eq!(together("a b", "a b", "a b"), "a b");
        assert_eq!(together("a b", "x a b", "a y b z"), "x a y b z");
        assert_eq!(together("a b", "a p b", "a c b"), "a c p b");
        assert_eq!(together("a b", "a p s q b", "a c s d b"), "a c p s d q b");
        assert_eq!(together("a b c", "a c x", "b c"), "a b c x");
        assert_eq!(together("", "b s t", "s a t"), "b s a t");
    }
}
