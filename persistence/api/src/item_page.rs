//! Pages of the item history: which index a filter is walked along, and how far.
//!
//! - G1: a page examines a bounded number of rows, however few of them match and however many there
//!   are. So it may be short, or empty, and still say where to go on.
//! - G2: nothing is told twice, and what is there all the time is not left out.
//!
//! Items come by source. Within a source they come by name where a beginning of the name is known or
//! nothing but the source is asked for, else the newest first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_domain::{ItemStatus, SourceName, Timestamp};

use crate::{ItemFilter, ItemHistory, ItemPath, ItemPlace, ItemRow, Result};

/// Rows that one page examines, at most.
pub const EXAMINED_MAX: u32 = 10_000;
/// Rows that are read at a time where not all of them match.
const READ_AT_ONCE: u32 = 1_000;
/// Names that are looked up at a time.
const NAMES_AT_ONCE: usize = 256;
/// Items that are counted of a source and status: of more it is only known that they are.
pub const COUNTED_MAX: u32 = 10_000;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPage {
    pub rows: Vec<ItemRow>,
    /// Ask again with it for what follows.
    pub next: Option<ItemPlace>,
    pub examined: u64,
}

/// A source, and how many items it has in each state; none of those that are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    pub source: SourceName,
    pub counts: BTreeMap<String, SourceCount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCount {
    pub count: u64,
    /// There are more than that.
    pub has_more: bool,
}

/// One page of the items that match.
pub async fn page<S: ItemHistory + ?Sized>(
    store: &S,
    filter: &ItemFilter,
    after: Option<ItemPlace>,
    limit: u32,
) -> Result<ItemPage> {
    walk(store, filter, after, (limit, EXAMINED_MAX)).await
}

/// All matches among the next rows.
pub(crate) async fn examine<S: ItemHistory + ?Sized>(
    store: &S,
    filter: &ItemFilter,
    after: Option<ItemPlace>,
    rows: u32,
) -> Result<ItemPage> {
    walk(store, filter, after, (rows, rows)).await
}

/// Sources that anything is remembered of, by name, with how many items they have in each state.
pub async fn sources<S: ItemHistory + ?Sized>(
    store: &S,
    mut after: Option<SourceName>,
    limit: u32,
) -> Result<Vec<SourceRow>> {
    let mut rows = Vec::new();
    while rows.len() < limit as usize {
        let Some(source) = store.item_source_after(after.as_ref()).await? else { break };
        let mut counts = BTreeMap::new();
        for status in ItemStatus::ALL {
            let count = store.item_count(&source, status, COUNTED_MAX + 1).await?;
            if count > 0 {
                let has_more =
                    count > u64::from(COUNTED_MAX) || store.item_uncounted(&source, status).await?;
                let count = count.min(COUNTED_MAX.into());
                counts.insert(status.as_str().to_owned(), SourceCount { count, has_more });
            }
        }
        after = Some(source.clone());
        rows.push(SourceRow { source, counts });
    }
    Ok(rows)
}

async fn walk<S: ItemHistory + ?Sized>(
    store: &S,
    filter: &ItemFilter,
    after: Option<ItemPlace>,
    (limit, budget): (u32, u32),
) -> Result<ItemPage> {
    let mut page = ItemPage::default();
    if limit == 0 {
        return Ok(page);
    }
    let mut after = after;
    let mut source = match (&filter.source, &after) {
        (Some(of), Some(place)) if place.source > *of => return Ok(page),
        (Some(of), _) => Some(of.clone()),
        (None, Some(place)) => Some(place.source.clone()),
        (None, None) => store.item_source_after(None).await?,
    };
    let mut sources = 0;
    while let Some(of) = source {
        let from = after.take().filter(|it| it.source == of);
        let way = Way { filter, source: &of, limit, budget };
        match way.walk(store, from, &mut page).await? {
            End::Full(place) => {
                page.next = Some(place);
                break;
            }
            End::Source { is_full } => {
                source = match filter.source {
                    Some(_) => None,
                    None => store.item_source_after(Some(&of)).await?,
                };
                sources += 1;
                // A source costs as much as a row.
                let is_enough = page.examined + sources >= budget.into();
                if let (true, Some(_)) = (is_full || is_enough, &source) {
                    page.next = Some(end_of(of));
                    break;
                }
            }
        }
    }
    Ok(page)
}

/// A place behind all items of the source, however they are walked: nothing was claimed in 1970.
fn end_of(source: SourceName) -> ItemPlace {
    let item = char::MAX.to_string().repeat(500);
    ItemPlace { source, claimed_at: Timestamp(0), item }
}

/// A walk through one source.
struct Way<'a> {
    filter: &'a ItemFilter,
    source: &'a SourceName,
    limit: u32,
    budget: u32,
}

enum End {
    /// The page is full, or enough was examined: go on here.
    Full(ItemPlace),
    /// Nothing is left in this source.
    Source { is_full: bool },
}

impl Way<'_> {
    async fn walk<S: ItemHistory + ?Sized>(
        &self,
        store: &S,
        mut after: Option<ItemPlace>,
        page: &mut ItemPage,
    ) -> Result<End> {
        loop {
            let (rows, is_end) = self.read(store, after.as_ref(), page.rows.len()).await?;
            let last = rows.len().saturating_sub(1);
            for (at, row) in rows.into_iter().enumerate() {
                if self.is_behind(&row) {
                    return Ok(End::Source { is_full: false });
                }
                let place = row.place();
                page.examined += 1;
                if self.filter.matches(&row) {
                    page.rows.push(row);
                }
                let is_full = page.rows.len() >= self.limit as usize;
                if is_end && at == last {
                    return Ok(End::Source { is_full });
                }
                if is_full || page.examined >= self.budget.into() {
                    return Ok(End::Full(place));
                }
                after = Some(place);
            }
            if is_end {
                return Ok(End::Source { is_full: false });
            }
        }
    }

    /// The next rows, and whether none follow.
    async fn read<S: ItemHistory + ?Sized>(
        &self,
        store: &S,
        after: Option<&ItemPlace>,
        found: usize,
    ) -> Result<(Vec<ItemRow>, bool)> {
        if let Some(names) = &self.filter.names {
            return self.read_named(store, names, after).await;
        }
        let missing = self.limit.saturating_sub(u32::try_from(found).unwrap_or(self.limit));
        let wanted = if self.filter.is_exact() { missing.min(READ_AT_ONCE) } else { READ_AT_ONCE };
        // One more tells whether anything follows; another one may be the last of the page before.
        let asked = wanted + 2;
        let mut rows = store.item_scan(self.source, self.filter.path(after), asked).await?;
        let is_end = rows.len() < asked as usize;
        rows.retain(|it| after.is_none_or(|after| it.item != after.item));
        Ok((rows, is_end))
    }

    async fn read_named<S: ItemHistory + ?Sized>(
        &self,
        store: &S,
        names: &[String],
        after: Option<&ItemPlace>,
    ) -> Result<(Vec<ItemRow>, bool)> {
        let mut names: Vec<_> =
            names.iter().filter(|it| after.is_none_or(|after| **it > after.item)).collect();
        names.sort();
        names.dedup();
        let mut rest = names.chunks(NAMES_AT_ONCE).peekable();
        // Of a piece that finds nothing there is no place to go on after.
        while let Some(piece) = rest.next() {
            let piece = piece.iter().map(|it| (*it).clone()).collect();
            let mut rows = store.item_named(self.source, piece).await?;
            rows.sort_by(|a, b| a.item.cmp(&b.item));
            if !rows.is_empty() {
                return Ok((rows, rest.peek().is_none()));
            }
        }
        Ok((Vec::new(), true))
    }

    /// By name, nothing matches behind the names that begin as the pattern does.
    fn is_behind(&self, row: &ItemRow) -> bool {
        let prefix = self.filter.prefix();
        !prefix.is_empty() && row.item.as_str() > prefix && !row.item.starts_with(prefix)
    }
}

impl ItemFilter {
    /// Whether the row is one of those that are meant.
    pub fn matches(&self, row: &ItemRow) -> bool {
        self.source.as_ref().is_none_or(|it| *it == row.source)
            && self.status.is_none_or(|it| it == row.status)
            && self.pattern.as_ref().is_none_or(|it| it.matches(&row.item))
            && self.since.is_none_or(|it| row.claimed_at >= it)
            && self.until.is_none_or(|it| row.claimed_at < it)
    }

    fn prefix(&self) -> &str {
        self.pattern.as_ref().map_or("", |it| it.prefix())
    }

    fn is_by_name(&self) -> bool {
        let has_time = self.since.is_some() || self.until.is_some();
        !self.prefix().is_empty() || self.status.is_none() && !has_time
    }

    /// Whether all rows along the path match.
    fn is_exact(&self) -> bool {
        self.pattern.is_none() && (!self.is_by_name() || self.status.is_none())
    }

    fn path(&self, after: Option<&ItemPlace>) -> ItemPath {
        if self.is_by_name() {
            let after = after.map_or("", |it| it.item.as_str());
            return ItemPath::ByName { from: after.max(self.prefix()).to_owned() };
        }
        let since = self.since.unwrap_or(Timestamp(i64::MIN));
        let until = match after {
            Some(place) => (place.claimed_at, Some(place.item.clone())),
            None => (Timestamp(self.until.map_or(i64::MAX - 1, |it| it.0.saturating_sub(1))), None),
        };
        ItemPath::Newest { status: self.status, since, until }
    }
}
