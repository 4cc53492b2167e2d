//! What was read of a topic last, as digests, and what followers must be told to have what is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};

use axum::http::HeaderValue;
use serde_json::{Map, Value};
use weir_http_api::{LiveChange, LiveTopic, Problem};

/// A longer id is none of ours.
const ID_BYTES_MAX: usize = 8 << 10;

pub(super) struct Shown {
    rows: Option<(&'static str, &'static str)>,
    running: &'static [&'static str],
    state: State,
}

enum State {
    Nothing,
    /// What is beside the rows, and each row by what tells it apart.
    Has {
        beside: u64,
        rows: BTreeMap<String, u64>,
    },
    Refused(u64),
}

impl Shown {
    pub(super) fn new(topic: &LiveTopic) -> Self {
        Self { rows: topic.rows(), running: topic.running(), state: State::Nothing }
    }

    /// Of all of it; none where it can't be read.
    pub(super) fn digest(&self) -> Option<u64> {
        match &self.state {
            State::Has { beside, rows } => Some(digest(&(beside, rows))),
            State::Nothing | State::Refused(_) => None,
        }
    }

    /// What to tell, `None`: nothing is other than before.
    pub(super) fn next(&mut self, read: &Result<Value, Box<Problem>>) -> Option<LiveChange> {
        let had = std::mem::replace(&mut self.state, State::Nothing);
        let value = match read {
            Ok(value) => value,
            Err(problem) => {
                let now = of_problem(problem);
                self.state = State::Refused(now);
                let is_same = matches!(had, State::Refused(before) if before == now);
                return (!is_same).then(|| LiveChange::Refused { problem: problem.clone() });
            }
        };
        let (beside, rows) = self.digests(value);
        let change = match had {
            State::Has { beside: was, rows: before } => {
                self.difference(value, (was, before), (beside, &rows))
            }
            State::Nothing | State::Refused(_) => Some(LiveChange::Whole { value: value.clone() }),
        };
        self.state = State::Has { beside, rows };
        change
    }

    fn difference(
        &self,
        value: &Value,
        (was, before): (u64, BTreeMap<String, u64>),
        (beside, rows): (u64, &BTreeMap<String, u64>),
    ) -> Option<LiveChange> {
        if was == beside && before == *rows {
            return None;
        }
        let (Some((field, key)), Value::Object(mut beside_rows)) = (self.rows, value.clone())
        else {
            return Some(LiveChange::Whole { value: value.clone() });
        };
        let all = beside_rows.remove(field);
        let all = all.and_then(|it| it.as_array().cloned()).unwrap_or_default();
        let is_other = |row: &Value| {
            let key = told_apart(row, key);
            before.get(&key) != rows.get(&key)
        };
        let upsert = all.into_iter().filter(is_other).collect();
        let remove = before.keys().filter(|it| !rows.contains_key(*it)).cloned().collect();
        let beside = (was != beside).then_some(Value::Object(beside_rows));
        Some(LiveChange::Rows { upsert, remove, beside })
    }

    fn digests(&self, value: &Value) -> (u64, BTreeMap<String, u64>) {
        let (Some((field, key)), Value::Object(all)) = (self.rows, value) else {
            return (self.digest_of(value), BTreeMap::new());
        };
        let listed = all.get(field).and_then(Value::as_array);
        let listed = listed.into_iter().flatten();
        let rows = listed.map(|it| (told_apart(it, key), self.digest_of(it))).collect();
        let beside: Map<_, _> =
            all.iter().filter(|it| it.0 != field).map(|(k, v)| (k.clone(), v.clone())).collect();
        (self.digest_of(&Value::Object(beside)), rows)
    }

    /// Without what counts by itself.
    fn digest_of(&self, value: &Value) -> u64 {
        match value {
            Value::Object(all) => {
                let told = all.iter().filter(|it| !self.running.contains(&it.0.as_str()));
                let told = told.map(|(key, it)| (key, self.without_running(key, it).to_string()));
                digest(&told.collect::<Vec<_>>())
            }
            other => digest(&other.to_string()),
        }
    }
}

impl Shown {
    /// What is in a field, without what counts by itself there.
    fn without_running<'v>(&self, field: &str, value: &'v Value) -> Cow<'v, Value> {
        let within = self.running.iter().filter_map(|it| it.split_once('.'));
        let mut within = within.filter(|it| it.0 == field).peekable();
        match value {
            Value::Object(all) if within.peek().is_some() => {
                let mut all = all.clone();
                within.for_each(|it| _ = all.remove(it.1));
                Cow::Owned(Value::Object(all))
            }
            other => Cow::Borrowed(other),
        }
    }
}

fn told_apart(row: &Value, key: &str) -> String {
    row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn of_problem(problem: &Problem) -> u64 {
    digest(&(problem.status, problem.code.to_string(), &problem.detail))
}

fn digest(it: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

/// What a follower says that it has, by topic.
pub(super) fn known(id: Option<&HeaderValue>) -> BTreeMap<String, u64> {
    let id = id.and_then(|it| it.to_str().ok()).filter(|it| it.len() <= ID_BYTES_MAX);
    let parts = id.unwrap_or_default().split(';').filter_map(|it| it.split_once('='));
    let read = parts.filter_map(|(topic, it)| Some((topic, u64::from_str_radix(it, 16).ok()?)));
    read.map(|(topic, it)| (topic.to_owned(), it)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_http_api::LiveTopic::{Canary, Clusters, Leases, Workflows};

    use super::*;

    fn row(name: &str, n: u64) -> Value {
        json!({ "name": name, "n": n })
    }

    fn list(total: u64, rows: &[Value]) -> Value {
        json!({ "items": rows, "total": total })
    }

    fn refusal(status: u16) -> Box<Problem> {
        let refused = crate::error::Error::Panicked.problem();
        Box::new(Problem { status, ..refused })
    }

    #[test]
    fn a_list_is_told_row_by_row_after_all_of_it() {
        let mut shown = Shown::new(&Workflows);
        let first = list(2, &[row("a", 1), row("b", 1)]);
        assert_eq!(
            shown.next(&Ok(first.clone())),
            Some(LiveChange::Whole { value: first.clone() })
        );
        assert_eq!(shown.next(&Ok(first)), None);
        let (upsert, remove) = (vec![row("b", 2), row("c", 1)], vec!["a".to_owned()]);
        let second = list(2, &upsert);
        let told = LiveChange::Rows { upsert: upsert.clone(), remove, beside: None };
        assert_eq!(shown.next(&Ok(second)), Some(told));
        let beside = Some(json!({ "total": 3 }));
        let told = LiveChange::Rows { upsert: vec![], remove: vec![], beside };
        assert_eq!(shown.next(&Ok(list(3, &upsert))), Some(told));
    }

    #[test]
    fn what_counts_by_itself_is_not_told() {
        let mut shown = Shown::new(&Leases);
        let lease = |epoch, left| list(1, &[json!({ "name": "a", "n": epoch, "leftMs": left })]);
        assert!(shown.next(&Ok(lease(1, 900))).is_some());
        assert_eq!(shown.next(&Ok(lease(1, 800))), None);
        assert!(matches!(shown.next(&Ok(lease(2, 800))), Some(LiveChange::Rows { .. })));
    }

    #[test]
    fn when_a_cluster_was_looked_at_is_not_told_and_what_was_found_is() {
        let mut shown = Shown::new(&Clusters);
        let found = |at, up| {
            let standing =
                json!({ "reachable": true, "checkedAt": at, "answeredInMs": at, "nodesUp": up });
            list(1, &[json!({ "name": "east", "standing": standing })])
        };
        assert!(shown.next(&Ok(found(1, 3))).is_some());
        assert_eq!(shown.next(&Ok(found(2, 3))), None);
        assert!(matches!(shown.next(&Ok(found(3, 2))), Some(LiveChange::Rows { .. })));
    }

    #[test]
    fn what_is_no_list_is_told_as_a_whole() {
        let mut shown = Shown::new(&Canary);
        for n in [1, 2] {
            let value = row("a", n);
            assert_eq!(shown.next(&Ok(value.clone())), Some(LiveChange::Whole { value }));
        }
    }

    #[test]
    fn a_refusal_is_told_once_and_what_comes_after_it_as_a_whole() {
        let mut shown = Shown::new(&Workflows);
        let value = list(0, &[]);
        shown.next(&Ok(value.clone()));
        let problem = refusal(403);
        let told = LiveChange::Refused { problem: problem.clone() };
        assert_eq!(shown.next(&Err(problem.clone())), Some(told));
        assert_eq!(shown.next(&Err(problem)), None);
        assert!(shown.next(&Err(refusal(503))).is_some());
        assert_eq!(shown.next(&Ok(value.clone())), Some(LiveChange::Whole { value }));
    }

    #[test]
    fn who_comes_back_says_what_it_has() {
        let id = HeaderValue::from_static("nodes=1f;workflow:flights=2;");
        assert_eq!(known(Some(&id)), [("nodes".into(), 31), ("workflow:flights".into(), 2)].into());
        assert!(known(Some(&HeaderValue::from_static("x;y=zz;=;"))).is_empty());
        assert!(known(None).is_empty());
    }
}
