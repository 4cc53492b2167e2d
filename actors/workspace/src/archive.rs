//! A project as one file: a ZIP archive with what a person wrote, and nothing of what lies beside it.
//!
//! Equal files make equal archives. What comes in is read into memory within bounds, whatever its headers say,
//! and judged as a whole before it has its name; what is exported can be imported.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io::{Cursor, Read as _, Write as _};
use std::ops::ControlFlow::{Break, Continue};
use std::path::{Component, Path};
use std::sync::TryLockError;

use weir_project::{AssetKind, PROJECT_FILE};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::assets::look;
use crate::disk;
use crate::error::{Error, Result};
use crate::projects::{ProjectDir, Workspace, refuse_sealed};
use crate::scalar::{self, Spot};
use crate::walk::{DEPTH_MAX, Met, walk};

const FILES_MAX: usize = 10_000;
/// Of all files together.
const BYTES_MAX: usize = 64 << 20;
/// A small file that becomes a large one is a bomb: text is packed to a tenth, seldom to less.
const RATIO_MAX: u64 = 200;
/// Below this nobody is hurt by what a file becomes.
const RATIO_FROM: u64 = 1 << 20;
const PATH_MAX: usize = 1_000;

/// The type of a file, as Unix has it in the mode of an entry.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Contents by their paths.
type Files = BTreeMap<String, Vec<u8>>;

impl Workspace {
    /// All files of a project but hidden ones and those of excluded directories.
    pub fn export(&self, project: &str) -> Result<Vec<u8>> {
        let root = self.project(project)?.dir;
        let exclude = look(&root)?.exclude;
        pack(&gather(&root, &exclude)?).map_err(|it| unusable(&it))
    }

    /// Makes a project of an archive, under its own name or another one.
    pub fn import(&self, archive: &[u8], name: Option<&str>) -> Result<ProjectDir> {
        let _alone = match self.importing.try_lock() {
            Ok(it) => it,
            Err(TryLockError::Poisoned(it)) => it.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let detail = "another archive is being imported";
                return Err(Error::conflict(detail, "do it again when that is done"));
            }
        };
        let mut files = rooted(unpack(archive)?)?;
        let _turn = self.turn();
        let project = files.get(PROJECT_FILE).map(|it| String::from_utf8_lossy(it).into_owned());
        let project = project.unwrap_or_default();
        let read = weir_project::survey_text(PROJECT_FILE, &project);
        let errors: Vec<_> = read.findings.iter().filter(|it| it.is_error()).cloned().collect();
        let frame = read.frame.filter(|it| it.kind == AssetKind::Project && errors.is_empty());
        let Some(frame) = frame else {
            return Err(Error::NoAsset { path: PROJECT_FILE.into(), findings: errors });
        };
        let wanted = self.free_name(name.unwrap_or(&frame.name), None)?;
        if wanted.as_str() != frame.name {
            let path = "metadata.name".to_owned();
            let spot = Spot { place: frame.name_place.clone(), path, is_key: false };
            let renamed = scalar::rename(&project, &[spot], &frame.name, wanted.as_str());
            let renamed = renamed.map_err(|place| {
                let reason =
                    format!("the name in {place} can't be changed here: import it as it is");
                Error::invalid("name", wanted.as_str(), reason)
            })?;
            files.insert(PROJECT_FILE.to_owned(), renamed.into_bytes());
        }
        self.make(&wanted, |at| {
            files.iter().try_for_each(|(path, content)| disk::fill(at, path, content))?;
            if wanted.as_str() != frame.name {
                refuse_sealed(&look(at)?, &frame.name)?;
            }
            disk::sync_all(at)
        })?;
        self.project(wanted.as_str())
    }
}

fn gather(root: &Path, exclude: &[String]) -> Result<Files> {
    let (mut files, mut held) = (Files::new(), 0_u64);
    let mut add = |path: &str, entry: &DirEntry| {
        if entry.file_name().to_str().is_none() {
            return Err(Error::invalid("path", path, "the name of a file is not UTF-8"));
        }
        let target = entry.path().canonicalize().map_err(Error::io(&entry.path(), "read"))?;
        // A link is what it leads to; one that leads out, or to a directory, is none of the project.
        if !target.starts_with(root) || !target.is_file() {
            return Ok(());
        }
        let bytes = fs::metadata(&target).map_err(Error::io(&target, "read"))?.len();
        if files.len() == FILES_MAX || bytes.saturating_add(held) > BYTES_MAX as u64 {
            return Err(too_large(path));
        }
        let content = fs::read(&target).map_err(Error::io(&target, "read"))?;
        held += content.len() as u64;
        files.insert(path.to_owned(), content);
        Ok(())
    };
    let gathered = walk(root, exclude, &mut |it| match it {
        Met::File(path, entry, _) => add(path, entry).map_or_else(Break, Continue),
        Met::Unread(path, error) => Break(Error::io(&path, "read")(error)),
        Met::TooDeep => {
            let detail = format!("directories of the project lie in more than {DEPTH_MAX} others");
            let hint = "move them up, or name those that hold data in spec.exclude";
            Break(Error::conflict(detail, hint))
        }
        Met::Directory(_) => Continue(()),
    });
    match gathered {
        Continue(()) => Ok(files),
        Break(error) => Err(error),
    }
}

fn pack(files: &Files) -> zip::result::ZipResult<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    for (path, content) in files {
        writer.start_file(path, options)?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}

fn unpack(archive: &[u8]) -> Result<Files> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).map_err(|it| unusable(&it))?;
    if archive.len() > FILES_MAX {
        return Err(too_many());
    }
    if archive.has_duplicate_names() {
        return Err(refuse("archive", "two files have one path: only one of them would be left"));
    }
    let (mut files, mut held) = (Files::new(), 0);
    let mut seen = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|it| unusable(&it))?;
        let path = entry.name().map_err(|it| unusable(&it))?.into_owned();
        let mode = entry.unix_mode().unwrap_or(0) & TYPE;
        let is_plain = mode == 0 || mode == REGULAR || mode == DIRECTORY;
        if entry.is_symlink() || !is_plain || entry.encrypted() {
            return Err(refuse(&path, "only plain files belong in the archive of a project"));
        }
        check(path.strip_suffix('/').unwrap_or(&path))?;
        if entry.is_dir() || path.split('/').any(|it| it.starts_with('.')) {
            continue;
        }
        if let Some(other) = seen.insert(path.to_lowercase(), path.clone()) {
            let reason = format!("it differs from {other} by its case alone");
            return Err(refuse(&path, &reason));
        }
        let (packed, left) = (entry.compressed_size(), BYTES_MAX - held);
        let mut content = Vec::new();
        // What counts is what comes out, and not what the archive says of it.
        let read = entry.take(left as u64 + 1).read_to_end(&mut content);
        read.map_err(|it| refuse(&path, &format!("it can't be unpacked: {it}")))?;
        let bytes = content.len() as u64;
        if content.len() > left {
            return Err(too_large(&path));
        }
        if bytes > RATIO_FROM && bytes / packed.max(1) > RATIO_MAX {
            let reason = format!("{packed} bytes become {bytes}: it is made to fill the disk");
            return Err(refuse(&path, &reason));
        }
        held += content.len();
        files.insert(path, content);
    }
    beside(&files)?;
    Ok(files)
}

/// Refuses a path that leads elsewhere, or that means different things on different systems.
fn check(path: &str) -> Result<()> {
    let mut parts = Path::new(path).components();
    let is_plain = parts.all(|it| matches!(it, Component::Normal(_)))
        && path.split('/').all(|it| !it.is_empty() && it != "." && it != "..");
    let is_odd = |it: char| it.is_control() || it == '\\' || it == ':';
    if !is_plain || path.contains(is_odd) {
        return Err(refuse(path, "its path is not one below the project's directory"));
    }
    if path.len() > PATH_MAX || path.split('/').count() > DEPTH_MAX {
        return Err(refuse(path, "its path is too long"));
    }
    Ok(())
}

/// Refuses a file whose path is that of a directory as well.
fn beside(files: &Files) -> Result<()> {
    let below = |path: &str| {
        let start = format!("{path}/");
        files.range(start.clone()..).next().is_some_and(|it| it.0.starts_with(&start))
    };
    match files.keys().find(|it| below(it)) {
        Some(path) => Err(refuse(path, "it is a file and a directory")),
        None => Ok(()),
    }
}

/// The files as seen from the project: archives are often made of a directory with all in it.
fn rooted(files: Files) -> Result<Files> {
    if files.contains_key(PROJECT_FILE) {
        return Ok(files);
    }
    let top = files.keys().next().and_then(|it| it.split_once('/')).map(|it| format!("{}/", it.0));
    let is_all = |top: &String| {
        files.keys().all(|it| it.starts_with(top))
            && files.contains_key(&(top.clone() + PROJECT_FILE))
    };
    let Some(top) = top.filter(is_all) else {
        return Err(refuse("archive", &format!("there is no {PROJECT_FILE} in it")));
    };
    Ok(files.into_iter().map(|(path, it)| (path[top.len()..].to_owned(), it)).collect())
}

fn refuse(given: &str, reason: &str) -> Error {
    let given: String = given.chars().take(200).collect();
    Error::invalid("archive", given, reason)
}

fn unusable(error: &ZipError) -> Error {
    let why = match error {
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            format!("{error}: files are stored or deflated, in one part and without a password")
        }
        ZipError::InvalidArchive(it) if it.contains("EOCD") => {
            "its end is missing or damaged: send the whole file".to_owned()
        }
        other => other.to_string(),
    };
    refuse("archive", &format!("it is no ZIP archive that can be used: {why}"))
}

fn too_many() -> Error {
    refuse("archive", &format!("it has more than {FILES_MAX} files"))
}

fn too_large(path: &str) -> Error {
    let reason = format!(
        "with it there are more than {FILES_MAX} files or {} MiB; name directories that hold data in \
         spec.exclude of {PROJECT_FILE}",
        BYTES_MAX >> 20
    );
    refuse(path, &reason)
}
