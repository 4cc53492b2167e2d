//! Looks at live records on all engines, for who asks one of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{FuturesUnordered, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use weir_cluster::Cluster;
use weir_controllers::audit::masked;
use weir_domain::{Incarnation, NodeStatus, SniffWish, SniffedRecord};
use weir_http_api::{SniffResult, SniffUnreached, SniffedView};
use weir_remote::{Handler, Incoming, Manifest, Outgoing, Refused, Remote};
use weir_stream::{Sniffed, Taps};

use super::membership::Membership;

const PATH: &str = "sniff";
const SNIFF: Manifest = Manifest::new("streams.Sniff", 1);
const SNIFFED: Manifest = Manifest::new("streams.Sniffed", 1);
/// What the way there and back may take.
const TRAVEL: Duration = Duration::from_secs(3);

/// What one engine saw, its secrets masked. The records travel as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    records: String,
    seen: u64,
    dropped: u64,
    /// Earlier versions know no conditions.
    #[serde(default)]
    wrong: Option<String>,
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sniffing {
    taps: Taps,
    cluster: Cluster,
    remote: Option<Remote>,
}

impl Sniffing {
    /// Also does what other engines are asked for.
    pub(crate) fn listen(taps: Taps, membership: &Membership) -> Self {
        if let Some(remote) = &membership.remote {
            remote.serve(PATH, Arc::new(Ear(taps.clone())));
        }
        Self { taps, cluster: membership.cluster.clone(), remote: membership.remote.clone() }
    }

    /// Waits for the slowest engine only as long as records are missing.
    pub(crate) async fn sniff(&self, wish: &SniffWish) -> SniffResult {
        let view = self.cluster.view().borrow().clone();
        let up = view.members.iter().filter(|it| it.status == NodeStatus::Up);
        let mut asked: FuturesUnordered<_> =
            up.map(|it| self.ask(&view.me, it.node.clone(), wish)).collect();
        let (mut result, enough) = (SniffResult::default(), wish.records as usize);
        while result.records.len() < enough
            && result.wrong.is_none()
            && let Some((node, answer)) = asked.next().await
        {
            match answer {
                Ok(Sniffed { records, seen, dropped, wrong }) => {
                    result.wrong = result.wrong.or(wrong);
                    result.seen += seen;
                    result.dropped += dropped;
                    result.records.extend(records.into_iter().map(|it| view_of(&node, it)));
                }
                Err(why) => result.unreached.push(SniffUnreached { node: node.name, why }),
            }
        }
        result.records.truncate(enough);
        result
    }

    async fn ask(
        &self,
        me: &Incarnation,
        node: Incarnation,
        wish: &SniffWish,
    ) -> (Incarnation, Result<Sniffed, String>) {
        let answer = match node.uid == me.uid {
            true => Ok(seen_here(&self.taps, wish.clone()).await),
            false => self.ask_peer(&node, wish).await,
        };
        (node, answer)
    }

    async fn ask_peer(&self, node: &Incarnation, wish: &SniffWish) -> Result<Sniffed, String> {
        let remote = self.remote.as_ref().ok_or("this engine has no peers")?;
        let request = Outgoing::of(SNIFF, wish).map_err(|it| it.to_string())?;
        let within = wish.within.duration() + TRAVEL;
        let answer = remote.ask(node.uid, PATH, &request, within).await;
        let answer: Answer =
            answer.map_err(|it| it.to_string())?.read().map_err(|it| it.to_string())?;
        let records = serde_json::from_str(&answer.records).map_err(|it| it.to_string())?;
        let Answer { seen, dropped, wrong, .. } = answer;
        Ok(Sniffed { records, seen, dropped, wrong })
    }
}

async fn seen_here(taps: &Taps, wish: SniffWish) -> Sniffed {
    let mut sniffed = taps.sniff(wish).await;
    for it in &mut sniffed.records {
        it.record = masked_record(std::mem::take(&mut it.record));
    }
    sniffed
}

/// As in the audit, but that fractions stay numbers: they are data here.
pub(crate) fn masked_record(record: Map<String, Value>) -> Map<String, Value> {
    let mask = |(name, value): (String, Value)| {
        let is_fraction = value.is_f64();
        let text = value.to_string();
        let shown = masked(Value::from_iter([(name.clone(), value.clone())]));
        let shown = shown.get(&name).cloned().unwrap_or_default();
        let is_unchanged = is_fraction && shown.as_str() == Some(text.as_str());
        (name, if is_unchanged { value } else { shown })
    };
    record.into_iter().map(mask).collect()
}

fn view_of(node: &Incarnation, it: SniffedRecord) -> SniffedView {
    let SniffedRecord { stream, position, record } = it;
    SniffedView { node: node.name.clone(), stream, position, record }
}

struct Ear(Taps);

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        if message.manifest != SNIFF {
            return Err(Refused::Unhandled);
        }
        let wish: SniffWish = message.read().map_err(|_| Refused::Unhandled)?;
        let Sniffed { records, seen, dropped, wrong } = seen_here(&self.0, wish).await;
        let records = serde_json::to_string(&records).map_err(|_| Refused::Unhandled)?;
        let answer = Answer { records, seen, dropped, wrong };
        Outgoing::of(SNIFFED, &answer).map(Some).map_err(|_| Refused::Unhandled)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_of_records_are_masked_and_numbers_stay_numbers() {
        let record = json!({ "amount": 1.5, "n": 7, "password": "planted", "name": "ada" });
        let Value::Object(record) = record else { panic!("an object") };
        let shown = Value::Object(masked_record(record));
        assert_eq!(
            (&shown["amount"], &shown["n"], &shown["name"]),
            (&json!(1.5), &json!(7), &json!("ada"))
        );
        assert!(!shown.to_string().contains("planted"), "{shown}");
    }
}
