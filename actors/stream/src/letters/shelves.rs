//! The kept letters of one workflow: looking at them, and asking for replays.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future;
use futures::stream::{self, Stream, StreamExt as _};
use weir_domain::{
    CommandId, Digest, Fault, Letter, LetterChoice, LetterId, LetterState, Replay, Replays,
    StageId, Timestamp, WorkflowName,
};
use weir_persistence_api::{BlobKey, BlobStore, Error};

use super::STORE;
use super::book::{Asked, Book, Page, Part, Pending, item_name};
use super::record::Left;
use super::sight::Sight;
use super::volume::{Entry, EntryPart, replay_of};

/// Letters that one request takes.
const TAKEN_MAX: usize = 10_000;

/// Blobs that are read at once.
pub(super) const AT_ONCE: usize = 8;
/// What one list reads, a small blob counted as more than it is: the way there takes as long.
const READ_BYTES_MAX: usize = 32 << 20;
pub(super) const READ_BYTES_LEAST: usize = 32 << 10;

/// How letters are to be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Not at all: they are only counted.
    Dry,
    /// By this version of the workflow, or what took its place; `None`: by any.
    ByVersion(Option<Digest>),
}

/// The letters of a workflow. Cheap to clone.
#[derive(Clone)]
pub struct Letters {
    pub(super) blobs: Arc<dyn BlobStore>,
    root: BlobKey,
}

impl Letters {
    pub fn new(blobs: Arc<dyn BlobStore>, workflow: &WorkflowName) -> Result<Self, Fault> {
        let root = key(format!("letters/{workflow}"))?;
        Ok(Self { blobs, root })
    }

    pub(super) fn kept(&self) -> Result<BlobKey, Fault> {
        self.at("kept")
    }

    pub(super) fn at(&self, path: impl std::fmt::Display) -> Result<BlobKey, Fault> {
        self.root.below(path).map_err(|it| Fault::config(STORE, it.to_string()))
    }

    /// The letters that fit and come before one, the newest first, no more than so many; and before which
    /// the next of them are, should there be some. Reads no more than what is bounded: there may be none
    /// among it, and more behind it.
    pub async fn list(
        &self,
        choice: &LetterChoice,
        before: Option<&LetterId>,
        limit: usize,
        sight: &Sight,
    ) -> Result<(Vec<Letter>, Option<LetterId>), Fault> {
        let (book, mut found) = (self.book().await?, Vec::new());
        let mut names = self.left(choice).await?;
        names.reverse();
        names.retain(|it| before.is_none_or(|before| *it <= before.left));
        let mut bytes = 0;
        let mut all = self.contents(names);
        while let Some((left, content)) = all.next().await.transpose()? {
            bytes += content.len().max(READ_BYTES_LEAST);
            let letters = readable(&left, &content);
            let letters = letters.map(|it| it.letters(|id| book.state_of(id), sight));
            let is_before = |it: &Letter| before.is_none_or(|before| it.id < *before);
            let letters = letters.into_iter().flatten().rev();
            found.extend(letters.filter(|it| is_before(it) && choice.fits(it)));
            if found.len() > limit {
                found.truncate(limit);
                let last = found.last().map(|it| it.id.clone());
                return Ok((found, last));
            }
            if bytes > READ_BYTES_MAX {
                // All of it was looked at: what is before its first.
                return Ok((found, Some(LetterId { left, number: 1 })));
            }
        }
        Ok((found, None))
    }

    /// What lies under these names, in their order, several read at once. What has gone is left out.
    pub(super) fn contents(
        &self,
        names: Vec<String>,
    ) -> impl Stream<Item = Result<(String, Bytes), Fault>> + Unpin + '_ {
        let read = move |left: String| async move {
            let content = self.blobs.blob_get(&self.at(format!("kept/{left}"))?).await;
            Ok(content.map_err(|it| store(&it))?.map(|it| (left, it)))
        };
        let all = stream::iter(names).map(read).buffered(AT_ONCE);
        Box::pin(all.filter_map(|it| future::ready(it.transpose())))
    }

    /// Has the letters that fit put through the workflow again. Durable when this returns.
    pub async fn replay(
        &self,
        choice: &LetterChoice,
        command: CommandId,
        (by, at): (String, Timestamp),
        how: How,
    ) -> Result<Replays, Fault> {
        loop {
            let book = self.book().await?;
            if let Some(entry) = book.entry_of(command) {
                return Ok(answer(entry));
            }
            let (parts, counted) = self.choose(choice, &book, true).await?;
            let answered = Replays { replays: replays(command, &parts), ..counted };
            let How::ByVersion(version) = how else { return Ok(answered) };
            let (by, asked) = (by.clone(), Asked::Replay(parts));
            let page = Page { command, by, at, asked, version };
            // First what is to run, then the page that makes it count: see L5.
            for part in page.parts() {
                let stage = part.stage.clone();
                let pending = Pending { page: book.next(), command, stage };
                let key = self.at(format!("pending/{pending}"))?;
                self.blobs.blob_put(&key, Bytes::from("{}")).await.map_err(|it| store(&it))?;
            }
            if self.write(book.next(), &page).await? {
                return Ok(answered);
            }
        }
    }

    /// Has nothing become of the letters that fit. Durable when this returns.
    pub async fn discard(
        &self,
        choice: &LetterChoice,
        command: CommandId,
        (by, at): (String, Timestamp),
        is_dry: bool,
    ) -> Result<Replays, Fault> {
        loop {
            let book = self.book().await?;
            if let Some(entry) = book.entry_of(command) {
                return Ok(Replays { replays: Vec::new(), ..answer(entry) });
            }
            let (parts, counted) = self.choose(choice, &book, false).await?;
            if is_dry {
                return Ok(counted);
            }
            let (by, asked) = (by.clone(), Asked::Discard(parts));
            let page = Page { command, by, at, asked, version: None };
            if self.write(book.next(), &page).await? {
                return Ok(counted);
            }
        }
    }

    /// Letters that fit and wait, by stage.
    async fn choose(
        &self,
        choice: &LetterChoice,
        book: &Book,
        is_whole: bool,
    ) -> Result<(Vec<Part>, Replays), Fault> {
        let (mut parts, mut counted) = (BTreeMap::<StageId, Part>::new(), Replays::default());
        let mut all = self.contents(self.left(choice).await?);
        'all: while let Some((left, content)) = all.next().await.transpose()? {
            let letters = readable(&left, &content);
            let letters = letters.map(|it| it.letters(|id| book.state_of(id), &Sight::Whole));
            for letter in letters.unwrap_or_default() {
                if !choice.fits(&letter) {
                } else if letter.state != LetterState::Waiting {
                    counted.not_waiting += 1;
                } else if letter.is_cut && is_whole {
                    counted.cut += 1;
                } else if counted.letters as usize == TAKEN_MAX {
                    counted.has_more = true;
                    break 'all;
                } else {
                    counted.letters += 1;
                    let new = || Part::new(letter.stage.clone());
                    parts.entry(letter.stage.clone()).or_insert_with(new).take(&letter.id);
                }
            }
        }
        Ok((parts.into_values().collect(), counted))
    }

    /// What the letters of a part are, in order; those that are gone or can't be read are left out.
    pub(super) async fn of_part(&self, part: &Part) -> Result<Vec<(Left, Vec<u32>)>, Fault> {
        let mut found = Vec::new();
        let mut all = self.contents(part.letters.keys().cloned().collect());
        while let Some((left, content)) = all.next().await.transpose()? {
            let numbers = part.letters.get(&left).cloned().unwrap_or_default();
            found.extend(readable(&left, &content).map(|it| (it, numbers)));
        }
        Ok(found)
    }

    /// What streams have left, the oldest first.
    pub(super) async fn left(&self, choice: &LetterChoice) -> Result<Vec<String>, Fault> {
        let parent = self.kept()?;
        let all = self.blobs.blob_list(&parent).await.map_err(|it| store(&it))?;
        let names = all.iter().filter_map(|it| it.key.under(&parent));
        Ok(names.filter(|it| choice.is_of(it)).map(str::to_owned).collect())
    }
}

fn replays(command: CommandId, parts: &[Part]) -> Vec<Replay> {
    parts.iter().map(|it| part_of_replay(command, &it.stage, it.count() as u64)).collect()
}

fn part_of_replay(command: CommandId, stage: &StageId, letters: u64) -> Replay {
    Replay { item: item_name(&replay_of(command, stage)), stage: stage.clone(), letters }
}

/// What was answered when the command came first.
fn answer(entry: &Entry) -> Replays {
    let replay = |it: &EntryPart| part_of_replay(entry.command, &it.stage, it.count());
    let replays: Vec<_> = entry.parts.iter().map(replay).collect();
    Replays { letters: replays.iter().map(|it| it.letters).sum(), replays, ..Replays::default() }
}

pub(super) fn to_bytes(content: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(content).expect("values with text keys become JSON").into()
}

pub(super) fn key(text: String) -> Result<BlobKey, Fault> {
    BlobKey::new(text).map_err(|error| Fault::config(STORE, error.to_string()))
}

pub(super) fn unreadable(key: &BlobKey, error: &(impl std::fmt::Display + ?Sized)) -> Fault {
    Fault::config(STORE, format!("{key} among the dead letters can't be read: {error}"))
}

pub(super) fn store(error: &Error) -> Fault {
    let message = format!("the kept dead letters can't be reached: {error}");
    match error.is_transient() {
        true => Fault::transient(STORE, message),
        false => Fault::config(STORE, message),
    }
}
/// What a stream left, if it can be read: what is damaged takes no other letters with it.
fn readable(left: &str, content: &[u8]) -> Option<Left> {
    let read = Left::read(left, content);
    read.inspect_err(|fault| {
        tracing::warn!(code = %fault.code, left, "dead letters can't be read, and are left out: {fault}");
    })
    .ok()
}
