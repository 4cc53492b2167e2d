//! The order in which keys are resolved: what a key refers to comes before it, in every object.

use std::collections::HashSet;
use std::mem;

use ::hocon::resolver::types::SubstPlaceholder;
use ::hocon::resolver::{ResObj, ResolverValue};

/// Brings the keys of all objects into the order of their dependencies. True if that is impossible
/// somewhere, since keys depend on each other in a circle.
pub(super) fn sort(mut object: ResObj) -> (ResObj, bool) {
    let circular = sort_at(&mut object, &mut Vec::new());
    (object, circular)
}

fn sort_at(object: &mut ResObj, path: &mut Vec<String>) -> bool {
    let keys: Vec<String> = object.fields.keys().cloned().collect();
    let needs: Vec<Vec<usize>> = keys.iter().map(|key| siblings(object, key, path)).collect();
    let order = dependencies_first(&needs);
    let mut rank = vec![0; order.len()];
    order.iter().enumerate().for_each(|(at, index)| rank[*index] = at);
    let later = |(index, all): (usize, &Vec<usize>)| all.iter().any(|it| rank[*it] > rank[index]);
    let mut circular = needs.iter().enumerate().any(later);

    let mut fields = mem::take(&mut object.fields);
    for index in order {
        let key = &keys[index];
        let Some(mut value) = fields.swap_remove(key) else { continue };
        if let ResolverValue::Obj(inner) = &mut value {
            path.push(key.clone());
            circular |= sort_at(inner, path);
            path.pop();
        }
        object.fields.insert(key.clone(), value);
    }
    circular
}

/// The other keys of `object`, by their index, that the value of `key` refers to.
fn siblings(object: &ResObj, key: &str, path: &[String]) -> Vec<usize> {
    let mut found = HashSet::new();
    let mut visit = |it: &SubstPlaceholder| {
        let below = it.segments.get(path.len()).map(|it| it.text.as_str());
        let inside = it.segments.iter().zip(path).all(|(segment, key)| segment.text == *key);
        if let Some(other) = below.filter(|it| inside && *it != key) {
            found.extend(object.fields.get_index_of(other));
        }
    };
    let values = [object.fields.get(key), object.prior_values.get(key)];
    values.into_iter().flatten().for_each(|it| each_substitution(it, &mut visit));
    let mut found: Vec<usize> = found.into_iter().collect();
    found.sort_unstable();
    found
}

fn each_substitution(value: &ResolverValue, visit: &mut impl FnMut(&SubstPlaceholder)) {
    match value {
        ResolverValue::Resolved(_) => {}
        ResolverValue::Subst(it) => visit(it),
        ResolverValue::Concat(it) => it.nodes.iter().for_each(|it| each_substitution(it, visit)),
        ResolverValue::UnresolvedArray(all) => {
            all.iter().for_each(|it| each_substitution(it, visit));
        }
        ResolverValue::Obj(it) => {
            let all = it.fields.values().chain(it.prior_values.values());
            all.for_each(|it| each_substitution(it, visit));
        }
    }
}

/// Every index once, after those it needs, and otherwise in their own order. With a stack of its own:
/// a chain of needs may be long.
fn dependencies_first(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(needs.len());
    let mut seen = vec![false; needs.len()];
    for start in 0..needs.len() {
        let mut open = vec![(start, 0)];
        while let Some((index, next)) = open.pop() {
            if next == 0 && mem::replace(&mut seen[index], true) {
                continue;
            }
            match needs[index].get(next) {
                Some(needed) => {
                    open.push((index, next + 1));
                    if !seen[*needed] {
                        open.push((*needed, 0));
                    }
                }
                None => order.push(index),
            }
        }
    }
    order
}

/// All objects with their keys in the reverse order.
pub(super) fn reverse(mut object: ResObj) -> ResObj {
    for fields in [&mut object.fields, &mut object.prior_values] {
        let all = mem::take(fields).into_iter().rev();
        *fields = all.map(|(key, value)| (key, reverse_value(value))).collect();
    }
    object
}

fn reverse_value(value: ResolverValue) -> ResolverValue {
    match value {
        ResolverValue::Obj(object) => ResolverValue::Obj(reverse(object)),
        ResolverValue::UnresolvedArray(items) => {
            ResolverValue::UnresolvedArray(items.into_iter().map(reverse_value).collect())
        }
        ResolverValue::Concat(mut concat) => {
            concat.nodes = concat.nodes.into_iter().map(reverse_value).collect();
            ResolverValue::Concat(concat)
        }
        it @ (ResolverValue::Resolved(_) | ResolverValue::Subst(_)) => it,
    }
}
