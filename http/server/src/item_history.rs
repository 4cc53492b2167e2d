//! What happened to one item: the streams that read it, and the resets that forgot it.
//!
//! Neither has to be remembered for that: streams are found by their item, and resets stand in the audit. So
//! an item that was forgotten still has its history, as far back as both are kept.
//!
//! Invariants:
//! - H1: a page is in the order of time, and what follows is older than all of it. The audit is read in
//!   bounded pieces: a run that is older than what was read of it waits for the next page.
//! - H2: a reset is told unless it is known that it left the item alone.
//! - H3: streams are told to who may see streams, and resets to who may read the audit: the item's own place in
//!   the list of items is all that `access:read` shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::json;
use weir_controllers::audit::{Audit, AuditFilter, MASK};
use weir_domain::{AuditEntry, AuditOutcome, Stream, StreamId, Timestamp, UserClaim};
use weir_http_api::{
    Cursor, ItemForgotten, ItemHappening, ItemHistoryQuery, ItemsReset, Page, Problem, Row,
    SweepView,
};

use crate::error::Error;
use crate::extract::Fields;
use crate::guard::Caller;
use crate::items::refuse_unknown;
use crate::storages::People;
use crate::sweeps::RESET;
use crate::{Engine, ItemStreams, paging};

/// The name of this list in cursors.
const LIST: &str = "item-history";

/// What happened to an item, the newest first: each stream that read it, and resets that forgot it. Streams
/// are there as long as they are kept, resets as long as the audit.
#[utoipa::path(get, path = "/items:history", tag = "items", operation_id = "listItemHistory",
    params(ItemHistoryQuery),
    responses(
        (status = 200, description = "One page of what happened", body = Page<ItemHappening>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn history(
    State(engine): State<Arc<dyn Engine>>,
    caller: Caller,
    people: Option<Extension<People>>,
    Fields(query): Fields<ItemHistoryQuery>,
) -> Result<Json<Page<ItemHappening>>, Error> {
    let limit = paging::limit(query.limit)?;
    let order = format!("{}/{}", query.source, query.name);
    let is_first = query.cursor.is_none();
    let place = Place::of(query.cursor.clone(), &order).map_err(paging::wrong_cursor)?;
    let runs = match caller.may(UserClaim::StreamRead, None) {
        true => runs(&*engine, &query, place, limit).await?,
        false => Vec::new(),
    };
    let resets = match &people {
        Some(people) if caller.may(UserClaim::AuditRead, None) => {
            resets(&people.audit, &query, place, limit).await?
        }
        _ => Resets::default(),
    };
    let (items, next) = merged(runs, resets, place, limit as usize);
    if is_first && items.is_empty() && next.is_none() {
        refuse_unknown(&*engine, &query.source).await?;
    }
    Ok(Json(Page { items, next_cursor: next.map(|it| it.cursor(order)) }))
}

/// Where a page goes on, in both lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    /// After this stream.
    stream: Option<StreamId>,
    /// Below this entry of the audit.
    entry: Option<u64>,
}

impl Place {
    fn of(cursor: Option<Cursor>, order: &str) -> Result<Self, &'static str> {
        let Some(cursor) = cursor else { return Ok(Self::default()) };
        let row = cursor.row(LIST, order)?;
        let value = |at: usize| row.values.get(at).cloned().unwrap_or_default();
        let wrong = "this is no cursor of this list: leave it out to begin at the start";
        Ok(Self {
            stream: serde_json::from_value(value(0)).map_err(|_| wrong)?,
            entry: serde_json::from_value(value(1)).map_err(|_| wrong)?,
        })
    }

    fn cursor(self, order: String) -> Cursor {
        let values = vec![json!(self.stream), json!(self.entry)];
        Cursor::after_row(Row { list: LIST.to_owned(), order, values })
    }
}

/// One more than the page holds, which tells whether another page follows.
async fn runs(
    engine: &dyn Engine,
    query: &ItemHistoryQuery,
    place: Place,
    limit: u32,
) -> Result<Vec<Stream>, Error> {
    let workflow = query.source.as_str().split('/').next().unwrap_or_default();
    let Ok(workflow) = workflow.parse() else { return Ok(Vec::new()) };
    let of =
        ItemStreams { workflow, item: query.name.clone(), before: place.stream, limit: limit + 1 };
    Ok(engine.item_streams(of).await?)
}

/// Resets that may have forgotten the item, newest first, each with the number of its entry.
#[derive(Debug, Default, PartialEq, Eq)]
struct Resets {
    found: Vec<(u64, ItemForgotten)>,
    /// Where the audit goes on, and when the newest of what is there was done; `None`: that was all.
    rest: Option<(u64, Timestamp)>,
}

async fn resets(
    audit: &Audit,
    query: &ItemHistoryQuery,
    place: Place,
    limit: u32,
) -> Result<Resets, Error> {
    let filter = AuditFilter {
        claim: Some(UserClaim::AccessManage),
        object: Some(format!("source/{}", query.source)),
        ..AuditFilter::default()
    };
    let page = audit.list(filter, place.entry, limit).await?;
    let found = page.entries.iter().filter_map(|it| Some((it.sequence, forgotten(it, query)?)));
    let found = once_by_sweep(found.collect());
    let Some(next) = page.next else { return Ok(Resets { found, rest: None }) };
    let newest = audit.list(AuditFilter::default(), Some(next), 1).await?.entries.pop();
    Ok(Resets { found, rest: newest.map(|it| (next, it.action.at)) })
}

/// A command that is sent again is an entry again, of the same sweep: the first one did it.
fn once_by_sweep(mut found: Vec<(u64, ItemForgotten)>) -> Vec<(u64, ItemForgotten)> {
    let mut seen = BTreeSet::new();
    found.reverse();
    found.retain(|(_, it)| it.sweep.is_none_or(|sweep| seen.insert(sweep)));
    found.reverse();
    found
}

/// What an entry says of the item; `None`: it left the item alone, as far as is known.
fn forgotten(entry: &AuditEntry, query: &ItemHistoryQuery) -> Option<ItemForgotten> {
    let action = &entry.action;
    let object = action.object.strip_prefix("source/")?;
    let is_reset = action.action == RESET && object == query.source.as_str();
    if !is_reset || matches!(action.outcome, AuditOutcome::Refused(_)) {
        return None;
    }
    // What was too long is left out.
    let asked = action.before.clone().and_then(|it| serde_json::from_value::<ItemsReset>(it).ok());
    let told = action.after.clone().and_then(|it| serde_json::from_value::<SweepView>(it).ok());
    if let Some(ItemsReset { names, pattern, .. }) = &asked {
        // What looks like a secret is masked in the audit: it may have been this name.
        let is_it = |it: &String| *it == query.name || it == MASK;
        let is_named = names.as_ref().is_none_or(|it| it.iter().any(is_it));
        let is_meant =
            pattern.as_ref().is_none_or(|it| it.matches(&query.name) || it.as_str() == MASK);
        if !is_named || !is_meant {
            return None;
        }
    }
    if told.as_ref().is_some_and(|it| it.ended_at.is_some() && it.count == 0) {
        return None;
    }
    let is_whole = |it: ItemsReset| {
        let is_told = it.names.is_none_or(|it| it.contains(&query.name));
        is_told && it.status.is_none() && it.since.is_none() && it.until.is_none()
    };
    Some(ItemForgotten {
        at: action.at,
        by: action.user.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        sweep: told.map(|it| it.id),
        is_certain: action.outcome == AuditOutcome::Done && asked.is_some_and(is_whole),
    })
}

/// The newest of both, and where the next page begins.
fn merged(
    runs: Vec<Stream>,
    resets: Resets,
    from: Place,
    limit: usize,
) -> (Vec<ItemHappening>, Option<Place>) {
    let Resets { found, rest } = resets;
    let read_to = rest.map(|it| it.1);
    let (mut runs, mut found) = (runs.into_iter().peekable(), found.into_iter().peekable());
    let (mut items, mut place) = (Vec::new(), from);
    while items.len() < limit {
        let run = runs.peek().map(|it| it.opened_at);
        let reset = found.peek().map(|it| it.1.at);
        let Some(newest) = run.max(reset) else { break };
        if reset == Some(newest) {
            let Some((entry, reset)) = found.next() else { break };
            place.entry = Some(entry);
            items.push(ItemHappening::Reset(reset));
        } else {
            if read_to.is_some_and(|it| newest < it) {
                break;
            }
            let Some(run) = runs.next() else { break };
            place.stream = Some(run.id);
            items.push(ItemHappening::Run(run.into()));
        }
    }
    // What is left of the audit begins where it was read to, unless some of what was found is left.
    if found.peek().is_none() {
        place.entry = Some(rest.map_or(0, |it| it.0));
    }
    let is_last = runs.peek().is_none() && found.peek().is_none() && rest.is_none();
    (items, (!is_last).then_some(place))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use weir_domain::{
        AuditAction, AuditHash, CommandId, Counts, InstanceId, SourceName, StreamState, SweepId,
    };

    use super::*;

    fn run(at: i64) -> Stream {
        Stream {
            id: StreamId(Uuid::from_u128(at.unsigned_abs().into())),
            workflow: "w".parse().unwrap(),
            instance: InstanceId(1),
            node: "one".into(),
            item: "a.csv".into(),
            state: StreamState::Committed,
            attempts: 1,
            opened_at: Timestamp(at),
            closed_at: Some(Timestamp(at + 1)),
            counts: Counts::default(),
            stages: Default::default(),
            published: Vec::new(),
            fault: None,
        }
    }

    fn reset(at: i64) -> (u64, ItemForgotten) {
        let by = "ada".to_owned();
        let forgotten = ItemForgotten { at: Timestamp(at), by, sweep: None, is_certain: true };
        (at.unsigned_abs() + 100, forgotten)
    }

    /// All pages of what there is, of `limit`, where the audit is read in pieces of `piece` entries.
    fn pages(
        runs: &[i64],
        resets: &[i64],
        others: &[i64],
        (limit, piece): (usize, usize),
    ) -> Vec<Vec<i64>> {
        let mut entries: Vec<_> = resets.iter().map(|it| (*it, true)).collect();
        entries.extend(others.iter().map(|it| (*it, false)));
        entries.sort_by_key(|it| std::cmp::Reverse(it.0));
        let (mut place, mut pages) = (Place::default(), Vec::new());
        for _ in 0..100 {
            let older = runs
                .iter()
                .map(|it| run(*it))
                .filter(|it| place.stream.is_none_or(|id| it.id < id));
            let below = |it: &&(i64, bool)| place.entry.is_none_or(|entry| reset(it.0).0 < entry);
            let mut left: Vec<_> = entries.iter().filter(below).collect();
            let rest = left.split_off(left.len().min(piece));
            let rest = rest.first().map(|it| (reset(it.0).0 + 1, Timestamp(it.0)));
            let found = left.into_iter().filter(|it| it.1).map(|it| reset(it.0)).collect();
            let (items, next) =
                merged(older.take(limit + 1).collect(), Resets { found, rest }, place, limit);
            pages.push(items.iter().map(|it| it.at().0).collect());
            let Some(next) = next else { return pages };
            place = next;
        }
        panic!("it never ends: {pages:?}");
    }

    #[test]
    fn a_reset_of_what_looks_like_a_secret_may_have_been_of_this_item() {
        let source = "w/read";
        let query = |name: &str| ItemHistoryQuery {
            source: SourceName::stored(source),
            name: name.into(),
            limit: None,
            cursor: None,
        };
        let entry = |names: &[&str]| AuditEntry {
            form: 1,
            sequence: 1,
            previous: AuditHash::NONE,
            action: AuditAction {
                at: Timestamp(1),
                user: None,
                claim: Some(UserClaim::AccessManage),
                action: RESET.to_owned(),
                object: format!("source/{source}"),
                before: Some(json!({ "source": source, "names": names })),
                after: None,
                outcome: AuditOutcome::Done,
                from: "127.0.0.1".to_owned(),
                request: CommandId(Uuid::nil()),
            },
            hash: AuditHash::NONE,
        };
        let certain =
            |names: &[&str], name| Some(forgotten(&entry(names), &query(name))?.is_certain);
        assert_eq!(certain(&["a.csv"], "a.csv"), Some(true));
        assert_eq!(certain(&["b.csv"], "a.csv"), None);
        assert_eq!(certain(&["b.csv", MASK], "weir_a.csv"), Some(false));
    }

    #[test]
    fn a_command_that_was_sent_again_is_told_once_as_it_was_first() {
        let sweep = |at: i64, id: u128| {
            let (entry, it) = reset(at);
            (entry, ItemForgotten { sweep: Some(SweepId(Uuid::from_u128(id))), ..it })
        };
        let told = once_by_sweep(vec![sweep(9, 1), sweep(7, 2), reset(6), reset(5), sweep(3, 1)]);
        let at: Vec<_> = told.iter().map(|it| it.1.at.0).collect();
        assert_eq!(at, [7, 6, 5, 3]);
    }

    #[test]
    fn runs_and_resets_come_in_the_order_of_time_page_by_page() {
        assert_eq!(pages(&[], &[], &[], (2, 10)), [Vec::<i64>::new()]);
        assert_eq!(pages(&[9, 5, 1], &[7, 3], &[], (10, 10)), [[9, 7, 5, 3, 1]]);
        assert_eq!(pages(&[9, 5, 1], &[7, 3], &[], (2, 10)), [vec![9, 7], vec![5, 3], vec![1]]);
        assert_eq!(pages(&[9, 8], &[], &[], (2, 10)), [vec![9, 8]]);
    }

    #[test]
    fn what_is_older_than_what_was_read_of_the_audit_waits() {
        for limit in 1..7 {
            for piece in 1..7 {
                let pages =
                    pages(&[19, 15, 11, 5, 1], &[17, 3, 2], &[18, 16, 14, 12, 4], (limit, piece));
                assert!(pages.iter().all(|it| it.len() <= limit), "{pages:?}");
                assert_eq!(pages.concat(), [19, 17, 15, 11, 5, 3, 2, 1], "{limit} {piece}");
            }
        }
    }
}
