//! Reads the lines of all paths of a lane.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::{fs, mem};

use arrow::datatypes::SchemaRef;
use globset::GlobMatcher;
use serde::Deserialize as _;
use serde_json::json;
use weir_domain::Fault;
use weir_runtime::Stopwatch;
use weir_stream::{BadRecord, BuildContext, LiveRead, LiveReader, Share, Splits};

use super::codes;
use super::config::{TailConfig, TailStart};
use super::follow::{Bounds, Follow, Found};
use super::head::Position;
use super::kind::matcher;
use super::lines::Line;
use super::rotated::is_rotated;
use crate::messages::{Incoming, Intake};

/// Each has a file open.
const PATHS_MAX: usize = 500;

/// Stands in the position of a lane that has begun, where no file of a directory has its name: what it
/// finds later is new.
const BEGUN: &str = "/";

/// What compressed files end with.
const COMPRESSED: [&str; 6] = [".gz", ".zst", ".bz2", ".xz", ".lz4", ".Z"];

pub(super) struct Reader {
    intake: Intake,
    cx: BuildContext,
    share: Share,
    directory: PathBuf,
    matcher: GlobMatcher,
    interval: Duration,
    bounds: Bounds,
    /// Where those begin that were there already.
    start: TailStart,
    follows: BTreeMap<String, Follow>,
    /// Since all paths had nothing new.
    idle: Option<Stopwatch>,
    listed: Option<Stopwatch>,
    /// The path that was read last: others come first.
    last: String,
    /// Links lead to files as well.
    follows_links: bool,
}

impl Reader {
    pub(super) fn open(
        config: &TailConfig,
        cx: &BuildContext,
        intake: Intake,
        (share, from): (Share, &Splits),
    ) -> Result<Self, Fault> {
        Self::new(config, cx, intake, (share, from, true))
    }

    /// Without links: who looks sees the files of that directory alone.
    pub(super) fn peek(
        config: &TailConfig,
        cx: &BuildContext,
        intake: Intake,
    ) -> Result<Self, Fault> {
        Self::new(config, cx, intake, (Share::WHOLE, &Splits::new(), false))
    }

    fn new(
        config: &TailConfig,
        cx: &BuildContext,
        intake: Intake,
        (share, from, follows_links): (Share, &Splits, bool),
    ) -> Result<Self, Fault> {
        let directory = cx.path(&config.directory);
        let resume = |(name, position): (&String, _)| {
            let position = Position::deserialize(position).map_err(|error| {
                let message = format!("{name} can't be read on from {position}: {error}");
                Fault::config(codes::POSITION, message)
            })?;
            Ok((name.clone(), Follow::resume(directory.join(name), position)))
        };
        let files = from.iter().filter(|it| it.0 != BEGUN);
        let follows = files.map(resume).collect::<Result<BTreeMap<_, _>, Fault>>()?;
        // What came while nothing ran is read from its beginning.
        let start = if from.is_empty() { config.start } else { TailStart::Beginning };
        let mut reader = Self {
            intake,
            cx: cx.clone(),
            share,
            matcher: matcher(&config.glob).map_err(|it| Fault::config(codes::CONFIG, it))?,
            interval: Duration::from_millis(config.interval.0),
            bounds: Bounds {
                line_bytes_max: config.max_line.as_usize(),
                rotate_wait: Duration::from_millis(config.rotate_wait.0),
            },
            start,
            follows,
            idle: None,
            listed: None,
            last: String::new(),
            follows_links,
            directory,
        };
        reader.list()?;
        reader.start = TailStart::Beginning;
        Ok(reader)
    }

    /// Follows the paths that are new, and forgets those that are over.
    fn list(&mut self) -> Result<(), Fault> {
        self.listed = Some(Stopwatch::start());
        self.follows.retain(|_, it| !it.is_over);
        let names = self.names().map_err(|error| {
            let message = format!("{} can't be listed: {error}", self.directory.display());
            Fault::transient(codes::DIRECTORY, message)
                .with_hint("make the directory, and let the engine read it")
        })?;
        for name in names.into_iter().filter(|it| self.share.has(it)) {
            if self.follows.contains_key(&name) {
                continue;
            }
            if self.follows.len() >= PATHS_MAX {
                let message =
                    format!("more than {PATHS_MAX} files match in {}", self.directory.display());
                return Err(Fault::config(codes::DIRECTORY, message)
                    .with_hint("name fewer by `glob`, or set more `instances`"));
            }
            let path = self.directory.join(&name);
            match Follow::new(path, self.start == TailStart::End) {
                Ok(follow) => drop(self.follows.insert(name, follow)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.unread(&name, &error)),
            }
        }
        Ok(())
    }

    /// The paths that are meant, without rotated and compressed files.
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_file = |path: PathBuf| match self.follows_links {
                true => fs::metadata(path).is_ok_and(|it| it.is_file()),
                false => fs::symlink_metadata(path).is_ok_and(|it| it.is_file()),
            };
            let is_meant = self.matcher.is_match(&name)
                && !name.starts_with('.')
                && !COMPRESSED.iter().any(|it| name.ends_with(it));
            if is_meant && is_file(entry.path()) {
                names.push(name);
            }
        }
        let all = names.clone();
        names.retain(|name| !all.iter().any(|it| is_rotated(name, it)));
        names.sort();
        Ok(names)
    }

    fn unread(&self, name: &str, error: &io::Error) -> Fault {
        let path = self.directory.join(name);
        Fault::transient(codes::FILE, format!("{} can't be read: {error}", path.display()))
            .with_hint("let the engine read it")
    }

    /// The next lines of a path that has some.
    fn next(&mut self) -> Result<Option<(String, Found)>, Fault> {
        let (before, behind): (Vec<_>, Vec<_>) =
            self.follows.keys().cloned().partition(|it| *it <= self.last);
        for name in behind.into_iter().chain(before) {
            let Some(follow) = self.follows.get_mut(&name) else { continue };
            let found = follow.read(self.bounds);
            let found = found.map_err(|error| self.unread(&name, &error))?;
            if found.is_cut {
                let path = self.directory.join(&name).display().to_string();
                tracing::warn!(
                    code = "WEIR-04464",
                    path,
                    "a file was gone or truncated: what was not read of it is lost"
                );
            }
            if !found.lines.is_empty() {
                self.last.clone_from(&name);
                return Ok(Some((name, found)));
            }
        }
        Ok(None)
    }

    fn records(&mut self, name: &str, found: Found) -> Result<LiveRead, Fault> {
        let at = self.cx.clock.now();
        let (mut messages, mut numbers, mut long) = (Vec::new(), Vec::new(), Vec::new());
        let starts: BTreeMap<u64, u64> =
            (found.first..).zip(&found.lines).map(|(number, it)| (number, it.at)).collect();
        let address: Arc<str> = name.into();
        for (number, line) in (found.first..).zip(found.lines) {
            if line.is_long {
                long.push((number, line));
                continue;
            }
            numbers.push(number);
            messages.push(Incoming {
                body: line.body,
                address: Some(address.clone()),
                offset: i64::try_from(line.at).ok(),
                at: Some(at),
                ..Incoming::default()
            });
        }
        let mut read = self.intake.read_numbered(&messages, &numbers)?;
        read.bad.extend(long.into_iter().map(|(number, line)| self.too_long(number, &line)));
        read.bad.sort_by_key(|it| it.position);
        for bad in &mut read.bad {
            bad.line = Some(bad.position);
            bad.offset = starts.get(&bad.position).copied();
            bad.reason = format!("{name}: {}", mem::take(&mut bad.reason));
        }
        Ok(LiveRead::Records(read))
    }

    fn too_long(&self, position: u64, line: &Line) -> BadRecord {
        let kept = line.body.len().min(self.cx.limits.raw_bytes_max);
        let reason = format!("the line is longer than {} bytes", self.bounds.line_bytes_max);
        let raw = line.body.slice(..kept);
        BadRecord { position, line: None, offset: None, raw, raw_cut: true, reason }
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.intake.schema()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        if let Some(idle) = self.idle {
            let wait = self.interval.saturating_sub(idle.elapsed());
            if !wait.is_zero() {
                thread::sleep(wait.min(within));
                return Ok(LiveRead::Nothing);
            }
        }
        if self.listed.is_none_or(|it| it.elapsed() >= self.interval) {
            self.list()?;
        }
        match self.next()? {
            Some((name, found)) => {
                self.idle = None;
                self.records(&name, found)
            }
            None => {
                self.idle = Some(Stopwatch::start());
                Ok(LiveRead::Nothing)
            }
        }
    }

    fn splits(&self) -> Splits {
        let position = |it: &Follow| {
            serde_json::to_value(&it.position).expect("numbers and texts become JSON")
        };
        let files = self.follows.iter().map(|(name, it)| (name.clone(), position(it)));
        files.chain([(BEGUN.to_owned(), json!(true))]).collect()
    }
}
