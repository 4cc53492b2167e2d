//! Walking and mending JSON by steps.

use serde_json::{Value, json};

use crate::path::Step;

pub(super) type Steps = Vec<Step>;

/// Values that satisfy one or another type: what is put where something was reported.
pub(super) fn fillers() -> impl Iterator<Item = Value> {
    let all = [
        json!(null),
        json!("a"),
        json!(1),
        json!(true),
        json!([]),
        json!({}),
        json!("1s"),
        json!("1 MiB"),
        json!(","),
        json!(["a"]),
    ];
    all.into_iter()
}

pub(super) fn child(container: &[Step], key: &str) -> Steps {
    let mut steps = container.to_vec();
    steps.push(Step::Key(key.to_owned()));
    steps
}

pub(super) fn at<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |at, step| match step {
        Step::Key(key) => at.as_object()?.get(key),
        Step::Index(index) => at.as_array()?.get(*index),
    })
}

fn at_mut<'v>(value: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(value, |at, step| match step {
        Step::Key(key) => at.as_object_mut()?.get_mut(key),
        Step::Index(index) => at.as_array_mut()?.get_mut(*index),
    })
}

pub(super) fn has(value: &Value, steps: &[Step]) -> bool {
    at(value, steps).is_some()
}

pub(super) fn is_mapping_without(value: &Value, steps: &[Step], key: &str) -> bool {
    at(value, steps).and_then(Value::as_object).is_some_and(|it| !it.contains_key(key))
}

/// The steps to everything below `base` and to `base` itself, outermost first.
pub(super) fn below(value: &Value, base: &Steps) -> Vec<Steps> {
    let mut all = vec![base.clone()];
    let mut next = 0;
    while next < all.len() {
        let here = all[next].clone();
        match at(value, &here) {
            Some(Value::Object(entries)) => all.extend(entries.keys().map(|it| child(&here, it))),
            Some(Value::Array(items)) => all.extend((0..items.len()).map(|index| {
                let mut steps = here.clone();
                steps.push(Step::Index(index));
                steps
            })),
            _ => {}
        }
        next += 1;
    }
    all
}

pub(super) fn remove(value: &mut Value, steps: &[Step]) {
    let Some((Step::Key(key), container)) = steps.split_last() else { return };
    if let Some(entries) = at_mut(value, container).and_then(Value::as_object_mut) {
        entries.shift_remove(key);
    }
}

/// Puts a value at the steps, whether something was there or not.
pub(super) fn put(value: &mut Value, steps: &[Step], new: Value) -> Option<()> {
    let Some((last, container)) = steps.split_last() else {
        *value = new;
        return Some(());
    };
    match (last, at_mut(value, container)?) {
        (Step::Key(key), Value::Object(entries)) => {
            entries.insert(key.clone(), new);
        }
        (Step::Index(index), Value::Array(items)) => *items.get_mut(*index)? = new,
        _ => return None,
    }
    Some(())
}
