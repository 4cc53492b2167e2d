//! What a follower has of a topic, as digests, and what it must be told to have what is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};

use axum::http::HeaderValue;
use serde_json::{Map, Value};
use weir_http_api::{LiveChange, LiveTopic, Problem};

/// A longer id is none of ours.
const ID_BYTES_MAX: usize = 8 << 10;

pub(super) struct Shown {
    rows: Option<(&'static str, &'static str)>,
    running: &'static [&'static str],
    /// What the follower said that it has, until that is compared.
    has: Option<u64>,
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
    pub(super) fn new(topic: &LiveTopic, has: Option<u64>) -> Self {
        Self { rows: topic.rows(), running: topic.running(), has, state: State::Nothing }
    }

    /// What to tell, `None`: nothing is other than before.
    pub(super) fn next(&mut self, read: Result<Value, Box<Problem>>) -> Option<LiveChange> {
        let had = std::mem::replace(&mut self.state, State::Nothing);
        let value = match read {
            Ok(value) => value,
            Err(problem) => {
                let now = digest(&(problem.status, problem.code.to_string(), &problem.detail));
                self.state = State::Refused(now);
                let is_same = matches!(had, State::Refused(before) if before == now);
                return (!is_same).then_some(LiveChange::Refused { problem });
            }
        };
        let (beside, rows) = self.digests(&value);
        let change = match had {
            State::Has { beside: was, rows: before } => {
                self.difference(value, (was, before), (beside, &rows))
            }
            State::Nothing if self.has.take() == Some(whole(beside, &rows)) => {
                Some(LiveChange::Same)
            }
            State::Nothing | State::Refused(_) => Some(LiveChange::Whole { value }),
        };
        self.state = State::Has { beside, rows };
        change
    }

    fn difference(
        &self,
        value: Value,
        (was, before): (u64, BTreeMap<String, u64>),
        (beside, rows): (u64, &BTreeMap<String, u64>),
    ) -> Option<LiveChange> {
        if was == beside && before == *rows {
            return None;
        }
        let (Some((field, key)), Value::Object(mut beside_rows)) = (self.rows, value.clone())
        else {
            return Some(LiveChange::Whole { value });
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
                digest(&told.map(|(k, v)| (k, v.to_string())).collect::<Vec<_>>())
            }
            other => digest(&other.to_string()),
        }
    }
}

fn told_apart(row: &Value, key: &str) -> String {
    row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn whole(beside: u64, rows: &BTreeMap<String, u64>) -> u64 {
    digest(&(beside, rows))
}

fn digest(it: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

/// What a follower has of all topics, to be said when it comes back: `topic=digest`, with semicolons.
pub(super) fn id(topics: &BTreeMap<LiveTopic, Shown>) -> String {
    let mut id = String::new();
    for (topic, shown) in topics {
        if let State::Has { beside, rows } = &shown.state {
            // Writing to a String can't fail.
            let _ = write!(id, "{topic}={:x};", whole(*beside, rows));
        }
    }
    id
}

pub(super) fn known(id: Option<&HeaderValue>) -> BTreeMap<String, u64> {
    let id = id.and_then(|it| it.to_str().ok()).filter(|it| it.len() <= ID_BYTES_MAX);
    let parts = id.unwrap_or_default().split(';').filter_map(|it| it.split_once('='));
    let read = parts.filter_map(|(topic, it)| Some((topic, u64::from_str_radix(it, 16).ok()?)));
    read.map(|(topic, it)| (topic.to_owned(), it)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_http_api::LiveTopic::{Canary, Leases, Workflows};

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
        let mut shown = Shown::new(&Workflows, None);
        let first = list(2, &[row("a", 1), row("b", 1)]);
        assert_eq!(shown.next(Ok(first.clone())), Some(LiveChange::Whole { value: first.clone() }));
        assert_eq!(shown.next(Ok(first)), None);
        let (upsert, remove) = (vec![row("b", 2), row("c", 1)], vec!["a".to_owned()]);
        let second = list(2, &upsert);
        let told = LiveChange::Rows { upsert: upsert.clone(), remove, beside: None };
        assert_eq!(shown.next(Ok(second)), Some(told));
        let beside = Some(json!({ "total": 3 }));
        let told = LiveChange::Rows { upsert: vec![], remove: vec![], beside };
        assert_eq!(shown.next(Ok(list(3, &upsert))), Some(told));
    }

    #[test]
    fn what_counts_by_itself_is_not_told() {
        let mut shown = Shown::new(&Leases, None);
        let lease = |epoch, left| list(1, &[json!({ "name": "a", "n": epoch, "leftMs": left })]);
        assert!(shown.next(Ok(lease(1, 900))).is_some());
        assert_eq!(shown.next(Ok(lease(1, 800))), None);
        assert!(matches!(shown.next(Ok(lease(2, 800))), Some(LiveChange::Rows { .. })));
    }

    #[test]
    fn what_is_no_list_is_told_as_a_whole() {
        let mut shown = Shown::new(&Canary, None);
        for n in [1, 2] {
            let value = row("a", n);
            assert_eq!(shown.next(Ok(value.clone())), Some(LiveChange::Whole { value }));
        }
    }

    #[test]
    fn a_refusal_is_told_once_and_what_comes_after_it_as_a_whole() {
        let mut shown = Shown::new(&Workflows, None);
        let value = list(0, &[]);
        shown.next(Ok(value.clone()));
        let problem = refusal(403);
        let told = LiveChange::Refused { problem: problem.clone() };
        assert_eq!(shown.next(Err(problem.clone())), Some(told));
        assert_eq!(shown.next(Err(problem)), None);
        assert!(shown.next(Err(refusal(503))).is_some());
        assert_eq!(shown.next(Ok(value.clone())), Some(LiveChange::Whole { value }));
    }

    #[test]
    fn who_comes_back_gets_what_it_does_not_have() {
        let value = list(1, &[row("a", 1)]);
        let mut topics = BTreeMap::from([(Workflows, Shown::new(&Workflows, None))]);
        topics.get_mut(&Workflows).unwrap().next(Ok(value.clone()));
        let id = HeaderValue::from_str(&id(&topics)).unwrap();
        let has = known(Some(&id))["workflows"];
        assert_eq!(Shown::new(&Workflows, Some(has)).next(Ok(value)), Some(LiveChange::Same));
        let other = list(1, &[row("a", 2)]);
        let told = Some(LiveChange::Whole { value: other.clone() });
        assert_eq!(Shown::new(&Workflows, Some(has)).next(Ok(other)), told);
        assert!(known(Some(&HeaderValue::from_static("x;y=zz;=;"))).is_empty());
    }
}
