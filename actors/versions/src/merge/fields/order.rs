//! In which order the names of three lists come together.
//!
//! Invariant: the same, whichever side is called ours, as long as no side moved what was there.

/// Names of `base` in its order; behind each what the sides added there, the part that begins with
/// the smaller name first. Names that a side took out are among them.
pub(super) fn merged(base: &[String], ours: &[String], theirs: &[String]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    let mut add = |name: &String| {
        if !order.contains(name) {
            order.push(name.clone());
        }
    };
    let heads = std::iter::once(None).chain(base.iter().map(Some));
    for head in heads {
        head.into_iter().for_each(&mut add);
        both(run(base, ours, head), run(base, theirs, head), &mut add);
    }
    order
}

/// What a side added behind a name of the base, or before all of them.
fn run<'s>(base: &[String], side: &'s [String], head: Option<&String>) -> &'s [String] {
    let start = match head {
        None => Some(0),
        Some(head) => side.iter().position(|it| it == head).map(|it| it + 1),
    };
    let Some(start) = start else { return &[] };
    let added = side[start..].iter().take_while(|it| !base.contains(it)).count();
    &side[start..start + added]
}

/// Two runs, each in its order; names that both have hold them together.
fn both(mut one: &[String], mut other: &[String], add: &mut impl FnMut(&String)) {
    loop {
        let shared = one.iter().position(|it| other.contains(it));
        let (here, there) = match shared {
            Some(here) => (here, other.iter().position(|it| *it == one[here]).unwrap_or_default()),
            None => (one.len(), other.len()),
        };
        let mut parts = [&one[..here], &other[..there]];
        parts.sort_unstable();
        parts.iter().flat_map(|it| it.iter()).for_each(&mut *add);
        if shared.is_none() {
            return;
        }
        add(&one[here]);
        (one, other) = (&one[here + 1..], &other[there + 1..]);
    }
}
