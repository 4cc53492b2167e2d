//! The book as it is stored: pages, volumes of pages that nothing changes any more, and how replays ended.
//!
//! What is read is read in an order in which whoever binds pages meanwhile takes nothing away: first the
//! pages, then the ends, then the volumes. A page is gone only once a volume has it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;
use weir_domain::Fault;
use weir_persistence_api::BlobKey;

use super::book::{Book, Due, Ended, Page, Pending};
use super::shelves::{AT_ONCE, Letters, store, to_bytes, unreadable};
use super::volume::{Entry, Span, Volume, bound};

/// How often it is read again because somebody binds pages meanwhile.
const READ_AGAIN: usize = 10;

impl Letters {
    pub(super) async fn book(&self) -> Result<Book, Fault> {
        for _ in 0..READ_AGAIN {
            if let Some(book) = self.read_book().await? {
                return Ok(book);
            }
        }
        Err(Fault::transient(super::STORE, "the book of dead letters changes all the time"))
    }

    /// `None`: some of it went into a volume meanwhile.
    async fn read_book(&self) -> Result<Option<Book>, Fault> {
        let pages = self.names("book").await?;
        let ended = self.names("ended").await?;
        let volumes = self.volumes().await?;
        let through = volumes.last().map_or(0, |it| it.through);
        let keys = volumes.iter().map(|it| self.at(format!("volumes/{it}")));
        let volumes = self.all::<Volume>(keys.collect::<Result<_, _>>()?).await?;
        let Some(volumes) = volumes.into_iter().collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let mut entries: Vec<_> = volumes.into_iter().flat_map(|it| it.pages).collect();
        let numbers: Vec<u64> = pages.iter().filter_map(|it| it.parse().ok()).collect();
        let open: Vec<_> = numbers.into_iter().filter(|it| *it > through).collect();
        let next = open.last().copied().unwrap_or(through) + 1;
        let keys = open.iter().map(|it| self.page(*it)).collect::<Result<_, _>>()?;
        let pages = self.all::<Page>(keys).await?.into_iter().collect::<Option<Vec<_>>>();
        let Some(pages) = pages else { return Ok(None) };
        let settled: BTreeSet<_> = entries.iter().flat_map(Entry::replays).collect();
        let ended: Vec<_> = ended.into_iter().filter(|it| !settled.contains(it)).collect();
        let keys = ended.iter().map(|it| self.at(format!("ended/{it}")));
        let ends = self.all::<Ended>(keys.collect::<Result<_, _>>()?).await?;
        let Some(ends) = ends.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
        let ended: BTreeMap<_, _> = ended.into_iter().zip(ends).collect();
        entries.extend(pages.into_iter().map(|it| Entry::of(it, &ended)));
        Ok(Some(Book::new(entries, through, next)))
    }

    /// Replays that are to run, with their letters.
    pub(super) async fn due(&self) -> Result<Vec<Due>, Fault> {
        let mut due = Vec::new();
        let pending = self.names("pending").await?;
        if pending.is_empty() {
            return Ok(due);
        }
        let through = self.volumes().await?.last().map_or(0, |it| it.through);
        for name in pending {
            let Some(it) = Pending::read(&name) else { continue };
            let page = match it.page > through {
                true => self.read::<Page>(&self.page(it.page)?).await?,
                false => None,
            };
            let is_its = page.as_ref().is_some_and(|page| page.command == it.command);
            // Nobody asked for it, or not yet: its page is another one's, or bound, and so it has ended.
            if it.page <= through || page.is_some() && !is_its {
                let key = self.at(format!("pending/{name}"))?;
                self.blobs.blob_delete(&key).await.map_err(|it| store(&it))?;
                continue;
            }
            let Some(page) = page else { continue };
            let part = page.parts().iter().find(|part| part.stage == it.stage).cloned();
            if let Some(part) = part
                && !self.has_ended(&it.replay()).await?
            {
                let Page { version, by, at, .. } = page;
                due.push(Due { pending: it, part, version, by, at });
            }
        }
        Ok(due)
    }

    async fn has_ended(&self, replay: &str) -> Result<bool, Fault> {
        let ended = self.at(format!("ended/{replay}"))?;
        let ended = self.blobs.blob_get(&ended).await.map_err(|it| store(&it))?;
        Ok(ended.is_some())
    }

    /// Whether it is the page of that number. One whose answer got lost is compared.
    pub(super) async fn write(&self, number: u64, page: &Page) -> Result<bool, Fault> {
        let (key, content) = (self.page(number)?, to_bytes(page));
        let is_its = match self.blobs.blob_create(&key, content).await {
            Ok(true) => true,
            Ok(false) => self.read::<Page>(&key).await?.as_ref() == Some(page),
            Err(error) => return Err(store(&error)),
        };
        if is_its && self.volumes().await?.last().is_some_and(|it| it.through >= number) {
            // Who wrote it slept while others wrote that page and many more, which are bound since.
            self.blobs.blob_delete(&key).await.map_err(|it| store(&it))?;
            return Ok(false);
        }
        Ok(is_its)
    }

    /// Binds pages that nothing changes any more. Whoever dies in between, or does the same at the same
    /// time, changes nothing of what the book says. What is bound is removed if all engines know of volumes:
    /// one of an earlier version reads pages alone.
    pub async fn bind(&self, all_know_of_volumes: bool) -> Result<(), Fault> {
        let book = self.book().await?;
        let mut open = book.open();
        let mut from = book.bound + 1;
        for pages in bound(open) {
            let (volume, rest) = open.split_at(pages);
            let span = Span { from, through: from + pages as u64 - 1 };
            let content = to_bytes(&Volume { pages: volume.to_vec() });
            let key = self.at(format!("volumes/{span}"))?;
            self.blobs.blob_create(&key, content).await.map_err(|it| store(&it))?;
            (open, from) = (rest, span.through + 1);
        }
        if all_know_of_volumes { self.remove_bound().await } else { Ok(()) }
    }

    /// Removes what volumes have.
    async fn remove_bound(&self) -> Result<(), Fault> {
        let pages = self.names("book").await?;
        let ended = self.names("ended").await?;
        let volumes = self.volumes().await?;
        let through = volumes.last().map_or(0, |it| it.through);
        let is_bound = |it: &String| it.parse::<u64>().is_ok_and(|it| it <= through);
        let pages = pages.into_iter().filter(is_bound).map(|it| format!("book/{it}"));
        let keys = volumes.iter().map(|it| self.at(format!("volumes/{it}")));
        let volumes = self.all::<Volume>(keys.collect::<Result<_, _>>()?).await?;
        let entries = volumes.into_iter().flatten().flat_map(|it| it.pages);
        let replays: BTreeSet<_> =
            entries.flat_map(|it| it.replays().collect::<Vec<_>>()).collect();
        let ended = ended.into_iter().filter(|it| replays.contains(it));
        let gone = pages.chain(ended.map(|it| format!("ended/{it}")));
        let keys: Vec<_> = gone.map(|it| self.at(it)).collect::<Result<_, _>>()?;
        let deleting =
            stream::iter(keys).map(|it| async move { self.blobs.blob_delete(&it).await });
        let deleted = deleting.buffered(AT_ONCE).try_collect::<()>().await;
        deleted.map_err(|it| store(&it))
    }

    /// In their order.
    async fn volumes(&self) -> Result<Vec<Span>, Fault> {
        Ok(self.names("volumes").await?.iter().filter_map(|it| Span::read(it)).collect())
    }

    /// What is below a place, in order.
    pub(super) async fn names(&self, place: &str) -> Result<Vec<String>, Fault> {
        let parent = self.at(place)?;
        let all = self.blobs.blob_list(&parent).await.map_err(|it| store(&it))?;
        Ok(all.iter().filter_map(|it| it.key.under(&parent)).map(str::to_owned).collect())
    }

    fn page(&self, number: u64) -> Result<BlobKey, Fault> {
        self.at(format!("book/{number:010}"))
    }

    /// Reads several at once.
    async fn all<T: DeserializeOwned>(&self, keys: Vec<BlobKey>) -> Result<Vec<Option<T>>, Fault> {
        let read = move |key: BlobKey| async move { self.read::<T>(&key).await };
        stream::iter(keys).map(read).buffered(AT_ONCE).try_collect().await
    }

    async fn read<T: DeserializeOwned>(&self, key: &BlobKey) -> Result<Option<T>, Fault> {
        let content = self.blobs.blob_get(key).await.map_err(|it| store(&it))?;
        let read = |it: Bytes| serde_json::from_slice(&it).map_err(|it| unreadable(key, &it));
        content.map(read).transpose()
    }
}
