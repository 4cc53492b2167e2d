//! One path, over all the files that it has had.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use weir_runtime::Stopwatch;

use super::head::{Mark, Position};
use super::lines::{Line, Piece, lines};
use super::rotated;

/// Bytes that are read at a time, besides the longest line.
const PIECE_BYTES: usize = 256 << 10;

/// What bounds the reading of all paths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) line_bytes_max: usize,
    pub(super) rotate_wait: Duration,
}

pub(super) struct Follow {
    path: PathBuf,
    pub(super) position: Position,
    /// `None`: it has to be found.
    file: Option<File>,
    /// Since when nothing came to a file that was rotated away, and how long it was then.
    quiet: Option<(Stopwatch, u64)>,
    /// There is no file any more, and all of it was read.
    pub(super) is_over: bool,
}

/// Lines that follow each other.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) lines: Vec<Line>,
    /// The number of the first, from 1.
    pub(super) first: u64,
    /// What was not read is gone.
    pub(super) is_cut: bool,
}

impl Follow {
    /// Goes on behind a position.
    pub(super) fn resume(path: PathBuf, position: Position) -> Self {
        Self { path, position, file: None, quiet: None, is_over: false }
    }

    /// Begins with a file.
    pub(super) fn new(path: PathBuf, is_from_end: bool) -> io::Result<Self> {
        let (file, after) = (File::open(&path)?, rotated::newest(&path)?);
        let position = match is_from_end {
            true => Position::end(&file, after)?,
            false => Position::beginning(&file, after, 0)?,
        };
        Ok(Self { file: Some(file), ..Self::resume(path, position) })
    }

    /// The next lines, if there are any by now.
    pub(super) fn read(&mut self, bounds: Bounds) -> io::Result<Found> {
        let mut is_cut = false;
        let is_known = match &self.file {
            // Of which nothing was read can't be told from one that took its place.
            Some(file) => self.position.has_head() && self.position.is_of(file)?,
            None => false,
        };
        if !is_known {
            is_cut = self.find()?;
        }
        let mut found = Found { first: self.position.lines + 1, is_cut, ..Found::default() };
        let Some(file) = &self.file else { return Ok(found) };
        let mut piece = vec![0; PIECE_BYTES + bounds.line_bytes_max];
        let read = file.read_at(&mut piece, self.position.offset)?;
        piece.truncate(read);
        let Position { offset: at, is_within, .. } = self.position;
        let mut piece = Piece { at, bytes: Bytes::from(piece), is_within, is_last: false };
        let mut taken = lines(&piece, bounds.line_bytes_max);
        if taken.bytes == 0 {
            if !self.was_left(read as u64, bounds.rotate_wait)? {
                return Ok(found);
            }
            // Nobody ends its last line any more.
            piece.is_last = true;
            taken = lines(&piece, bounds.line_bytes_max);
            if taken.bytes == 0 {
                self.succeed()?;
                return Ok(found);
            }
        } else {
            self.quiet = None;
        }
        self.position.offset += taken.bytes;
        self.position.lines += taken.lines.len() as u64;
        self.position.is_within = taken.is_within;
        if let Some(file) = &self.file {
            self.position.remember(file)?;
        }
        found.lines = taken.lines;
        Ok(found)
    }

    /// Looks for the file of the position, or what follows it. Whether it is gone, with what was not
    /// read of it.
    fn find(&mut self) -> io::Result<bool> {
        let is_begun = self.position.has_head();
        if is_begun && let Some(file) = rotated::find(&self.path, &self.position)? {
            (self.file, self.quiet) = (Some(file), None);
            return Ok(false);
        }
        let Some(next) = rotated::next_after(&self.path, self.position.after)? else {
            (self.file, self.is_over) = (None, true);
            return Ok(is_begun);
        };
        let next_position = Position::beginning(&next, self.position.after, self.position.lines)?;
        if self.file.is_none() || next_position != self.position {
            self.quiet = None;
        }
        (self.file, self.position) = (Some(next), next_position);
        Ok(is_begun)
    }

    /// Whether the path leads elsewhere, and the file was left alone for long enough.
    fn was_left(&mut self, rest: u64, wait: Duration) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let own = file.metadata()?;
        let is_left = match fs::metadata(&self.path) {
            Ok(there) => (there.dev(), there.ino()) != (own.dev(), own.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error),
        };
        if !is_left {
            self.quiet = None;
            return Ok(false);
        }
        match self.quiet {
            Some((since, length)) if length == rest => Ok(since.elapsed() >= wait),
            _ => {
                self.quiet = Some((Stopwatch::start(), rest));
                Ok(wait.is_zero())
            }
        }
    }

    /// Goes on with the file that came after.
    fn succeed(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let after = Mark::of(&file.metadata()?);
        let next = rotated::next_after(&self.path, after)?;
        match &next {
            Some(next) => self.position = Position::beginning(next, after, self.position.lines)?,
            None => self.is_over = true,
        }
        (self.file, self.quiet) = (next, None);
        Ok(())
    }
}
